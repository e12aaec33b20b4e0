"""Calls between nodes, and what they weigh.

Source: github.com/google/pprof/internal/graph (graph.go, newGraph). A call that is in a stack
several times counts once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chaosmem.profile.columns import Bool, Int32, Int64
from chaosmem.profile.graph import BATCH, Frames, Weighted, begins, frames
from chaosmem.profile.nodes import Nodes

_KEY_BITS = 63


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
    owner_bits = BATCH.bit_length()
    if int(pair.max(initial=0)).bit_length() + owner_bits + place_bits < _KEY_BITS:
        # one sort of plain integers is several times quicker than a sort of indices
        key = ((pair << owner_bits) | owner) << place_bits
        key |= np.arange(len(pair))
        key.sort()
        rows = key[begins(key >> place_bits)] & ((1 << place_bits) - 1)
    else:
        order = np.lexsort((owner, pair))
        rows = order[begins(pair[order]) | begins(owner[order])]
    return pair[rows], owner[rows], inlined[rows]


def _summed(pair: Int64, value: Int64, inline: Bool, count: int) -> Edges:
    """One edge for each pair (they are ordered): values added, inline if all are."""
    bounds = np.flatnonzero(begins(pair))
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
