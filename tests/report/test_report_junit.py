from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosmem.report import junit
from chaosmem.verify.model import Outcome, Verdict, worst
from tests.report import sample

SCHEMA = xmlschema.XMLSchema(Path(__file__).parent / "data" / "junit-10.xsd")


def root(verdict: Verdict, **kind: object) -> ET.Element:
    return ET.fromstring(junit(verdict, sample.evidence(**kind)))  # type: ignore[arg-type]  # noqa: S314 - our own


@pytest.mark.parametrize("hostile", [False, True], ids=["tame", "hostile"])
@pytest.mark.parametrize("kind", ["healthy", "leak", "aborted"])
def test_the_xml_is_valid_by_the_schema_that_jenkins_publishes(
    kind: sample.Kind, hostile: bool
) -> None:
    evidence = sample.evidence(kind, trials=2, arms=("default", "madvise"), hostile=hostile)
    SCHEMA.validate(junit(sample.verdict(evidence), evidence).decode())


def test_the_schema_would_notice_a_wrong_document() -> None:
    evidence = sample.evidence()
    broken = junit(sample.verdict(evidence), evidence).replace(b"<testcase name=", b"<testcase n=")
    assert not SCHEMA.is_valid(broken.decode())


def test_a_failed_check_is_a_failure_and_an_advisory_one_is_skipped() -> None:
    verdict = sample.verdict(sample.evidence("leak"))
    found = root(verdict, kind="leak")
    (failure,) = found.findall(".//failure")
    assert failure.get("message", "").startswith("210 goroutines are blocked")
    (skipped,) = found.findall(".//skipped")
    assert skipped.get("message", "").startswith("advisory: INCONCLUSIVE: 43 pauses")
    assert found.get("failures") == "1"


def test_an_inconclusive_check_is_an_error_unless_asked_otherwise() -> None:
    evidence = sample.evidence("aborted")
    verdict = sample.verdict(evidence)
    types = [e.get("type") for e in root(verdict, kind="aborted").iter("error")]
    assert types == ["aborted", "not-undone", "inconclusive"]
    lenient = ET.fromstring(junit(verdict, evidence, inconclusive="skipped"))  # noqa: S314 - our own
    assert [e.get("type") for e in lenient.iter("error")] == ["aborted", "not-undone"]


def test_characters_that_xml_cannot_carry_become_replacement_characters() -> None:
    evidence = sample.evidence("aborted", hostile=True)
    evidence = replace(evidence, facts={"log": "a\x00b\x1b[31m\ud800\ufffe\x85"})
    found = ET.fromstring(junit(sample.verdict(evidence), evidence))  # noqa: S314 - our own
    values = {p.get("name"): p.get("value") for p in found.iter("property")}
    assert values["log"] == "a\ufffdb\ufffd[31m\ufffd\ufffd\x85"


def test_counts_are_those_of_the_cases() -> None:
    evidence = sample.evidence("leak", trials=3, arms=("default", "madvise"))
    found = ET.fromstring(junit(sample.verdict(evidence), evidence))  # noqa: S314 - our own
    assert found.get("tests") == str(len(list(found.iter("testcase"))))
    for suite in found.iter("testsuite"):
        assert suite.get("tests") == str(len(suite.findall("testcase")))
        assert suite.get("skipped") == str(len(suite.findall("testcase/skipped")))


OUTCOMES = st.lists(st.tuples(st.sampled_from(list(Outcome)), st.booleans()), max_size=4)


@settings(deadline=None)
@given(OUTCOMES, st.sampled_from([None, *Outcome]))
def test_a_ci_is_red_exactly_if_the_exit_code_is_not_zero(
    outcomes: list[tuple[Outcome, bool]], summary: Outcome | None
) -> None:
    evidence = sample.evidence(rate=1)
    some = sample.verdict(evidence).findings[0]
    findings = tuple(replace(some, outcome=o, advisory=a) for o, a in outcomes)
    deciding = [o for o, a in outcomes if not a] + ([summary] if summary else [])
    outcome = worst(deciding)
    code = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INCONCLUSIVE: 3}[outcome]
    verdict = Verdict("r", "x", outcome, "says", findings, exit_code=code)
    found = ET.fromstring(junit(verdict, evidence))  # noqa: S314 - our own
    red = int(found.get("failures", "0")) + int(found.get("errors", "0"))
    assert (red > 0) == (code != 0)
