"""Puts the samples of several profiles into one set of tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chaosmem.profile.columns import (
    Functions,
    Int32,
    Int64,
    Labels,
    Locations,
    Mapping,
    Profile,
    Samples,
    offsets,
)

_PAGE = 0x1000

_Line = tuple[int, int, int]  # function, line, column
_Label = tuple[int, int, int, int]  # key, text, number, unit


class Merger:
    """Collects profiles with the same sample types; tables hold only what samples use."""

    def __init__(self, sample_types: int) -> None:
        self._strings: dict[str, int] = {"": 0}
        self._mappings: dict[tuple[int, int, str], int] = {}
        self._mapping_rows: list[Mapping] = []
        self._functions: dict[tuple[int, int, int, int], int] = {}
        self._locations: dict[tuple[int, int, tuple[_Line, ...], bool], int] = {}
        self._addresses: list[int] = []
        self._samples: dict[tuple[bytes, tuple[_Label, ...]], int] = {}
        self._values: list[Int64] = []
        self._rows: list[Int64] = []
        self._types = sample_types

    def add(self, profile: Profile) -> None:
        """Adds a profile's samples; those of only zeros are left out."""
        used = np.flatnonzero((profile.samples.values != 0).any(axis=0))
        if profile.mappings and not self._mapping_rows:
            self._mapping(profile.mappings[0])  # the first mapping is the program itself
        place = self._location_places(profile, used)
        samples = profile.samples.take(used)
        stack = place[samples.stack]
        start = samples.stack_start.tolist()
        labels = self._labels(profile)
        rows = [
            self._samples.setdefault(
                (stack[start[i] : start[i + 1]].tobytes(), labels.get(row, ())), len(self._samples)
            )
            for i, row in enumerate(used.tolist())
        ]
        self._rows.append(np.array(rows, np.int64))
        self._values.append(samples.values)

    def _string(self, text: str) -> int:
        return self._strings.setdefault(text, len(self._strings))

    def _mapping(self, mapping: Mapping) -> tuple[int, int]:
        """(index, how far addresses move) of a mapping."""
        size = (mapping.limit - mapping.start + _PAGE - 1) % (1 << 64)
        key = (size - size % _PAGE, mapping.offset, mapping.build_id or mapping.file)
        index = self._mappings.setdefault(key, len(self._mapping_rows))
        if index == len(self._mapping_rows):
            self._mapping_rows.append(mapping)
        return index, self._mapping_rows[index].start - mapping.start

    def _location_places(self, profile: Profile, used: Int64) -> Int32:
        """For each location of the profile, its place here; -1 if no sample uses it."""
        samples, locations = profile.samples.take(used), profile.locations
        place = np.full(len(locations), -1, np.int32)
        _, first = np.unique(samples.stack, return_index=True)
        functions = self._function_places(profile)
        mappings = [
            self._mapping(m) if u else (-1, 0) for m, u in self._mappings_used(profile, samples)
        ]
        for location in samples.stack[np.sort(first)].tolist():
            start, stop = locations.line_start[location : location + 2].tolist()
            lines = tuple(
                zip(
                    (functions[f] for f in locations.function[start:stop].tolist()),
                    locations.line[start:stop].tolist(),
                    locations.column[start:stop].tolist(),
                    strict=True,
                )
            )
            place[location] = self._location(profile, location, lines, mappings)
        return place

    @staticmethod
    def _mappings_used(profile: Profile, samples: Samples) -> list[tuple[Mapping, bool]]:
        used = set(profile.locations.mapping[samples.stack].tolist())
        return [(mapping, i in used) for i, mapping in enumerate(profile.mappings)]

    def _location(
        self,
        profile: Profile,
        location: int,
        lines: tuple[_Line, ...],
        mappings: list[tuple[int, int]],
    ) -> int:
        address = int(profile.locations.address[location])
        own = int(profile.locations.mapping[location])
        mapping, shift = mappings[own] if own >= 0 else (-1, 0)
        address = (address + shift) % (1 << 64)
        start = self._mapping_rows[mapping].start if mapping >= 0 else 0
        # columns count in the last line only, as in the tool's key
        key_lines = tuple(
            (f, n, c if i == len(lines) - 1 else 0) for i, (f, n, c) in enumerate(lines)
        )
        key = (
            (address - start) % (1 << 64),
            mapping,
            key_lines,
            bool(profile.locations.folded[location]),
        )
        index = self._locations.setdefault(key, len(self._addresses))
        if index == len(self._addresses):
            self._addresses.append(address)
        return index

    def _function_places(self, profile: Profile) -> list[int]:
        table = profile.functions
        number = [self._string(text) for text in profile.strings]
        rows = zip(
            table.start_line.tolist(),
            table.name.tolist(),
            table.system_name.tolist(),
            table.filename.tolist(),
            strict=True,
        )
        return [
            self._functions.setdefault(
                (line, number[n], number[s], number[f]), len(self._functions)
            )
            for line, n, s, f in rows
        ]

    def _labels(self, profile: Profile) -> dict[int, tuple[_Label, ...]]:
        """Labels of each sample that has any, by key, values of one key in their order."""
        labels, found = profile.labels, dict[int, list[_Label]]()
        number = [self._string(text) for text in profile.strings]
        rows = zip(
            labels.sample.tolist(),
            labels.key.tolist(),
            labels.text.tolist(),
            labels.number.tolist(),
            labels.unit.tolist(),
            strict=True,
        )
        for sample, key, text, value, unit in rows:
            row = (number[key], number[text] if text >= 0 else -1, value, number[unit])
            found.setdefault(sample, []).append(row)
        return {
            sample: tuple(sorted(own, key=lambda row: (row[0], row[1] < 0)))
            for sample, own in found.items()
        }

    def profile(self, like: Profile) -> Profile:
        """Everything that was added; what is not in the tables is as in `like`."""
        rows = np.concatenate(self._rows)
        values = np.zeros((self._types, len(self._samples)), np.int64)
        for row, column in zip(values, np.concatenate(self._values, axis=1), strict=True):
            np.add.at(row, rows, column)
        stacks = [np.frombuffer(stack, np.int32) for stack, _ in self._samples]
        depths = np.array([len(stack) for stack in stacks], np.int64)
        stack = np.concatenate(stacks) if stacks else np.zeros(0, np.int32)
        return replace(
            like,
            samples=Samples(values, offsets(depths), stack),
            labels=self._all_labels(),
            locations=self._all_locations(),
            functions=self._all_functions(),
            mappings=tuple(self._mapping_rows),
            strings=tuple(self._strings),
        )

    def _all_labels(self) -> Labels:
        rows = [(i, *label) for i, (_, own) in enumerate(self._samples) for label in own]
        table = np.array(rows, np.int64).reshape(-1, 5)
        small = table.astype(np.int32)
        return Labels(small[:, 0], small[:, 1], small[:, 2], table[:, 3], small[:, 4])

    def _all_locations(self) -> Locations:
        keys = list(self._locations)
        lines = np.array([line for key in keys for line in key[2]], np.int64).reshape(-1, 3)
        counts = np.array([len(key[2]) for key in keys], np.int64)
        return Locations(
            address=np.array(self._addresses, np.uint64),
            mapping=np.array([key[1] for key in keys], np.int32),
            folded=np.array([key[3] for key in keys], np.bool_),
            line_start=offsets(counts),
            function=lines[:, 0].astype(np.int32),
            line=lines[:, 1],
            column=lines[:, 2],
        )

    def _all_functions(self) -> Functions:
        table = np.array(list(self._functions), np.int64).reshape(-1, 4)
        small = table.astype(np.int32)
        return Functions(small[:, 1], small[:, 2], small[:, 3], table[:, 0])
