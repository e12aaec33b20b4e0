"""A valid small spec, section by section, for tests that change one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from chaosmem import spec

CASES = Path(__file__).parent / "cases"

SECTIONS = {
    "apiVersion": "chaosmem/v1",
    "kind": "Experiment",
    "metadata": "{name: x}",
    "target": "{process: {command: [./app]}}",
    "phases": "{baseline: 5s, inject: 2s, hold: 4s, recover: 8s}",
    "faults": "[{heap: {retain: 64MiB, churn: 80MiB/s}}]",
    "captures": "[{profile: heap, at: [baseline.end, hold.end, recover.end]}]",
    "checks": "[no-restart]",
}


def written(**changes: str) -> str:
    """YAML text of a valid spec, one line a section, with `changes`."""
    return "".join(f"{key}: {value}\n" for key, value in (SECTIONS | changes).items())


def said(text: str) -> list[str]:
    """Errors and warnings about `text`, line by line: `line:column: path: message`."""
    try:
        problems = spec.loads(text, name="f").warnings
    except spec.SpecInvalid as invalid:
        problems = invalid.problems
    return [str(problem).removeprefix("f:") for problem in problems]


def loaded(text: str) -> spec.Experiment:
    """Read the experiment; fail the test where the text has problems."""
    assert said(text) == []
    return spec.loads(text, name="f").experiment


@dataclass(frozen=True, slots=True)
class Case:
    """Sections that are changed, and every line that is then said."""

    changes: Mapping[str, str]
    says: tuple[str, ...]


def table(name: str) -> dict[str, Case]:
    """The cases of `cases/NAME.yaml` by their names."""
    rows = yaml.safe_load((CASES / f"{name}.yaml").read_text("utf-8"))
    return {key: Case(row, tuple(row.pop("says"))) for key, row in rows.items()}
