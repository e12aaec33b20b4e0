"""A pod of the Job: one cell, whatever became of the pods before it.

Who comes after a pod that was killed finds its attempt on the shared volume, undoes it, and only
then begins anew. Cells that may meet on one target wait for each other by a Lease.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from chaosmem.campaign import directory
from chaosmem.campaign.cluster import objects, turns
from chaosmem.campaign.cluster.packed import unpack
from chaosmem.campaign.directory import CampaignDir, take
from chaosmem.campaign.model import Cell, Prepared
from chaosmem.campaign.state import Standing
from chaosmem.errors import Exit, RunDirError, UsageError

Work = Callable[[CampaignDir, Prepared, Cell], Standing]
_LAST_WORDS = Path("/dev/termination-log")
_STOPPED = 143
"""As a shell says it of SIGTERM: the Job tells it from a verdict, and begins the cell anew."""
_LOCK_POLL = 1.0


def work(packed: Path, runs_dir: Path, index: int, run: Work) -> int:
    """One cell; 0 where it has its result, unless that result stops the campaign."""
    try:
        data = packed.read_bytes()
    except OSError as problem:
        raise RunDirError(f"cannot read {packed}: {problem.strerror}") from problem
    known = unpack(data)
    if not 0 <= index < len(known.indices):
        raise UsageError(f"no index {index}: the Job has {len(known.indices)}")
    prepared = known.prepared
    home = directory.create(runs_dir, prepared, known.text, list(known.experiments))
    cell = prepared.cells[known.indices[index]]
    with _locked(home, cell), turns.mine(prepared, cell, _say):
        now = _done(lambda: run(home, prepared, cell))
    if now is None:
        return _STOPPED
    _tell(prepared, cell, now)
    return exit_code(prepared, now)


def _done(run: Callable[[], Standing]) -> Standing | None:
    """None where a signal came before anything was touched."""
    try:
        return run()
    except SystemExit:
        return None


@contextlib.contextmanager
def _locked(home: CampaignDir, cell: Cell) -> Iterator[None]:
    """The cell's lock on the shared volume: a pod on a node that is cut off may still work."""
    while (held := take(home.cell_lock(cell))) is None:
        _say(f"cell {cell.name} is still being worked on by another pod; waiting")
        time.sleep(_LOCK_POLL)
    try:
        yield
    finally:
        os.close(held)


def exit_code(prepared: Prepared, now: Standing) -> int:
    """What the Job is to make of it: see `objects.failure_rules`."""
    ended = now.ended
    if ended is None or ended.how in {"stopped", "not-begun"}:
        return _STOPPED
    if now.left:
        return Exit.UNDO_INCOMPLETE
    stops = {objects.STOP_CODES[word] for word in prepared.campaign.stop_on}
    if now.result is not None:
        return ended.exit_code if ended.exit_code in stops else Exit.PASS
    return Exit.PASS if now.cuts >= prepared.campaign.attempts else _STOPPED


def _tell(prepared: Prepared, cell: Cell, now: Standing) -> None:
    """The result where `kubectl describe pod` shows it."""
    ended = now.ended
    if ended is None:
        return
    said = {
        "campaign": f"{prepared.name}/{prepared.id}",
        "cell": cell.name,
        "run": ended.run_id,
        "outcome": ended.outcome,
        "exitCode": ended.exit_code,
        "says": ended.says[:1000],
    }
    with contextlib.suppress(OSError):
        _LAST_WORDS.write_text(json.dumps(said))


def _say(text: str) -> None:
    print(f"chaosmem: {text}", file=sys.stderr, flush=True)  # noqa: T201 - the pod's log
