"""What a metric is: a named series with its layer, unit, source and meaning."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Layer(StrEnum):
    """Who counts it."""

    RUNTIME = "runtime"
    """The Go runtime of the target (`runtime/metrics`)."""
    OS = "os"
    """The operating system, of the process (`/proc/PID`)."""
    CGROUP = "cgroup"
    """The kernel, of the container (memory controller)."""
    APP = "app"
    """Who calls the service: what it answers, and when."""
    STRESS = "stress"
    """Whoever does the fault, of what it holds."""


class Kind(StrEnum):
    """How its numbers are read."""

    GAUGE = "gauge"
    """A value that goes up and down."""
    COUNTER = "counter"
    """A count since the process (container, load) began; it only grows."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One named series. A name never changes its meaning: a change makes the next version.

    Attributes:
        name: dotted name with its schema version: `memory.heap.alloc@v1`.
        unit: UCUM (`By`, `1`, `s`, `%`).
        source: where the number is read, the runtime's own name first.
        meaning: one sentence.
        layer: who counts it.
        kind: gauge or counter.
    """

    name: str
    unit: str
    source: str
    meaning: str
    layer: Layer = Layer.RUNTIME
    kind: Kind = Kind.GAUGE

    @property
    def base(self) -> str:
        """The name without its version."""
        return self.name.partition("@v")[0]

    @property
    def version(self) -> int:
        """The schema version."""
        return int(self.name.partition("@v")[2])
