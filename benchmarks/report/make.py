"""How long the report of a ten-minute run with twelve captures takes, and how large it is.

    python -m benchmarks.report.make [TIMES]

Evidence and verdict are in memory; the page is made TIMES (5) times in this process, the first of
them with the imports of the templates. Six captures are heaps of 20,000 unique stacks.
"""

from __future__ import annotations

import statistics
import sys
import time

from benchmarks.report.long_run import evidence
from chaosmem.report import html
from tests.report import sample


def main() -> None:
    """Measure and print."""
    run = evidence()
    verdict = sample.verdict(run)
    walls, cpus, size = [], [], 0
    for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 5):
        wall, cpu = time.perf_counter(), time.process_time()
        size = len(html(verdict, run).encode())
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
        print(f"{walls[-1]:.2f} s, {cpus[-1]:.2f} s CPU", flush=True)
    print(
        f"median {statistics.median(walls):.2f} s, {statistics.median(cpus):.2f} s CPU,"
        f" {size / 1e6:.2f} MB"
    )


if __name__ == "__main__":
    main()
