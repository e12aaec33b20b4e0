"""CPU time of a report with big captures: `python -m tests.report.measure_big`.

Two trials, each with three heaps of 20,000 unique stacks and three goroutine profiles.
"""

from __future__ import annotations

import random
import sys
import time
from dataclasses import replace

from chaosmem.evidence.model import Evidence, Trial
from chaosmem.report import html
from tests.report import sample
from tests.report.sample_profiles import pprof

_GROWN = {"baseline.end": 1, "hold.end": 3, "recover.end": 2}


def big(grown: int) -> dict[tuple[str, ...], int]:
    """20,000 stacks of up to 40 frames."""
    rng = random.Random(5)  # noqa: S311 - a sample of stacks
    stacks: dict[tuple[str, ...], int] = {}
    while len(stacks) < 20_000:
        at, names = rng.randint(0, 40), ["main.main"]
        for depth in range(rng.randint(8, 40)):
            at = (at * 31 + rng.randint(0, 2) * 7 + depth) % 1000
            names.append(f"shop/pkg{at % 60}.(*Type).Method{at}")
        stacks[tuple(names)] = rng.randint(1, 64) * 1024 * grown
    return stacks


def evidence() -> Evidence:
    """The sample run with big heaps."""
    heaps = {moment: pprof(big(grown), "heap") for moment, grown in _GROWN.items()}
    made = sample.evidence("leak", trials=2)
    return replace(made, trials=tuple(_with(trial, heaps) for trial in made.trials))


def _with(trial: Trial, heaps: dict[str, bytes]) -> Trial:
    files = {c.file: heaps[c.moment] for c in trial.captures if c.profile == "heap"}
    return replace(trial, read=lambda name: files.get(name) or trial.read(name))


def main() -> None:
    """Measure and print."""
    run = evidence()
    verdict = sample.verdict(run)
    for _ in range(3):
        begin = time.process_time()
        size = len(html(verdict, run))
        sys.stdout.write(f"{time.process_time() - begin:.2f} s CPU, {size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main()
