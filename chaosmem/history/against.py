"""A run held against a baseline: one finding a check, PASS, FAIL or INCONCLUSIVE. Pure.

FAIL needs both arithmetics of `stats.bands`: outside the robust band, and beyond every run of the
baseline, on the side that is worse; with the number's whole error. Too few runs, a baseline that
nobody approved, or another spec decide nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from chaosmem.errors import Exit
from chaosmem.history.differences import differences, in_words
from chaosmem.history.direction import worse
from chaosmem.history.model import FAIL as FAILED
from chaosmem.history.model import INCONCLUSIVE, Baseline, Level, Run
from chaosmem.history.stats import bands
from chaosmem.history.stats.bands import Band
from chaosmem.verify.model import Finding, Number, Outcome, Pointer, worst
from chaosmem.verify.words import amount, percent, several

_ENOUGH = Fraction(1, 20)
_EXITS = {Outcome.PASS: Exit.PASS, Outcome.FAIL: Exit.FAIL, Outcome.INCONCLUSIVE: Exit.INCONCLUSIVE}


@dataclass(frozen=True, slots=True)
class Rules:
    """How strict: fewest runs, the band's factor (None: k(n)), its floor, and spec differences."""

    fewest: int = bands.FEWEST
    k: float | None = None
    share: float = bands.SHARE
    across_specs: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """The answer, with the baseline it rests on."""

    run_id: str
    experiment: str
    baseline: str
    runs: tuple[str, ...]
    outcome: Outcome
    says: str
    findings: tuple[Finding, ...]
    exit_code: int


def compare(run: Run, baseline: Baseline | None, members: Sequence[Run], rules: Rules) -> Compared:
    """Hold `run` against the baseline's `members`; itself among them is left out."""
    others = [m for m in members if m.run_id != run.run_id]
    why_not = _unfit(run, baseline, others, rules)
    findings = tuple(_finding(level, others, rules) for level in run.levels)
    findings += tuple(_missing(run, others))
    if why_not:
        findings = tuple(_undecided(f, why_not) for f in findings)
    outcome = worst(f.outcome for f in findings if not f.advisory)
    label = baseline.label if baseline else "none"
    return Compared(
        run.run_id,
        run.experiment,
        label,
        tuple(m.run_id for m in others),
        outcome,
        _says(outcome, findings, label, why_not),
        findings,
        int(_EXITS[outcome]),
    )


def _unfit(run: Run, baseline: Baseline | None, others: Sequence[Run], rules: Rules) -> str:
    if baseline is None:
        return "there is no baseline; `chaosmem baseline record RUN` begins one"
    if not baseline.approved:
        return f"{baseline.label} is not approved; `chaosmem baseline approve` does it"
    if baseline.spec_sha256 == run.spec_sha256 or rules.across_specs or not others:
        return ""
    told = in_words(differences(others[-1].spec, run.spec))
    return (
        f"the baseline is of spec {baseline.spec_sha256[:12]}, the run of {run.spec_sha256[:12]}: "
        f"{told}; --across-specs compares all the same"
    )


def _undecided(finding: Finding, why: str) -> Finding:
    return replace(finding, outcome=Outcome.INCONCLUSIVE, reason=f"{why} ({finding.reason})")


def _says(outcome: Outcome, findings: Sequence[Finding], label: str, why_not: str) -> str:
    if why_not:
        return f"INCONCLUSIVE: {why_not}."
    counted = [f for f in findings if not f.advisory]
    deciding = next((f for f in counted if f.outcome is outcome), None)
    if deciding is None:
        return "INCONCLUSIVE: no check was judged."
    if outcome is Outcome.PASS:
        return f"PASS: {several(len(counted), 'check')} as in {label}."
    return f"{outcome}: {deciding.name}: {deciding.reason}."


def _missing(run: Run, others: Sequence[Run]) -> list[Finding]:
    """Checks that the baseline's newest run has and this one has not."""
    keys = {level.key for level in run.levels}
    lost = [level for level in (others[-1].levels if others else ()) if level.key not in keys]
    return [
        _made(level, Outcome.INCONCLUSIVE, "not judged", "as in the baseline", "the run lacks it")
        for level in lost
    ]


def _made(
    level: Level, outcome: Outcome, observed: str, expected: str, reason: str, **more: Number
) -> Finding:
    return Finding(
        check=level.check,
        name=level.name,
        outcome=outcome,
        observed=observed,
        expected=expected,
        threshold="",
        reason=reason,
        evidence=(Pointer("verdict.json", level.name),),
        advisory=level.advisory,
        arm=level.arm,
        target=level.subject,
        headline=None if level.value is None else Number(level.value, level.unit, level.error),
        numbers=more,
    )


def _finding(level: Level, others: Sequence[Run], rules: Rules) -> Finding:
    same = [m for run in others for m in run.levels if m.key == level.key]
    if level.outcome == INCONCLUSIVE:
        reason = "the check could not decide in this run, so its number says nothing"
        return _made(level, Outcome.INCONCLUSIVE, "not decided", "a decided check", reason)
    if level.value is None:
        return _by_outcome(level, same, rules)
    told = [m for m in same if m.value is not None and m.outcome != INCONCLUSIVE]
    if any(m.unit != level.unit for m in told):
        reason = f"the baseline has this number in {told[0].unit or '1'}: another quantity"
        return _made(level, Outcome.INCONCLUSIVE, _seen(level), "the same unit", reason)
    values = [m.value for m in told if m.value is not None]
    if len(values) < max(1, rules.fewest):
        return _too_few(level, len(values), rules)
    return _after_band(level, bands.band(values, k=rules.k, share=rules.share), same)


def _seen(level: Level) -> str:
    error = "" if level.error is None else f" ± {amount(level.error, level.unit)}"
    return f"{amount(level.value or 0.0, level.unit)}{error}"


def _too_few(level: Level, n: int, rules: Rules) -> Finding:
    reason = f"too little history: {several(n, 'earlier run')} with this number; {rules.fewest} are"
    return _made(
        level, Outcome.INCONCLUSIVE, _seen(level), "a band", f"{reason} the fewest that are judged"
    )


def _by_outcome(level: Level, same: Sequence[Level], rules: Rules) -> Finding:
    """A check without a number: only its outcome can have changed."""
    told = [m for m in same if m.outcome != INCONCLUSIVE]
    failed = sum(m.outcome == FAILED for m in told)
    expected = f"as in {several(len(told), 'earlier run')}: {failed} failed"
    if len(told) < rules.fewest:
        return replace(_too_few(level, len(told), rules), observed=level.outcome, expected=expected)
    if level.outcome != FAILED:
        return _made(level, Outcome.PASS, "PASS", expected, "the check holds")
    outcome = Outcome.INCONCLUSIVE if failed else Outcome.FAIL
    reason = (
        f"the check fails, as it did in {failed} of the baseline's"
        if failed
        else (f"the check fails, and held in all {len(told)} runs of the baseline")
    )
    return _made(level, outcome, "FAIL", expected, reason)


def _after_band(level: Level, band: Band, same: Sequence[Level]) -> Finding:
    unit = level.unit
    outcome, reason = _decided(level, band)
    if level.outcome == FAILED and outcome is Outcome.PASS and not _failed(same):
        outcome, reason = Outcome.FAIL, "the check itself fails, and held in all of the baseline"
    expected = f"{amount(band.lo, unit)} to {amount(band.hi, unit)}"
    width = f"median {amount(band.median, unit)} ± {amount(band.half, unit)}"
    found = _made(
        level,
        outcome,
        _seen(level),
        expected,
        f"{reason}; {_arithmetic(level, band)}",
        median=Number(band.median, unit),
        MAD=Number(band.mad, unit),
        k=Number(band.k, "1"),
        runs=Number(float(band.n), "1"),
        low=Number(band.lo, unit),
        high=Number(band.hi, unit),
        least=Number(band.least, unit),
        most=Number(band.most, unit),
    )
    return replace(found, threshold=width)


def _failed(same: Sequence[Level]) -> bool:
    return any(m.outcome == FAILED for m in same)


def _decided(level: Level, band: Band) -> tuple[Outcome, str]:
    value, error = level.value or 0.0, level.error or 0.0
    lo, hi = value - error, value + error
    both = worse(level.check) == "either"
    if band.lo <= lo and hi <= band.hi:
        return Outcome.PASS, "inside the band"
    if hi <= band.hi and not both:
        return Outcome.PASS, "below the band, which is no regression; a new baseline would tell"
    surely_above, surely_below = lo > band.hi, hi < band.lo and both
    if not (surely_above or surely_below):
        return Outcome.INCONCLUSIVE, "an edge of the band lies within the number's error"
    side = "above" if surely_above else "below"
    if (lo <= band.most) if surely_above else (hi >= band.least):
        return Outcome.INCONCLUSIVE, f"{side} the band, yet an approved run was as far out"
    sides = 2 if both else 1
    if band.half == 0 and bands.chance_outside(band.n, sides=sides) > _ENOUGH:
        return Outcome.INCONCLUSIVE, f"{side} {band.n} values that are all alike: no scatter known"
    return Outcome.FAIL, f"{side} the band and {side} each of its {band.n} runs"


def _arithmetic(level: Level, band: Band) -> str:
    sides = 2 if worse(level.check) == "either" else 1
    chance = bands.chance_outside(band.n, sides=sides)
    place = "outside the range of" if sides == 2 else "above"  # noqa: PLR2004 - two sides
    return (
        f"by chance alone the next run lies {place} {band.n} earlier ones with {chance} "
        f"({percent(float(chance))}), and outside the band with about 1 % where values are normal"
        if band.k == bands.factor(band.n)
        else f"by chance alone the next run lies {place} {band.n} earlier ones with {chance} "
        f"({percent(float(chance))})"
    )
