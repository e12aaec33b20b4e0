"""`python -m tests.image [DIRECTORY]`: both images and the bill of materials, as files."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.cluster.shell import ClusterProblem
from tests.image import build


def main() -> int:
    """Build them; 1 with a message when it fails."""
    place = Path(sys.argv[1] if len(sys.argv) > 1 else "dist")
    place.mkdir(parents=True, exist_ok=True)
    try:
        built = build.runner()
        files = [shutil.copy(f, place) for f in (built.archive, built.sbom)]
        files.append(build.helper(place))
    except ClusterProblem as err:
        sys.stderr.write(f"tests.image: {err}\n")
        return 1
    for file in files:
        sys.stdout.write(f"{Path(file).stat().st_size / 1e6:8.1f} MB  {file}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
