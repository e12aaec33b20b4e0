"""Keys and what they mean: the dialogue of an interactive run, without a terminal.

A key becomes a wish, or part of a text that is being typed; what the journal says becomes what the
operator is shown. Nothing is read or written here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from chaosmem import units
from chaosmem.rundir import events
from chaosmem.rundir.acts import Act, ControlAnswered, WaitBegun, WaitEnded
from chaosmem.rundir.control import MAX_TEXT
from chaosmem.rundir.events import AnyEntry

_SEQUENCE: Final = re.compile(r"\x1b[\[O][0-9;?]*[A-Za-z~]|.", re.DOTALL)
_ENTER: Final = "\r\n"
_ERASE: Final = "\x7f\b"
_ESCAPE: Final = "\x1b"
_CLEAR: Final = "\x15"
KEYS: Final = "p pause  h hold  e extend  n note  a abort  s ask before steps  ? help"
HELP: Final = (
    "p  pause before the next step; once more (or Enter) goes on",
    "h  hold: stay in the phase that goes on; once more releases it",
    "e  extend the phase that goes on by a duration, for example 30s",
    "n  keep a note in the journal; it changes nothing",
    "a  abort: everything is undone and reported, as after Ctrl-C",
    "s  ask before each step, or do not",
    "?  this help",
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a key asks of the run."""

    act: Act
    text: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Shown:
    """One line for the operator."""

    text: str
    style: Literal["", "alert", "typing", "dim"] = ""


@dataclass
class Dialog:
    """One operator at one terminal.

    Attributes:
        asks: the run asks before each step; `s` lets the dialogue answer for the operator.
        within: how long the run waits for an answer, in words.
    """

    asks: bool
    within: str = ""
    pausing: bool = False
    holding: bool = False
    _asking: bool = False
    _mode: Literal["", "note", "extend", "abort", "help"] = ""
    _typed: str = ""
    _said: str = ""
    _waits: dict[str, WaitBegun] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._asking = self.asks

    # --- keys

    def keys(self, typed: str) -> Iterator[Wish]:
        """What was typed, key by key; arrow keys and their like mean nothing."""
        for key in _SEQUENCE.findall(typed):
            if len(key) == 1:
                wish = self._key(key)
                if wish is not None:
                    yield wish

    def _key(self, key: str) -> Wish | None:
        if self._mode in ("note", "extend"):
            return self._text_key(key)
        if self._mode == "abort":
            self._mode = ""
            return Wish(Act.ABORT) if key in "yY" else None
        self._mode = ""
        if key in "nea?":
            modes: dict[str, Literal["note", "extend", "abort", "help"]]
            modes = {"n": "note", "e": "extend", "a": "abort", "?": "help"}
            self._mode, self._typed = modes[key], ""
            return None
        return self._act_key(key)

    def _act_key(self, key: str) -> Wish | None:
        paused = self.pausing or self._paused is not None
        if key == "p":
            return Wish(Act.RESUME if paused else Act.PAUSE)
        if key in _ENTER:
            return Wish(Act.RESUME) if self._paused else None
        if key == "h":
            return Wish(Act.RELEASE if self.holding else Act.HOLD)
        if key == "s" and self.asks:
            return self._ask_or_not()
        return None

    def _ask_or_not(self) -> Wish | None:
        self._asking = not self._asking
        self._said = "" if self._asking else "each step is taken without asking (s: ask again)"
        return Wish(Act.RESUME) if self._paused and not self._asking else None

    def _text_key(self, key: str) -> Wish | None:
        if key in _ENTER:
            return self._submit()
        if key == _ESCAPE:
            self._mode = ""
        elif key == _CLEAR:
            self._typed = ""
        elif key in _ERASE:
            self._typed = self._typed[:-1]
        elif key.isprintable() and len(self._typed) < MAX_TEXT:
            self._typed += key
        return None

    def _submit(self) -> Wish | None:
        mode, text = self._mode, self._typed.strip()
        self._mode = ""
        if not text:
            return None
        if mode == "note":
            return Wish(Act.NOTE, text=text)
        try:
            seconds = units.parse_duration(text)
        except ValueError as problem:
            self._said = str(problem)
            return None
        return Wish(Act.EXTEND, seconds=seconds)

    def say(self, text: str) -> None:
        """Show `text` until something else is said."""
        self._said = text

    # --- what happens

    def entry(self, entry: AnyEntry) -> Wish | None:
        """Follow the journal; a wish where the dialogue answers for the operator."""
        match entry:
            case WaitBegun():
                return self._begun(entry)
            case WaitEnded():
                self._waits.pop(entry.trial, None)
                self._over(entry)
            case ControlAnswered():
                self._answered(entry)
            case events.PhaseEnded() | events.RunEnded():
                self.holding = False
            case _:
                pass
        return None

    def _begun(self, entry: WaitBegun) -> Wish | None:
        first = not self._waits
        self._waits[entry.trial] = entry
        self._said = ""
        answers = self.asks and not self._asking and not self.pausing
        return Wish(Act.RESUME) if entry.kind == "pause" and first and answers else None

    def _over(self, entry: WaitEnded) -> None:
        if entry.kind == "pause":
            self.pausing = False
        elif entry.why != "time":
            self.holding = False

    def _answered(self, said: ControlAnswered) -> None:
        if said.outcome == "refused":
            self._said = f"{said.act} refused: {said.reason}"
            return
        self._said = "" if said.act == Act.NOTE else f"{said.act}: {said.reason or 'done'}"
        if said.act in (Act.PAUSE, Act.RESUME):
            self.pausing = said.act == Act.PAUSE
        if said.act in (Act.HOLD, Act.RELEASE):
            self.holding = said.act == Act.HOLD

    # --- what is shown

    @property
    def _paused(self) -> WaitBegun | None:
        return next((w for w in self._waits.values() if w.kind == "pause"), None)

    def lines(self) -> Iterator[Shown]:
        """What the operator is to see now."""
        yield from self._standing()
        if self._said:
            yield Shown(self._said, "dim")
        yield from self._prompt()

    def _standing(self) -> Iterator[Shown]:
        paused = self._paused
        if paused is not None:
            yield Shown(f"PAUSED before {paused.step}: {paused.does or 'the next step'}", "alert")
            within = f" (within {self.within})" if self.within else ""
            yield Shown(f"p or Enter: go on   a: abort{within}")
        elif self.pausing:
            yield Shown("pauses before the next step", "alert")
        if self.holding:
            yield Shown("HELD: h releases", "alert")

    def _prompt(self) -> Iterator[Shown]:
        match self._mode:
            case "note":
                yield Shown(f"note> {self._typed}▏  (Enter: keep, Esc: drop)", "typing")
            case "extend":
                yield Shown(f"extend by> {self._typed}▏  (30s, 5m; Esc: do not)", "typing")
            case "abort":
                yield Shown("abort the run, undo everything?  y: yes, any other key: no", "alert")
            case "help":
                yield from (Shown(line, "dim") for line in HELP)
            case _:
                yield Shown(KEYS if self.asks else KEYS.replace("  s ask before steps", ""), "dim")
