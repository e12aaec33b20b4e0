"""Static Go programs, built once and kept outside the repository under a hash of their sources."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from chaosmem.drivers import gotool
from tests.cluster.shell import ClusterProblem, locked, run

HERE = Path(__file__).resolve().parent
_BUILD_SECONDS = 1800  # cold, on one busy core
_KUBERNETES = re.compile(r"^\s*(?:require )?k8s\.io/kubernetes (v(\d+)\.(\d+)\.\S+)", re.MULTILINE)


def cache() -> Path:
    """Where built things are kept: `CHAOSMEM_CLUSTER_CACHE`, else below ~/.cache."""
    named = os.environ.get("CHAOSMEM_CLUSTER_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "chaosmem" / "cluster"


def kubernetes_version() -> tuple[str, str, str]:
    """The pinned version, its major and its minor."""
    match = _KUBERNETES.search((HERE / "kube" / "go.mod").read_text())
    if match is None:
        raise ClusterProblem("tests/cluster/kube/go.mod names no version of k8s.io/kubernetes")
    return match[1], match[2], match[3]


def kube() -> Path:
    """The whole Kubernetes in one file; about 5 minutes where nothing is cached."""
    # Without these, the API server tells every client that it is v0.0.0.
    version, major, minor = kubernetes_version()
    where = "k8s.io/component-base/version"
    flags = (
        f"-X {where}.gitVersion={version} -X {where}.gitMajor={major} -X {where}.gitMinor={minor}"
    )
    return once("kube", HERE / "kube", flags=flags)


def once(name: str, module: Path, *, package: str = ".", flags: str = "") -> Path:
    """The program of a module, built unless these very sources were built before."""
    place = cache() / f"{name}-{_fingerprint(module, flags)}"
    program = place / name
    if not program.is_file():
        with locked(cache() / f"{name}.lock"):
            if not program.is_file():
                compile_to(program, module, package=package, flags=flags)
    return program


def compile_to(program: Path, module: Path, *, package: str = ".", flags: str = "") -> None:
    """Build one package, static and without the paths of this machine; whole or not at all."""
    program.parent.mkdir(parents=True, exist_ok=True)
    half = program.with_name(f".{program.name}.{os.getpid()}")
    _go(["build", "-trimpath", f"-ldflags=-s -w {flags}", "-o", str(half), package], module)
    half.replace(program)


def compile_test(program: Path, module: Path, package: str) -> None:
    """Build the tests of one package into a static program, to be run elsewhere."""
    _go(["test", "-c", "-trimpath", "-o", str(program), package], module)


def _go(args: Sequence[str], module: Path) -> None:
    run(
        [gotool.find().program, *args],
        cwd=module,
        env={"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false -mod=readonly"},
        timeout=_BUILD_SECONDS,
    )


def _fingerprint(module: Path, flags: str) -> str:
    digest = hashlib.sha256(flags.encode())
    digest.update(gotool.find().version.encode())
    for file in sorted(
        f for f in module.rglob("*") if f.name.startswith("go.") or f.suffix == ".go"
    ):
        digest.update(f"{file.relative_to(module)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:16]
