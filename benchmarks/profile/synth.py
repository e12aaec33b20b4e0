"""Synthetic Go heap profiles of any size, encoded the way runtime/pprof encodes them.

The shape is that of a service: a few hundred packages, stacks of 6 to 40 frames that share their
roots, one location in five with an inlined call, sizes in Go's size classes.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field

import numpy as np

SIZES = (16, 32, 48, 64, 96, 128, 256, 512, 1024, 2048, 4096, 8192, 32768, 65536, 1 << 20)
TYPES = (
    ("alloc_objects", "count"),
    ("alloc_space", "bytes"),
    ("inuse_objects", "count"),
    (
        "inuse_space",
        "bytes",
    ),
)


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(tag: int, value: int) -> bytes:
    return varint(tag << 3) + varint(value) if value else b""


def message(tag: int, body: bytes) -> bytes:
    return varint(tag << 3 | 2) + varint(len(body)) + body


def packed(tag: int, values: list[int]) -> bytes:
    if len(values) > 2:
        return message(tag, b"".join(map(varint, values)))
    return b"".join(varint(tag << 3) + varint(value) for value in values)


@dataclass
class Encoder:
    """Builds a profile from parts; strings are interned."""

    strings: dict[str, int] = field(default_factory=lambda: {"": 0})
    parts: list[bytes] = field(default_factory=list)

    def text(self, value: str) -> int:
        """Index of a string."""
        return self.strings.setdefault(value, len(self.strings))

    def add(self, tag: int, body: bytes) -> None:
        """Appends a message field."""
        self.parts.append(message(tag, body))

    def value_type(self, tag: int, kind: str, unit: str) -> None:
        """Appends a ValueType."""
        self.add(tag, number(1, self.text(kind)) + number(2, self.text(unit)))

    def bytes(self) -> bytes:
        """The profile, strings last."""
        table = b"".join(message(6, s.encode()) for s in self.strings)
        return b"".join(self.parts) + table


def heap(samples: int, *, seed: int = 1, functions: int = 2500, depth: int = 14) -> bytes:
    """An uncompressed heap profile with that many samples."""
    rng = np.random.default_rng(seed)
    out = Encoder()
    for kind, unit in TYPES:
        out.value_type(1, kind, unit)
    key, unit = out.text("bytes"), out.text("bytes")
    stacks = _stacks(rng, samples, depth, functions * 2)
    counts = rng.geometric(0.02, samples)
    sizes = rng.choice(SIZES, samples)
    freed = rng.random(samples) < 0.4
    for stack, count, size, gone in zip(
        stacks, counts.tolist(), sizes.tolist(), freed, strict=True
    ):
        live = 0 if gone else count // 2 + 1
        values = [count, count * size, live, live * size]
        label = message(3, number(1, key) + number(3, size) + number(4, unit))
        out.add(2, packed(1, stack) + packed(2, values) + label)
    _places(out, rng, functions)
    file, build = out.text("/srv/app"), out.text("0123456789abcdef")
    out.add(
        3,
        number(1, 1)
        + number(2, 0x400000)
        + number(3, 0x4000000)
        + number(5, file)
        + number(6, build)
        + number(7, 1),
    )
    out.value_type(11, "space", "bytes")
    out.parts.append(number(12, 524288) + number(9, 1_700_000_000_000_000_000))
    return out.bytes()


def _stacks(rng: np.random.Generator, samples: int, depth: int, locations: int) -> list[list[int]]:
    """Leaf-first location ids; stacks share roots, as a call tree's do."""
    stacks: list[list[int]] = []
    lengths = rng.integers(3, depth, samples)
    picks = rng.zipf(1.3, int(lengths.sum())) % locations + 1
    at = 0
    current: list[int] = []
    for length in lengths.tolist():
        fresh = picks[at : at + length].tolist()
        at += length
        keep = current[len(current) - max(0, depth - length) :]
        current = fresh + keep
        stacks.append(current)
    return stacks


def _places(out: Encoder, rng: np.random.Generator, functions: int) -> None:
    inlined = rng.random(functions * 2) < 0.2
    callee = rng.integers(1, functions + 1, functions * 2).tolist()
    for index in range(functions * 2):
        line = message(4, number(1, index // 2 + 1) + number(2, 10 + index % 400))
        if inlined[index]:
            line = message(4, number(1, callee[index]) + number(2, 7)) + line
        out.add(4, number(1, index + 1) + number(2, 1) + number(3, 0x401000 + 64 * index) + line)
    for index in range(functions):
        name = out.text(f"example.com/shop/pkg{index % 211}.(*Type{index % 37}).Method{index}")
        file = out.text(f"/src/shop/pkg{index % 211}/file{index % 7}.go")
        out.add(
            5,
            number(1, index + 1)
            + number(2, name)
            + number(3, name)
            + number(4, file)
            + number(5, 3 + index % 400),
        )


def compressed(data: bytes) -> bytes:
    """As Go writes it: gzip at its fastest level."""
    return gzip.compress(data, 1, mtime=0)
