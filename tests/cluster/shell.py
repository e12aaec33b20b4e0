"""Programs that are run to their end, and what is said when one fails."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_SHOWN = 4000  # characters of a failed program's output that a message repeats


# Locks that this process holds. Programs that it runs hold them too: so, when it is killed, nobody
# comes in before the program that it was running has ended.
_held: set[int] = set()


class ClusterProblem(Exception):
    """The test cluster cannot be built, booted or used; the message says what to look at."""


def run(
    argv: Sequence[str | Path],
    *,
    text: str | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 120,
) -> str:
    """Run a program and return its stdout; ClusterProblem repeats its stderr."""
    try:
        done = subprocess.run(
            argv,
            input=text,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=True,
            cwd=cwd,
            pass_fds=_held,
            env=None if env is None else os.environ | env,
        )
    except subprocess.CalledProcessError as err:
        said = (err.stderr + err.stdout).strip()[-_SHOWN:]
        raise ClusterProblem(f"{_words(argv)} ended with {err.returncode}: {said}") from err
    except (OSError, subprocess.TimeoutExpired) as err:
        raise ClusterProblem(f"{_words(argv)}: {err}") from err
    return done.stdout


def _words(argv: Sequence[str | Path]) -> str:
    return " ".join(map(str, argv))[:200]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock that ends with its holder and the programs it runs; waits for another holder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _held.add(file.fileno())
        try:
            yield
        finally:
            _held.discard(file.fileno())
