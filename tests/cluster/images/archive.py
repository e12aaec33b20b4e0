"""An image with one static program and one layer, in the layout of `docker save`.

Written here rather than by an image builder: a layer and two JSON files are all there is to it, the
same program gives the same bytes, and it takes no daemon, no chroot and no storage driver.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

TMP = ("tmp", 0o1777)


def write(path: Path, *, tag: str, program: bytes, name: str, user: str) -> None:
    """Write an image that starts /NAME as USER ("uid:gid")."""
    layer = _tar({name: (program, 0o755)}, directories=[TMP])
    config = json.dumps(_config(f"/{name}", user, hashlib.sha256(layer).hexdigest())).encode()
    digest = hashlib.sha256(config).hexdigest()
    manifest = [{"Config": f"{digest}.json", "RepoTags": [tag], "Layers": ["layer.tar"]}]
    files = {
        f"{digest}.json": (config, 0o644),
        "layer.tar": (layer, 0o644),
        "manifest.json": (json.dumps(manifest).encode(), 0o644),
    }
    path.write_bytes(_tar(files, directories=[]))


def _config(entrypoint: str, user: str, layer_sha256: str) -> dict[str, object]:
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": [entrypoint], "User": user, "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_sha256}"]},
        "history": [{"created_by": "chaosmem tests"}],
    }


def _tar(files: dict[str, tuple[bytes, int]], *, directories: list[tuple[str, int]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, mode in directories:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        for name, (data, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()
