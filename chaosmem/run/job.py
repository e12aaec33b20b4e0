"""What to run: an experiment with its plan and its program, resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chaosmem.plan.model import Plan
from chaosmem.spec.model import Experiment


@dataclass(frozen=True, slots=True)
class Job:
    """What to run, resolved: `program` is the owned target's argument list (empty: endpoint)."""

    experiment: Experiment
    text: str
    plan: Plan
    program: tuple[str, ...]
    cwd: Path
    facts: Mapping[str, str]
