"""A file that node_exporter's textfile collector reads: always whole, readable by others."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from chaosmem.errors import UsageError

_READABLE = 0o644
"""tempfile gives 0600, and node_exporter seldom runs as the same user."""


def replace(path: Path, data: bytes) -> None:
    """Write `data` so that a reader sees the old file or the new one, also after a kill.

    The part is of a name of its own (writers beside each other do not mix) and does not end in
    `.prom`, so the collector passes it over. UsageError where it cannot be written.
    """
    part = None
    try:
        handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fchmod(out.fileno(), _READABLE)
            os.fdatasync(out.fileno())
        Path(part).replace(path)
    except OSError as problem:
        if part is not None:
            with contextlib.suppress(OSError):
                Path(part).unlink()
        raise UsageError(f"cannot write {path}: {problem.strerror}") from problem
