"""Write the image's bill of materials, CycloneDX 1.6 in JSON, into its root.

Run by the Dockerfile's build stage with cyclonedx-bom installed. The Python packages are what
cyclonedx-py finds in the environment; beside them stand Python itself and the Debian packages that
any other file of the root came out of. Their control data is also put where scanners of distroless
images look for it.
"""

# ruff: noqa: INP001 - a script of the build, no package

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SBOM = "usr/share/sbom/chaosmem.cdx.json"
_STATUS = "var/lib/dpkg/status.d"


@dataclass(frozen=True, slots=True)
class Package:
    """A Debian package, and its stanza of dpkg's data base."""

    name: str
    version: str
    architecture: str
    stanza: str

    def component(self, release: str) -> dict[str, str]:
        """As CycloneDX has it."""
        purl = (
            f"pkg:deb/debian/{self.name}@{self.version}?arch={self.architecture}&distro={release}"
        )
        return {
            "type": "library",
            "bom-ref": purl,
            "name": self.name,
            "version": self.version,
            "purl": purl,
        }


def main() -> None:
    """Write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, required=True)
    parser.add_argument("--rootfs", type=Path, required=True)
    args = parser.parse_args()
    write(args.venv, args.rootfs)


def write(venv: Path, root: Path) -> None:
    """The bill and the packages' data; CalledProcessError where cyclonedx-py fails."""
    release = platform.freedesktop_os_release()
    packages = sorted(_packages(root, venv), key=lambda p: p.name)
    bill = _environment(venv)
    name = f"{release['ID']}-{release['VERSION_ID']}"
    bill["components"] += [_python(), *(p.component(name) for p in packages)]
    for package in packages:
        _put(root / _STATUS / package.name, package.stanza)
    _put(root / "etc/os-release", Path("/etc/os-release").read_text())
    text = json.dumps(bill, indent=1) + "\n"
    _check(text)
    _put(root / SBOM, text)


def _check(text: str) -> None:
    """The build ends where the bill is not what CycloneDX's own schema allows."""
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415 - only where cyclonedx-bom is
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415

    if problem := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.exit(f"the bill of materials is not valid: {problem}")


def _environment(venv: Path) -> dict[str, Any]:
    tool = Path(sys.executable).with_name("cyclonedx-py")
    words: list[str | Path] = [
        tool,
        "environment",
        venv / "bin" / "python",
        "--pyproject",
        "pyproject.toml",
    ]
    words += ["--spec-version", "1.6", "--output-reproducible", "--output-format", "JSON"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _python() -> dict[str, str]:
    version = platform.python_version()
    purl = f"pkg:generic/python@{version}"
    return {
        "type": "platform",
        "bom-ref": purl,
        "name": "python",
        "version": version,
        "purl": purl,
        "cpe": f"cpe:2.3:a:python:python:{version}:*:*:*:*:*:*:*",
    }


def _packages(root: Path, venv: Path) -> Iterator[Package]:
    own = venv.relative_to("/")
    files = [p.relative_to(root) for p in root.rglob("*") if p.is_file()]
    names = {n for f in files if not f.is_relative_to(own) for n in _owners(Path("/", f))}
    for name in names:
        done = subprocess.run(
            ["dpkg-query", "--status", name], capture_output=True, text=True, check=True
        )
        fields = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line[1:])
        yield Package(fields["Package"], fields["Version"], fields["Architecture"], done.stdout)


def _owners(path: Path) -> list[str]:
    return [name for place in {path, path.resolve()} for name in _OWNER.get(str(place), ())]


def _owned() -> dict[str, list[str]]:
    """Package names by file, from dpkg's lists; /lib is /usr/lib there or here."""
    owners: dict[str, list[str]] = {}
    for listed in Path("/var/lib/dpkg/info").glob("*.list"):
        for line in listed.read_text().splitlines():
            for name in (line, f"/usr{line}"):
                owners.setdefault(name, []).append(listed.stem)
    return owners


_OWNER = _owned()


def _put(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


if __name__ == "__main__":
    main()
