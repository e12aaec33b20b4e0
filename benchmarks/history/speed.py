"""`history list` and `trend` over 10,000 runs on SQLite, all of one experiment (the worst case).

    python benchmarks/history/speed.py [RUNS]

Three numbers each: opening, query and rendering in a running process (what is asked: at most
0.2 s), the whole command as a cold process, and a process that only imports the same modules.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from chaosmem.history import database, overview, place, queries, store, tables, text
from chaosmem.history.levels import levels
from chaosmem.history.model import Judged, Run, Wanted
from chaosmem.history.times import stamp

CHECKS = ("stress-effect", "goroutine-recovery", "heap-returns", "rss-returns", "gc-cpu", "pause")
ROUNDS = 15
CODE = "from chaosmem.cli import app, months; months.add(app.app); app.app()"
IMPORTS = "import chaosmem.cli.app, chaosmem.history.overview"


def simulated(number: int, rng: np.random.Generator) -> Run:
    """A run of three trials and six checks; its level rises by a fifth at run 6,000."""
    level = 2.0 if number < 6000 else 2.4
    findings = tuple(
        Judged(
            c, c, "PASS", "seen", "expected", "because " * 12, arm="default", trial=t,
            target="demo", subject="demo", value=level * float(rng.lognormal(0, 0.1)), unit="s",
            error=0.05,
        )
        for c in CHECKS
        for t in (1, 2, 3)
    )  # fmt: skip
    at = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=5 * number)
    facts = {"target.go": "go1.26", "version": f"v1.{number // 500}", "host": f"ci-{number % 7}"}
    return Run(
        f"{at:%Y%m%dT%H%M%SZ}-{number:06x}", "cart", "ab" * 32, "{}", stamp(at), "completed",
        "PASS", 0, "PASS: all hold in 3 trials.", facts, ("demo",), findings, levels(findings),
    )  # fmt: skip


def filled(url: str, runs: int) -> tuple[float, float]:
    """The history with that many runs; ms an import takes at its begin, and into the full one."""
    rng = np.random.default_rng(1)
    with database.opened(url) as history:
        made = [simulated(n, rng) for n in range(runs)]
        early = timed(
            lambda: [store.put(history, run, stamp(datetime.now(UTC))) for run in made[:100]]
        )
        with history.write() as connection:
            for at, run in enumerate(made[100:], start=101):
                row = store._row(run, {}, run.started)  # noqa: SLF001 - one big transaction
                connection.execute(sa.insert(tables.runs).values(id=at, **row))
                store._fill(connection, at, run)  # noqa: SLF001
        more = [simulated(n, rng) for n in range(runs, runs + 100)]
        late = timed(lambda: [store.put(history, run, stamp(datetime.now(UTC))) for run in more])
        store.prune(history, keep=runs)
    return early * 10, late * 10


def timed(act: Callable[[], object]) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def cold(code: str, *words: str) -> Callable[[], float]:
    command = [sys.executable, "-c", code, *words]
    return lambda: timed(
        lambda: subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    )


def show_list(url: str, newest: int | None) -> str:
    with database.opened(url) as history:
        return "\n".join(text.rows(queries.listed(history, Wanted(newest=newest)).rows))


def show_trend(url: str) -> str:
    with database.opened(url) as history:
        return "\n".join(overview.lines(overview.look(history, "goroutine-recovery", Wanted())))


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "history.db"
        os.environ["CHAOSMEM_DB"] = str(file)
        url = place.resolve(str(file))
        early, late = filled(url, runs)
        acts = {
            "list, newest 50 of all": lambda: timed(lambda: show_list(url, 50)),
            "list, all": lambda: timed(lambda: show_list(url, None)),
            "trend of one check": lambda: timed(lambda: show_trend(url)),
            "whole command: list": cold(CODE, "history", "list"),
            "whole command: list, all": cold(CODE, "history", "list", "--limit", "0"),
            "whole command: trend": cold(CODE, "trend", "goroutine-recovery"),
            "of it: start and imports": cold(IMPORTS),
        }
        results: dict[str, list[float]] = {name: [] for name in acts}
        for _ in range(ROUNDS):
            for name, act in acts.items():
                results[name].append(act())
        print(
            f"{os.cpu_count()} CPUs, Python {sys.version.split()[0]}, SQLAlchemy {sa.__version__}"
        )
        print(f"{runs} runs, {runs * 18} findings, {file.stat().st_size >> 20} MiB")
        print(
            f"import of one run: {early:.1f} ms into the empty history, {late:.1f} ms into the full"
        )
        print(show_trend(url).splitlines()[0])
    for name, values in results.items():
        low, middle, high = statistics.quantiles(values, n=4)
        print(f"{name:<26} {middle * 1e3:5.0f} ms (quartiles {low * 1e3:.0f} to {high * 1e3:.0f})")


if __name__ == "__main__":
    main()
