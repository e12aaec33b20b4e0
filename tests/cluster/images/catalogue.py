"""Which images there are, and bringing them into a cluster: only what changed is imported."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from chaosmem.drivers import gotool
from tests.cluster import build
from tests.cluster.images import archive
from tests.cluster.instance import Instance
from tests.cluster.shell import ClusterProblem, run

_HERE = Path(__file__).resolve().parent
_NOBODY = "65532:65532"
_ROOT = "0:0"
_IMPORT_SECONDS = 300  # of an image with Python, on a busy machine


@dataclass(frozen=True, slots=True)
class Source:
    """A Go program that becomes an image."""

    tag: str
    module: Path
    package: str
    user: str

    @property
    def name(self) -> str:
        """The program's name in the image."""
        return self.tag.rpartition("/")[2].partition(":")[0]

    @property
    def exists(self) -> bool:
        """Whether there is anything to build."""
        return any((self.module / self.package).glob("*.go"))


PAUSE = Source("chaosmem/pause:test", _HERE / "pause", ".", _NOBODY)
ALL: Mapping[str, Source] = {
    source.name: source
    for source in (
        PAUSE,
        Source("chaosmem/demo:test", gotool.builtin_module(), "./demo", _NOBODY),
        Source("chaosmem/helper:test", gotool.builtin_module(), "./helper", _ROOT),
    )
}


def bring(instance: Instance, names: Iterable[str] = ()) -> list[str]:
    """Build and import these images, or all that can be built; the tags that were new."""
    chosen = [_named(n) for n in names] or [s for s in ALL.values() if s.exists]
    return [source.tag for source in chosen if _bring_one(instance, source)]


def bring_program(instance: Instance, tag: str, program: Path, user: str = _NOBODY) -> None:
    """Import an image with a program that somebody else built, e.g. one of the corpus."""
    source = Source(tag, program.parent, ".", user)
    _import(instance, source, program.read_bytes())


def bring_archive(instance: Instance, tag: str, archive: Path) -> bool:
    """Import an image in the layout of `docker save`, unless it is there; whether it was new.

    The archive's name and place tell one from another: nobody changes one that is made.
    """
    seen = instance.state / "images" / tag.replace("/", "-")
    if seen.exists() and seen.read_text() == str(archive):
        return False
    run([*_ctr(instance), "images", "import", archive], timeout=_IMPORT_SECONDS)
    seen.parent.mkdir(exist_ok=True)
    seen.write_text(str(archive))
    return True


def _named(name: str) -> Source:
    if name not in ALL or not ALL[name].exists:
        raise ClusterProblem(f"no source of an image {name!r}; there are {', '.join(ALL)}")
    return ALL[name]


def _bring_one(instance: Instance, source: Source) -> bool:
    program = build.cache() / "images" / source.name
    build.compile_to(program, source.module, package=source.package)
    data = program.read_bytes()
    seen = instance.state / "images" / source.name
    digest = hashlib.sha256(data).hexdigest()
    if seen.exists() and seen.read_text() == digest:
        return False
    _import(instance, source, data)
    seen.parent.mkdir(exist_ok=True)
    seen.write_text(digest)
    return True


def _import(instance: Instance, source: Source, program: bytes) -> None:
    tag = f"docker.io/{source.tag}"  # what the runtime makes of a name without a registry
    with tempfile.TemporaryDirectory() as place:
        tar = Path(place) / "image.tar"
        archive.write(tar, tag=tag, program=program, name=source.name, user=source.user)
        run([*_ctr(instance), "images", "import", tar])


def _ctr(instance: Instance) -> list[str]:
    return ["ctr", "--address", str(instance.containerd_socket), "--namespace", "k8s.io"]
