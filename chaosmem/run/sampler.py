"""The sampling loop: one reading a tick, never two at once, a missed tick is missed."""

from __future__ import annotations

import math
from collections.abc import Callable

from chaosmem import metrics
from chaosmem.clock import RunClock
from chaosmem.drivers import procfs
from chaosmem.drivers.sources import Reading, Source
from chaosmem.errors import ProbeFailed
from chaosmem.run.guards import Seen
from chaosmem.run.recorder import Recorder

Trouble = Callable[[str, str, int], None]
"""(source, what is wrong or "" when it answers again, samples missed)."""
_FLUSH_SECONDS = 1.0


class Sampler:
    """Reads `source` and /proc at `rate` a second until cancelled."""

    def __init__(
        self,
        source: Source,
        recorder: Recorder,
        seen: Seen,
        clock: RunClock,
        *,
        rate: float,
        timeout: float,
        pid: Callable[[], int | None],
        on_reading: Callable[[Reading], None],
        on_trouble: Trouble,
    ) -> None:
        self._source, self._recorder, self._seen, self._clock = source, recorder, seen, clock
        self._rate, self._timeout, self._pid = rate, timeout, pid
        self._on_reading, self._on_trouble = on_reading, on_trouble
        self._missed, self._trouble, self._flushed = 0, "", 0.0

    async def run(self) -> None:
        """Sample until cancelled."""
        begin, number = self._clock.now(), 0
        self._seen.answered = begin
        while True:
            await self._clock.until(begin + number / self._rate)
            await self.once()
            number = max(number + 1, math.ceil((self._clock.now() - begin) * self._rate))

    async def once(self) -> None:
        """One reading, recorded."""
        self._look_at_proc()
        try:
            reading = await self._source.read(timeout=self._timeout)
        except ProbeFailed as problem:
            self._failed(str(problem))
        else:
            self._succeeded(reading)
        self._flush()

    def _look_at_proc(self) -> None:
        pid = self._pid()
        usage = procfs.usage(pid) if pid else None
        if usage is not None:
            self._recorder.usage(self._clock.now(), usage)
            self._seen.values[metrics.RSS.name] = float(usage.rss)

    def _succeeded(self, reading: Reading) -> None:
        if self._trouble:
            self._on_trouble(self._source.name, "", self._missed)
            self._missed, self._trouble = 0, ""
        self._seen.answered = reading.t
        self._seen.values.update(reading.values)
        self._recorder.reading(reading)
        self._on_reading(reading)

    def _failed(self, text: str) -> None:
        self._missed += 1
        if text != self._trouble:
            self._trouble = text
            self._on_trouble(self._source.name, text, self._missed)

    def _flush(self) -> None:
        now = self._clock.now()
        if now - self._flushed >= _FLUSH_SECONDS:
            self._flushed = now
            self._recorder.flush()
