"""JUnit XML, so that any CI shows each check as a test.

The form is the one that Jenkins' xunit plugin publishes as `junit-10.xsd`; GitLab, Azure DevOps
and others read the same elements. A CI that looks at nothing but this file must not go green
unless the verdict is PASS: see `_run_suite`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET

from chaosmem.errors import Exit
from chaosmem.evidence.model import Evidence, RunState, Trial
from chaosmem.report.words import ending, not_undone, pointer, says
from chaosmem.verify.model import Finding, Outcome, Verdict

Kind = Literal["failure", "error", "skipped"]

# What XML 1.0 cannot say, not even as a reference (section 2.2, Char).
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class _Case:
    """One test case; `kind` None is a success."""

    name: str
    classname: str
    kind: Kind | None = None
    type: str = ""
    message: str = ""
    body: str = ""


def junit(
    verdict: Verdict, evidence: Evidence, *, inconclusive: Literal["error", "skipped"] = "error"
) -> bytes:
    """The verdict as JUnit XML, UTF-8.

    FAIL is a `failure`. INCONCLUSIVE is an `error` of type `inconclusive`, so that a CI does not
    go green on it, unless `inconclusive` says otherwise. An advisory check that did not pass is
    `skipped` with its outcome as the message.
    """
    root = ET.Element("testsuites", name=_clean(verdict.experiment))
    cases = [_case(verdict, f, inconclusive) for f in verdict.findings]
    suites = [_run_suite(verdict, evidence, cases, inconclusive)]
    for trial in evidence.trials:
        own = [c for c, f in zip(cases, verdict.findings, strict=True) if f.trial_key == trial.key]
        suites.append(_suite(_trial_name(verdict, trial), own, evidence, _seconds(trial)))
    root.extend(suites)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _trial_name(verdict: Verdict, trial: Trial) -> str:
    return f"{verdict.experiment} [{trial.arm}, trial {trial.trial}]"


def _case(verdict: Verdict, finding: Finding, inconclusive: Kind) -> _Case:
    classname = ".".join(p for p in ("chaosmem", verdict.experiment, finding.arm) if p)
    kind, type_ = _kind(finding, inconclusive)
    word = f"advisory: {finding.outcome}: " if finding.advisory else ""
    message = f"{word}{finding.reason or finding.observed}" if kind else ""
    return _Case(finding.name, classname, kind, type_, message, _body(finding))


def _kind(finding: Finding, inconclusive: Kind) -> tuple[Kind | None, str]:
    if finding.outcome is Outcome.PASS:
        return None, ""
    if finding.advisory:
        return "skipped", "advisory"
    if finding.outcome is Outcome.FAIL:
        return "failure", finding.check
    return inconclusive, "inconclusive"


def _body(finding: Finding) -> str:
    pairs = [
        ("observed", finding.observed),
        ("expected", finding.expected),
        ("threshold", finding.threshold),
        ("reason", finding.reason),
        *(("evidence", pointer(p)) for p in finding.evidence),
    ]
    return "\n".join(f"{name}: {words}" for name, words in pairs if words)


def _run_suite(
    verdict: Verdict, evidence: Evidence, cases: Sequence[_Case], inconclusive: Kind
) -> ET.Element:
    """Checks of the whole run, its end and its undo, and, where no other case is red, the verdict.

    Too few trials, or no finding at all, make a verdict INCONCLUSIVE although no case says so.
    """
    trials = {t.key for t in evidence.trials}
    own = [
        c for c, f in zip(cases, verdict.findings, strict=True) if f.trial_key not in trials
    ] + list(_run_cases(evidence))
    red = any(c.kind in {"failure", "error"} for c in (*cases, *own))
    skips = inconclusive == "skipped" and verdict.exit_code == Exit.INCONCLUSIVE
    if not red and not skips and verdict.exit_code != Exit.PASS:
        fails = verdict.outcome is Outcome.FAIL
        kind: Kind = "failure" if fails else "error"
        type_ = "verdict" if fails else "inconclusive"
        own.append(_Case("verdict", "chaosmem.run", kind, type_, says(verdict), says(verdict)))
    return _suite(verdict.experiment, own, evidence, sum(map(_seconds, evidence.trials)))


def _run_cases(evidence: Evidence) -> Iterable[_Case]:
    ended: Kind | None = None if evidence.end.state is RunState.COMPLETED else "error"
    words = ending(evidence)
    yield _Case("run-completed", "chaosmem.run", ended, str(evidence.end.state), words, words)
    left = not_undone(evidence)
    names = "; ".join(f"{u.what}: {u.error}" if u.error else u.what for u in left)
    undone: Kind | None = "error" if left else None
    yield _Case("undo-complete", "chaosmem.run", undone, "not-undone", names, names)


def _suite(name: str, cases: Sequence[_Case], evidence: Evidence, seconds: float) -> ET.Element:
    suite = ET.Element("testsuite", name=_clean(name), tests=str(len(cases)))
    for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(attribute, str(sum(c.kind == kind for c in cases)))
    suite.set("time", f"{seconds:.3f}")
    suite.set("timestamp", _clean(evidence.started))
    properties = ET.SubElement(suite, "properties")
    for key, value in (("run", evidence.run_id), *evidence.facts.items()):
        ET.SubElement(properties, "property", name=_clean(key), value=_clean(value))
    for case in cases:
        _element(suite, case)
    return suite


def _element(suite: ET.Element, case: _Case) -> None:
    element = ET.SubElement(
        suite, "testcase", name=_clean(case.name), classname=_clean(case.classname)
    )
    if case.kind:
        result = ET.SubElement(
            element, case.kind, type=_clean(case.type), message=_clean(case.message)
        )
        result.text = _clean(case.body)
    elif case.body:
        ET.SubElement(element, "system-out").text = _clean(case.body)


def _seconds(trial: Trial) -> float:
    return max((w.end for w in trial.phases.values()), default=0.0) - min(
        (w.start for w in trial.phases.values()), default=0.0
    )


def _clean(text: str) -> str:
    """`text` with what XML cannot carry shown as U+FFFD."""
    return _NOT_XML.sub("\ufffd", text)
