"""SARIF 2.1.0 (OASIS), so that a code host shows findings at their line of the spec. Pure.

A FAIL that fails the gate has level `error`, one that does not `note`. INCONCLUSIVE is of the kind
`open` ("evaluated, not enough to decide", section 3.27.9); such a result must have no level of its
own, so readers that know no kinds take the rule's, which is `warning`. What passed is counted, not
listed: readers that know no kinds would show it as an alert.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from chaosmem import __version__
from chaosmem.report.words import plain
from chaosmem.spec.errors import Problem, Severity
from chaosmem.verify.model import Outcome

if TYPE_CHECKING:
    from chaosmem.gate.decision import Decision, Item
    from chaosmem.gate.places import Places, Spot

Json = Mapping[str, object]
SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
SPEC_RULE: Final = "spec"


def sarif(decision: Decision, places: Places) -> bytes:
    """The decision as a SARIF log with one run, UTF-8."""
    items = [i for i in decision.items if i.finding.outcome is not Outcome.PASS]
    results = [_result(i, places, decision.verdict.experiment) for i in items]
    properties = {
        "passed": decision.passed,
        "says": plain(decision.says),
        "verdict": str(decision.verdict.outcome),
        "runId": decision.verdict.run_id,
        "checksPassed": len(decision.items) - len(items),
        "notes": [plain(note) for note in decision.notes],
    }
    return _log(_rules(items), results, int(decision.exit_code), properties)


def _rules(items: Iterable[Item]) -> list[Json]:
    named = {_rule_id(i): i for i in items}
    return [_rule(identity, _describe(i)) for identity, i in named.items()]


def _describe(item: Item) -> str:
    if item.source == "baseline":
        return f"{item.finding.check}: as in the approved baseline"
    return f"{item.finding.check}: {plain(item.finding.expected) or 'the run is whole'}"


def _rule(identity: str, words: str) -> Json:
    return {
        "id": identity,
        "shortDescription": {"text": words},
        "defaultConfiguration": {"level": "warning"},
    }


def _rule_id(item: Item) -> str:
    return f"{item.source}/{item.finding.check}"


def _result(item: Item, places: Places, experiment: str) -> Json:
    finding = item.finding
    level = {"level": "error" if item.fails else "note"}
    undecided = finding.outcome is Outcome.INCONCLUSIVE
    made: dict[str, object] = {
        "ruleId": _rule_id(item),
        "kind": "open" if undecided else "fail",
        "message": {"text": message(item)},
        "locations": [_location(places.of(finding))],
        "partialFingerprints": {"chaosmem/v1": _print(item, experiment)},
        "properties": {"failsTheGate": item.fails, "advisory": finding.advisory},
    }
    return made if undecided else made | level


def message(item: Item) -> str:
    """The finding in a sentence or two."""
    finding = item.finding
    where = ", ".join(
        words
        for words in (
            f"arm {finding.arm}" if finding.arm not in ("", "default") else "",
            f"trial {finding.trial}" if finding.trial is not None else "",
            finding.target,
        )
        if words
    )
    advisory = "advisory, " if finding.advisory else ""
    place = f" ({advisory}{where})" if where or advisory else ""
    seen = f"; observed: {finding.observed}; expected: {finding.expected}"
    return plain(f"{finding.outcome} {item.name}{place}: {finding.reason}{seen}")


def _print(item: Item, experiment: str) -> str:
    """The same finding of another run is the same alert: no trial, no pod's name in it."""
    parts = (experiment, item.source, item.finding.name, item.finding.arm)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _location(spot: Spot) -> Json:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(spot.file, safe="/:%"), "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": spot.line, "startColumn": spot.column},
        }
    }


def of_problems(problems: Iterable[Problem], exit_code: int, says: str = "") -> bytes:
    """What is wrong with specs, as a SARIF log."""
    listed = list(problems)
    rules = [_rule(SPEC_RULE, "the spec can be understood, and its plan is possible")]
    results = [_of_problem(p) for p in listed]
    return _log(rules if listed else [], results, exit_code, {"says": plain(says)})


def _of_problem(problem: Problem) -> Json:
    from chaosmem.gate.places import Spot  # noqa: PLC0415 - needs nothing of a run

    words = f"{problem.path}: {problem.message}" if problem.path else problem.message
    return {
        "ruleId": SPEC_RULE,
        "kind": "fail",
        "level": "error" if problem.severity is Severity.ERROR else "warning",
        "message": {"text": plain(words)},
        "locations": [_location(Spot(problem.file, problem.line, problem.column))],
    }


def _log(rules: list[Json], results: list[Json], exit_code: int, properties: Json) -> bytes:
    run = {
        "tool": {"driver": {"name": "chaosmem", "version": __version__, "rules": rules}},
        "invocations": [{"executionSuccessful": exit_code in (0, 1, 3), "exitCode": exit_code}],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": properties,
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1, ensure_ascii=True).encode() + b"\n"
