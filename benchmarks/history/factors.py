"""The factors k(n) of `chaosmem.history.stats.bands`, by simulation.

    python benchmarks/history/factors.py [DRAWS]

For each n the smallest k for which a next value of the same normal distribution lies outside
median ± k·1.4826·MAD of n values in 1 % of draws; beside it how often that happens with k = 3.
"""

from __future__ import annotations

import sys

import numpy as np

SIZES = (*range(6, 31), 40, 60, 100)
CHUNK = 200_000


def distances(n: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """|next - median| in units of 1.4826·MAD."""
    found = []
    for _ in range(max(1, draws // CHUNK)):
        before, after = rng.standard_normal((CHUNK, n)), rng.standard_normal(CHUNK)
        middle = np.median(before, axis=1)
        mad = np.median(np.abs(before - middle[:, None]), axis=1)
        found.append(np.abs(after - middle) / (1.482602218505602 * mad))
    return np.concatenate(found)


def main() -> None:
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000_000
    rng = np.random.default_rng(20261125)
    for n in SIZES:
        far = distances(n, draws, rng)
        print(f"{n:4} {np.quantile(far, 0.99):7.3f} {float((far > 3).mean()):8.2%}", flush=True)


if __name__ == "__main__":
    main()
