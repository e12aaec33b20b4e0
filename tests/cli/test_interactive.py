"""`run --interactive` at a real terminal: asked before each step, acts by keys."""

from __future__ import annotations

import os
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chaosmem.cli.interactive import Terminal, keyboard
from chaosmem.errors import Exit
from tests.cli.terminal import PATIENCE, Screen, showing
from tests.run.harness import Lab, Ran, gone, marked

pytestmark = pytest.mark.timeout(300)
STEPS = ("round 1", "baseline", "inject", "hold", "release", "recover")
LONG = {"baseline": "300ms", "inject": "200ms", "hold": "50m", "recover": "300ms"}


@pytest.fixture
def own(tmp_path: Path, healthy: Path) -> Lab:
    return Lab(tmp_path, healthy)


def _spec(lab: Lab, **changes: Any) -> Path:
    """With checks that a busy machine, which leaves out samples, cannot make inconclusive."""
    return lab.spec(checks=["no-restart", "no-oom"], **changes)


def _argv(lab: Lab, spec: Path, *more: str) -> list[str]:
    run = [sys.executable, "-m", "chaosmem", "run", str(spec), "--runs-dir", str(lab.runs)]
    return [*run, "--interactive", *more]


def _ran(lab: Lab, code: int) -> Ran:
    return Ran(code, "", "", lab.runs)


def _acts(ran: Ran) -> list[tuple[str, str]]:
    return [(e["act"], e["outcome"]) for e in ran.events() if e["event"] == "control"]


def test_each_step_is_asked_for_and_keys_act(own: Lab) -> None:
    argv = _argv(own, _spec(own))
    with showing(argv, env=own.env, cwd=own.base) as (screen, started):
        before = screen.settings
        for step in STEPS:
            screen.until(f"PAUSED before {step}: ")
            assert screen.settings[3] & (termios.ECHO | termios.ICANON) == 0
            if step == "hold":
                screen.type("nhalf way there, so far gr\u00fcn\r")
                screen.until("note by")
            screen.type("\r")
        assert started.wait(PATIENCE) == Exit.PASS
        assert screen.settings == before
        assert "PASS" in screen.text
    ran = _ran(own, Exit.PASS)
    assert [a for a, _ in _acts(ran)] == [*["resume"] * 3, "note", *["resume"] * 3]
    (note,) = [e for e in ran.events() if e.get("act") == "note"]
    assert note["text"] == "half way there, so far gr\u00fcn"
    asked = [e for e in ran.events() if e["event"] == "wait.begun"]
    assert "retain 8MiB" in next(e["does"] for e in asked if e["step"] == "inject")
    assert asked[0]["does"].endswith("on process")


def test_keys_hold_and_release_extend_and_pause(own: Lab) -> None:
    spec = _spec(own, phases=LONG | {"hold": "8s"})
    with showing(_argv(own, spec, "--no-steps"), env=own.env, cwd=own.base) as (screen, started):
        screen.until("f2-goroutines applied")
        screen.type("h")
        screen.until("HELD")
        screen.type("e2s\r")
        screen.until("extend of 2 s by")
        screen.until("lasts longer than planned")
        screen.type("p")
        screen.until("pauses before the next step")
        screen.type("h")
        screen.until("PAUSED before ")
        screen.type("p")
        assert started.wait(PATIENCE) == Exit.PASS, screen.text[-2000:]
    ran = _ran(own, Exit.PASS)
    acts = ["hold", "extend", "pause", "release", "resume"]
    assert _acts(ran) == [(act, "done") for act in acts]


def test_an_abort_is_confirmed_first_and_undoes_everything(own: Lab) -> None:
    argv = _argv(own, _spec(own, phases=LONG), "--no-steps")
    with showing(argv, env=own.env, cwd=own.base) as (screen, started):
        before = screen.settings
        screen.until("f2-goroutines applied")
        screen.type("an")
        screen.type("a")
        screen.until("abort the run, undo everything?")
        screen.type("y")
        assert started.wait(PATIENCE) == Exit.ABORTED, screen.text[-2000:]
        assert screen.settings == before
    ran = _ran(own, Exit.ABORTED)
    assert _acts(ran) == [("abort", "done")]
    planned = {e["id"] for e in ran.events() if e["event"] == "undo.planned"}
    assert planned == {e["id"] for e in ran.events() if e["event"] == "undo.done"} != set()


def test_ctrl_c_undoes_everything_and_gives_the_terminal_back(own: Lab) -> None:
    argv = _argv(own, _spec(own, phases=LONG))
    with showing(argv, env=own.env, cwd=own.base) as (screen, started):
        before = screen.settings
        screen.until("PAUSED before round 1")
        screen.type("\x03")
        assert started.wait(PATIENCE) == Exit.ABORTED, screen.text[-2000:]
        assert screen.settings == before


def test_a_closed_window_leaves_nothing_behind(own: Lab) -> None:
    argv = _argv(own, _spec(own, phases=LONG), "--no-steps")
    with showing(argv, env=own.env, cwd=own.base) as (screen, started):
        screen.until("f2-goroutines applied")
        screen.hang_up()
        started.wait(PATIENCE)
    ran = _ran(own, 0)
    assert gone(marked(ran.rundir.name), PATIENCE)
    judged = own.call("verify", "latest", "--runs-dir", own.runs)
    assert judged.code in (Exit.INCONCLUSIVE, Exit.UNDO_INCOMPLETE, Exit.ABORTED)
    assert own.call("undo", "latest", "--runs-dir", own.runs).code == Exit.PASS


def test_ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_again(own: Lab) -> None:
    argv = " ".join(_argv(own, _spec(own)))
    shell = ["bash", "--norc", "--noprofile", "-i"]
    env = own.env | {"PS1": "$ "}
    with showing(shell, env=env, cwd=own.base) as (screen, _):
        screen.until("$ ")
        screen.type(f"{argv}; echo code=$?\n")
        screen.until("PAUSED before round 1")
        screen.type("\x1a")
        screen.until("Stopped")
        screen.type("stty -a\n")
        screen.until(" icanon")
        screen.until(" echo ")
        screen.type("fg\n")
        screen.until("PAUSED before round 1")
        _until(lambda: screen.settings[3] & termios.ICANON == 0)
        screen.type("a")
        screen.until("abort the run")
        screen.type("y")
        screen.until("chaosmem: report")
        screen.until("$ ")
        screen.type("stty -a\n")
        screen.until(" icanon")
        screen.type("exit\n")


def test_without_a_terminal_it_says_what_does_the_same(own: Lab) -> None:
    said = own.run(_spec(own), "--interactive")
    assert said.code == Exit.USAGE
    assert "needs a terminal" in said.stderr
    assert "chaosmem control" in said.stderr
    assert not own.runs.exists()


def test_with_lines_instead_of_the_live_view_it_is_a_usage_error(own: Lab) -> None:
    argv = _argv(own, _spec(own), "--progress", "plain")
    with showing(argv, env=own.env, cwd=own.base) as (screen, started):
        assert started.wait(PATIENCE) == Exit.USAGE
        screen.until("--interactive has the live view")


# --- the terminal by itself


@pytest.fixture
def screen() -> Iterator[Screen]:
    found = Screen()
    yield found
    found.hang_up()


def test_an_exception_gives_the_terminal_back(screen: Screen) -> None:
    before = screen.settings

    def break_off() -> None:
        with Terminal(screen.fd):
            assert screen.settings != before
            raise LookupError

    with pytest.raises(LookupError):
        break_off()
    assert screen.settings == before
    assert signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL


def test_keys_arrive_whole_even_where_a_character_comes_in_two_parts(screen: Screen) -> None:
    got: list[str] = []
    with Terminal(screen.fd), keyboard(screen.fd, got.append):
        for byte in "n\u00fc".encode():
            os.write(screen._master, bytes([byte]))
        _until(lambda: "".join(got) == "n\u00fc")
    assert "".join(got) == "n\u00fc"


def test_a_terminal_that_is_gone_ends_the_keyboard_and_nothing_else(screen: Screen) -> None:
    with keyboard(screen.fd, lambda _: None):
        os.close(screen._master)


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert holds()
