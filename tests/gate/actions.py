"""A small executor of composite actions: `run` steps in order by bash, `uses` steps noted.

Understands what action.yml uses: `${{ inputs.X }}`, `${{ github.action_path }}`,
`${{ steps.ID.outputs.X }}`, and in `if` the same joined by `&&`, `==`, `!=` and `always()`.
Anything else is an error, so that a test cannot pass by misunderstanding.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.gate.lab import Done, done

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
"""As the runner calls bash for `shell: bash`."""


@dataclass
class Job:
    """What a job has when an action is called in it, and what became of that."""

    action: Path
    workspace: Path
    env: dict[str, str]
    inputs: dict[str, str] = field(default_factory=dict)
    steps: dict[str, dict[str, str]] = field(default_factory=dict)
    used: dict[str, dict[str, str]] = field(default_factory=dict)
    """Actions that would have been called, with what they were given."""
    code: int = 0
    said: str = ""

    def call(self, **given: str) -> Mapping[str, str]:
        """Call the action; its outputs."""
        found = yaml.safe_load((self.action / "action.yml").read_text())
        self.inputs = {k: str(self._filled(v.get("default", ""))) for k, v in _in(found).items()}
        self.inputs |= {k.replace("_", "-"): v for k, v in given.items()}
        for number, step in enumerate(found["runs"]["steps"]):
            if self._wanted(str(step.get("if", ""))):
                self._step(step, str(step.get("id", number)))
        return {k: self._filled(v["value"]) for k, v in found["outputs"].items()}

    def _step(self, step: Mapping[str, Any], name: str) -> None:
        if "uses" in step:
            self.used[step["uses"]] = {k: self._filled(v) for k, v in step["with"].items()}
            return
        assert step["shell"] == "bash"
        ran = self._run(step, name)
        self.code = self.code or ran.code
        self.said += ran.said

    def _run(self, step: Mapping[str, Any], name: str) -> Done:
        script, output, path = (
            self.workspace.parent / f"{name}.{x}" for x in ("sh", "out", "path")
        )
        script.write_text(step["run"])
        own = {k: self._filled(v) for k, v in step.get("env", {}).items()}
        files = {"GITHUB_OUTPUT": str(output), "GITHUB_PATH": str(path)}
        ran = done([*_SHELL, script], self.workspace, self.env | own | files, 900)
        self.steps[name] = _pairs(output)
        if path.exists():
            added = os.pathsep.join(reversed(path.read_text().split()))
            self.env["PATH"] = added + os.pathsep + self.env["PATH"]
        return ran

    def _filled(self, text: object) -> str:
        return _EXPRESSION.sub(lambda found: self._value(found[1]), str(text))

    def _value(self, name: str) -> str:
        match name.split("."):
            case ["inputs", key]:
                return self.inputs[key]
            case ["github", "action_path"]:
                return str(self.action)
            case ["steps", step, "outputs", key]:
                return self.steps.get(step, {}).get(key, "")
        raise AssertionError(f"this executor does not know {name!r}")

    def _wanted(self, condition: str) -> bool:
        terms = [t.strip() for t in condition.split("&&") if t.strip()]
        if "always()" not in terms and self.code:
            return False
        return all(self._true(t) for t in terms if t != "always()")

    def _true(self, term: str) -> bool:
        found = re.fullmatch(r"(\S+) (==|!=) '([^']*)'", term)
        assert found, f"this executor does not know {term!r}"
        return (self._value(found[1]) == found[3]) == (found[2] == "==")


def _in(action: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = action["inputs"]
    return found


def _pairs(output: Path) -> dict[str, str]:
    lines = output.read_text().splitlines() if output.exists() else []
    return dict(line.split("=", 1) for line in lines)
