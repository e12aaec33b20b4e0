"""A running service, found by the file that it wrote its process id into."""

from __future__ import annotations

from pathlib import Path

from chaosmem.drivers import procfs
from chaosmem.errors import TargetError
from chaosmem.plugins import Found
from chaosmem_descriptors.plugin import PidFile


def find(told: PidFile) -> Found:
    """Its address and process; TargetError where the file or the process is not there."""
    try:
        pid = int(Path(told.path).read_text().strip())
    except (OSError, ValueError) as problem:
        raise TargetError(f"{told.path} holds no process id: {problem}") from problem
    if not procfs.alive(pid):
        raise TargetError(f"process {pid} of {told.path} is not running")
    return Found(told.url, pid, f"process {pid} of {told.path}")
