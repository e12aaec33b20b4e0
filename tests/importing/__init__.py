"""Who imports what on which thread, told by a `sitecustomize` that a real command line loads.

Where one thread imports `package.part` while another imports `package`, which needs that part,
CPython breaks the deadlock by handing out a half-imported module (cpython#83065).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_LOG = "CHAOSMEM_TESTS_IMPORTS"
_MAIN = "MainThread"


def told(env: Mapping[str, str], log: Path) -> dict[str, str]:
    """The environment in which a command writes its imports to `log` when it ends."""
    hook = str(Path(__file__).parent / "hook")
    path = os.pathsep.join(filter(None, [hook, env.get("PYTHONPATH", "")]))
    return {**env, "PYTHONPATH": path, _LOG: str(log)}


def beside_others(log: Path) -> list[str]:
    """Modules that the main thread began to import while other threads were not done importing.

    Raises:
        AssertionError: nothing was imported beside the main thread, so that this says nothing.
    """
    lines = [line.split("\t") for line in log.read_text().splitlines()]
    others = [i for i, (thread, _) in enumerate(lines) if thread != _MAIN]
    assert others, "only the main thread imported"
    between = lines[others[0] : others[-1]]
    return [m for thread, m in between if thread == _MAIN and _may_be_half(m)]


def _may_be_half(module: str) -> bool:
    return module.partition(".")[0] not in sys.stdlib_module_names
