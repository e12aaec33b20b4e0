"""Which way is worse, by the kind of a check. Pure.

A check whose kind stands here measures a cost: less of it is never a regression. For any other
kind both ways count, since nothing says which one is good (`top-allocations` may ask for a stack
to be there or not; a query can measure anything).
"""

from __future__ import annotations

from typing import Literal

Worse = Literal["higher", "either"]

_COSTS = frozenset(
    {
        "goroutine-recovery",
        "heap-returns",
        "rss-returns",
        "gc-cpu",
        "pause",
        "next-gc-prediction",
    }
)


def worse(check: str) -> Worse:
    """The side on which a value of that kind of check is a regression."""
    return "higher" if check in _COSTS else "either"
