"""A campaign's matrix as cells: which there are, and the whole experiment of each."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

from chaosmem.errors import SpecError
from chaosmem.spec.campaign import AXES, Campaign, steps
from chaosmem.spec.campaign_patch import KINDS, NotThere, Overlay
from chaosmem.spec.errors import Path, Problem, Severity, SpecInvalid, unknown
from chaosmem.spec.nodes import Document, Value
from chaosmem.spec.reader import Loaded, loads

_OWN = ""
"""On an axis: the experiment's own."""


@dataclass(frozen=True, slots=True)
class Source:
    """An experiment of the campaign: its name, its directory, its text with places."""

    name: str
    base: FilePath
    document: Document


@dataclass(frozen=True, slots=True)
class CellSpec:
    """One cell: what it is on each axis, and the experiment that it runs.

    Attributes:
        name: what it is, for people; unique in the campaign.
        axes: experiment, target, arm and variables by name, as they are shown; without those
            that are the experiment's own.
        base: the directory that the experiment's paths are relative to.
    """

    name: str
    axes: Mapping[str, str]
    loaded: Loaded
    base: FilePath


@dataclass(frozen=True, slots=True)
class _Part:
    """One value of one axis: its label, its value, and where the campaign has it."""

    axis: str
    label: str
    value: Value = None
    at: Path = ()
    written: Value = None
    """As the campaign writes it, with the keys that it has there."""


_Combination = dict[str, _Part]


def cells_of(
    campaign: Campaign, document: Document, sources: Sequence[Source]
) -> tuple[tuple[CellSpec, ...], list[Problem]]:
    """The cells in the order in which they are begun, and what is wrong with them."""
    problems = [*_twice(document, sources), *_unknown_axes(campaign, document, sources)]
    if problems:
        return (), problems
    chosen = [*_matrix(campaign, document, sources, problems)]
    chosen += _included(campaign, document, sources)
    problems += _counted(campaign, document, chosen)
    if len(chosen) > campaign.limits.cells:
        return (), problems
    by_name = {source.name: source for source in sources}
    made = [_cell(campaign, document, by_name[c["experiment"].label], c) for c in chosen]
    problems += _summed_up(made)
    cells = [cell for cell, _ in made if cell is not None]
    return _ordered(campaign, cells), problems


def _twice(document: Document, sources: Sequence[Source]) -> Iterator[Problem]:
    seen: dict[str, Source] = {}
    for source in sources:
        other = seen.setdefault(source.name, source)
        if other is not source:
            files = f"{other.document.file} and {source.document.file}"
            message = f"{files} are both named {source.name}; give each a metadata.name of its own"
            yield document.problem(("experiments",), message)


def _axes(
    campaign: Campaign, document: Document, sources: Sequence[Source]
) -> dict[str, list[_Part]]:
    """Every axis with its values; one that is not declared has the experiment's own alone."""
    raw = document.value
    axes = {"experiment": [_Part("experiment", s.name) for s in sources]}
    for axis, section in (("target", "targets"), ("arm", "arms")):
        written = raw.get(section)
        axes[axis] = [
            _Part(axis, str(entry["name"]), None, (section, n), entry)
            for n, entry in enumerate(written if isinstance(written, list) else [])
            if isinstance(entry, dict)
        ]
    for n, variable in enumerate(campaign.variables):
        axes[variable.name] = [
            _Part(variable.name, label(value), value, ("variables", n, "values", k))
            for k, value in enumerate(variable.values)
        ]
    return {axis: parts or [_Part(axis, _OWN)] for axis, parts in axes.items()}


def label(value: Value) -> str:
    """A variable's value, short enough for a table."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:39]}…"  # noqa: PLR2004 - a column of a table


def _matrix(
    campaign: Campaign, document: Document, sources: Sequence[Source], problems: list[Problem]
) -> Iterator[_Combination]:
    axes = _axes(campaign, document, sources)
    used: set[int] = set()
    for parts in itertools.product(*axes.values()):
        one = dict(zip(axes, parts, strict=True))
        out = [n for n, entry in enumerate(campaign.exclude) if _agrees(one, entry)]
        used.update(out)
        if not out:
            yield one
    for n in range(len(campaign.exclude)):
        if n not in used:
            message = "no cell of the matrix agrees with this; delete it, or mend its values"
            problems.append(document.problem(("exclude", n), message))


def _agrees(one: _Combination, entry: Mapping[str, Value]) -> bool:
    return all(one[axis].label == label(value) for axis, value in entry.items())


def _unknown_axes(
    campaign: Campaign, document: Document, sources: Sequence[Source]
) -> Iterator[Problem]:
    names = [v.name for v in campaign.variables]
    for n, name in enumerate(names):
        if name in AXES or name in names[:n]:
            yield document.problem(("variables", n, "name"), f"there is already an axis {name}")
    axes = _axes(campaign, document, sources)
    for section, entries in (("include", campaign.include), ("exclude", campaign.exclude)):
        for n, entry in enumerate(entries):
            for axis, value in entry.items():
                at = (section, n, axis)
                if axis not in axes:
                    message = unknown("axis", axis, axes)
                    yield document.problem(at, message, of_key=True)
                elif axis in AXES and label(value) not in [p.label for p in axes[axis]]:
                    known = [p.label for p in axes[axis] if p.label]
                    yield document.problem(at, unknown(axis, label(value), known))


def _included(
    campaign: Campaign, document: Document, sources: Sequence[Source]
) -> Iterator[_Combination]:
    """Further cells; what an entry leaves open is the experiment's own, in every experiment."""
    axes = _axes(campaign, document, sources)
    for n, entry in enumerate(campaign.include):
        one = {axis: _Part(axis, _OWN) for axis in axes}
        for axis, value in entry.items():
            known = {p.label: p for p in axes[axis]} if axis in AXES else {}
            new = _Part(axis, label(value), value, ("include", n, axis))
            one[axis] = known.get(label(value), new)
        named = [one["experiment"]] if "experiment" in entry else axes["experiment"]
        yield from ({**one, "experiment": experiment} for experiment in named)


def _counted(
    campaign: Campaign, document: Document, chosen: Sequence[_Combination]
) -> Iterator[Problem]:
    most = campaign.limits.cells
    if len(chosen) > most:
        message = f"{len(chosen)} cells are over limits.cells = {most}"
        yield document.problem(("limits", "cells"), message)
    if not chosen:
        yield document.problem(("exclude",), "every cell is excluded; nothing is left to run")
    names = [_name(one) for one in chosen]
    for n, name in enumerate(names):
        if name in names[:n]:
            yield document.problem(("include",), f"the cell {name} is there already")


def _name(one: _Combination) -> str:
    shown = [p.label for axis, p in one.items() if axis in AXES and p.label]
    shown += [f"{axis}={p.label}" for axis, p in one.items() if axis not in AXES and p.label]
    return " / ".join(shown)


def _cell(
    campaign: Campaign, document: Document, source: Source, one: _Combination
) -> tuple[CellSpec | None, list[Problem]]:
    name = _name(one)
    over = Overlay.of(source.document)
    try:
        _lay_over(campaign, document, over, one)
        text = over.text(f"Cell {name} of campaign {campaign.metadata.name}.")
        loaded = loads(text, name=source.document.file)
    except NotThere as problem:
        at = next((p.at for p in one.values() if p.axis not in AXES and p.at), ())
        message = f"{problem} ({source.document.file})"
        return None, [document.problem(at, message)]
    except SpecInvalid as invalid:
        return None, [_moved(over, p) for p in invalid.problems]
    except SpecError as problem:  # too large, once laid over
        return None, [document.problem((), str(problem))]
    axes = {axis: part.label for axis, part in one.items() if part.label}
    return CellSpec(name, axes, loaded, source.base), [_moved(over, p) for p in loaded.warnings]


def _lay_over(campaign: Campaign, document: Document, over: Overlay, one: _Combination) -> None:
    target, arm = one["target"], one["arm"]
    if isinstance(target.written, dict):
        _lay_target(over, document, target)
    if arm.at:
        over.put(("arms",), [arm.written], document, ("arms",))
        over.put(("arms", 0), arm.written, document, arm.at)
    for variable in campaign.variables:
        part = one[variable.name]
        if part.at:
            over.put(over.find(steps(variable.path)), part.value, document, part.at)
    if campaign.trials is not None:
        over.put(("trials",), campaign.trials, document, ("trials",))
    _mark(campaign, over, _name(one))


def _lay_target(over: Overlay, document: Document, part: _Part) -> None:
    fields = part.written["target"] if isinstance(part.written, dict) else None
    if not isinstance(fields, dict):
        return
    given = [kind for kind in KINDS if fields.get(kind) is not None]
    for kind in KINDS:
        if given and kind not in given:
            over.drop(("target", kind))
    over.merge(("target",), fields, document, (*part.at, "target"))


def _mark(campaign: Campaign, over: Overlay, name: str) -> None:
    """Labels that say, with every verdict, which campaign and cell it was."""
    metadata = over.value.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    if isinstance(metadata, dict) and (labels is None or isinstance(labels, dict)):
        own: dict[str, Value] = {"campaign": campaign.metadata.name, "cell": name}
        metadata["labels"] = {**(labels or {}), **own}


def _moved(over: Overlay, problem: Problem) -> Problem:
    """The problem at the place where its value is written."""
    file, at = over.place(problem)
    return replace(problem, file=file or problem.file, line=at.line, column=at.column)


def _summed_up(made: Sequence[tuple[CellSpec | None, list[Problem]]]) -> Iterator[Problem]:
    """Each problem once, errors before all."""
    seen = dict.fromkeys(p for _, problems in made for p in problems)
    yield from sorted(seen, key=lambda p: (p.severity is not Severity.ERROR, p.file, p.line))


def _ordered(campaign: Campaign, cells: Sequence[CellSpec]) -> tuple[CellSpec, ...]:
    """Shuffled by a digest of seed and name: the same everywhere, and for every Python."""
    if campaign.order == "declared":
        return tuple(cells)

    def place(cell: CellSpec) -> str:
        return hashlib.sha256(f"{campaign.seed}:{cell.name}".encode()).hexdigest()

    return tuple(sorted(cells, key=place))
