from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import jsonschema
import pytest

from chaosmem.errors import Exit, UsageError
from chaosmem.gate.annotations import command, commands
from chaosmem.gate.decision import Decision, Looked, decide
from chaosmem.gate.places import Places, Spot, places
from chaosmem.gate.policy import BaselineWish, FailOn, Policy, fail_on
from chaosmem.gate.sarif import sarif
from chaosmem.history.against import Compared
from chaosmem.spec import loads
from chaosmem.verify.model import Finding, Outcome, Verdict, worst
from tests.gate.lab import SPEC

P, F, I = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE  # noqa: E741 - as in the field
SCHEMA = json.loads((Path(__file__).parent / "data" / "sarif-2.1.0-rtm.5.json").read_bytes())
CODES = {P: Exit.PASS, F: Exit.FAIL, I: Exit.INCONCLUSIVE}
SPOT = Spot("spec.yaml", 7, 3)


def finding(outcome: Outcome, *, name: str = "pause", advisory: bool = False) -> Finding:
    return Finding(name, name, outcome, "9 ms", "at most 5 ms", "5 ms", "it is", advisory=advisory)


def verdict(*findings: Finding, code: int | None = None) -> Verdict:
    outcome = worst(f.outcome for f in findings if not f.advisory)
    exit_code = CODES[outcome] if code is None else code
    return Verdict("r1", "cart", outcome, f"{outcome}: so it is.", findings, exit_code=exit_code)


def against(*findings: Finding) -> Looked:
    outcome = worst(f.outcome for f in findings if not f.advisory)
    label, says = "cart/default, revision 1", f"{outcome}: pause."
    return Looked(Compared("r1", "cart", label, ("a",), outcome, says, findings, CODES[outcome]))


def answer(
    outcomes: Sequence[Outcome],
    baseline: Outcome | None = None,
    rules: str = "",
    wish: BaselineWish = "optional",
) -> Decision:
    looked = against(finding(baseline)) if baseline else Looked(why_not="there is none")
    policy = Policy(fail_on([rules]), wish)
    return decide(verdict(*map(finding, outcomes)), looked, policy)


@pytest.mark.parametrize(
    ("outcomes", "baseline", "rules", "wish", "code"),
    [
        ([P, P], None, "", "optional", Exit.PASS),
        ([P, F], None, "", "optional", Exit.FAIL),
        ([P, I], None, "", "optional", Exit.INCONCLUSIVE),
        ([I, F], None, "", "optional", Exit.FAIL),
        ([I, F], None, "inconclusive", "optional", Exit.INCONCLUSIVE),
        ([I, F], None, "regression", "optional", Exit.PASS),
        ([P], F, "", "optional", Exit.FAIL),
        ([P], F, "fail,inconclusive", "optional", Exit.PASS),
        ([I], F, "", "optional", Exit.FAIL),
        ([P], I, "", "optional", Exit.PASS),
        ([P], I, "", "required", Exit.INCONCLUSIVE),
        ([P], I, "fail", "required", Exit.PASS),
        ([P], None, "", "required", Exit.INCONCLUSIVE),
        ([P], None, "", "none", Exit.PASS),
    ],
)
def test_the_gates_code_follows_from_outcomes_and_rules(
    *, outcomes: list[Outcome], baseline: Outcome | None, rules: str, wish: BaselineWish, code: Exit
) -> None:
    assert answer(outcomes, baseline, rules, wish).exit_code is code


def test_by_default_everything_fails_the_gate() -> None:
    assert fail_on([]) == frozenset(FailOn)
    assert fail_on(["fail", "regression, fail"]) == {FailOn.FAIL, FailOn.REGRESSION}
    with pytest.raises(UsageError, match="'flaky' is not known"):
        fail_on(["fail,flaky"])


@pytest.mark.parametrize("code", [Exit.ABORTED, Exit.UNDO_INCOMPLETE])
def test_an_abort_and_an_open_undo_shut_the_gate_whatever_its_rules(code: Exit) -> None:
    lax = Policy(frozenset({FailOn.REGRESSION}), "none")
    assert decide(verdict(finding(P), code=code), Looked(), lax).exit_code is code


def test_a_verdict_without_a_finding_shows_nothing_and_shuts_the_gate() -> None:
    assert decide(verdict(), Looked(why_not="-"), Policy()).exit_code is Exit.INCONCLUSIVE


def test_advisory_findings_never_fail_the_gate_here_or_against_the_baseline() -> None:
    advisory = finding(F, name="gc-cpu", advisory=True)
    looked = against(finding(P), advisory)
    decision = decide(verdict(finding(P), advisory), looked, Policy(baseline="required"))
    assert decision.exit_code is Exit.PASS
    assert [i.fails for i in decision.items] == [False] * 4


def test_what_is_let_through_is_said_by_name() -> None:
    decision = answer([F], rules="regression")
    assert decision.notes[:2] == (
        "the verdict is FAIL; the gate fails on regression only",
        "let through: FAIL pause: it is",
    )


def test_a_pass_without_a_comparison_claims_nothing_about_a_regression() -> None:
    assert answer([P]).says.endswith("Nothing is said about a regression.")
    assert answer([P], I).says.endswith("Nothing is said about a regression.")
    assert answer([P], P).says.endswith("Against the baseline: PASS: pause.")


def _results(decision: Decision) -> list[dict[str, object]]:
    log = json.loads(sarif(decision, Places({}, SPOT)))
    jsonschema.Draft4Validator(SCHEMA).validate(log)
    results: list[dict[str, object]] = log["runs"][0]["results"]
    return results


def test_sarif_tells_failing_from_let_through_and_from_undecided() -> None:
    decision = decide(
        verdict(finding(F), finding(F, name="gc-cpu", advisory=True), finding(I, name="rss")),
        Looked(),
        Policy(),
    )
    told = [(r["ruleId"], r["kind"], r.get("level")) for r in _results(decision)]
    assert told == [
        ("check/pause", "fail", "error"),
        ("check/gc-cpu", "fail", "note"),
        ("check/rss", "open", None),
    ]


def test_what_passed_is_no_alert() -> None:
    assert _results(answer([P, P], P)) == []


def test_the_same_finding_of_another_run_is_the_same_alert() -> None:
    first, again = (_results(answer([F])) for _ in range(2))
    assert first[0]["partialFingerprints"] == again[0]["partialFingerprints"]
    regression = _results(answer([P], F))
    assert first[0]["partialFingerprints"] != regression[0]["partialFingerprints"]


def test_a_targets_words_cannot_begin_a_command_of_the_ci() -> None:
    hostile = Finding("pause", "pause", F, "\n::stop-commands::x", "%0A::error::", "", "a\r\nb%")
    lines = list(commands(decide(verdict(hostile), Looked(), Policy()), Places({}, SPOT)))
    assert all("\n" not in line and "\r" not in line for line in lines)
    assert lines[0].startswith(
        "::error file=spec.yaml,line=7,col=3,title=pause::FAIL pause: a b%25"
    )
    assert "%250A::error::" in lines[0]


def test_colons_and_commas_of_a_property_are_escaped() -> None:
    spot = Spot("a,b:c.yaml", 1, 1)
    assert command("error", "x", spot) == "::error file=a%2Cb%3Ac.yaml,line=1,col=1::x"


def test_a_check_is_found_at_its_line_and_the_run_at_its_target() -> None:
    found = places(SPEC, "spec.yaml", loads(SPEC, name="spec.yaml").experiment)
    lines = SPEC.splitlines()
    at = found.of(finding(F, name="goroutine-recovery"))
    assert "goroutine-recovery" in lines[at.line - 1]
    assert lines[found.of(finding(F, name="run-end")).line - 1] == "target:"


def test_a_check_of_the_preset_is_found_at_the_preset() -> None:
    text = SPEC.split("phases:")[0] + "preset: quick\nfaults: [goroutines: {count: 300}]\n"
    found = places(text, "spec.yaml", loads(text, name="spec.yaml").experiment)
    at = found.of(finding(F, name="goroutine-recovery"))
    assert text.splitlines()[at.line - 1] == "preset: quick"
