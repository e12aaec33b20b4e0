"""The archive that a kernel unpacks into its first root (cpio "newc", cf. initramfs(5))."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, directory or device by its absolute path."""

    path: str
    mode: int
    data: bytes = b""
    device: tuple[int, int] = (0, 0)

    @classmethod
    def file(cls, path: str, data: bytes, *, mode: int) -> Entry:
        """A regular file."""
        return cls(path, stat.S_IFREG | mode, data)

    @classmethod
    def directory(cls, path: str) -> Entry:
        """A directory that everybody may enter."""
        return cls(path, stat.S_IFDIR | 0o755)

    @classmethod
    def character_device(cls, path: str, major: int, minor: int) -> Entry:
        """A device for root alone."""
        return cls(path, stat.S_IFCHR | 0o600, device=(major, minor))


def archive(entries: Iterable[Entry]) -> bytes:
    """The archive, with each parent directory before its first child."""
    ordered: dict[str, Entry] = {}
    for entry in entries:
        for parent in reversed(PurePosixPath(entry.path).parents[:-1]):
            ordered.setdefault(str(parent), Entry.directory(str(parent)))
        ordered[entry.path] = entry
    ordered["TRAILER!!!"] = Entry("TRAILER!!!", 0)
    return b"".join(_packed(entry, number) for number, entry in enumerate(ordered.values(), 1))


def _packed(entry: Entry, inode: int) -> bytes:
    name = entry.path.lstrip("/").encode() + b"\0"
    fields = (inode, entry.mode, 0, 0, 1, 0, len(entry.data), 0, 0, *entry.device, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields)
    return _padded(head + name) + _padded(entry.data)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
