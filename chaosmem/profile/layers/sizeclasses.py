"""Size classes of the allocator: spans, and the waste inside and between them.

The table is that of Go 1.21 to 1.27 (src/runtime/sizeclasses.go, since 1.25
src/internal/runtime/gc/sizeclasses.go), where it is the same; a test holds it against the release
that is installed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from chaosmem.errors import FormatError

PAGE_BYTES: Final = 8192
SIZES: Final = (
    8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352,
    384, 416, 448, 480, 512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048,
    2304, 2688, 3072, 3200, 3456, 4096, 4864, 5376, 6144, 6528, 6784, 6912, 8192, 9472, 9728, 10240,
    10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768,
)  # fmt: skip
"""Bytes of an object of class 1, 2, ...; class 0 is for large objects."""
PAGES: Final = (
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 2, 1, 2, 1, 2, 1, 3, 2, 3, 1, 3, 2, 3, 4, 5, 6, 1, 7, 6, 5, 4, 3, 5, 7, 2, 9, 7, 5, 8, 3,
    10, 7, 4,
)  # fmt: skip
"""Pages of a span of each class."""


@dataclass(frozen=True, slots=True)
class SizeClass:
    """One class.

    Attributes:
        size: bytes of a slot.
        smallest: least bytes of an object that comes here; it wastes the rest of its slot.
        span_bytes: bytes of a span.
        objects: slots of a span.
        tail: bytes of a span that no slot covers.
    """

    size: int
    smallest: int
    span_bytes: int
    objects: int
    tail: int


def _table() -> tuple[SizeClass, ...]:
    """The classes from the two lists."""
    rows = zip(pairwise((0, *SIZES)), PAGES, strict=True)
    return tuple(
        SizeClass(size, below + 1, pages * PAGE_BYTES, *divmod(pages * PAGE_BYTES, size))
        for (below, size), pages in rows
    )


TABLE: Final = _table()
_BY_SIZE: Final = {cls.size: cls for cls in TABLE}


@dataclass(frozen=True, slots=True)
class ClassUse:
    """How one class is used.

    Attributes:
        size_class: the class.
        live: objects allocated and not freed (unswept garbage counts as live).
        live_bytes: their slots.
        inside_max: most bytes of these slots that objects may leave unused (rounding up).
        least_spans: fewest spans that hold them.
        tails: bytes lost at the ends of these spans.
        last_free: free slots of the last of them, in bytes.
    """

    size_class: SizeClass
    live: int
    live_bytes: int
    inside_max: int
    least_spans: int
    tails: int
    last_free: int


@dataclass(frozen=True, slots=True)
class Fragmentation:
    """Where the in-use spans of the heap are not live objects.

    Attributes:
        classes: use by class, most live bytes first.
        small_bytes: live slots of the classes that BySize lists.
        large_bytes: rest of the heap objects: larger objects (above 18 KiB: BySize ends there).
        inside_max: most bytes wasted inside slots; the runtime does not say the real number.
        unused_bytes: in-use spans without objects (HeapInuse - HeapAlloc): an upper bound of what
            fragmentation takes.
        unavoidable: of these, tails and last spans if every span were full (each class needs one
            more span where it has both pointer-free and other objects).
        between: the rest: free slots in spans that live objects keep; reusable for the same class
            only.
        ratio: between as a share of the in-use spans; None of an empty heap.
    """

    classes: tuple[ClassUse, ...]
    small_bytes: int
    large_bytes: int
    inside_max: int
    unused_bytes: int
    unavoidable: int
    between: int
    ratio: float | None


def fragmentation(
    by_size: Sequence[Mapping[str, int]], *, heap_objects: int, heap_unused: int
) -> Fragmentation:
    """The fragmentation that a MemStats.BySize shows.

    Args:
        by_size: entries with size, mallocs and frees (the agent), or Size, Mallocs and Frees
            (/debug/vars); entries of size 0 are passed over.
        heap_objects: HeapAlloc of the same reading, bytes.
        heap_unused: HeapInuse - HeapAlloc of the same reading, bytes.

    Raises:
        FormatError: an entry lacks a number, or is of a size that no release has.
    """
    uses = [use for entry in by_size if (use := _use(entry)) is not None]
    uses.sort(key=lambda use: (-use.live_bytes, use.size_class.size))
    small = sum(use.live_bytes for use in uses)
    unavoidable = min(heap_unused, sum(use.tails + use.last_free for use in uses))
    between = heap_unused - unavoidable
    in_use = heap_objects + heap_unused
    return Fragmentation(
        classes=tuple(uses),
        small_bytes=small,
        large_bytes=max(0, heap_objects - small),
        inside_max=sum(use.inside_max for use in uses),
        unused_bytes=heap_unused,
        unavoidable=unavoidable,
        between=between,
        ratio=between / in_use if in_use else None,
    )


def _use(entry: Mapping[str, int]) -> ClassUse | None:
    """The use of one class."""
    size, mallocs, frees = (_number(entry, name) for name in ("size", "mallocs", "frees"))
    if size == 0:
        return None
    cls = _BY_SIZE.get(size)
    if cls is None or frees > mallocs:
        raise FormatError(f"BySize entry of size {size} with {mallocs} mallocs, {frees} frees")
    live = mallocs - frees
    spans = -(-live // cls.objects)
    return ClassUse(
        size_class=cls,
        live=live,
        live_bytes=live * size,
        inside_max=live * (size - cls.smallest),
        least_spans=spans,
        tails=spans * cls.tail,
        last_free=(spans * cls.objects - live) * size,
    )


def _number(entry: Mapping[str, int], name: str) -> int:
    """A number of an entry by either spelling."""
    value = entry.get(name, entry.get(name.capitalize()))
    if not isinstance(value, int) or value < 0:
        raise FormatError(f"BySize entry without {name}")
    return value
