"""Decompression that a hostile input cannot make use more memory than was allowed."""

from __future__ import annotations

import zlib

from chaosmem.errors import FormatError

GZIP = b"\x1f\x8b"
MAX_BYTES = 512 << 20
"""Default limit of a decompressed profile: 2.5 times the largest real one seen (201 MB, text)."""

_CHUNK = 1 << 20


def unpack(data: bytes, *, max_bytes: int = MAX_BYTES) -> bytes | bytearray:
    """Decompressed bytes of `data`, or `data` itself when it is not gzip.

    Members that follow each other are joined, as gzip(1) and Go do.

    Raises:
        FormatError: more than `max_bytes`, a damaged or cut stream, or bytes after its end.
    """
    if data[:2] != GZIP:
        if len(data) > max_bytes:
            raise _too_big(max_bytes)
        return data
    out = bytearray()
    rest: bytes | memoryview = data
    while rest:
        rest = _member(rest, len(data), out, max_bytes)
    return out


def _member(rest: bytes | memoryview, size: int, out: bytearray, max_bytes: int) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    offset = size - len(rest)
    piece: bytes | memoryview = rest
    while not stream.eof:
        try:
            got = stream.decompress(piece, _CHUNK)
        except zlib.error as error:
            raise FormatError(f"gzip stream is damaged ({error})", offset=offset) from error
        out += got
        if len(out) > max_bytes:
            raise _too_big(max_bytes)
        piece = stream.unconsumed_tail
        if not got and not piece and not stream.eof:
            raise FormatError("gzip stream is cut short", offset=size, hint="capture it again")
    return stream.unused_data


def _too_big(max_bytes: int) -> FormatError:
    return FormatError(
        f"profile is larger than {max_bytes:,} bytes when decompressed",
        offset=max_bytes,
        hint="raise max_bytes if this is not a zip bomb",
    )
