"""A trial's waits in virtual time: what is asked by file, and what the journal says of it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chaosmem.clock import RunClock
from chaosmem.run.control import Desk
from chaosmem.run.operating import Operating
from chaosmem.run.steps import Step
from chaosmem.run.stop import StopRequest
from chaosmem.rundir import RunDir, control, events
from chaosmem.rundir.acts import ControlAnswered, WaitBegun, WaitEnded
from chaosmem.rundir.events import AnyEntry
from chaosmem.rundir.inbox import Inbox
from tests.run.virtual import virtually

INJECT = Step("inject", "f1: a heap", "0:inject")
RECOVER = Step("release", "undo f1", "0:recover")


@dataclass
class Game:
    """Lanes of two phases of ten seconds, and who asks what when."""

    run: RunDir
    longest: float = 60.0
    asks: bool = False
    seconds: float = 10.0
    lanes: tuple[str, ...] = ("t1",)
    asked: Sequence[tuple[float, Callable[[Game], object]]] = ()
    written: list[AnyEntry] = field(default_factory=list)
    stop: StopRequest = field(default_factory=StopRequest)

    def play(self) -> list[AnyEntry]:
        virtually(self._play())
        return self.written

    async def _play(self) -> None:
        self.clock = RunClock.start()
        desk, inbox = Desk(self.longest, asks=self.asks), Inbox(self.run)
        self.operating = Operating(desk, inbox, self.clock, self.written.append, self.stop)
        others = [asyncio.create_task(self.operating.listen())]
        others += [asyncio.create_task(self._ask(t, act)) for t, act in self.asked]
        self.operating.round_begins()
        lanes = asyncio.ensure_future(self._lanes())
        stopped = asyncio.create_task(self.stop.event.wait())
        await asyncio.wait([lanes, stopped], return_when=asyncio.FIRST_COMPLETED)
        lanes.cancel()
        for task in (stopped, *others):
            task.cancel()
        await asyncio.gather(lanes, stopped, *others, return_exceptions=True)
        with self.operating.closing():
            self.written.append(events.RunEnded(t=self.clock.now(), state="completed"))

    async def _lanes(self) -> None:
        await asyncio.gather(*(self._lane(t) for t in self.lanes))

    async def _ask(self, t: float, act: Callable[[Game], object]) -> None:
        await self.clock.until(t)
        act(self)

    async def _lane(self, trial: str) -> None:
        for step, phase in ((INJECT, "inject"), (RECOVER, "recover")):
            await self.operating.before(step, trial=trial)
            begin = self.clock.now()
            self.written.append(events.PhaseBegun(t=begin, trial=trial, phase=phase))
            self.operating.phase_begins(trial, phase, begin + self.seconds)
            await self.operating.stay(trial, phase, begin + self.seconds)
            now = self.clock.now()
            self.written.append(events.PhaseEnded(t=now, trial=trial, phase=phase))


def _asks(act: str, **more: object) -> Callable[[Game], object]:
    return lambda game: control.ask(game.run, act, **more)  # type: ignore[arg-type]


def _of(kind: type, entries: Sequence[AnyEntry]) -> list[AnyEntry]:
    return [e for e in entries if isinstance(e, kind)]


def _ends(entries: Sequence[AnyEntry]) -> list[float]:
    return [round(e.t, 1) for e in entries if isinstance(e, events.PhaseEnded)]


def test_without_requests_the_phases_are_as_planned_and_nothing_is_said(tmp_path: Path) -> None:
    entries = Game(RunDir(tmp_path)).play()
    assert _ends(entries) == [10.0, 20.0]
    assert _of(WaitBegun, entries) == _of(ControlAnswered, entries) == []


def test_a_held_phase_lasts_until_released_and_the_journal_says_so(tmp_path: Path) -> None:
    held = Game(RunDir(tmp_path), asked=[(3.05, _asks("hold")), (25.05, _asks("release"))])
    entries = held.play()
    assert _ends(entries) == [25.2, 35.2]
    (begun,) = _of(WaitBegun, entries)
    assert isinstance(begun, WaitBegun)
    assert (begun.kind, begun.step, round(begun.t, 1)) == ("hold", "inject", 10.0)
    (ended,) = _of(WaitEnded, entries)
    assert isinstance(ended, WaitEnded)
    assert (ended.why, round(ended.seconds, 1)) == ("asked", 15.2)


def test_a_pause_stands_between_two_phases_and_belongs_to_neither(tmp_path: Path) -> None:
    paused = Game(RunDir(tmp_path), asked=[(3.05, _asks("pause")), (25.05, _asks("resume"))])
    entries = paused.play()
    begun = [round(e.t, 1) for e in entries if isinstance(e, events.PhaseBegun)]
    assert _ends(entries) == [10.0, 35.2]
    assert begun == [0.0, 25.2]
    (wait,) = _of(WaitBegun, entries)
    assert isinstance(wait, WaitBegun)
    assert (wait.kind, wait.step, wait.does) == ("pause", "release", "undo f1")


def test_an_extended_phase_lasts_that_much_longer(tmp_path: Path) -> None:
    entries = Game(RunDir(tmp_path), asked=[(3.05, _asks("extend", seconds=7))]).play()
    assert _ends(entries) == [17.0, 27.0]
    (ended,) = _of(WaitEnded, entries)
    assert isinstance(ended, WaitEnded)
    assert ended.why == "time"


def test_what_nobody_ends_ends_by_itself_after_the_longest_hold(tmp_path: Path) -> None:
    for act in ("hold", "pause"):
        run = RunDir(tmp_path / act)
        run.root.mkdir()
        entries = Game(run, asked=[(3.05, _asks(act))]).play()
        (ended,) = _of(WaitEnded, entries)
        assert isinstance(ended, WaitEnded)
        assert (ended.why, round(ended.seconds)) == ("longest", 60)
        assert _ends(entries)[-1] == 80.0


def test_all_lanes_hold_and_pause_together(tmp_path: Path) -> None:
    lanes = Game(
        RunDir(tmp_path),
        lanes=("t1.1", "t1.2", "t1.3"),
        asked=[
            (3.05, _asks("hold")),
            (25.05, _asks("release")),
            (26.05, _asks("pause")),
            (50.05, _asks("resume")),
        ],
    )
    entries = lanes.play()
    waits = [(w.trial, w.kind) for w in entries if isinstance(w, WaitBegun)]
    assert sorted(waits) == [(t, k) for t in lanes.lanes for k in ("hold",)]
    assert _ends(entries) == [25.2] * 3 + [35.2] * 3


def test_an_abort_ends_a_wait_and_no_further_step_is_taken(tmp_path: Path) -> None:
    for wait in ("hold", "pause"):
        run = RunDir(tmp_path / wait)
        run.root.mkdir()
        game = Game(run, asked=[(3.05, _asks(wait)), (15.05, _asks("abort", by="anna"))])
        entries = game.play()
        assert game.stop.reason == "aborted by anna"
        assert len(_of(events.PhaseBegun, entries)) == 1
        (ended,) = _of(WaitEnded, entries)
        assert isinstance(ended, WaitEnded)
        assert ended.why == "stopped"


def test_a_run_that_asks_takes_no_step_unanswered_and_aborts_in_the_end(tmp_path: Path) -> None:
    game = Game(RunDir(tmp_path), asks=True, asked=[(5.05, _asks("resume"))])
    entries = game.play()
    assert game.stop.reason == "nobody answered for release within 60 s"
    assert _ends(entries) == [15.2]
    assert [w.step for w in entries if isinstance(w, WaitBegun)] == ["inject", "release"]


def test_the_signals_toggle(tmp_path: Path) -> None:
    def sends(sign: signal.Signals) -> Callable[[Game], object]:
        return lambda game: game.operating.toggle(sign)

    pause, hold = signal.SIGUSR1, signal.SIGUSR2
    game = Game(
        RunDir(tmp_path),
        asked=[(2.0, sends(hold)), (15.0, sends(hold)), (16.0, sends(pause)), (30.0, sends(pause))],
    )
    entries = game.play()
    said = [(c.act, c.via, c.by) for c in entries if isinstance(c, ControlAnswered)]
    assert said == [
        ("hold", "signal", "SIGUSR2"),
        ("release", "signal", "SIGUSR2"),
        ("pause", "signal", "SIGUSR1"),
    ]
    assert _ends(entries) == [15.0, 25.0]


def test_a_request_that_comes_at_the_very_end_is_answered_before_the_end(tmp_path: Path) -> None:
    late = [(20.05, _asks("hold")), (20.06, _asks("note", text="it looks well", by="bo"))]
    *_, hold, note, end = Game(RunDir(tmp_path), seconds=10.05, asked=late).play()
    assert isinstance(hold, ControlAnswered)
    assert isinstance(note, ControlAnswered)
    assert (hold.outcome, hold.reason) == ("refused", "the run has ended")
    assert (note.outcome, note.text, note.by) == ("done", "it looks well", "bo")
    assert isinstance(end, events.RunEnded)


def test_a_request_written_twice_is_done_once(tmp_path: Path) -> None:
    def twice(game: Game) -> None:
        control.ask(game.run, "pause")
        file = game.run.path(control.FILE)
        file.write_bytes(file.read_bytes() * 2)

    entries = Game(RunDir(tmp_path), asked=[(2.0, twice), (12.0, _asks("resume"))]).play()
    said = [(c.act, c.outcome) for c in entries if isinstance(c, ControlAnswered)]
    assert said == [("pause", "done"), ("pause", "refused"), ("resume", "done")]


def test_hostile_lines_are_refused_and_the_run_goes_on(tmp_path: Path) -> None:
    def hostile(game: Game) -> None:
        with game.run.path(control.FILE).open("ab") as out:
            out.write(b'\x00\xff\n{"act":"abort"}\n[1,2]\n')

    entries = Game(RunDir(tmp_path), asked=[(2.0, hostile)]).play()
    said = [(c.request, c.outcome) for c in entries if isinstance(c, ControlAnswered)]
    assert said == [("line-1", "refused"), ("line-2", "refused"), ("line-3", "refused")]
    assert _ends(entries) == [10.0, 20.0]


def test_a_place_where_requests_cannot_be_taken_is_noted_and_the_run_goes_on(
    tmp_path: Path,
) -> None:
    (tmp_path / control.FILE).mkdir()
    entries = Game(RunDir(tmp_path)).play()
    (note,) = _of(events.Noted, entries)
    assert isinstance(note, events.Noted)
    assert "signals" in note.text
    assert _ends(entries) == [10.0, 20.0]
