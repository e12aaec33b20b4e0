"""Bytes of any profile into a `Profile`: protobuf or legacy text, compressed or not."""

from __future__ import annotations

from chaosmem.errors import FormatError
from chaosmem.profile import legacy, proto
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
    if legacy.recognised(raw):
        return demangle(legacy.parse(raw))
    what = legacy.looks_like(raw)
    raw += bytes(PADDING)  # rebinds: only the padded copy stays
    try:
        profile = proto.parse(raw)
    except FormatError as error:
        if what:
            raise FormatError(
                f"this is {what}, not a profile", offset=0, hint=error.hint
            ) from error
        raise
    return drop_uninteresting(demangle(profile))
