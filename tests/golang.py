"""The Go toolchain of the tests: the one that chaosmem itself finds, on PATH or in the venv."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

from chaosmem.drivers import gotool

_ALONE = {"GOFLAGS": "-buildvcs=false", "GOPROXY": "off", "GOTOOLCHAIN": "local"}
_SECONDS = 600.0
"""The first build with a toolchain compiles its standard library: a minute, more beside others."""


@functools.cache
def toolchain() -> gotool.Go:
    """The toolchain.

    Raises:
        ToolchainMissing: there is none, and the tests cannot do without.
    """
    return gotool.find()


def run(directory: Path, *arguments: str, more: dict[str, str] | None = None) -> None:
    """Run the `go` command there, with `more` in its environment.

    Raises:
        subprocess.CalledProcessError: it fails.
    """
    subprocess.run(
        [toolchain().program, *arguments],
        cwd=directory,
        check=True,
        capture_output=True,
        env=os.environ | _ALONE | (more or {}),
        timeout=_SECONDS,
    )


def with_leaks() -> dict[str, str]:
    """What makes profiles of leaked goroutines: an experiment in Go 1.26, no longer one in 1.27."""
    built_in = gotool.new_enough(toolchain().version, (1, 27))
    return {} if built_in else {"GOEXPERIMENT": "goroutineleakprofile"}


def _warm() -> None:
    """Build what fixtures build, before tests run side by side and build it twice."""
    profile = Path(__file__).parent / "profile"
    run(profile / "goprofiles", "build", "-o", os.devnull, "cmd/pprof")
    run(profile / "goprofiles", "build", "-trimpath", "-o", os.devnull, ".")
    run(profile / "goroutineleak", "build", "-trimpath", "-o", os.devnull, ".", more=with_leaks())


if __name__ == "__main__":
    _warm()
