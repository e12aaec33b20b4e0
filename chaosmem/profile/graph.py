"""Weights of nodes (flat and cum) and of calls between them.

Source: github.com/google/pprof/internal/graph (graph.go, newGraph). The sums are 64-bit integers
and exact; a node that is in a stack several times (recursion) counts once for cum, and so does a
call.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chaosmem.profile.columns import Bool, Int32, Int64, Samples, spans
from chaosmem.profile.nodes import Nodes

_BATCH = 2048  # samples, and
_FRAMES = 1 << 16  # frames at a time
_EXACT = float(1 << 53)  # up to here every integer is a float
_KEY_BITS = 63


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
class Edges:
    """Calls between nodes, in no particular order.

    Attributes:
        caller, callee: int32, nodes.
        weight: int64, sum over the samples that have the call.
        inline: bool, whether the call was inlined in all of them.
    """

    caller: Int32
    callee: Int32
    weight: Int64
    inline: Bool

    def __len__(self) -> int:
        return len(self.caller)

    def take(self, keep: Int64 | Bool) -> Edges:
        """Only these calls."""
        return Edges(self.caller[keep], self.callee[keep], self.weight[keep], self.inline[keep])


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
        last = int(np.searchsorted(samples.stack_start[rows[first : first + _BATCH]], enough))
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
    return key[_begins(key)]


def _add(sums: Int64, keys: Int64 | Int32, values: Int64, owner: Int64 | Int32) -> None:
    """sums[key] += values[owner] for each; a key has an owner at most once.

    bincount adds floats, which is quicker, and exact below 2**53.
    """
    if float(np.abs(values.astype(np.float64)).sum()) < _EXACT:
        weights = values.astype(np.float64).take(owner)
        sums += np.bincount(keys, weights=weights, minlength=len(sums)).astype(np.int64)
    else:
        np.add.at(sums, keys, values.take(owner))


def find_edges(weighted: Weighted, nodes: Nodes, kept: Bool, callees: Bool | None = None) -> Edges:
    """The calls between nodes that are kept; one goes over nodes between them that are not.

    Args:
        weighted: the samples.
        nodes: the nodes.
        kept: bool per node.
        callees: bool per node: only calls of these nodes, if given.
    """
    parts: list[Edges] = []
    for batch in frames(weighted, nodes):
        value = weighted.value[batch.first : batch.first + batch.count]
        parts.append(_batch_edges(batch, value, kept, callees, len(nodes)))
    return _merged(parts, len(nodes))


def _batch_edges(
    batch: Frames, value: Int64, kept: Bool, callees: Bool | None, count: int
) -> Edges:
    node, owner, inlined = batch.node, batch.owner, batch.inlined
    if not kept.all():
        chosen = kept.take(node).nonzero()[0]
        node, owner, inlined = node.take(chosen), owner.take(chosen), inlined.take(chosen)
    call = (owner[1:] == owner[:-1]) & (node[1:] != node[:-1])
    if callees is not None:
        call &= callees.take(node[:-1])
    # from the root on: the first call of its kind decides whether it is inline
    at = call.nonzero()[0][::-1]
    pair = node.take(at + 1).astype(np.int64) * count + node.take(at)
    pair, owner, inlined = _first_of_each(pair, owner.take(at), inlined.take(at))
    return _summed(pair, value.take(owner), inlined, count)


def _first_of_each(pair: Int64, owner: Int32, inlined: Bool) -> tuple[Int64, Int32, Bool]:
    """The first row of each (pair, owner), ordered by pair."""
    place_bits = max(len(pair) - 1, 1).bit_length()
    owner_bits = _BATCH.bit_length()
    if int(pair.max(initial=0)).bit_length() + owner_bits + place_bits < _KEY_BITS:
        # one sort of plain integers is several times quicker than a sort of indices
        key = ((pair << owner_bits) | owner) << place_bits
        key |= np.arange(len(pair))
        key.sort()
        rows = key[_begins(key >> place_bits)] & ((1 << place_bits) - 1)
    else:
        order = np.lexsort((owner, pair))
        rows = order[_begins(pair[order]) | _begins(owner[order])]
    return pair[rows], owner[rows], inlined[rows]


def _begins(key: Int64 | Int32) -> Bool:
    """Where a value differs from the one before it."""
    begins = np.ones(len(key), np.bool_)
    np.not_equal(key[1:], key[:-1], out=begins[1:])
    return begins


def _summed(pair: Int64, value: Int64, inline: Bool, count: int) -> Edges:
    """One edge for each pair (they are ordered): values added, inline if all are."""
    bounds = np.flatnonzero(_begins(pair))
    if not len(bounds):
        none = np.zeros(0, np.int32)
        return Edges(none, none, np.zeros(0, np.int64), np.zeros(0, np.bool_))
    distinct = pair[bounds]
    return Edges(
        caller=(distinct // count).astype(np.int32),
        callee=(distinct % count).astype(np.int32),
        weight=np.add.reduceat(value, bounds),
        inline=np.logical_and.reduceat(inline, bounds),
    )


def _merged(parts: list[Edges], count: int) -> Edges:
    none = np.zeros(0, np.int64)
    pairs = [part.caller.astype(np.int64) * count + part.callee for part in parts]
    pair = np.concatenate([none, *pairs])
    value = np.concatenate([none, *(part.weight for part in parts)])
    inline = np.concatenate([none.astype(np.bool_), *(part.inline for part in parts)])
    order = np.argsort(pair, kind="stable")
    return _summed(pair[order], value[order], inline[order], count)
