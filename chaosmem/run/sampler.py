"""The sampling loop: one reading a tick, never two at once, a missed tick is missed."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Sequence

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
        beside: Sequence[Source] = (),
    ) -> None:
        self._source, self._recorder, self._seen, self._clock = source, recorder, seen, clock
        self._rate, self._timeout, self._pid = rate, timeout, pid
        self._on_reading, self._on_trouble = on_reading, on_trouble
        self._beside = beside
        self._missed: Counter[str] = Counter()
        self._trouble: dict[str, str] = {}
        self._flushed = 0.0

    async def run(self) -> None:
        """Sample until cancelled."""
        begin, number = self._clock.now(), 0
        self._seen.answered = begin
        while True:
            await self._clock.until(begin + number / self._rate)
            await self.once()
            number = max(number + 1, math.ceil((self._clock.now() - begin) * self._rate))

    async def once(self) -> None:
        """One reading of each source, side by side, recorded."""
        self._look_at_proc()
        if self._beside:
            await asyncio.gather(self._main(), *(self._side(source) for source in self._beside))
        else:  # a task for one reading would be a tenth of its cost
            await self._main()
        self._flush()

    async def _main(self) -> None:
        reading = await self._read(self._source)
        if reading is not None:
            self._seen.answered = reading.t
            self._seen.values.update(reading.values)
            self._recorder.reading(reading)
            self._on_reading(reading)

    async def _side(self, source: Source) -> None:
        reading = await self._read(source)
        if reading is not None:
            self._seen.values.update(reading.values)
            self._recorder.beside(source.name, reading)

    async def _read(self, source: Source) -> Reading | None:
        name = source.name
        try:
            reading = await source.read(timeout=self._timeout)
        except ProbeFailed as problem:
            self._failed(name, str(problem))
            return None
        if self._trouble.pop(name, ""):
            self._on_trouble(name, "", self._missed.pop(name, 0))
        return reading

    def _look_at_proc(self) -> None:
        pid = self._pid()
        usage = procfs.usage(pid) if pid else None
        if usage is not None:
            self._recorder.usage(self._clock.now(), usage)
            self._seen.values[metrics.RSS.name] = float(usage.rss)

    def _failed(self, source: str, text: str) -> None:
        self._missed[source] += 1
        if text != self._trouble.get(source):
            self._trouble[source] = text
            self._on_trouble(source, text, self._missed[source])

    def _flush(self) -> None:
        now = self._clock.now()
        if now - self._flushed >= _FLUSH_SECONDS:
            self._flushed = now
            self._recorder.flush()
