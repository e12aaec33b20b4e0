"""The commands, as a user runs them."""

from __future__ import annotations

import json
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from chaosmem import __version__
from chaosmem.drivers import gotool
from chaosmem.errors import Exit
from tests.run.harness import ENV, Lab, Ran

COMMANDS = [
    "run",
    "plan",
    "verify",
    "show",
    "list",
    "report",
    "undo",
    "sweep",
    "doctor",
    "schema",
    "init",
    "version",
    "profile",
    "history",
    "baseline",
    "trend",
    "control",
    "gate",
    "validate",
    "runbook",
    "handover",
    "serve",
    "metrics",
    "scheduled",
    "retire",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_has_an_example(lab: Lab, command: str) -> None:
    said = lab.call(command, "--help")
    assert said.code == Exit.PASS
    assert f"chaosmem {command}" in said.stdout.partition("Example")[2]


def test_help_names_every_command_and_the_exit_codes(lab: Lab) -> None:
    said = lab.call("--help").stdout
    assert [c for c in COMMANDS if f"  {c} " not in said] == []
    assert "3 inconclusive" in said


def test_an_unknown_command_is_a_usage_error(lab: Lab) -> None:
    assert lab.call("frobnicate").code == Exit.USAGE


def test_version_prints_the_version(lab: Lab) -> None:
    assert lab.call("version").stdout == f"chaosmem {__version__}\n"
    everything = lab.call("version", "--all").stdout
    assert "go " in everything
    assert "pydantic" in everything


def test_completion_can_be_shown_for_a_shell(lab: Lab) -> None:
    said = lab.call("--show-completion", "bash")
    assert "_CHAOSMEM_COMPLETE" in said.stdout or "_COMPLETE" in said.stdout, said.stderr


def test_init_writes_a_spec_that_plans_and_does_not_overwrite(lab: Lab) -> None:
    assert lab.call("init", "mine.yaml").code == Exit.PASS
    assert lab.call("plan", "mine.yaml").code == Exit.PASS
    again = lab.call("init", "mine.yaml")
    assert again.code == Exit.USAGE
    assert "--force" in again.stderr


def test_init_gives_the_agent_to_a_service_that_then_builds(lab: Lab) -> None:
    service = lab.base / "service"
    service.mkdir()
    (service / "go.mod").write_text("module service\n\ngo 1.22\n")
    (service / "main.go").write_text(
        'package main\n\nimport (\n\t"net/http"\n\n\t"chaosmem/agent"\n)\n\n'
        "func main() {\n\tagent.Mount(http.DefaultServeMux)\n}\n"
    )
    said = lab.call("init", "--agent", "service/chaosmem")
    assert "-replace=chaosmem=./service/chaosmem" in said.stdout
    go = gotool.find().program
    edit = ["mod", "edit", "-require=chaosmem@v0.0.0", "-replace=chaosmem=./chaosmem"]
    subprocess.run([go, *edit], cwd=service, check=True)
    subprocess.run([go, "vet", "./..."], cwd=service, check=True, env=ENV | {"GOPROXY": "off"})
    assert lab.call("init", "--agent", "service/chaosmem").code == Exit.USAGE


def test_schema_is_json_schema(lab: Lab) -> None:
    schema = json.loads(lab.call("schema").stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_plan_shows_target_phases_faults_and_their_undo(lab: Lab) -> None:
    said = lab.call("plan", lab.spec()).stdout
    for word in ("healthy", "baseline 300 ms", "retain 8MiB", "proven when", "undone:", "GOGC=50"):
        assert word in said


def test_a_dry_run_touches_nothing(lab: Lab) -> None:
    said = lab.call("run", lab.spec(), "--dry-run", "--runs-dir", "untouched")
    assert said.code == Exit.PASS
    assert "nothing was touched" in said.stdout
    assert not (lab.base / "untouched").exists()


def test_a_broken_spec_gives_all_its_errors_with_their_places(lab: Lab) -> None:
    (lab.base / "broken.yaml").write_text("apiVersion: chaosmem/v2\nkind: Experiment\nfalts: []\n")
    said = lab.call("run", "broken.yaml")
    assert said.code == Exit.SPEC_INVALID
    assert "broken.yaml:1:" in said.stderr
    assert "broken.yaml:3:" in said.stderr
    assert "did you mean" in said.stderr.lower()


def test_a_missing_spec_is_named(lab: Lab) -> None:
    said = lab.call("plan", "absent.yaml")
    assert said.code == Exit.SPEC_INVALID
    assert "absent.yaml" in said.stderr
    assert "Traceback" not in said.stderr


def test_list_shows_the_run_and_its_outcome(lab: Lab, ran: Ran) -> None:
    rows = json.loads(lab.call("list", "--runs-dir", lab.runs, "--format", "json").stdout)
    assert {"run": ran.rundir.name, "outcome": "PASS"}.items() <= rows[-1].items()
    assert ran.rundir.name in lab.call("list", "--runs-dir", lab.runs).stdout


def test_show_tells_what_happened_when(lab: Lab, ran: Ran) -> None:
    said = lab.call("show", ran.rundir.name, "--runs-dir", lab.runs).stdout
    for words in ("phase inject", "f1-heap applied", "f2-goroutines undone", "run completed"):
        assert words in said


def test_verify_gives_the_same_bytes_and_says_so(lab: Lab, ran: Ran) -> None:
    said = lab.call("verify", ran.rundir, "--format", "json")
    assert said.stdout.encode() == (ran.rundir / "verdict.json").read_bytes()
    assert "byte for byte" in said.stderr


def test_verify_needs_nothing_but_the_directory(lab: Lab, ran: Ran, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / ran.rundir.name
    moved.parent.mkdir()
    import shutil

    shutil.copytree(ran.rundir, moved)
    said = lab.call("verify", moved, "--format", "json")
    assert said.stdout.encode() == (ran.rundir / "verdict.json").read_bytes()


def test_a_changed_capture_is_noticed(lab: Lab, ran: Ran, tmp_path: Path) -> None:
    import shutil

    moved = tmp_path / ran.rundir.name
    shutil.copytree(ran.rundir, moved)
    capture = next(moved.glob("captures/*/*-goroutine.pb.gz"))
    capture.write_bytes(capture.read_bytes()[:-1] + b"x")
    said = lab.call("verify", moved)
    assert said.code == Exit.INCONCLUSIVE
    assert "checksum" in said.words


@pytest.mark.parametrize("kind", ["text", "json", "markdown", "junit", "html"])
def test_report_writes_every_format(lab: Lab, ran: Ran, kind: str, tmp_path: Path) -> None:
    out = tmp_path / f"report.{kind}"
    said = lab.call("report", ran.rundir, "--format", kind, "--out", out)
    assert said.code == Exit.PASS
    assert "PASS" in out.read_text() or kind == "junit"


def test_run_writes_junit_and_markdown_beside_its_text(lab: Lab, ran: Ran) -> None:
    suite = ET.fromstring((lab.base / "junit.xml").read_text())  # noqa: S314 - our own file
    assert suite.iter("testcase")
    assert "PASS" in (lab.base / "summary.md").read_text()


def test_an_unknown_run_is_a_usage_error(lab: Lab) -> None:
    for command in ("verify", "show", "report", "undo"):
        said = lab.call(command, "no-such-run", "--runs-dir", lab.runs)
        assert said.code == Exit.USAGE, command
        assert "chaosmem list" in said.stderr


def test_doctor_finds_everything_well_for_a_healthy_target(lab: Lab) -> None:
    said = lab.call("doctor", lab.spec())
    assert said.code == Exit.PASS, said.stdout
    for what in ("go toolchain", "disk", "agent", "samples from metrics", "pprof"):
        assert what in said.stdout


def test_doctor_says_how_to_mend_what_is_wrong(lab: Lab) -> None:
    wrong = {"heap": {"retain": "8MiB", "at": "main.(*Cache).Fil"}}
    said = lab.call("doctor", lab.spec(faults=[wrong]))
    assert said.code == Exit.INCONCLUSIVE
    assert "main.(*Cache).Fill" in said.stdout
    assert "mend:" in said.stdout


def test_a_reader_that_closes_early_is_no_error(lab: Lab) -> None:
    started = lab.start("schema")
    assert started.stdout is not None
    started.stdout.close()
    started.stdout = None
    _, err = started.communicate(timeout=30)
    assert "Traceback" not in err
