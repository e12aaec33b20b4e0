"""Tables of a legacy text, as its lines are read."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from chaosmem.profile.columns import (
    Functions,
    Labels,
    Locations,
    Profile,
    Samples,
    ValueType,
    offsets,
)


@dataclass(slots=True)
class TextTables:
    """Strings, functions, locations, samples and labels, in the order in which lines name them."""

    strings: dict[str, int] = field(default_factory=lambda: {"": 0})
    functions: dict[tuple[int, int], int] = field(default_factory=dict)
    locations: dict[tuple[int, int, int], int] = field(default_factory=dict)
    values: list[list[int]] = field(default_factory=list)
    stack: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    labels: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    addresses: list[int] = field(default_factory=list)

    def string(self, text: str) -> int:
        """Index of a string."""
        return self.strings.setdefault(text, len(self.strings))

    def sample(self, values: list[int], addresses: bytes) -> None:
        """Begins a sample; its addresses count if no frames follow."""
        self.flush()
        self.values.append(values)
        self.addresses = [int(word, 16) for word in addresses.split()]
        self.depths.append(0)

    def frame(self, address: int, function: int, line: int) -> None:
        """Adds a frame to the sample; function -1 is an address without a symbol."""
        self.addresses = []
        key = (address, function, line)
        self.stack.append(self.locations.setdefault(key, len(self.locations)))
        self.depths[-1] += 1

    def flush(self) -> None:
        """A sample without symbols keeps its bare addresses (of calls: return address - 1)."""
        for address in self.addresses:
            self.frame((address - 1) % (1 << 64), -1, 0)
        self.addresses = []

    def label(self, key: str, text: str) -> None:
        """Adds a string label to the sample."""
        row = (len(self.values) - 1, self.string(key), self.string(text), 0, 0)
        self.labels.append(row)

    def profile(
        self, sample_types: tuple[ValueType, ...], period_type: ValueType, period: int
    ) -> Profile:
        """Everything that was added."""
        names = np.array(list(self.functions), np.int32).reshape(-1, 2)
        places = list(self.locations)
        lines = np.array([key[1:] for key in places], np.int64).reshape(-1, 2)
        known = lines[:, 0] >= 0
        labels = np.array(self.labels, np.int64).reshape(-1, 5)
        small = labels.astype(np.int32)
        values = np.array(self.values, np.int64).reshape(-1, len(sample_types))
        return Profile(
            sample_types=sample_types,
            samples=Samples(
                np.ascontiguousarray(values.T),
                offsets(np.array(self.depths, np.int64)),
                np.array(self.stack, np.int32),
            ),
            labels=Labels(small[:, 0], small[:, 1], small[:, 2], labels[:, 3], small[:, 4]),
            locations=Locations(
                address=np.array([key[0] for key in places], np.uint64),
                mapping=np.full(len(places), -1, np.int32),
                folded=np.zeros(len(places), np.bool_),
                line_start=offsets(known.astype(np.int64)),
                function=lines[known, 0].astype(np.int32),
                line=lines[known, 1],
                column=np.zeros(int(known.sum()), np.int64),
            ),
            functions=Functions(
                names[:, 0], names[:, 0], names[:, 1], np.zeros(len(names), np.int64)
            ),
            mappings=(),
            strings=tuple(self.strings),
            period_type=period_type,
            period=period,
        )
