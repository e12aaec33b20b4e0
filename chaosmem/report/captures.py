"""The captures of one kind of a trial, read once, and their stacks as one tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chaosmem.errors import ChaosmemError
from chaosmem.evidence.model import Trial
from chaosmem.profile import Options, Profile, read
from chaosmem.profile.stack_tree import Tree, plant

SAMPLES = {"heap": "inuse_space", "goroutine": "goroutine"}
"""The sample type that is told of each kind."""


@dataclass(frozen=True, slots=True, eq=False)
class Captures:
    """Captures in order of time.

    Attributes:
        kind: "heap" or "goroutine".
        moments: when each was taken ("baseline.end").
        profiles: each capture.
        tree: the stacks of all; `tree.own[i]` is of capture i.
    """

    kind: str
    moments: tuple[str, ...]
    profiles: tuple[Profile, ...]
    tree: Tree

    @property
    def totals(self) -> tuple[int, ...]:
        """Sum of each capture."""
        return tuple(int(own.sum()) for own in self.tree.own)

    @property
    def pair(self) -> tuple[int, int] | None:
        """Which two growth is told between, under pressure against before; None: too few."""
        if len(self.moments) < 2:  # noqa: PLR2004 - growth is between two
            return None
        places = {moment: i for i, moment in enumerate(self.moments)}
        base = places.get("baseline.end", 0)
        at = places.get("hold.end", len(self.moments) - 1)
        return None if base == at else (base, at)


def captures(kind: str, found: Sequence[tuple[str, Profile]]) -> Captures:
    """(moment, profile) of each capture, with their stacks.

    Raises:
        UsageError: a profile does not count what its kind counts.
    """
    profiles = tuple(profile for _, profile in found)
    tree = plant(profiles, Options(sample_index=SAMPLES[kind]))
    return Captures(kind, tuple(moment for moment, _ in found), profiles, tree)


def captured(trial: Trial, kind: str) -> tuple[Captures | None, tuple[str, ...]]:
    """The readable captures of one kind, and why others cannot be shown."""
    good: list[tuple[str, Profile]] = []
    bad: list[str] = []
    for capture in sorted(trial.captures, key=lambda c: c.end):
        if capture.profile != kind:
            continue
        try:
            good.append((capture.moment, read(trial.read(capture.file))))
        except (ChaosmemError, OSError, KeyError) as error:
            bad.append(f"{kind} at {capture.moment}: {capture.error or error}")
    if not good:
        return None, tuple(bad)
    try:
        return captures(kind, good), tuple(bad)
    except ChaosmemError as error:
        return None, (*bad, f"{kind} captures: {error}")
