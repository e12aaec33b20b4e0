"""Words and numbers that all reports share."""

from __future__ import annotations

import re

from chaosmem.evidence.model import Evidence, RunState, UndoRecord
from chaosmem.spec.base import Phase
from chaosmem.units import human_bytes, human_seconds
from chaosmem.verify.model import Comparison, Number, Outcome, Pointer, Verdict

GLYPH = {Outcome.PASS: "✓", Outcome.FAIL: "✗", Outcome.INCONCLUSIVE: "?"}
_NO_LIMIT = str(2**63 - 1)  # math.MaxInt64: what the runtime reports without GOMEMLIMIT
_NOTHING = 1e-9  # what the arithmetic of equal numbers leaves over

# C0 and C1 controls (terminal escapes among them), bidirectional overrides, line separators,
# byte-order mark, lone surrogates: what could move a cursor, reorder text or break an encoder.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\ud800-\udfff]"
)


def plain(text: str) -> str:
    """`text` on one line, its white space folded and every unsafe character shown as U+FFFD."""
    return _UNSAFE.sub("\ufffd", " ".join(text.split()))


def amount(value: float, unit: str) -> str:
    """`value` for eyes: bytes and seconds scaled, shares as percent, counts as they are."""
    if unit == "By":
        return human_bytes(value)
    if unit == "s":
        return human_seconds(value)
    value = 0.0 if abs(value) < _NOTHING else float(value)
    text = f"{value:,.0f}" if value.is_integer() else f"{value:.4g}"
    return text if unit in {"1", ""} else f"{text} {unit}"


def signed(value: float, unit: str) -> str:
    """A difference: what is above 0 has its sign too."""
    return f"+{amount(value, unit)}" if value > 0 else amount(value, unit)


def number(given: Number) -> str:
    """A number with its error, if it has one."""
    error = "" if given.error is None else f" ± {amount(given.error, given.unit)}"
    return amount(given.value, given.unit) + error


def short(target: str) -> str:
    """A target's name without the namespace before it: `shop-574bf7699-hbnsl`."""
    return target if "://" in target else target.rpartition("/")[2] or target


def pointer(given: Pointer) -> str:
    """Where evidence is: `series/agent.npz, 20.0-25.0 s (goroutines)` or `journal.jsonl:12`."""
    line = "" if given.line is None else f":{given.line}"
    when = "" if given.start is None else f", {given.start:.1f} s"
    if given.end is not None and given.end != given.start:
        when = f"{when.removesuffix(' s')}\u2013{given.end:.1f} s"
    what = f" ({given.what})" if given.what else ""
    return f"{given.file}{line}{when}{what}"


def sentence(comparison: Comparison) -> str:
    """The verifier's own sentence, without the check's name, which stands beside it already."""
    return comparison.says.removeprefix(f"{comparison.name}: ")


def says(verdict: Verdict) -> str:
    """What decided, without the outcome's word, which stands beside it already."""
    return verdict.says.removeprefix(f"{verdict.outcome}: ")


def compared(comparison: Comparison) -> str:
    """`+2 s (+1.5 s to +2.4 s, 95.9 %), p=0.0022: a difference is shown`, of arm less base."""
    if comparison.p is None or comparison.shift is None:
        return difference(comparison)
    around = ""
    if comparison.interval is not None and comparison.coverage is not None:
        low, high = (signed(v, comparison.unit) for v in comparison.interval)
        around = f" ({low} to {high}, {comparison.coverage * 100:.3g} %)"
    moved = f"{signed(comparison.shift, comparison.unit)}{around}"
    return f"{moved}, p={comparison.p:.3g}: {difference(comparison)}"


def difference(comparison: Comparison) -> str:
    """Whether a comparison shows a difference."""
    if comparison.p is None:
        return "an arm has no number"
    if comparison.shown is None:
        return "too few trials to show one (4 in each arm are the fewest)"
    return "a difference is shown" if comparison.shown else "none is shown"


def facts(evidence: Evidence) -> dict[str, str]:
    """The run's facts, with no limit called that."""
    return {
        name: "none" if value == _NO_LIMIT and name.endswith("gomemlimit") else value
        for name, value in evidence.facts.items()
    }


def not_undone(evidence: Evidence) -> tuple[UndoRecord, ...]:
    """What is still changed on a target."""
    return tuple(u for u in evidence.undo if not u.done)


def shape(evidence: Evidence) -> str:
    """`2 arms, 3 trials each of 40 s`; says so where fewer ran than were planned."""
    arms, trials = len(evidence.experiment.arms), evidence.experiment.trials
    planned = len(evidence.plan.trials)
    whole = sum(t.complete for t in evidence.trials)
    each = " each" if arms > 1 else ""
    words = f"{_count(arms, 'arm')}, " if arms > 1 else ""
    words += f"{_count(trials, 'trial')}{each} of {human_seconds(evidence.plan.trial_seconds)}"
    targets = len(evidence.plan.targets)
    words += f" on {targets} targets" if targets > 1 else ""
    return words if whole == planned else f"{words}; only {whole} of {planned} complete"


def _count(many: int, what: str) -> str:
    return f"{many} {what}" if many == 1 else f"{many} {what}s"


def ending(evidence: Evidence) -> str:
    """How the run ended, with the reason where it did not simply complete."""
    words = {
        RunState.COMPLETED: "ran to its end",
        RunState.ABORTED: "aborted by a guard",
        RunState.INTERRUPTED: "interrupted by the operator",
        RunState.ERROR: "ended by an error",
        RunState.UNFINISHED: "unfinished: the journal just stops",
    }[evidence.end.state]
    return f"{words}: {evidence.end.reason}" if evidence.end.reason else words


def span(begin: Phase, end: Phase) -> str:
    """The phases of a fault in words; one name where both are one."""
    return str(begin) if begin is end else f"{begin}\u2013{end}"
