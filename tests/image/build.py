"""The images as files: the runner out of the Dockerfile by buildah, the helper out of its program.

Nothing is pulled: the Dockerfile's base is ours. Packages come from where pip on this machine gets
them, by its own settings; neither they nor the machine's certificates get into the image.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaosmem.drivers import gotool
from tests.cluster import build, packages
from tests.cluster.images import archive as program_image
from tests.cluster.shell import locked, run
from tests.image import base

ROOT = Path(__file__).resolve().parents[2]
RUNNER, HELPER = "chaosmem/chaosmem:test", "chaosmem/helper:test"
SBOM = "usr/share/sbom/chaosmem.cdx.json"
_CONTEXT = ("Dockerfile", ".dockerignore", "pyproject.toml", "README.md", "LICENSE")
_BUILDAH: Mapping[str, str] = {"buildah": "buildah"}
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Built:
    """An image in the layout of `docker save`, and its bill of materials."""

    archive: Path
    sbom: Path


def runner() -> Built:
    """The runner's image, built unless these very sources were built before.

    `CHAOSMEM_TEST_IMAGE` names a directory with one that is to be taken as it is.
    """
    if named := os.environ.get("CHAOSMEM_TEST_IMAGE"):
        return Built(Path(named) / "chaosmem.tar", Path(named) / "chaosmem.cdx.json")
    place = build.cache() / f"runner-{_fingerprint()}"
    built = Built(place / "chaosmem.tar", place / "chaosmem.cdx.json")
    with locked(build.cache() / "runner.lock"):
        if not built.sbom.is_file():
            packages.require(_BUILDAH)
            for old in build.cache().glob("runner-*/"):
                shutil.rmtree(old)
            place.mkdir(parents=True)
            _build(built)
    return built


def helper(place: Path) -> Path:
    """The helper's image: one static program on nothing."""
    program = build.cache() / "images" / "helper"
    build.compile_to(program, gotool.builtin_module(), package="./helper")
    made = place / "helper.tar"
    program_image.write(
        made, tag=f"docker.io/{HELPER}", program=program.read_bytes(), name="helper", user="0:0"
    )
    return made


def _build(built: Built) -> None:
    with tempfile.TemporaryDirectory(prefix="chaosmem-image-") as scratch:
        work = Path(scratch)
        stored = ["--storage-driver", "vfs", "--root", f"{work}/root", "--runroot", f"{work}/run"]
        buildah = ["buildah", *stored]
        made = run([*buildah, "from", "scratch"]).strip()
        run([*buildah, "add", "--quiet", made, base.archive(), "/"], timeout=_SECONDS)
        run([*buildah, "commit", "--quiet", "--rm", made, base.TAG], timeout=_SECONDS)
        words = ["--isolation=chroot", "--pull-never", f"--build-arg=PYTHON_IMAGE={base.TAG}"]
        words += [*_pip(work), f"--tag={RUNNER}", "."]
        run([*buildah, "bud", *words], cwd=ROOT, timeout=_SECONDS)
        target = f"docker-archive:{built.archive}:docker.io/{RUNNER}"
        run([*buildah, "push", "--quiet", RUNNER, target], timeout=_SECONDS)
    built.sbom.write_bytes(read(built.archive, SBOM))


def _pip(work: Path) -> list[str]:
    """This machine's settings of pip, seen by the build's programs and by nothing else."""
    settings = {k.removeprefix("PIP_").lower(): v for k, v in os.environ.items() if "PIP_" in k[:4]}
    settings = {k: v for k, v in settings.items() if k.endswith("index_url") or k == "trusted_host"}
    volumes = []
    if _CERTIFICATES.is_file():
        settings["cert"] = "/run/ca.crt"
        volumes = [f"--volume={_CERTIFICATES}:/run/ca.crt:ro"]
    config = work / "pip.conf"
    lines = [f"{name.replace('_', '-')} = {value}\n" for name, value in settings.items()]
    config.write_text("".join(["[global]\n", *lines]))
    return [*volumes, f"--volume={config}:/etc/pip.conf:ro"]


def read(archive: Path, name: str) -> bytes:
    """One file of an image; KeyError where it has none of that name."""
    with tarfile.open(archive) as image:
        for layer in _layers(image):
            with tarfile.open(fileobj=image.extractfile(layer)) as files:
                found = files.extractfile(name)
                assert found is not None
                return found.read()
    raise KeyError(name)


def members(archive: Path) -> list[tarfile.TarInfo]:
    """Every file of an image's one layer."""
    with tarfile.open(archive) as image:
        (layer,) = _layers(image)
        with tarfile.open(fileobj=image.extractfile(layer)) as files:
            return files.getmembers()


def config(archive: Path) -> dict[str, Any]:
    """The image's configuration: user, environment, entry point."""
    with tarfile.open(archive) as image:
        named = _manifest(image)["Config"]
        found = image.extractfile(str(named))
        assert found is not None
        return dict(json.load(found)["config"])


def _layers(image: tarfile.TarFile) -> list[str]:
    return [str(name) for name in _manifest(image)["Layers"]]


def _manifest(image: tarfile.TarFile) -> dict[str, list[str]]:
    found = image.extractfile("manifest.json")
    assert found is not None
    return dict(json.load(found)[0])


def _fingerprint() -> str:
    digest = hashlib.sha256(base.archive().name.encode())
    for file in sorted(_sources()):
        digest.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    yield from (ROOT / name for name in _CONTEXT)
    for directory in ("image", "chaosmem"):
        for file in (ROOT / directory).rglob("*"):
            if file.is_file() and file.suffix != ".pyc" and not file.name.endswith("_test.go"):
                yield file
