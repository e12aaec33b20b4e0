"""The numbers that a run gives to others: each family's name, unit and labels, defined once.

Prometheus and OpenTelemetry get the same rows under their own naming rules: `run.duration` in `s`
is `chaosmem_run_duration_seconds` there and `chaosmem.run.duration` here. docs/export.md is
written from this list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

RUN_LABELS = ("experiment", "run")
_UNITS = {"s": "seconds"}


@dataclass(frozen=True, slots=True)
class Family:
    """One named number of a run.

    Attributes:
        name: dotted, without the project's name in front.
        unit: UCUM; empty where the number has none.
        words: what it is, one sentence.
        labels: besides those of every family (`RUN_LABELS`).
        counter: it only grows while a run goes on.
    """

    name: str
    unit: str
    words: str
    labels: tuple[str, ...] = ()
    counter: bool = False

    @property
    def prometheus(self) -> str:
        """Its name in Prometheus."""
        parts = ["chaosmem", *self.name.split("."), _UNITS.get(self.unit, "")]
        return "_".join(filter(None, [*parts, "total" if self.counter else ""]))

    @property
    def otel(self) -> str:
        """Its name in OpenTelemetry."""
        return f"chaosmem.{self.name}"


@dataclass(frozen=True, slots=True)
class Row:
    """One number: `labels` are the values of the family's own labels, in their order.

    `t` is when it became true, in seconds of the run's clock.
    """

    family: Family
    labels: tuple[str, ...]
    value: float
    t: float


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one run."""

    experiment: str
    run: str
    rows: tuple[Row, ...]

    def of(self, family: Family) -> Iterator[Row]:
        """Those of one family."""
        return (row for row in self.rows if row.family is family)


ACTIVE = Family("run.active", "", "1 while the run goes on, 0 when it is over.")
START = Family("run.start_timestamp", "s", "When the run began, Unix time.")
DURATION = Family("run.duration", "s", "From the run's start to the end of its last phase.")
OUTCOME = Family(
    "run.outcome", "", "1 for the outcome of a run that is over, 0 for the others.", ("outcome",)
)
EXIT_CODE = Family("run.exit_code", "", "Exit code of a run that is over.")
TRIALS = Family(
    "run.trials", "", "Trials: planned, begun, and complete (all their phases ran).", ("state",)
)
UNDO_PENDING = Family("undo.pending", "", "Changes that are promised to be undone and are not yet.")
PHASE_ACTIVE = Family(
    "phase.active", "", "1: the phase in which a trial is now.", ("trial", "arm", "phase")
)
PHASE_DURATION = Family(
    "phase.duration", "s", "Measured length of a phase that has ended.", ("trial", "arm", "phase")
)
FAULT_ACTIVE = Family(
    "fault.active",
    "",
    "1 from a fault's acknowledged apply to its acknowledged undo, then 0.",
    ("trial", "fault", "fault_kind"),
)
FAULT_DURATION = Family(
    "fault.duration",
    "s",
    "How long a fault acted; NaN where its release was never acknowledged.",
    ("trial", "fault", "fault_kind"),
)
FINDING = Family(
    "finding.info",
    "",
    "1: what a check says of a trial that has ended.",
    ("trial", "arm", "check", "outcome", "advisory"),
)
FINDING_VALUE = Family(
    "finding.value",
    "",
    "Headline number of a check in a trial, in its unit (UCUM).",
    ("trial", "arm", "check", "unit"),
)
SAMPLES = Family("samples", "", "Readings of the targets so far.", counter=True)
CAPTURES = Family(
    "captures", "", "Profiles and dumps: taken, and failed.", ("result",), counter=True
)
TROUBLES = Family(
    "probe.troubles", "", "Times that a source of samples stopped answering.", ("source",), True
)
GUARDS = Family("guard.trips", "", "Guards that ended the run.", ("guard",), True)

FAMILIES = (
    ACTIVE,
    START,
    DURATION,
    OUTCOME,
    EXIT_CODE,
    TRIALS,
    UNDO_PENDING,
    PHASE_ACTIVE,
    PHASE_DURATION,
    FAULT_ACTIVE,
    FAULT_DURATION,
    FINDING,
    FINDING_VALUE,
    SAMPLES,
    CAPTURES,
    TROUBLES,
    GUARDS,
)


def grouped(runs: Iterable[Rows]) -> Iterator[tuple[Family, list[tuple[Rows, Row]]]]:
    """Each family that has rows, with those of all runs; a run that comes twice counts once."""
    once = {(run.experiment, run.run): run for run in runs}
    for family in FAMILIES:
        found = [(run, row) for run in once.values() for row in run.of(family)]
        if found:
            yield family, found


def table() -> str:
    """The families as a Markdown table, for docs/export.md."""
    lines = ["| Prometheus | OpenTelemetry | labels | meaning |", "| --- | --- | --- | --- |"]
    for family in FAMILIES:
        unit = f" ({family.unit})" if family.unit else ""
        labels = ", ".join(f"`{label}`" for label in family.labels)
        lines.append(
            f"| `{family.prometheus}` | `{family.otel}`{unit} | {labels} | {family.words} |"
        )
    return "\n".join(lines)
