"""Labels as filters and as frames: tagfocus, tagignore, tagshow, taghide, tagroot, tagleaf.

Source: github.com/google/pprof/internal/driver (driver_focus.go, tagroot.go).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from chaosmem.profile.columns import Bool, Labels, Profile, Samples, offsets
from chaosmem.profile.measurement import label, scale
from chaosmem.profile.options import Options
from chaosmem.profile.pattern import compile_pattern

_RANGE = re.compile(r"([+-]?[0-9]+)([A-Za-z]+)?")
_INFINITE = float("inf")
_BYTE_KEYS = ("alignment", "request")


@dataclass(frozen=True, slots=True)
class SampleLabels:
    """The labels of one sample, by key.

    Attributes:
        texts: values of the string labels.
        numbers: (value, unit) of the numeric labels.
    """

    texts: dict[str, list[str]]
    numbers: dict[str, list[tuple[int, str]]]


def sample_labels(profile: Profile) -> Iterator[tuple[int, SampleLabels]]:
    """(sample, its labels) of every sample that has labels."""
    labels, strings = profile.labels, profile.strings
    rows = zip(
        labels.sample.tolist(),
        labels.key.tolist(),
        labels.text.tolist(),
        labels.number.tolist(),
        labels.unit.tolist(),
        strict=True,
    )
    for sample, group in groupby(rows, key=lambda row: row[0]):
        found = SampleLabels({}, {})
        for _, key, text, number, unit in group:
            if text >= 0:
                found.texts.setdefault(strings[key], []).append(strings[text])
            else:
                found.numbers.setdefault(strings[key], []).append((number, strings[unit]))
        yield sample, found


def number_units(profile: Profile) -> dict[str, str]:
    """Unit of each numeric label key: the first that a sample says, else what the key suggests."""
    labels, strings = profile.labels, profile.strings
    numeric = np.flatnonzero(labels.text < 0)
    pairs = np.stack([labels.key[numeric], labels.unit[numeric]])
    _, first = np.unique(pairs, axis=1, return_index=True)
    units: dict[str, str] = {}
    for row in np.sort(first).tolist():
        key, unit = strings[pairs[0, row]], strings[pairs[1, row]]
        units[key] = units.get(key) or unit
    return {key: unit or _suggested(key) for key, unit in units.items()}


def _suggested(key: str) -> str:
    return "bytes" if key in _BYTE_KEYS else key


_Matcher = Callable[[SampleLabels], bool]


def filter_samples_by_tag(profile: Profile, options: Options, warnings: list[str]) -> Profile:
    """Applies tagfocus and tagignore.

    Raises:
        UsageError: one is no pattern.
    """
    if not (options.tagfocus or options.tagignore):
        return profile
    units = number_units(profile)
    keep = np.ones(len(profile), np.bool_)
    for name, value in (("tagfocus", options.tagfocus), ("tagignore", options.tagignore)):
        if not value:
            continue
        hits = _matching(profile, _matcher(name, value, units))
        keep &= hits if name == "tagfocus" else ~hits
        if not hits.any():
            shown = "TagFocus" if name == "tagfocus" else "TagIgnore"
            warnings.append(f"{shown} expression matched no samples")
    rows = np.flatnonzero(keep)
    labels = profile.labels.take(rows, len(profile))
    return replace(profile, samples=profile.samples.take(rows), labels=labels)


def _matching(profile: Profile, matcher: _Matcher) -> Bool:
    hits = np.full(len(profile), matcher(SampleLabels({}, {})), np.bool_)
    for sample, found in sample_labels(profile):
        hits[sample] = matcher(found)
    return hits


def _matcher(name: str, value: str, units: dict[str, str]) -> _Matcher:
    key, equals, rest = value.partition("=")
    wanted = rest if equals else value
    within = parse_range(wanted)
    if within is not None:
        return _range_matcher(key if equals else None, within, units)
    patterns = [compile_pattern(part, name) for part in wanted.split(",")]
    if equals:
        return lambda found: any(
            pattern.search(text) for pattern in patterns for text in found.texts.get(key, ())
        )
    return lambda found: all(
        any(pattern.search(f"{k}:{text}") for k, texts in found.texts.items() for text in texts)
        for pattern in patterns
    )


def _range_matcher(
    key: str | None, within: Callable[[int, str], bool], units: dict[str, str]
) -> _Matcher:
    def matches(found: SampleLabels) -> bool:
        keys = found.numbers if key is None else (key,)
        return any(within(number, units[k]) for k in keys for number, _ in found.numbers.get(k, ()))

    return matches


def parse_range(text: str) -> Callable[[int, str], bool] | None:
    """The test that "32kb", ":64kb", "4mb:" or "12kb:64mb" asks for; None if it is no range."""
    ends = list(_RANGE.finditer(text))[:2]
    if not ends:
        return None
    low, unit = scale(int(ends[0][1]), ends[0][2] or "", ends[0][2] or "")
    match = ends[0][0]
    bounds = {match: (low, low), f"{match}:": (low, _INFINITE), f":{match}": (-_INFINITE, low)}
    if len(ends) > 1:
        high, other = scale(int(ends[1][1]), ends[1][2] or "", unit)
        bounds = {f"{match}:{ends[1][0]}": (low, high)} if unit == other else {}
    if text not in bounds:
        return None
    return lambda value, source: _in(value, source, unit, *bounds[text])


def _in(value: int, source: str, unit: str, low: float, high: float) -> bool:
    scaled, scaled_unit = scale(value, source, unit)
    return scaled_unit == unit and low <= scaled <= high


def filter_label_keys(profile: Profile, options: Options, warnings: list[str]) -> Profile:
    """Applies tagshow and taghide.

    Raises:
        UsageError: one is no pattern.
    """
    labels = profile.labels
    keep = np.ones(len(labels), np.bool_)
    for name, value in (("TagShow", options.tagshow), ("TagHide", options.taghide)):
        if not value:
            continue
        pattern = compile_pattern(value, name.lower())
        keys = np.unique(labels.key)
        matching = [key for key in keys.tolist() if pattern.search(profile.strings[key])]
        hits = np.isin(labels.key, matching)
        keep &= hits if name == "TagShow" else ~hits
        if not hits.any():
            warnings.append(f"{name} expression matched no samples")
    if keep.all():
        return profile
    kept = Labels(
        labels.sample[keep],
        labels.key[keep],
        labels.text[keep],
        labels.number[keep],
        labels.unit[keep],
    )
    return replace(profile, labels=kept)


def with_tag_frames(profile: Profile, options: Options) -> tuple[Profile, tuple[str, ...]]:
    """Adds a frame "value" per key of tagroot (at the root) and tagleaf (at the leaf)."""
    roots = [key for key in options.tagroot.split(",") if key]
    leaves = [key for key in options.tagleaf.split(",") if key]
    if not (roots or leaves):
        return profile, ()
    frames = _TagFrames(profile, options.unit)
    found = dict(sample_labels(profile))
    nothing = SampleLabels({}, {})
    stacks, matched = [], {"TagRoot": not roots, "TagLeaf": not leaves}
    for row in range(len(profile)):
        own = found.get(row, nothing)
        first, leaf_hit = frames.of(own, leaves)
        last, root_hit = frames.of(own, roots)
        matched["TagRoot"] |= root_hit
        matched["TagLeaf"] |= leaf_hit
        start, stop = profile.samples.stack_start[row : row + 2].tolist()
        stacks.append([*first, *profile.samples.stack[start:stop].tolist(), *last])
    depths = np.array([len(stack) for stack in stacks], np.int64)
    flat = np.array([place for stack in stacks for place in stack], np.int32)
    samples = Samples(profile.samples.values, offsets(depths), flat)
    warnings = [f"{name} expression matched no samples" for name, hit in matched.items() if not hit]
    return replace(frames.profile(), samples=samples), tuple(warnings)


class _TagFrames:
    """The pseudo locations, one for each (value, key)."""

    def __init__(self, profile: Profile, unit: str) -> None:
        self._profile = profile
        self._unit = unit
        self._added: dict[tuple[str, str], int] = {}

    def of(self, found: SampleLabels, keys: list[str]) -> tuple[list[int], bool]:
        """Locations of these keys, leaf first, and whether the sample has any of them."""
        places, matched = [], False
        for key in reversed(keys):
            values = self._values(found, key)
            matched |= bool(values)
            pair = (",".join(values), key)
            places.append(
                self._added.setdefault(pair, len(self._profile.locations) + len(self._added))
            )
        return places, matched

    def _values(self, found: SampleLabels, key: str) -> list[str]:
        numbers = found.numbers.get(key, [])
        unit = self._unit if any(own for _, own in numbers) else ""
        shown = [label(number, own, unit) for number, own in numbers]
        return found.texts.get(key, []) + shown

    def profile(self) -> Profile:
        """The profile with the new locations and functions."""
        old, count = self._profile, len(self._added)
        strings = [*old.strings, *(text for pair in self._added for text in pair)]
        text = len(old.strings) + 2 * np.arange(count, dtype=np.int32)
        zeros = np.zeros(count, np.int64)
        functions = replace(
            old.functions,
            name=np.concatenate([old.functions.name, text]),
            system_name=np.concatenate([old.functions.system_name, zeros.astype(np.int32)]),
            filename=np.concatenate([old.functions.filename, text + np.int32(1)]),
            start_line=np.concatenate([old.functions.start_line, zeros]),
        )
        places, lines = old.locations, len(old.locations.function)
        own = np.arange(count, dtype=np.int32)
        locations = replace(
            places,
            address=np.concatenate([places.address, zeros.astype(np.uint64)]),
            mapping=np.concatenate([places.mapping, np.full(count, -1, np.int32)]),
            folded=np.concatenate([places.folded, zeros.astype(np.bool_)]),
            line_start=np.concatenate([places.line_start, lines + 1 + own.astype(np.int64)]),
            function=np.concatenate([places.function, own + np.int32(len(old.functions))]),
            line=np.concatenate([places.line, zeros]),
            column=np.concatenate([places.column, zeros]),
        )
        return replace(old, strings=tuple(strings), functions=functions, locations=locations)
