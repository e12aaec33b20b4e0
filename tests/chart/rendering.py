"""The chart as the real helm renders it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tests.chart import tooling

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "chaosmem"
VALUES = Path(__file__).resolve().parent / "values"
RELEASE, NAMESPACE = "monthly", "runner"
Object = dict[str, Any]


class Refused(Exception):
    """What helm said."""


def rendered(values: Path, *more: str) -> str:
    """`helm template`, and Refused with its words."""
    words = ["template", RELEASE, str(CHART), "--namespace", NAMESPACE, "--values", str(values)]
    done = subprocess.run(
        [tooling.helm(), *words, *more], capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise Refused(done.stderr)
    return done.stdout


def objects(text: str) -> list[Object]:
    """The objects of a rendered text."""
    return [o for o in yaml.safe_load_all(text) if o]


def pods(found: Iterable[Object]) -> list[Object]:
    """The pod specs of all workloads among them."""
    return [_pod(o) for o in found if o["kind"] in ("Pod", "Job", "CronJob")]


def _pod(body: Object) -> Object:
    spec: Object = body["spec"]
    if body["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    return spec if body["kind"] == "Pod" else spec["template"]["spec"]


def by_name(found: Iterable[Object], kind: str, name: str) -> Object:
    """The one of that kind and name."""
    (one,) = [o for o in found if (o["kind"], o["metadata"]["name"]) == (kind, name)]
    return one
