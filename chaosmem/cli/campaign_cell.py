"""The process of one cell, locally and in a pod: the experiment is run here, in this process."""

from __future__ import annotations

import functools
import importlib
import os
import sys
from pathlib import Path

from chaosmem.campaign import cell as cells
from chaosmem.campaign.directory import CampaignDir, take
from chaosmem.campaign.model import Cell, Prepared
from chaosmem.campaign.state import Standing
from chaosmem.cli.running import Wish, run_experiment
from chaosmem.errors import Exit, UsageError

_EVERY_RUN = (
    "chaosmem.cli.app",
    "chaosmem.cli.looking",
    "chaosmem.cli.watching",
    "chaosmem.run.engine",
    "chaosmem.run.local",
    "chaosmem.report.html",
    "chaosmem.report.text",
    "chaosmem.verify.checks",
)


def work_locally(home: CampaignDir, index: int, lock_fd: int | None) -> int:
    """A child of the runner; its exit code is for people, the cell's journal is what counts."""
    prepared = home.prepared()
    cell = of_index(prepared, index)
    held = lock_fd if lock_fd is not None else take(home.cell_lock(cell))
    if held is None:
        raise UsageError(f"cell {cell.name} is being worked on by another process")
    os.set_inheritable(held, False)  # the target and its builds must not keep the lock
    return exit_code(work(home, prepared, cell))


def nurse(fd: int) -> None:
    """Import what a run needs, and fork a process for each cell that the runner asks for."""
    from chaosmem.campaign import nursery  # noqa: PLC0415 - only there

    for module in _EVERY_RUN:
        importlib.import_module(module)
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # they were the nursery's only
        os.environ.pop(name, None)
    nursery.serve(fd, _born)


def _born(home: str, index: int, lock: int) -> int:
    """A forked child: as if it was started by its command line."""
    from chaosmem.__main__ import main  # noqa: PLC0415 - it imports the commands

    words = ["campaign", "cell", home, "--index", str(index), "--lock-fd", str(lock)]
    sys.argv = ["chaosmem", *words]
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else Exit.INTERNAL
    return Exit.PASS


def work_in_pod(packed: Path, runs_dir: Path, index: int) -> int:
    """A pod of a Job."""
    from chaosmem.campaign.cluster import pod  # noqa: PLC0415 - only there

    return pod.work(packed, runs_dir, index, work)


def work(home: CampaignDir, prepared: Prepared, cell: Cell) -> Standing:
    """Recover and run the cell."""
    run = functools.partial(_run, home.base)
    return cells.work(home, cell, prepared.campaign.attempts, run)


def _run(base: Path, request: cells.Request) -> int:
    wish = Wish(progress="plain", run_id=request.run_id, relative_to=request.base)
    return run_experiment(request.spec, base, wish, dry_run=False)


def of_index(prepared: Prepared, index: int) -> Cell:
    """The cell of that index; UsageError where there is none."""
    if not 0 <= index < len(prepared.cells):
        raise UsageError(f"no cell {index}: there are {len(prepared.cells)}, from 0")
    return prepared.cells[index]


def exit_code(now: Standing) -> int:
    """Of a cell's process: its verdict's, or that nothing came of it."""
    return now.ended.exit_code if now.ended else Exit.INCONCLUSIVE
