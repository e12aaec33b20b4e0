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

_BATCH = 4096
_EXACT = float(1 << 53)


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
        samples: those whose value or divisor is not 0.
        value: int64 per sample.
        divisor: int64 per sample, or None.
    """

    samples: Samples
    value: Int64
    divisor: Int64 | None

    @classmethod
    def of(cls, samples: Samples, value: Int64, divisor: Int64 | None) -> Weighted:
        """Leaves out the samples that weigh nothing."""
        rows = np.flatnonzero(value if divisor is None else (value != 0) | (divisor != 0))
        if len(rows) == len(samples):
            return cls(samples, value, divisor)
        return cls(samples.take(rows), value[rows], None if divisor is None else divisor[rows])


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


def frames(samples: Samples, nodes: Nodes) -> Iterator[Frames]:
    """The frames of all samples, batch by batch."""
    for first in range(0, len(samples), _BATCH):
        start = samples.stack_start[first : first + _BATCH + 1]
        stack = samples.stack[start[0] : start[-1]]
        count = len(start) - 1
        owner = np.repeat(np.arange(count, dtype=np.int32), np.diff(start))
        if nodes.single:
            yield Frames(first, count, owner, nodes.frame_node[stack], nodes.frame_inlined[stack])
            continue
        begin = nodes.frame_start[stack]
        lines = nodes.frame_start[stack + 1] - begin
        frame = spans(begin, lines)
        node, inlined = nodes.frame_node[frame], nodes.frame_inlined[frame]
        yield Frames(first, count, np.repeat(owner, lines), node, inlined)


def weigh(weighted: Weighted, nodes: Nodes) -> Weights:
    """Flat and cum of every node."""
    sums = [np.zeros(len(nodes), np.int64) for _ in range(4)]
    flat, cum, flat_divisor, cum_divisor = sums
    for batch in frames(weighted.samples, nodes):
        chosen = slice(batch.first, batch.first + batch.count)
        leaf = _leaves(batch)
        node, owner = _distinct(batch.node, batch.owner, batch.count)
        _add(flat, batch.node[leaf], weighted.value[chosen][batch.owner[leaf]])
        _add(cum, node, weighted.value[chosen][owner])
        if weighted.divisor is not None:
            _add(flat_divisor, batch.node[leaf], weighted.divisor[chosen][batch.owner[leaf]])
            _add(cum_divisor, node, weighted.divisor[chosen][owner])
    return Weights(flat, cum, flat_divisor, cum_divisor)


def _leaves(batch: Frames) -> Int64:
    """Where each sample's first frame is (samples without frames have none)."""
    if not len(batch.owner):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate(([True], batch.owner[1:] != batch.owner[:-1])))


def _distinct(node: Int32, owner: Int32, count: int) -> tuple[Int64, Int64]:
    """Each (node, owner) once."""
    bits = max(count - 1, 1).bit_length()
    if int(node.max(initial=0)) < 1 << (31 - bits):
        key = _sorted_once((node << np.int32(bits)) | owner)
    else:
        key = _sorted_once((node.astype(np.int64) << bits) | owner)
    return key >> bits, key & ((1 << bits) - 1)


def _sorted_once(key: Int32 | Int64) -> Int64:
    key.sort()
    first = np.concatenate(([True], key[1:] != key[:-1])) if len(key) else np.zeros(0, np.bool_)
    return key[first].astype(np.int64)


def _add(sums: Int64, keys: Int64 | Int32, values: Int64) -> None:
    """sums[key] += value for each; bincount is quicker, and exact below 2**53."""
    if float(np.abs(values.astype(np.float64)).sum()) < _EXACT:
        sums += np.bincount(keys, weights=values, minlength=len(sums)).astype(np.int64)
    else:
        np.add.at(sums, keys, values)


def find_edges(weighted: Weighted, nodes: Nodes, kept: Bool, callees: Bool | None = None) -> Edges:
    """The calls between nodes that are kept; one goes over nodes between them that are not.

    Args:
        weighted: the samples.
        nodes: the nodes.
        kept: bool per node.
        callees: bool per node: only calls of these nodes, if given.
    """
    parts: list[Edges] = []
    for batch in frames(weighted.samples, nodes):
        value = weighted.value[batch.first : batch.first + batch.count]
        parts.append(_batch_edges(batch, value, kept, callees, len(nodes)))
    return _merged(parts, len(nodes))


def _batch_edges(
    batch: Frames, value: Int64, kept: Bool, callees: Bool | None, count: int
) -> Edges:
    chosen = np.flatnonzero(kept[batch.node])
    node, owner, inlined = batch.node[chosen], batch.owner[chosen], batch.inlined[chosen]
    same = (owner[1:] == owner[:-1]) & (node[1:] != node[:-1])
    if callees is not None:
        same &= callees[node[:-1]]
    # the first call of its kind from the root decides whether it is inline: look from the root
    at = np.flatnonzero(same)[::-1]
    call = node[at + 1].astype(np.int64) * count + node[at]
    distinct, call = np.unique(call, return_inverse=True)
    key = call * batch.count + owner[at]
    _, first = np.unique(key, return_index=True)
    at, call = at[first], call[first]
    weight = np.zeros(len(distinct), np.int64)
    np.add.at(weight, call, value[owner[at]])
    outlined = np.zeros(len(distinct), np.bool_)
    outlined[call[~inlined[at]]] = True
    return Edges(
        (distinct // count).astype(np.int32), (distinct % count).astype(np.int32), weight, ~outlined
    )


def _merged(parts: list[Edges], count: int) -> Edges:
    if not parts:
        none = np.zeros(0, np.int32)
        return Edges(none, none, np.zeros(0, np.int64), np.zeros(0, np.bool_))
    calls = np.concatenate([p.caller.astype(np.int64) * count + p.callee for p in parts])
    distinct, place = np.unique(calls, return_inverse=True)
    weight = np.zeros(len(distinct), np.int64)
    np.add.at(weight, place, np.concatenate([p.weight for p in parts]))
    outlined = np.zeros(len(distinct), np.bool_)
    outlined[place[~np.concatenate([p.inline for p in parts])]] = True
    return Edges(
        (distinct // count).astype(np.int32), (distinct % count).astype(np.int32), weight, ~outlined
    )
