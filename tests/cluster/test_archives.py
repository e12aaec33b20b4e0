"""Images are written here: the same for the same program, and whole."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

from tests.cluster.images.archive import write


def test_an_image_is_the_same_bytes_for_the_same_program(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / name, tag="x/y:z", program=b"\x7fELF", name="y", user="1:1")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_an_image_starts_its_program_as_its_user(tmp_path: Path) -> None:
    write(tmp_path / "image", tag="docker.io/x/y:z", program=b"\x7fELF", name="y", user="1:1")
    with tarfile.open(tmp_path / "image") as tar:
        (manifest,) = json.loads(_read(tar, "manifest.json"))
        config = json.loads(_read(tar, manifest["Config"]))
        assert manifest["RepoTags"] == ["docker.io/x/y:z"]
    assert config["config"]["Entrypoint"] == ["/y"]
    assert config["config"]["User"] == "1:1"


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()
