"""gate.json: the decision for programs. Pure."""

from __future__ import annotations

import json

from chaosmem.gate.decision import Decision, Item
from chaosmem.report.words import plain

FORMAT = 1


def record(decision: Decision, directory: str) -> bytes:
    """The decision as JSON, UTF-8; `directory` is the run's."""
    compared = decision.baseline.compared
    found = {
        "format": FORMAT,
        "passed": decision.passed,
        "exit_code": int(decision.exit_code),
        "says": decision.says,
        "experiment": decision.verdict.experiment,
        "run_id": decision.verdict.run_id,
        "run_directory": directory,
        "verdict": str(decision.verdict.outcome),
        "regression": str(decision.regression) if decision.regression else None,
        "baseline": compared.baseline if compared else None,
        "fail_on": decision.policy.words.split(", "),
        "baseline_wish": decision.policy.baseline,
        "notes": list(decision.notes),
        "findings": [_item(item) for item in decision.items],
    }
    return _bytes(found)


def _item(item: Item) -> dict[str, object]:
    finding = item.finding
    return {
        "name": item.name,
        "check": finding.check,
        "source": item.source,
        "outcome": str(finding.outcome),
        "fails_the_gate": item.fails,
        "advisory": finding.advisory,
        "arm": finding.arm,
        "trial": finding.trial,
        "reason": plain(finding.reason),
    }


def refused(experiment: str, why: str, exit_code: int) -> bytes:
    """Where the run did not begin, or was not judged."""
    return _bytes(
        {
            "format": FORMAT,
            "passed": False,
            "exit_code": exit_code,
            "says": why,
            "experiment": experiment,
            "verdict": None,
            "regression": None,
            "findings": [],
        }
    )


def _bytes(found: dict[str, object]) -> bytes:
    return json.dumps(found, indent=1, ensure_ascii=True).encode() + b"\n"
