"""The spec: YAML text into a frozen `Experiment`, or every problem at once.

    loaded = chaosmem.spec.load("experiments/quickstart.yaml")
    loaded.experiment.phases.hold

Shapes: `model.Experiment` and what it holds. Durations are seconds (float), amounts of memory bytes
(int), shares 0..1 (float), rates a second (float); dumped to JSON they are text again.
"""

from __future__ import annotations

from chaosmem.spec.errors import Problem, Severity, SpecInvalid
from chaosmem.spec.model import API_VERSION, Experiment
from chaosmem.spec.reader import Loaded, load, loads
from chaosmem.spec.schema import json_schema
from chaosmem.spec.template import template

__all__ = [
    "API_VERSION",
    "Experiment",
    "Loaded",
    "Problem",
    "Severity",
    "SpecInvalid",
    "json_schema",
    "load",
    "loads",
    "template",
]
