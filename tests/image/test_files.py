"""What the image is built from: pinned, whole, and only what belongs there."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.image.build import ROOT

EXTRAS = ("postgres", "otel", "s3", "serve", "notify")
LOCK = ROOT / "image" / "requirements.txt"


def _pinned() -> dict[str, str]:
    found = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", LOCK.read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def _wanted() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *(d for e in EXTRAS for d in extras.get(e, ()))]
    return [Requirement(line) for line in lines]


def test_every_dependency_of_the_project_is_pinned_as_it_asks() -> None:
    pinned = _pinned()
    wrong = [
        str(wanted)
        for wanted in _wanted()
        if not wanted.specifier.contains(pinned.get(canonicalize_name(wanted.name), "0"))
    ]
    assert wrong == [], "lock anew: see the first lines of image/requirements.txt"


@pytest.mark.parametrize("name", ["requirements.txt", "tools.txt"])
def test_every_package_of_the_build_has_its_hash(name: str) -> None:
    text = (ROOT / "image" / name).read_text()
    for package in re.split(r"^(?=[A-Za-z])", text, flags=re.MULTILINE):
        if re.match(r"[A-Za-z]", package):
            assert "--hash=sha256:" in package, package.splitlines()[0]


def test_the_base_is_pinned_by_version_and_may_be_another() -> None:
    (base,) = re.findall(
        r"^ARG PYTHON_IMAGE=(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+\.\d+-slim-\w+", base)
    assert "FROM ${PYTHON_IMAGE} AS build" in (ROOT / "Dockerfile").read_text()


def test_what_runs_is_nobody_from_scratch() -> None:
    last = (ROOT / "Dockerfile").read_text().rpartition("FROM ")[2]
    assert last.startswith("scratch\n")
    assert "USER 65532:65532" in last
