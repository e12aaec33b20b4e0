"""Run directories made literally: a month a run, one check with a number, whatever verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chaosmem import rundir, verify
from chaosmem.history import reading
from chaosmem.history.model import Run
from chaosmem.rundir import RunDir, events, layout
from chaosmem.rundir.journal import encode
from chaosmem.verify.model import Finding, Number, Outcome, Verdict, worst
from tests.verify import build as verified

FIRST = datetime(2025, 1, 1, 12, tzinfo=UTC)
SHA = "ab" * 32


def run_id(number: int) -> str:
    """The id of the run of that month."""
    return f"{at(number):%Y%m%dT%H%M%SZ}-{number:06x}"


def at(number: int) -> datetime:
    """When the run of that month started."""
    return FIRST + timedelta(days=30 * number)


def finding(
    value: float | None = 2.0,
    *,
    check: str = "goroutine-recovery",
    outcome: Outcome = Outcome.PASS,
    error: float | None = None,
    unit: str = "s",
    trial: int = 1,
    arm: str = "default",
    target: str = "demo",
    advisory: bool = False,
) -> Finding:
    """One finding of one trial."""
    return Finding(
        check,
        check,
        outcome,
        "seen",
        "expected",
        "5 s",
        "because",
        arm=arm,
        trial=trial,
        trial_key=f"{arm}-{trial}",
        target=target,
        headline=None if value is None else Number(value, unit, error),
        advisory=advisory,
    )


def directory(
    base: Path,
    number: int,
    findings: Sequence[Finding],
    *,
    facts: Mapping[str, str] | None = None,
    target_facts: Mapping[str, str] | None = None,
    name: str = "cart",
    sha: str = SHA,
    hold: float = 8.0,
    verdict: bool = True,
    end: str = "completed",
) -> RunDir:
    """A run directory of that month, as `chaosmem run` leaves it."""
    made = rundir.create(base, name, run_id(number))
    whole = verified.evidence(verified.trial())
    plan = whole.plan.model_copy(update={"experiment": name, "sha256": sha})
    phases = whole.experiment.phases.model_copy(update={"hold": hold})
    experiment = whole.experiment.model_copy(update={"phases": phases})
    made.write(layout.EXPERIMENT, experiment.model_dump_json().encode())
    made.write(layout.PLAN, plan.model_dump_json().encode())
    wall = at(number).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    said = {"chaosmem": "0.2.0", "host": "ci-1", **(facts or {})}
    entries: list[events.Entry] = [
        events.RunStarted(t=0, format=1, run_id=made.run_id, wall=wall, owner_pid=1, facts=said),
        events.TargetFacts(t=1, trial="default-1", facts=dict(target_facts or {"go": "go1.26.0"})),
    ]
    if end:
        entries.append(events.RunEnded(t=40, state=end))
    made.write(layout.JOURNAL, b"".join(encode(e) for e in entries))
    if verdict:
        judge(made, findings, name)
    return made


def judge(made: RunDir, findings: Sequence[Finding], name: str = "cart") -> None:
    """Write its verdict.json."""
    outcome = worst(f.outcome for f in findings if not f.advisory)
    code = {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INCONCLUSIVE: 3}[outcome]
    verdict = Verdict(made.run_id, name, outcome, f"{outcome}.", tuple(findings), exit_code=code)
    made.write(layout.VERDICT, verify.to_json(verdict))


def months(base: Path, values: Sequence[float], **more: object) -> list[RunDir]:
    """One run a month with these numbers."""
    return [directory(base, n, [finding(v)], **more) for n, v in enumerate(values)]  # type: ignore[arg-type]


def read_months(base: Path, values: Sequence[float], **changes: object) -> list[Run]:
    """The same, read as the history reads them."""
    return [replace(reading.read(d), **changes) for d in months(base, values)]  # type: ignore[arg-type]
