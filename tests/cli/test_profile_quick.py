"""`chaosmem profile top` by its short way, which must not be told from the whole command line."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chaosmem.cli.profile import app
from chaosmem.cli.profile_top import quick
from tests.profile.builder import simple


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "heap.pb.gz"
    path.write_bytes(gzip.compress(simple().bytes()))
    return path


PLAIN = [
    [],
    ["-n", "1"],
    ["--nodecount", "0", "--cum"],
    ["--sample_index", "objects"],
    ["--sample-index", ""],
]


@pytest.mark.parametrize("flags", PLAIN, ids=str)
@pytest.mark.parametrize("directory", [False, True])
def test_a_plain_call_prints_what_the_whole_command_line_prints(
    capture: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    directory: bool,
) -> None:
    place = str(capture.parent if directory else capture)
    assert quick(["profile", "top", *flags, place])
    whole = CliRunner().invoke(app, ["top", *flags, place])
    assert whole.exit_code == 0
    assert capsys.readouterr().out == whole.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["profile"],
        ["profile", "top"],
        ["profile", "tree", "FILE"],
        ["profile", "top", "--help"],
        ["profile", "top", "--focus", "leaf", "FILE"],
        ["profile", "top", "-n", "-1", "FILE"],
        ["profile", "top", "-n", "²", "FILE"],
        ["profile", "top", "FILE", "-n"],
        ["profile", "top", "-n1", "FILE"],
        ["profile", "top", "--", "FILE"],
        ["profile", "top", "FILE", "FILE"],
        ["profile", "top", "-"],
        ["profile", "top", "http://127.0.0.1:1/"],
        ["profile", "top", "missing.pb.gz"],
        ["profile", "top", "--sample_index", "no-such", "FILE"],
        ["run", "FILE"],
    ],
    ids=" ".join,
)
def test_every_other_call_is_left_to_the_whole_command_line(
    capture: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    given = [str(capture) if argument == "FILE" else argument for argument in arguments]
    assert not quick(given)
    assert capsys.readouterr() == ("", "")


def test_a_damaged_capture_is_left_to_the_whole_command_line(
    capture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capture.write_bytes(capture.read_bytes()[:-9])
    assert not quick(["profile", "top", str(capture)])
    assert capsys.readouterr() == ("", "")


def _imported(place: Path) -> set[str]:
    """Modules that are there after the program has reported this place."""
    code = "import sys, chaosmem.__main__ as m; m.main(); print('\\n'.join(sys.modules))"
    command = [sys.executable, "-c", code, "profile", "top", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ})
    return set(done.stdout.splitlines())


def test_a_plain_call_does_not_import_what_is_slow(capture: Path) -> None:
    assert not {"typer", "pydantic", "rich", "aiohttp"} & _imported(capture)
