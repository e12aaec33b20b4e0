"""Lists, sparklines and tables of the history for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chaosmem.history.model import Baseline, Point, Row, Run
from chaosmem.history.trend import Moved, Trend
from chaosmem.units import human_bytes, human_seconds

_BARS = "▁▂▃▄▅▆▇█"
_UNKNOWN = "·"
_DAY = 10
_SHOWN_POINTS = 20


def safe(text: str) -> str:
    """Text from outside without control characters: it must not steer the terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def amount(value: float, unit: str) -> str:
    """A value in its unit."""
    match unit:
        case "By":
            return human_bytes(value)
        case "s":
            return human_seconds(value)
        case "1" | "":
            return f"{value:.4g}"
        case _:
            return f"{value:.4g} {unit}"


def rows(found: Iterable[Row]) -> Iterable[str]:
    """A line a run."""
    for row in found:
        origin = row.version or row.image[-24:] or row.go
        line = (
            f"{row.started[:16].replace('T', ' ')}  {row.run_id:<24}  {row.outcome:<12}  "
            f"{row.experiment:<20}  {origin:<16}  {row.says}"
        )
        yield safe(line)


def run(found: Run) -> Iterable[str]:
    """A whole run: origin, facts, and what each check said."""
    yield safe(f"{found.outcome}  {found.experiment}  {found.run_id}")
    yield safe(f"  {found.says}")
    yield f"  started {found.started}, {found.state}, exit code {found.exit_code}"
    yield f"  spec {found.spec_sha256}"
    yield safe(f"  imported from {found.directory}")
    for name, value in sorted({**found.facts, **found.said}.items()):
        yield safe(f"  {name:<24} {value}")
    for f in found.findings:
        where = " ".join(w for w in (f.arm, str(f.trial or ""), f.subject) if w)
        error = "" if f.error is None else f" ± {amount(f.error, f.unit)}"
        number = "" if f.value is None else f"  {amount(f.value, f.unit)}{error}"
        yield safe(f"  {f.outcome:<12}  {f.name:<22}  {where}{number}  {f.reason}")


def baseline(found: Baseline) -> Iterable[str]:
    """A revision with its runs."""
    state = (
        f"approved {found.approved[:16]} by {found.approved_by}"
        if found.approved
        else ("not approved")
    )
    yield safe(f"{found.label}: {len(found.runs)} runs, {state}")
    yield f"  spec {found.spec_sha256}"
    yield safe(f"  recorded {found.recorded[:16]} by {found.recorded_by}")
    if found.note:
        yield safe(f"  note: {found.note}")
    for run_id in found.runs:
        yield safe(f"  {run_id}")


def sparkline(values: Sequence[float | None], width: int) -> str:
    """One character a value, the newest `width`; `·` where there is none."""
    shown = values[-width:]
    known = [v for v in shown if v is not None]
    low, span = min(known, default=0.0), max(known, default=0.0) - min(known, default=0.0)
    top = len(_BARS) - 1
    return "".join(
        _UNKNOWN if v is None else _BARS[round((v - low) / span * top) if span else top // 2]
        for v in shown
    )


def trend(found: Trend, *, width: int, every: bool = False) -> Iterable[str]:
    """Sparkline, band, shifts, and the newest points."""
    subject = " ".join(w for w in (found.check, found.arm, found.subject) if w)
    yield safe(f"{found.outcome}  {subject}: {found.says}")
    counted = [p.value if p.counts and p.unit == found.unit else None for p in found.points]
    yield f"  {sparkline(counted, max(8, width - 4))}"
    if found.band is not None:
        yield f"  {_band(found)}"
    for moved in found.moved:
        yield from _moved(moved, found.unit)
    shown = found.points if every else found.points[-_SHOWN_POINTS:]
    if len(shown) < len(found.points):
        yield f"  the newest {len(shown)} of {len(found.points)} runs (--all shows every one):"
    first = {m.run_id for m in found.moved}
    for point in shown:
        yield safe(_point(point, ">" if point.run_id in first else " "))


def _band(found: Trend) -> str:
    band = found.band
    assert band is not None  # noqa: S101 - the caller has looked
    since = "since the last shift" if found.moved else "in all"
    level = f"median {amount(band.median, found.unit)} ± {amount(band.half, found.unit)}"
    chance = f"the next lies outside their range by chance with 2/{band.n + 1}"
    return f"{level} of {band.n} runs {since}; {chance}"


def _moved(moved: Moved, unit: str) -> Iterable[str]:
    word = "regression" if moved.regression else "improvement"
    yield safe(
        f"  {word} at {moved.run_id} ({moved.started[:_DAY]}): median "
        f"{amount(moved.before, unit)} of {moved.runs_before} runs -> "
        f"{amount(moved.after, unit)} of {moved.runs_after}, p={moved.p:.2g} ({moved.method})"
    )
    if not moved.facts:
        yield "    no known fact changed there"
    for near in moved.facts:
        where = "there" if near.offset == 0 else f"{near.offset:+d} run(s), at {near.run_id}"
        for fact, before, after in near.changes:
            yield safe(f"    {fact}: {before or 'unknown'} -> {after or 'unknown'} ({where})")


def _point(point: Point, mark: str) -> str:
    number = "-" if point.value is None else amount(point.value, point.unit)
    error = "" if point.error is None else f" ± {amount(point.error, point.unit)}"
    origin = point.version or point.image[-24:] or point.go
    day = point.started[:16].replace("T", " ")
    return f" {mark}{day}  {point.run_id:<24}  {point.outcome:<12}  {number}{error}  {origin}"
