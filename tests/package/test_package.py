"""The package as people get it: built, checked, installed into clean environments, and used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.package import pythons

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "chaosmem-descriptors"
SPEC = {
    "apiVersion": "chaosmem/v1",
    "kind": "Experiment",
    "metadata": {"name": "installed"},
    "target": {
        "process": {
            "go": {"module": "builtin:demo"},
            "args": ["-addr", "127.0.0.1:{port}"],
            "ready": {"within": "60s"},
        }
    },
    "phases": {"baseline": "2s", "inject": "500ms", "hold": "1s", "recover": "2s"},
    "faults": [{"heap": {"retain": "16MiB"}}],
    "checks": ["stress-effect", "no-restart"],
}


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory with wheel and sdist, built apart from this tree's environment."""
    place = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--outdir", str(place), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    return place


def wheel(dist: Path) -> Path:
    return next(dist.glob("*.whl"))


def names_in_wheel(dist: Path) -> set[str]:
    with zipfile.ZipFile(wheel(dist)) as archive:
        return {n for n in archive.namelist() if n.startswith("chaosmem/")}


def test_twine_finds_nothing_wrong(dist: Path) -> None:
    files = sorted(dist.iterdir())
    assert len(files) == 2
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *files], check=True)


def test_the_wheel_holds_every_file_of_the_package(dist: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "chaosmem"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    there = {n for n in listed.stdout.split() if (ROOT / n).exists()}
    missing = there - names_in_wheel(dist)
    assert not missing
    assert "chaosmem/py.typed" in names_in_wheel(dist)


def test_the_source_distribution_makes_the_same_package(dist: Path) -> None:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        inside = {n.partition("/")[2] for n in archive.getnames()}
    assert names_in_wheel(dist) <= inside
    assert {"README.md", "LICENSE", "CHANGELOG.md", "experiments/quickstart.yaml"} <= inside


def installed(dist: Path, version: str, place: Path) -> Path:
    """`bin` of a clean environment of that Python, with the wheel in it."""
    python = pythons.found().get(version)
    if python is None:
        pytest.fail(f"Python {version} is neither on this machine nor to be fetched")
    subprocess.run([python, "-m", "venv", "--without-pip", place], check=True)
    into(place / "bin", "install", "--no-compile", wheel(dist))
    into(place / "bin", "check")
    return place / "bin"


def into(bins: Path, *args: str | Path) -> None:
    """pip, from outside, on that environment."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*command, "--python", bins / "python", *args], check=True, timeout=800)


def called(bins: Path, *args: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("CHAOSMEM_", "PYTHON"))}
    return subprocess.run(
        [bins / "chaosmem", *args],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@pytest.mark.parametrize("version", pythons.WANTED)
def test_a_clean_environment_of_each_python_runs_an_experiment_to_its_verdict(
    version: str, dist: Path, tmp_path: Path
) -> None:
    bins = installed(dist, version, tmp_path / "env")
    assert called(bins, "version", cwd=tmp_path).stdout.startswith("chaosmem ")
    (tmp_path / "spec.yaml").write_text(json.dumps(SPEC))
    ran = called(bins, "run", "spec.yaml", "-o", "json", cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert json.loads(ran.stdout)["outcome"] == "PASS"
    assert "the same, byte for byte" in called(bins, "verify", "latest", cwd=tmp_path).stderr
    _tells_what_an_extra_brings(bins, tmp_path)
    _finds_the_example_plugin(bins, dist, tmp_path)


def _tells_what_an_extra_brings(bins: Path, place: Path) -> None:
    lacking = called(bins, "serve", cwd=place)
    assert lacking.returncode == 2
    assert "chaosmem[serve]" in lacking.stderr


def _finds_the_example_plugin(bins: Path, dist: Path, place: Path) -> None:
    into(bins, "install", "--no-compile", "--find-links", dist, EXAMPLE)
    shown = called(bins, "version", "--all", cwd=place).stdout
    for name in ("descriptors", "goroutine-ceiling", "csv", "pidfile"):
        assert f"{name} (chaosmem-descriptors 1.0.0)" in shown
    planned = called(bins, "plan", EXAMPLE / "few-descriptors.yaml", cwd=place)
    assert planned.returncode == 0, planned.stderr
