"""Operators and a run that goes on: requests come in, waits are waited, and both are journaled.

Requests come by `control.jsonl`, looked at five times a second, and by SIGUSR1 and SIGUSR2. What
waits here is only the phases' own task: sampler, guards, heartbeats and signals go on beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

from chaosmem import units
from chaosmem.clock import RunClock
from chaosmem.errors import RunDirError
from chaosmem.run.control import Desk, Kind, Said, Why
from chaosmem.run.steps import Step
from chaosmem.run.stop import Cause, StopRequest
from chaosmem.rundir import events
from chaosmem.rundir.acts import Act, ControlAnswered, WaitBegun, WaitEnded
from chaosmem.rundir.control import Request, answer
from chaosmem.rundir.events import AnyEntry
from chaosmem.rundir.inbox import Inbox, Unreadable

_POLL = 0.2
TOGGLES = (signal.SIGUSR1, signal.SIGUSR2)
"""Pause or resume; hold or release."""


class Operating:
    """What operators may do to one run."""

    def __init__(
        self,
        desk: Desk,
        inbox: Inbox,
        clock: RunClock,
        write: Callable[[AnyEntry], None],
        stop: StopRequest,
    ) -> None:
        self._desk, self._inbox, self._clock = desk, inbox, clock
        self._write, self._stop = write, stop
        self._changed = asyncio.Event()
        self._seen: set[str] = set()
        self._signals = 0

    @property
    def longest(self) -> float:
        """Seconds that one round may wait."""
        return self._desk.longest

    # --- what is asked

    async def listen(self) -> None:
        """Look for requests until cancelled."""
        try:
            self._inbox.make()
        except RunDirError as problem:
            text = f"cannot be controlled but by signals: {problem}"
            self._write(events.Noted(t=self._clock.now(), text=text))
            return
        while True:
            await asyncio.sleep(_POLL)
            self.look()

    def look(self) -> None:
        """Answer what has come in."""
        for item in self._inbox.new():
            self._answer(item, self._said)

    @contextlib.contextmanager
    def closing(self) -> Iterator[None]:
        """The journal's last entry is written inside: what is asked before it gets an answer."""
        with self._inbox.closed():
            for item in self._inbox.new():
                self._answer(item, _too_late)
            yield

    def _answer(self, item: Request | Unreadable, said: Callable[[Request], Said]) -> None:
        now = self._clock.now()
        if isinstance(item, Unreadable):
            refused = ControlAnswered(
                t=now, request=f"line-{item.line}", act="", outcome="refused", reason=item.reason
            )
            self._write(refused)
            return
        became = Said("that request was answered already") if self._again(item) else said(item)
        self._write(answer(item, now, refused=became.refused, reason=became.reason))

    def _again(self, request: Request) -> bool:
        again = request.id in self._seen
        self._seen.add(request.id)
        return again

    def _said(self, request: Request) -> Said:
        if self._stop.event.is_set():
            self._desk.stop()
        said = self._desk.act(request.act, self._clock.now(), seconds=request.seconds)
        if request.act is Act.ABORT:
            self._stop.ask(Cause.OPERATOR, f"aborted by {request.by or 'an operator'}")
        self._wake()
        return said

    def toggle(self, sign: signal.Signals) -> None:
        """SIGUSR1: pause, or resume. SIGUSR2: hold, or release."""
        self._signals += 1
        if sign == signal.SIGUSR1:
            act = Act.RESUME if self._desk.pausing else Act.PAUSE
        else:
            act = Act.RELEASE if self._desk.holding else Act.HOLD
        request = Request(id=f"signal-{self._signals}", act=act, by=sign.name)
        said, now = self._said(request), self._clock.now()
        self._write(answer(request, now, refused=said.refused, reason=said.reason, via="signal"))

    # --- what waits

    def round_begins(self) -> None:
        """A new round has its own time to wait."""
        self._desk.round_begins()

    async def before(self, step: Step, *, trial: str = "") -> None:
        """Wait before `step` for as long as the run is paused."""
        if step.asks:
            self._desk.arrives(step.key, step.name, self._clock.now())
        await self._wait("pause", step.name, step.does, trial)

    def phase_begins(self, trial: str, phase: str, planned: float) -> None:
        """A phase goes on from now until `planned`: it can be held and extended."""
        self._desk.begins(trial, phase, planned)

    async def stay(self, trial: str, phase: str, planned: float) -> None:
        """Stay in `phase` until `planned`, and longer where it is extended or held."""
        await self._clock.until(planned)
        await self._wait("hold", phase, "", trial)
        self._desk.ends(trial)

    def trial_ends(self, trial: str) -> None:
        """Nothing of that trial goes on any more."""
        self._desk.ends(trial)

    async def _wait(self, kind: Kind, step: str, does: str, trial: str) -> None:
        begin, desk = self._clock.now(), self._desk
        if desk.until(trial, kind, begin) is None:
            await self._unless_stopping()
            return
        self._write(WaitBegun(t=begin, trial=trial, kind=kind, step=step, does=does))
        desk.waits(trial, kind, begin)
        why: Why = "stopped"
        try:
            while (then := desk.until(trial, kind, self._clock.now())) is not None:
                await self._woken(then)
            why = desk.why
        finally:
            now = self._clock.now()
            desk.goes_on(trial, now)
            ended = WaitEnded(
                t=now, trial=trial, kind=kind, step=step, seconds=now - begin, why=why
            )
            self._write(ended)
        await self._unless_stopping()

    async def _unless_stopping(self) -> None:
        """Where the run is to end, no step is taken any more: wait here to be cancelled."""
        asked = self._desk.unanswered
        if asked:
            within = units.human_seconds(self.longest)
            self._stop.ask(Cause.OPERATOR, f"nobody answered for {asked} within {within}")
        if self._stop.event.is_set():
            await asyncio.get_running_loop().create_future()

    async def _woken(self, then: float) -> None:
        """Until something is asked, at most until `then`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, then - self._clock.now())):
                await self._changed.wait()

    def _wake(self) -> None:
        """Whoever waits looks again; also lanes that wait for the same."""
        before, self._changed = self._changed, asyncio.Event()
        before.set()


def _too_late(request: Request) -> Said:
    return Said() if request.act is Act.NOTE else Said(refused="the run has ended")
