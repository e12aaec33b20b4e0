"""Gather what a virtual environment needs to run into a directory that is then an image's root.

Run by the Dockerfile's build stage; standard library only. Taken are the environment, the
interpreter, its standard library without what only developers use, and every shared library that
any of these links to, each at the path where it was. So whatever base the build had, its shell,
package manager and tools stay behind.
"""

# ruff: noqa: INP001 - a script of the build, no package

from __future__ import annotations

import argparse
import compileall
import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

NOBODY = 65532
_DEVELOPERS = ("test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip")
_UNUSED = (*_DEVELOPERS, "site-packages", "dist-packages", "__pycache__", "pydoc_data")
_PROGRAMS = ("python", "python3")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_LINKED = re.compile(r"(/\S+) \(0x[0-9a-f]+\)")
_ACCOUNTS = {
    "etc/passwd": f"root:x:0:0:root:/:/nologin\nchaosmem:x:{NOBODY}:{NOBODY}::/tmp:/nologin\n",
    "etc/group": f"root:x:0:\nchaosmem:x:{NOBODY}:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}


def main() -> None:
    """Gather."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    gather(args.venv, args.out)


def gather(venv: Path, out: Path) -> None:
    """All of it; raises OSError or CalledProcessError where something is not there."""
    _copy_tree(venv, out, ("tests", "__pycache__"), keep=lambda path: path.suffix != ".pyi")
    _interpreter(venv, out)
    _libraries(out)
    _system(out)
    _compile(out)


def _interpreter(venv: Path, out: Path) -> None:
    program = Path(sys.executable).resolve()
    _copy(program, out)
    for link in (out / venv.relative_to("/") / "bin").iterdir():
        if link.name in _PROGRAMS:
            link.unlink()
            link.symlink_to(program)
        elif link.name != "chaosmem":
            link.unlink()
    for name in sorted({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}):
        _copy_tree(Path(name), out, _UNUSED, keep=lambda path: path.suffix != ".a")


def _libraries(out: Path) -> None:
    """What the programs and modules that are there link to; the libraries' own links are in it."""
    for found in sorted({lib for path in _binaries(out) for lib in _links(path)}):
        inside = out / found.relative_to("/")
        if not found.is_relative_to(out) and not inside.exists():
            _copy(found, out)
            shutil.copyfile(found, inside)  # a name that is a link becomes the file
    _copy(Path("/etc/ld.so.conf"), out)
    shutil.copytree("/etc/ld.so.conf.d", out / "etc/ld.so.conf.d", dirs_exist_ok=True)
    subprocess.run(["ldconfig", "-r", out], check=True)


def _binaries(out: Path) -> Iterator[Path]:
    for path in out.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def _links(path: Path) -> Iterable[Path]:
    done = subprocess.run(["ldd", path], capture_output=True, text=True, check=False)
    if lacking := re.findall(r"(\S+) => not found", done.stdout):
        sys.exit(f"{path} needs {', '.join(lacking)}, which the base has not")
    return [Path(match[1]) for match in _LINKED.finditer(done.stdout)]


def _system(out: Path) -> None:
    for name, text in _ACCOUNTS.items():
        place = out / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    _copy(_CERTIFICATES, out)
    for name, mode in (("tmp", 0o1777), ("runs", 0o755), ("experiments", 0o755)):
        (out / name).mkdir(exist_ok=True)
        (out / name).chmod(mode)
    os.chown(out / "runs", NOBODY, NOBODY)


def _compile(out: Path) -> None:
    """Byte code that is never checked against its source: the root is read-only."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(
        out, quiet=2, workers=0, stripdir=str(out), prependdir="/", invalidation_mode=mode
    )


def _copy_tree(
    source: Path, out: Path, without: tuple[str, ...], keep: Callable[[Path], bool]
) -> None:
    def left_out(directory: str, names: list[str]) -> list[str]:
        unkept = [n for n in names if not keep(Path(directory, n))]
        return [*unkept, *(n for n in names if n in without)]

    target = out / source.relative_to("/")
    shutil.copytree(source, target, symlinks=True, ignore=left_out, dirs_exist_ok=True)


def _copy(source: Path, out: Path) -> None:
    target = out / source.relative_to("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


if __name__ == "__main__":
    main()
