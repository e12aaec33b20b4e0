"""Decompression that a hostile input cannot make use more memory than was allowed."""

from __future__ import annotations

import zlib

from chaosmem.errors import FormatError

GZIP = b"\x1f\x8b"
MAX_BYTES = 512 << 20
"""Default limit of a decompressed profile: 2.5 times the largest real one seen (201 MB, text)."""

_CHUNK = 1 << 20


def unpack(data: bytes, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Decompressed bytes of `data`, or `data` itself when it is not gzip.

    Members that follow each other are joined, as gzip(1) and Go do.

    Raises:
        FormatError: more than `max_bytes`, a damaged or cut stream, or bytes after its end.
    """
    if data[:2] != GZIP:
        if len(data) > max_bytes:
            raise _too_big(max_bytes)
        return data
    pieces: list[bytes] = []
    room, rest = max_bytes, data
    while rest:
        room, rest = _member(rest, len(data) - len(rest), pieces, room)
        if room < 0:
            raise _too_big(max_bytes)
    return b"".join(pieces)


def _member(rest: bytes, offset: int, pieces: list[bytes], room: int) -> tuple[int, bytes]:
    """Unpacks one member; (room that is left, what follows it). Stops when the room is used up."""
    stream = zlib.decompressobj(wbits=31)
    piece = rest
    while not stream.eof and room >= 0:
        try:
            pieces.append(stream.decompress(piece, _CHUNK))
        except zlib.error as error:
            raise FormatError(f"gzip stream is damaged ({error})", offset=offset) from error
        room -= len(pieces[-1])
        piece = stream.unconsumed_tail
        if not pieces[-1] and not piece and not stream.eof:
            at = offset + len(rest)
            raise FormatError("gzip stream is cut short", offset=at, hint="capture it again")
    return room, stream.unused_data


def _too_big(max_bytes: int) -> FormatError:
    return FormatError(
        f"profile is larger than {max_bytes:,} bytes when decompressed",
        offset=max_bytes,
        hint="raise max_bytes if this is not a zip bomb",
    )
