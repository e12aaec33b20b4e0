"""What the history keeps of a run, and what is asked of it. Plain values, nothing is done here.

Outcomes are the words of `chaosmem.verify.model.Outcome`, kept as text: reading ten thousand rows
must not pay for the verifier's import.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

OutcomeWord = Literal["PASS", "FAIL", "INCONCLUSIVE"]
PASS: OutcomeWord = "PASS"  # noqa: S105 - an outcome, no password
FAIL: OutcomeWord = "FAIL"
INCONCLUSIVE: OutcomeWord = "INCONCLUSIVE"
_WORST_LAST: tuple[OutcomeWord, ...] = (PASS, INCONCLUSIVE, FAIL)


def outcome_word(text: str) -> OutcomeWord:
    """An outcome as the database has it; what is no outcome decides nothing."""
    return next((word for word in _WORST_LAST if word == text), INCONCLUSIVE)


def worst(outcomes: list[OutcomeWord]) -> OutcomeWord:
    """FAIL > INCONCLUSIVE > PASS; of nothing INCONCLUSIVE."""
    return max(outcomes, key=_WORST_LAST.index, default=INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Judged:
    """What one check said of one trial, as the verdict has it.

    `subject` is what stays the same from month to month: the workload of a pod, else the target.
    `value` and `error` (half-width) are the headline number in `unit`, None without one.
    """

    check: str
    name: str
    outcome: OutcomeWord
    observed: str = ""
    expected: str = ""
    reason: str = ""
    advisory: bool = False
    arm: str = ""
    trial: int | None = None
    target: str = ""
    subject: str = ""
    value: float | None = None
    unit: str = ""
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """One check of one run over the trials of an arm: one point of a trend.

    `value` is the median of the trials' headline numbers, `error` the largest of theirs: no median
    is farther off than the worst of its values. `counted` of `trials` gave a number.
    """

    name: str
    check: str
    arm: str
    subject: str
    outcome: OutcomeWord
    advisory: bool
    trials: int
    counted: int
    value: float | None = None
    unit: str = ""
    error: float | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two levels of two runs the same question."""
        return self.name, self.arm, self.subject


@dataclass(frozen=True, slots=True)
class Run:
    """One run as its directory tells it; `run_id` is its identity.

    `started` is UTC, RFC 3339 with microseconds, so that text order is time order.
    `spec` is the experiment as understood, canonical JSON; `spec_sha256` that of its text.
    `facts` are what was measured or read; `said` what a person added at the import.
    """

    run_id: str
    experiment: str
    spec_sha256: str
    spec: str
    started: str
    state: str
    outcome: OutcomeWord
    exit_code: int
    says: str
    facts: Mapping[str, str]
    targets: tuple[str, ...]
    findings: tuple[Judged, ...]
    levels: tuple[Level, ...]
    directory: str = ""
    said: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A run as `history list` shows it."""

    run_id: str
    experiment: str
    spec_sha256: str
    started: str
    state: str
    outcome: OutcomeWord
    exit_code: int
    says: str
    go: str
    version: str
    image: str
    host: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs are asked for; empty fields ask for all. Times as `Run.started`."""

    experiment: str = ""
    since: str = ""
    until: str = ""
    outcome: str = ""
    target: str = ""
    version: str = ""
    image: str = ""
    spec: str = ""
    """First digits of the spec's SHA-256."""
    newest: int | None = None
    """At most this many, the newest."""


@dataclass(frozen=True, slots=True)
class Point:
    """One run's level of one check, in a trend."""

    run_id: str
    started: str
    spec_sha256: str
    check: str
    arm: str
    subject: str
    outcome: OutcomeWord
    value: float | None
    unit: str
    error: float | None
    version: str
    image: str
    go: str

    @property
    def counts(self) -> bool:
        """Whether its number says something: what was not decided has shown none."""
        return self.value is not None and self.outcome != INCONCLUSIVE


@dataclass(frozen=True, slots=True)
class Baseline:
    """A set of runs that others are held against; approved by a person, or not yet.

    Each `record` makes a new revision; what was approved never changes afterwards.
    """

    experiment: str
    name: str
    revision: int
    spec_sha256: str
    recorded: str
    recorded_by: str
    runs: tuple[str, ...] = ()
    approved: str = ""
    approved_by: str = ""
    note: str = ""

    @property
    def label(self) -> str:
        """`cart/default, revision 3`."""
        return f"{self.experiment}/{self.name}, revision {self.revision}"
