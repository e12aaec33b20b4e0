"""A process's end is seen also by a Python that was built without pidfd_open."""

from __future__ import annotations

import os
import select
import subprocess
import sys

import pytest

from chaosmem.drivers import process


@pytest.fixture(params=["as-built", "without"])
def built(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "without" and hasattr(os, "pidfd_open"):
        monkeypatch.delattr(os, "pidfd_open")
    return str(request.param)


@pytest.mark.usefixtures("built")
def test_the_descriptor_is_readable_when_the_process_has_ended() -> None:
    started = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    descriptor = process.pidfd(started.pid)
    try:
        assert select.select([descriptor], [], [], 0) == ([], [], [])
        started.communicate(b"\n")
        assert select.select([descriptor], [], [], 30) == ([descriptor], [], [])
    finally:
        os.close(descriptor)


@pytest.mark.usefixtures("built")
def test_a_process_that_is_gone_is_an_error() -> None:
    started = subprocess.Popen([sys.executable, "-c", ""])
    started.wait()
    with pytest.raises(ProcessLookupError):
        process.pidfd(started.pid)
