"""A base with Python out of Debian's packages, for machines that reach no container registry."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from tests.cluster import build, packages
from tests.cluster.shell import locked, run

SUITE = "trixie"  # as the Dockerfile's own base
PYTHON = "3.13"
TAG = f"localhost/chaosmem-base:{SUITE}"
_PACKAGES = "python3-venv,ca-certificates,libstdc++6"  # the last: numpy; any slim image has it
_UNUSED = ("man", "doc", "locale", "info")
_NEEDED: Mapping[str, str] = {
    "mmdebstrap": "mmdebstrap",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}
_SECONDS = 600


def archive() -> Path:
    """The root file system as a tar file; made once, 15 s of CPU and 50 MB of downloads."""
    words = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _UNUSED]
    words += ["--variant=essential", "--mode=root", f"--include={_PACKAGES}", SUITE]
    digest = hashlib.sha256(" ".join(words).encode()).hexdigest()[:16]
    place = build.cache() / f"base-{SUITE}-{digest}.tar"
    with locked(build.cache() / "base.lock"):
        if not place.is_file():
            packages.require(_NEEDED)
            half = place.with_name(f".{place.name}")
            run(["mmdebstrap", "--quiet", "--format=tar", *words, half], timeout=_SECONDS)
            half.replace(place)
    return place
