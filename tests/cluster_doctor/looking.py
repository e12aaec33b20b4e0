"""`doctor` as it is called, and what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CODE = (
    "import sys, pathlib; from chaosmem.cli.doctor import examine;"
    "sys.exit(examine(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]))"
)


@dataclass
class Said:
    """A finished doctor."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def findings(self) -> list[dict[str, Any]]:
        """What it found, from its JSON."""
        found: list[dict[str, Any]] = json.loads(self.stdout)["findings"]
        return found

    def of(self, section: str) -> list[dict[str, Any]]:
        """The findings of one section."""
        return [f for f in self.findings if f["section"] == section]

    @property
    def problems(self) -> list[str]:
        """What is needed and not well."""
        return named(f for f in self.findings if f["needed"] and not f["well"])

    @property
    def notes(self) -> list[str]:
        """What is not well and not needed."""
        return named(f for f in self.findings if not f["needed"] and not f["well"])

    def one(self, what: str) -> dict[str, Any]:
        """The finding of that name."""
        return next(f for f in self.findings if f["what"] == what)


def named(findings: Iterable[dict[str, Any]]) -> list[str]:
    return [f["what"] for f in findings]


def doctor(spec: Path, kubeconfig: Path, output: str = "json") -> Said:
    """Run it in a process of its own, as a user would."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("CHAOSMEM_")}
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", CODE, spec, spec.parent / "runs", output],
        env=env | {"KUBECONFIG": str(kubeconfig)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Said(done.returncode, done.stdout, done.stderr, time.monotonic() - began)
