"""Bytes of any profile into a `Profile`: protobuf or legacy text, compressed or not."""

from __future__ import annotations

from chaosmem.errors import FormatError
from chaosmem.profile import proto
from chaosmem.profile.columns import Profile
from chaosmem.profile.filters import drop_uninteresting
from chaosmem.profile.names import demangle
from chaosmem.profile.unpack import MAX_BYTES, unpack
from chaosmem.profile.wire import PADDING


def read(data: bytes, *, max_bytes: int = MAX_BYTES) -> Profile:
    """The profile in `data`.

    Takes `profile.proto` (every kind that Go makes) and the legacy text (`debug=1`) of heap,
    allocs, goroutine, goroutineleak, threadcreate, block and mutex; either may be gzip-compressed.

    Args:
        data: the capture, as received.
        max_bytes: refuse more than this many decompressed bytes.

    Raises:
        FormatError: the bytes are no profile, or are damaged; with the byte offset where known.
    """
    raw = unpack(data, max_bytes=max_bytes)
    if _BINARY.isdisjoint(raw[:8]):
        return _of_text(raw)
    raw += bytes(PADDING)  # rebinds: only the padded copy stays
    return _of_protobuf(raw)


_BINARY = frozenset(range(9))
"""Bytes that no text has. Every profile of Go's begins with its sample type: 0a, a length below 9
(two string indices), 08, ...; so this module imports the texts' reader only for texts (6 ms)."""


def _of_text(raw: bytes) -> Profile:
    from chaosmem.profile import legacy  # noqa: PLC0415 see _BINARY

    if legacy.recognised(raw):
        return demangle(legacy.parse(raw))
    what = legacy.looks_like(raw)
    try:
        return _of_protobuf(raw + bytes(PADDING))
    except FormatError as error:
        if what:
            raise FormatError(
                f"this is {what}, not a profile", offset=0, hint=error.hint
            ) from error
        raise


def _of_protobuf(padded: bytes) -> Profile:
    return drop_uninteresting(demangle(proto.parse(padded)))
