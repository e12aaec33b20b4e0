"""Tables that explain a finding: which stacks grew. They never decide anything."""

from __future__ import annotations

from chaosmem import profile
from chaosmem.errors import ChaosmemError
from chaosmem.evidence.model import Capture, Trial
from chaosmem.profile import StackGrowth
from chaosmem.verify.ruling import Table, Undecided
from chaosmem.verify.words import percent

_SHOWN_STACKS = 10
_SHOWN_FRAMES = 4


def load(trial: Trial, capture: Capture) -> profile.Profile:
    """The profile of a capture; `Undecided` where it could not be had or read."""
    if capture.error or not capture.file:
        raise Undecided(
            f"the {capture.profile} capture at {capture.moment} could not be had: "
            f"{capture.error or 'no file'}"
        )
    try:
        return profile.read(trial.read(capture.file))
    except ChaosmemError as error:
        raise Undecided(f"{capture.file} cannot be read: {error}") from error


def stack(frames: tuple[str, ...]) -> str:
    """A stack for people: leaf first, without the runtime's own leading frames."""
    own = [i for i, f in enumerate(frames) if not f.startswith(("runtime.", "internal/runtime/"))]
    shown = frames[own[0] :] if own else frames
    more = " < …" if len(shown) > _SHOWN_FRAMES else ""
    return " < ".join(shown[:_SHOWN_FRAMES]) + more


def sizes(of: profile.Profile, sample: str) -> dict[tuple[str, ...], int]:
    """Value of each stack of one profile, by its normalised frames."""
    grown = profile.growth(profile.scaled(of, 0.0), of, sample_index=sample, ignore=())
    return {s.frames: s.bytes for s in grown.stacks}


def goroutine_growth(trial: Trial) -> Table:
    """Stacks that hold more goroutines at recover.end than at baseline.end: who leaked."""
    before, after = (trial.capture("goroutine", m) for m in ("baseline.end", "recover.end"))
    if before is None or after is None:
        return ()
    try:
        grown = profile.growth(load(trial, before), load(trial, after), sample_index=None)
    except (Undecided, ChaosmemError) as error:
        return (("who leaked",), (f"not known: {error}",))
    rows = tuple(_row(s) for s in grown.top(_SHOWN_STACKS))
    return (("more goroutines", "share", "stack"), *rows) if rows else ()


def _row(grown: StackGrowth) -> tuple[str, ...]:
    return f"+{grown.bytes}", percent(grown.share), stack(grown.frames)
