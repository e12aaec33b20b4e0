"""What to say when the run directory cannot be written."""

from __future__ import annotations

from chaosmem.errors import RunDirError


def unwritable(name: str, problem: OSError) -> RunDirError:
    """The error for a file that could not be written, made or opened."""
    return RunDirError(
        f"cannot write {name}: {problem.strerror}",
        hint="free disk space or give another place with --runs-dir",
    )
