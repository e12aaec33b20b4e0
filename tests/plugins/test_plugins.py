"""Plugins as commands meet them: in distributions on the path of a fresh interpreter."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "chaosmem-descriptors"
SIMPLE = """
from typing import Literal
from chaosmem.plugins import CheckPlugin, FaultPlugin
from chaosmem.spec.checks import CheckBase
from chaosmem.spec.faults import FaultBase

class Nap(FaultBase):
    '''Does nothing.'''
    kind: Literal["nap"] = "nap"

class Calm(CheckBase):
    '''Is always calm.'''
    kind: Literal["calm"] = "calm"

NAP = FaultPlugin(Nap, "simple:words", "simple:Act", "simple:prove", "simple:finish")
CALM = CheckPlugin(Calm, "simple:claim", "simple:judge")
NOWHERE = CheckPlugin(Calm, "nowhere:claim", "nowhere:judge")
"""


def distribution(place: Path, name: str, points: Mapping[str, Mapping[str, str]]) -> None:
    """What pip leaves of a package: its metadata and its entry points."""
    info = place / f"{name}-1.0.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0.0\n")
    text = "".join(
        f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in entries.items())
        for group, entries in points.items()
    )
    (info / "entry_points.txt").write_text(text)


def call(place: Path, *args: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chaosmem", *args],
        env=os.environ | {"PYTHONPATH": str(place)} | env,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example package, as if it were installed."""
    place = tmp_path / "site"
    shutil.copytree(EXAMPLE / "chaosmem_descriptors", place / "chaosmem_descriptors")
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    distribution(place, "chaosmem_descriptors", project["entry-points"])
    return place


def simple(place: Path, points: Mapping[str, Mapping[str, str]], source: str = SIMPLE) -> Path:
    place.mkdir(exist_ok=True)
    (place / "simple.py").write_text(source)
    distribution(place, "simple", points)
    return place


def listed(place: Path, **env: str) -> list[str]:
    shown = call(place, "version", "--all", **env)
    assert shown.returncode == 0, shown.stderr
    return [line for line in shown.stdout.splitlines() if line.startswith("plugin")]


@pytest.mark.timeout(330)
def test_the_example_holds_the_contract_that_it_demonstrates(example: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", EXAMPLE],
        env=os.environ | {"PYTHONPATH": str(example)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "20 passed" in done.stdout


def test_the_example_spec_is_planned_with_the_plugin_and_refused_without(example: Path) -> None:
    spec = EXAMPLE / "few-descriptors.yaml"
    planned = call(example, "plan", spec)
    assert planned.returncode == 0, planned.stderr
    assert "let the target open at most 24 files and connections" in planned.stdout
    refused = call(example, "plan", spec, CHAOSMEM_PLUGINS="off")
    assert refused.returncode == 6
    assert "few-descriptors.yaml:17:5: faults[1].descriptors: unknown fault" in refused.stderr


CASES = [
    ({"chaosmem.checks": {"calm": "simple:CALM"}}, "calm (simple 1.0.0): checks"),
    ({"chaosmem.checks": {"calm": "simple:GONE"}}, "calm (simple 1.0.0): cannot be imported: Attr"),
    ({"chaosmem.checks": {"calm": "gone:CALM"}}, "calm (simple 1.0.0): cannot be imported: Module"),
    ({"chaosmem.checks": {"calm": "simple:NAP"}}, "simple:NAP is a FaultPlugin, not a CheckPlugin"),
    ({"chaosmem.checks": {"calmer": "simple:CALM"}}, "named calmer, its model's kind is 'calm'"),
]


@pytest.mark.parametrize(
    ("points", "said"), CASES, ids=["usable", "no-name", "no-module", "other-group", "other-kind"]
)
def test_a_plugin_that_is_amiss_is_named_and_stops_nothing(
    tmp_path: Path, points: dict[str, dict[str, str]], said: str
) -> None:
    lines = listed(simple(tmp_path / "site", points))
    assert len(lines) == 1
    assert said in lines[0]


def test_of_two_packages_with_one_kind_neither_is_taken(tmp_path: Path) -> None:
    place = simple(tmp_path / "site", {"chaosmem.checks": {"calm": "simple:CALM"}})
    distribution(place, "other", {"chaosmem.checks": {"calm": "simple:CALM"}})
    assert "other 1.0.0 and simple 1.0.0 both declare it; uninstall one" in listed(place)[0]


def test_plugins_can_be_switched_off(example: Path) -> None:
    assert len(listed(example)) == 4
    assert listed(example, CHAOSMEM_PLUGINS="off") == []


def spec(place: Path, **sections: Any) -> Path:
    whole = {
        "apiVersion": "chaosmem/v1",
        "kind": "Experiment",
        "metadata": {"name": "plugged"},
        "target": {
            "process": {
                "go": {"module": "builtin:demo"},
                "args": ["-addr", "127.0.0.1:{port}"],
                "ready": {"within": "20s"},
            }
        },
        "phases": {"baseline": "300ms", "inject": "200ms", "hold": "300ms", "recover": "300ms"},
        "faults": [{"heap": {"retain": "8MiB"}}],
    }
    path = place / "spec.yaml"
    path.write_text(json.dumps(whole | sections))
    return path


def test_a_check_whose_function_is_not_there_is_inconclusive(tmp_path: Path) -> None:
    place = simple(tmp_path / "site", {"chaosmem.checks": {"calm": "simple:NOWHERE"}})
    file = spec(tmp_path, checks=["stress-effect", "calm"])
    ran = call(place, "run", file, "--runs-dir", tmp_path / "runs", "-o", "json")
    assert ran.returncode == 3, ran.stderr
    findings = {f["check"]: f for f in json.loads(ran.stdout)["findings"]}
    assert findings["calm"]["outcome"] == "INCONCLUSIVE"
    assert "nowhere:claim, which is not there" in findings["calm"]["reason"]


BAD_UNDO = (
    SIMPLE
    + """
from chaosmem.drivers.agent import Ack
from chaosmem.errors import UndoIncomplete
from chaosmem.plan.words import Words
import pathlib

def words(fault): return Words("leaves a file", "it is there", "it is removed")
class Act:
    def __init__(self, fault, scene): self.scene = scene
    def promise(self): return {"file": FILE}
    async def apply(self):
        pathlib.Path(FILE).touch()
        return Ack(self.scene.clock.now(), 0.0, {})
    async def prove(self): return {}
    async def undo(self): raise UndoIncomplete("the file is held")
def prove(*_): return ()
def finish(facts): pathlib.Path(facts["file"]).unlink(missing_ok=True)
"""
)


def test_an_undo_that_fails_is_exit_5_and_finished_by_chaosmem_undo(tmp_path: Path) -> None:
    left = tmp_path / "left"
    source = BAD_UNDO.replace("FILE", repr(str(left)))
    place = simple(tmp_path / "site", {"chaosmem.faults": {"nap": "simple:NAP"}}, source)
    runs = tmp_path / "runs"
    ran = call(place, "run", spec(tmp_path, faults=["nap"], checks=[]), "--runs-dir", runs)
    assert ran.returncode == 5, ran.stdout + ran.stderr
    assert left.exists()
    without = call(place, "undo", "latest", "--runs-dir", runs, CHAOSMEM_PLUGINS="off")
    assert without.returncode == 5
    assert "the plugin is not installed here" in without.stdout
    assert call(place, "undo", "latest", "--runs-dir", runs).returncode == 0
    assert not left.exists()


def test_a_fault_that_is_not_proven_makes_the_verdict_inconclusive(tmp_path: Path) -> None:
    good = BAD_UNDO.replace(
        'raise UndoIncomplete("the file is held")',
        'finish({"file": FILE}); return Ack(self.scene.clock.now(), 0.0, {})',
    ).replace("FILE", repr(str(tmp_path / "left")))
    place = simple(tmp_path / "site", {"chaosmem.faults": {"nap": "simple:NAP"}}, good)
    file = spec(tmp_path, faults=["nap"], checks=["no-restart"])
    ran = call(place, "run", file, "--runs-dir", tmp_path / "runs")
    assert ran.returncode == 3, ran.stdout + ran.stderr
    assert "nothing to prove" in ran.stdout
