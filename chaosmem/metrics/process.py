"""What the operating system counts of the target's process."""

from __future__ import annotations

from chaosmem.metrics.model import Kind, Layer, Metric

RSS = Metric("memory.rss@v1", "By", "/proc/PID/statm", "Resident set of the process.", Layer.OS)
PROCESS_CPU = Metric(
    "cpu.process@v1", "s", "/proc/PID/stat", "User and system CPU.", Layer.OS, Kind.COUNTER
)
THREADS = Metric("process.threads@v1", "1", "/proc/PID/stat", "OS threads.", Layer.OS)

METRICS = (RSS, PROCESS_CPU, THREADS)
