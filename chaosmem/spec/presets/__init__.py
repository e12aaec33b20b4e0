"""Presets: named defaults for the sections that a spec leaves out, kept as YAML beside this module.

A preset file holds sections of a spec, and `with`: entries that are added only where the spec has
the named traits (a kind of fault such as `heap`, or `heap.retain`), because a check of something
that was never done could only be inconclusive.
"""

from __future__ import annotations

from importlib import resources
from typing import Final

from chaosmem.spec.errors import unknown
from chaosmem.spec.nodes import Document, Value, read

NAMES: Final = ("quick", "standard", "game-day")
"""The presets that ship with chaosmem."""


def text(name: str) -> str:
    """YAML text of the preset `name`, one of `NAMES`."""
    return resources.files(__name__).joinpath(f"{name}.yaml").read_text("utf-8")


def fill_in(document: Document) -> frozenset[str]:
    """Give `document` the sections of its preset that it leaves out; return their names."""
    name = document.value.get("preset")
    if not isinstance(name, str):
        return frozenset()
    if name not in NAMES:
        message = unknown("preset", name, NAMES)
        document.problems.append(document.problem(("preset",), message))
        return frozenset()
    preset = read(text(name), file=f"preset {name}").value
    extra = preset.pop("with", None)
    if isinstance(extra, dict):
        _extend(preset, extra, traits(document.value))
    return _merge(document, preset)


def _extend(preset: dict[str, Value], extra: dict[str, Value], has: frozenset[str]) -> None:
    for trait, sections in extra.items():
        if trait in has and isinstance(sections, dict):
            for section, entries in sections.items():
                present = preset.setdefault(section, [])
                if isinstance(present, list) and isinstance(entries, list):
                    present.extend(entry for entry in entries if entry not in present)


def _merge(document: Document, preset: dict[str, Value]) -> frozenset[str]:
    given = document.value
    added = frozenset(preset) - frozenset(given)
    for section in added:
        given[section] = preset[section]
        document.values[(section,)] = document.place(("preset",), of_key=True)
    phases, defaults = given.get("phases"), preset.get("phases")
    if isinstance(phases, dict) and isinstance(defaults, dict):
        given["phases"] = defaults | phases
    return added


def traits(value: dict[str, Value]) -> frozenset[str]:
    """What a spec does: kinds of its faults (`heap`), and what they ask for (`heap.retain`)."""
    found: set[str] = set()
    faults = value.get("faults")
    for entry in faults if isinstance(faults, list) else []:
        for kind, body in entry.items() if isinstance(entry, dict) else [(entry, None)]:
            found.add(str(kind))
            found.update(f"{kind}.{key}" for key in (body if isinstance(body, dict) else ()))
    if found and found <= {"memory", *(t for t in found if t.startswith("memory."))}:
        found.add("outside-only")
    return frozenset(found)
