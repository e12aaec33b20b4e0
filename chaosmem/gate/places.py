"""Where in the spec the thing stands that a finding is about: what a CI marks in the diff. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chaosmem.spec import nodes
from chaosmem.spec.model import Experiment
from chaosmem.verify.model import Finding


@dataclass(frozen=True, slots=True)
class Spot:
    """A line and a column of a file, both from 1; `file` relative to the repository."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Places:
    """The place of each check by its shown name; everything else is at the target."""

    checks: Mapping[str, Spot]
    target: Spot

    def of(self, finding: Finding) -> Spot:
        """The place of what `finding` is about."""
        return self.checks.get(finding.name, self.target)


def places(text: str, file: str, experiment: Experiment) -> Places:
    """Read the places from the spec's text; a check of the preset is where `preset:` stands."""
    document = nodes.read(text, file=file)

    def spot(*path: str | int) -> Spot:
        at = document.place(path, of_key=True)
        return Spot(file, at.line, at.column)

    written = isinstance(document.value.get("checks"), list)
    checks = {
        check.name or check.kind: spot("checks", i) if written else spot("preset")
        for i, check in enumerate(experiment.checks)
    }
    return Places(checks, spot("target"))
