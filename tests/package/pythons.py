"""The interpreters that the package is installed into: those of this machine, and one of a module.

3.14 comes as files inside a Go module (its proxy is where the other tools come from), so the newest
Python is there wherever a Go toolchain and the module proxy are.
"""

from __future__ import annotations

import fcntl
import functools
import gzip
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from chaosmem.drivers import gotool

MODULE, VERSION = "github.com/kluctl/go-embed-python", "v0.0.0-3.14.6-20260610-1"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "chaosmem"
WANTED = ("3.11", "3.12", "3.13", "3.14")


@functools.cache
def found() -> dict[str, Path]:
    """An interpreter of each wanted version that is to be had, by version."""
    place = {v: p for v in WANTED for p in [_here(v)] if p is not None}
    if "3.14" not in place:
        place["3.14"] = embedded()
    return place


def _here(version: str) -> Path | None:
    return next((p for p in _candidates(version) if _answers(p, version)), None)


def _candidates(version: str) -> Iterator[Path]:
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield Path(on_path)
    yield from sorted(Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python"))


def _answers(python: Path, version: str) -> bool:
    """A shim of a version manager is on PATH even where the version is not chosen."""
    code = "import ensurepip, ssl, sys; print('%d.%d' % sys.version_info[:2])"
    try:
        told = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return told.stdout.strip() == version


def embedded() -> Path:
    """The interpreter out of the module, unpacked once."""
    place = CACHE / f"python-{VERSION}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "python.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            part = place.with_name(place.name + ".part")
            shutil.rmtree(part, ignore_errors=True)
            _unpack(_downloaded() / "python/internal/data/linux-amd64", part)
            part.rename(place)
    return place / "bin" / "python3.14"


def _downloaded() -> Path:
    told = subprocess.run(
        [gotool.find().program, "mod", "download", "-json", f"{MODULE}@{VERSION}"],
        cwd="/",
        env=os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod"},
        capture_output=True,
        check=True,
    )
    return Path(json.loads(told.stdout)["Dir"])


def _unpack(source: Path, target: Path) -> None:
    for entry in json.loads((source / "files.json").read_text())["files"]:
        packed, place = source / entry["name"], target / entry["name"]
        if "symlink" in entry:
            place.symlink_to(entry["symlink"])
        elif packed.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            _write(packed, place, entry["perm"] & 0o777)


def _write(packed: Path, place: Path, mode: int) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    zipped = packed.with_name(packed.name + ".gz")
    data = packed.read_bytes() if packed.exists() else gzip.decompress(zipped.read_bytes())
    place.write_bytes(data)
    place.chmod(mode)
