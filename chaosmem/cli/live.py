"""The live view: phase, time left, key series as sparklines, and what happens as it happens."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from chaosmem import metrics, units
from chaosmem.cli.dialog import Shown
from chaosmem.cli.lines import sentence
from chaosmem.drivers.sources import Reading
from chaosmem.plan import Plan
from chaosmem.rundir import events
from chaosmem.rundir.events import AnyEntry
from chaosmem.spec.base import Phase

_STYLES = {"": "", "alert": "bold reverse", "typing": "bold", "dim": "dim"}
_BARS = " ▁▂▃▄▅▆▇█"
_SPARK = 48
_KEPT_LINES = 8
_SERIES = (
    ("goroutines", metrics.GOROUTINES, ""),
    ("live heap", metrics.HEAP_LIVE, "B"),
    ("heap goal", metrics.HEAP_GOAL, "B"),
    ("heap", metrics.HEAP_ALLOC, "B"),
)


def sparkline(values: list[float], width: int = _SPARK) -> str:
    """`values` squeezed into `width` bars, the maximum of each slot; scaled from 0."""
    if not values:
        return ""
    size = max(1, -(-len(values) // width))
    slots = [max(values[i : i + size]) for i in range(0, len(values), size)]
    top = max(*slots, 1e-9) if len(slots) > 1 else max(slots[0], 1e-9)
    return "".join(_BARS[min(8, round(8 * max(0.0, v) / top))] for v in slots)


class LiveView:
    """An observer that redraws a few lines of the terminal, four times a second."""

    def __init__(
        self,
        plan: Plan,
        run_id: str,
        console: Console | None = None,
        *,
        foot: Callable[[], Iterable[Shown]] = tuple,
    ) -> None:
        """`foot`: what the operator is to see besides, asked for at every redraw."""
        self._foot = foot
        self._plan, self._run_id = plan, run_id
        self._values: dict[str, list[float]] = {m.name: [] for _, m, _ in _SERIES}
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._trial, self._since = "", time.monotonic()
        self._phase: Phase | None = None
        console = console or Console(stderr=True)
        self._live = Live(
            get_renderable=self.render, console=console, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def entry(self, entry: AnyEntry) -> None:
        """Follow the phases, and keep the sentences."""
        if isinstance(entry, events.TrialStarted):
            self._trial = entry.trial
            for values in self._values.values():
                values.clear()
        if isinstance(entry, events.PhaseBegun):
            self._phase, self._since = Phase(entry.phase), time.monotonic()
        elif isinstance(entry, events.PhaseEnded):
            self._phase = None
        elif words := sentence(entry):
            self.line(f"{entry.t:8.2f} s  {words}")

    def line(self, text: str) -> None:
        """Keep a line below the series."""
        self._lines.append(text)

    def reading(self, reading: Reading) -> None:
        """Keep the values of the shown series."""
        for name, values in self._values.items():
            if name in reading.values:
                values.append(reading.values[name])

    def render(self) -> Group:
        """The picture now."""
        lines = (Text(line, no_wrap=True, overflow="ellipsis") for line in self._lines)
        return Group(self._head(), self._phases(), *self._operator(), self._series(), *lines)

    def _operator(self) -> Iterator[Text]:
        """Above what happens: there no terminal is too low for it."""
        for shown in self._foot():
            yield Text(shown.text, style=_STYLES[shown.style])

    def _head(self) -> Text:
        keys = [t.key for t in self._plan.trials]
        number = keys.index(self._trial) + 1 if self._trial in keys else 0
        head = Text(self._plan.experiment, style="bold")
        return head.append(f"  trial {number} of {len(keys)}  {self._trial}", style="dim")

    def _phases(self) -> Text:
        line = Text()
        for planned in self._plan.phases:
            length = planned.end - planned.start
            if not length:
                continue
            here = planned.phase is self._phase
            left = length - (time.monotonic() - self._since) if here else length
            over = "+" if left <= -1 else ""
            words = f" {planned.phase} {over}{units.human_seconds(abs(round(left)))} "
            line.append(words, style="reverse bold" if here else "dim").append(" ")
        return line

    def _series(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for label, metric, unit in _SERIES:
            values = self._values[metric.name]
            if values:
                now = values[-1]
                shown = units.human_bytes(now) if unit else f"{now:.0f}"
                table.add_row(label, shown, Text(sparkline(values), style="cyan"))
        return table
