"""Weights of nodes: flat and cum.

Source: github.com/google/pprof/internal/graph (graph.go, newGraph). The sums are 64-bit integers
and exact; a node that is in a stack several times (recursion) counts once for cum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chaosmem.profile.columns import Bool, Int32, Int64, Samples, spans
from chaosmem.profile.nodes import Nodes

BATCH = 1024
"""Samples at a time, at most; what they need then fits the cache."""

_FRAMES = 1 << 15  # frames at a time
_EXACT = float(1 << 53)  # up to here every integer is a float


@dataclass(frozen=True, slots=True)
class Weights:
    """Sums by node; the divisors' sums are 0 unless means are asked for.

    Attributes:
        flat: int64, of samples whose leaf the node is.
        cum: int64, of samples that have the node.
        flat_divisor, cum_divisor: int64, the same for the divisors.
    """

    flat: Int64
    cum: Int64
    flat_divisor: Int64
    cum_divisor: Int64


@dataclass(frozen=True, slots=True)
class Weighted:
    """Samples that count, with what each counts.

    Attributes:
        samples: all samples.
        rows: int64, those whose value or divisor is not 0.
        value: int64, of each row.
        divisor: int64 of each row, or None.
    """

    samples: Samples
    rows: Int64
    value: Int64
    divisor: Int64 | None

    @classmethod
    def of(cls, samples: Samples, value: Int64, divisor: Int64 | None) -> Weighted:
        """Leaves out the samples that weigh nothing."""
        rows = np.flatnonzero(value if divisor is None else (value != 0) | (divisor != 0))
        return cls(samples, rows, value[rows], None if divisor is None else divisor[rows])

    @classmethod
    def every(cls, samples: Samples, value: Int64) -> Weighted:
        """All samples."""
        return cls(samples, np.arange(len(samples)), value, None)


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames of a batch of samples, leaf first.

    Attributes:
        first: index of the batch's first sample.
        count: samples in the batch.
        owner: int32, which sample of the batch a frame belongs to.
        node: int32.
        inlined: bool.
    """

    first: int
    count: int
    owner: Int32
    node: Int32
    inlined: Bool


@dataclass(frozen=True, slots=True)
class _Stacks:
    """Stacks of a batch of samples.

    Attributes:
        first: place of the batch's first sample among those that count.
        depth: int64, locations of each.
        stack: int32, locations, leaf first.
    """

    first: int
    depth: Int64
    stack: Int32

    def owner(self) -> Int32:
        """Which sample of the batch each location belongs to."""
        return np.repeat(np.arange(len(self.depth), dtype=np.int32), self.depth)


def _stacks(weighted: Weighted) -> Iterator[_Stacks]:
    """The stacks of the samples that count, so many at a time that they fit the cache."""
    samples, rows = weighted.samples, weighted.rows
    first = 0
    while first < len(rows):
        # samples that do not count lie between: so this is how many frames there are at most
        enough = samples.stack_start[rows[first]] + _FRAMES
        last = int(np.searchsorted(samples.stack_start[rows[first : first + BATCH]], enough))
        chosen = rows[first : first + max(last, 1)]
        start = samples.stack_start[chosen]
        depth = samples.stack_start[chosen + 1] - start
        low, high = int(start[0]), int(start[-1] + depth[-1])
        if high - low == int(depth.sum()):
            stack = samples.stack[low:high]
        else:
            stack = samples.stack.take(spans(start, depth))
        yield _Stacks(first, depth, stack)
        first += len(chosen)


def frames(weighted: Weighted, nodes: Nodes) -> Iterator[Frames]:
    """The frames of the samples that count, batch by batch."""
    for batch in _stacks(weighted):
        frame, owner = nodes.frame_start.take(batch.stack), batch.owner()
        if not nodes.single:
            lines = nodes.lines.take(batch.stack)
            frame, owner = spans(frame, lines), np.repeat(owner, lines)
        node, inlined = nodes.frame_node.take(frame), nodes.frame_inlined.take(frame)
        yield Frames(batch.first, len(batch.depth), owner, node, inlined)


def weigh(weighted: Weighted, nodes: Nodes) -> Weights:
    """Flat and cum of every node."""
    sums = [np.zeros(len(nodes), np.int64) for _ in range(4)]
    flat, cum, flat_divisor, cum_divisor = sums
    leaf_node = nodes.frame_node.take(nodes.frame_start[:-1])
    for batch in _stacks(weighted):
        count = len(batch.depth)
        begin = np.cumsum(batch.depth) - batch.depth
        has_leaf = batch.depth.nonzero()[0]
        leaf = leaf_node.take(batch.stack.take(begin.take(has_leaf)))
        node, owner = _distinct(*_pairs(batch, nodes, leaf_node), count)
        value = weighted.value[batch.first : batch.first + count]
        _add(flat, leaf, value, has_leaf)
        _add(cum, node, value, owner)
        if weighted.divisor is not None:
            divisor = weighted.divisor[batch.first : batch.first + count]
            _add(flat_divisor, leaf, divisor, has_leaf)
            _add(cum_divisor, node, divisor, owner)
    return Weights(flat, cum, flat_divisor, cum_divisor)


def _pairs(batch: _Stacks, nodes: Nodes, leaf_node: Int32) -> tuple[Int32, Int32]:
    """(node, owner) of every frame, in no order: first lines, then the lines of the inlined."""
    node, owner = leaf_node.take(batch.stack), batch.owner()
    if nodes.single:
        return node, owner
    more = nodes.lines.take(batch.stack) - 1
    several = more.nonzero()[0]
    more = more.take(several)
    rest = spans(nodes.frame_start.take(batch.stack.take(several)) + 1, more)
    return (
        np.concatenate([node, nodes.frame_node.take(rest)]),
        np.concatenate([owner, np.repeat(owner.take(several), more)]),
    )


def _distinct(node: Int32, owner: Int32, count: int) -> tuple[Int64 | Int32, Int64 | Int32]:
    """Each (node, owner) once."""
    bits = max(count - 1, 1).bit_length()
    if int(node.max(initial=0)) < 1 << (31 - bits):
        key = _sorted_once((node << np.int32(bits)) | owner)
    else:
        key = _sorted_once((node.astype(np.int64) << bits) | owner)
    return key >> bits, key & ((1 << bits) - 1)


def _sorted_once(key: Int32 | Int64) -> Int32 | Int64:
    key.sort()
    return key[begins(key)]


def _add(sums: Int64, keys: Int64 | Int32, values: Int64, owner: Int64 | Int32) -> None:
    """sums[key] += values[owner] for each; a key has an owner at most once.

    bincount adds floats, which is quicker, and exact below 2**53.
    """
    if float(np.abs(values.astype(np.float64)).sum()) < _EXACT:
        weights = values.astype(np.float64).take(owner)
        sums += np.bincount(keys, weights=weights, minlength=len(sums)).astype(np.int64)
    else:
        np.add.at(sums, keys, values.take(owner))


def begins(key: Int64 | Int32) -> Bool:
    """Where a value differs from the one before it."""
    different = np.ones(len(key), np.bool_)
    np.not_equal(key[1:], key[:-1], out=different[1:])
    return different
