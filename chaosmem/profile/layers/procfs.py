"""What Linux says of a process: statm, smaps_rollup, and smaps by kind of mapping (proc(5))."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chaosmem.errors import FormatError

_KIB: Final = 1024
_STATM_FIELDS: Final = 7
_HEAD: Final = re.compile(
    rb"([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([rwxsp-]{4}) ([0-9a-f]{1,16}) [0-9a-f:]+ ([0-9]+)"
    rb"(?: +(.*))?"
)
_FIELD: Final = re.compile(rb"([A-Za-z_]{1,64}): +([0-9]{1,16}) kB")
_GO: Final = b"[anon: Go: "


@dataclass(frozen=True, slots=True)
class Statm:
    """/proc/PID/statm in bytes; the kernel may be some hundred KiB behind (per-CPU counters)."""

    size: int
    resident: int
    shared: int
    text: int
    data: int


def parse_statm(text: bytes, *, page_bytes: int = 4096) -> Statm:
    """The sizes of /proc/PID/statm.

    Raises:
        FormatError: it is not seven numbers.
    """
    parts = text.split()
    if len(parts) != _STATM_FIELDS or not all(part.isdigit() for part in parts):
        raise FormatError("statm is not seven numbers", offset=0)
    size, resident, shared, code, _, data, _ = (int(part) * page_bytes for part in parts)
    return Statm(size, resident, shared, code, data)


@dataclass(frozen=True, slots=True)
class Resident:
    """Bytes of memory of one or more mappings; None where this kernel does not say.

    Attributes:
        rss: resident.
        pss: resident, shared pages counted by share.
        private: resident and mapped by this process only.
        anonymous: resident and not of a file.
        lazy_free: marked by MADV_FREE (GODEBUG=madvdontneed=0): resident until someone needs it.
        huge: in transparent huge pages.
        swap: swapped out.
    """

    rss: int
    pss: int | None
    private: int
    anonymous: int
    lazy_free: int | None
    huge: int | None
    swap: int | None


class Kind(StrEnum):
    """What a mapping is."""

    GO = "go"
    """Named by the runtime, "[anon: Go: heap]" and others (Go 1.25 and CONFIG_ANON_VMA_NAME)."""
    BINARY = "binary"
    """The program file."""
    LIBRARY = "library"
    """A shared object."""
    FILE = "file"
    """Any other file, memory-backed ones too."""
    BRK = "brk"
    """The heap of C, "[heap]"."""
    STACK = "stack"
    """The main thread's stack; stacks of other threads are anonymous."""
    KERNEL = "kernel"
    """vdso, vvar and their like."""
    NAMED = "named"
    """Anonymous, named by someone else."""
    ANONYMOUS = "anonymous"
    """Anonymous without a name: Go's memory before 1.25, C's large blocks, thread stacks."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """One mapping of smaps."""

    start: int
    end: int
    permissions: str
    name: str
    kind: Kind
    memory: Resident


@dataclass(frozen=True, slots=True)
class KindTotal:
    """The mappings of one kind; `name` is set apart for those that the Go runtime named."""

    kind: Kind
    name: str
    mappings: int
    virtual: int
    rss: int
    anonymous: int


def parse_smaps_rollup(text: bytes) -> Resident:
    """The sums of /proc/PID/smaps_rollup.

    Raises:
        FormatError: it has no Rss.
    """
    return _resident(_fields(text.splitlines()), 0)


def parse_smaps(text: bytes, *, binary: str | None = None) -> tuple[Mapping, ...]:
    """The mappings of /proc/PID/smaps.

    Args:
        text: the file.
        binary: path of the program (/proc/PID/exe); without it the first mapping that holds code
            and is no shared object is taken for it.

    Raises:
        FormatError: a line is neither a mapping nor a field of one.
    """
    found = [(head, _resident(_fields(lines), offset)) for offset, head, lines in _mappings(text)]
    program = binary.encode() if binary is not None else _program(head for head, _ in found)
    return tuple(
        Mapping(
            start=int(head[1], 16),
            end=int(head[2], 16),
            permissions=head[3].decode(),
            name=(head[6] or b"").decode("utf-8", "replace"),
            kind=_kind(head[6] or b"", program),
            memory=memory,
        )
        for head, memory in found
    )


def by_kind(mappings: Iterable[Mapping]) -> tuple[KindTotal, ...]:
    """Sums by kind (and by name for the Go runtime's), largest first."""
    groups: dict[tuple[Kind, str], list[Mapping]] = defaultdict(list)
    for mapping in mappings:
        groups[mapping.kind, mapping.name if mapping.kind is Kind.GO else ""].append(mapping)
    totals = [
        KindTotal(
            kind=kind,
            name=name,
            mappings=len(group),
            virtual=sum(m.end - m.start for m in group),
            rss=sum(m.memory.rss for m in group),
            anonymous=sum(m.memory.anonymous for m in group),
        )
        for (kind, name), group in groups.items()
    ]
    return tuple(sorted(totals, key=lambda t: (-t.rss, t.kind, t.name)))


def _mappings(text: bytes) -> Iterator[tuple[int, re.Match[bytes], list[bytes]]]:
    """Offset, head and field lines of each mapping."""
    head: re.Match[bytes] | None = None
    begin = offset = 0
    lines: list[bytes] = []
    for line in text.split(b"\n"):
        found = _HEAD.fullmatch(line)
        if found is not None:
            if head is not None:
                yield begin, head, lines
            head, begin, lines = found, offset, []
        elif line and (head is None or b":" not in line):
            raise FormatError("neither a mapping nor a field of one", offset=offset)
        else:
            lines.append(line)
        offset += len(line) + 1
    if head is not None:
        yield begin, head, lines


def _fields(lines: Iterable[bytes]) -> dict[str, int]:
    """The sizes among the lines, in bytes."""
    found = (_FIELD.fullmatch(line.rstrip()) for line in lines)
    return {m[1].decode(): int(m[2]) * _KIB for m in found if m is not None}


def _resident(values: dict[str, int], offset: int) -> Resident:
    """The sizes by their names."""
    if "Rss" not in values:
        raise FormatError("a mapping without Rss", offset=offset)
    return Resident(
        rss=values["Rss"],
        pss=values.get("Pss"),
        private=values.get("Private_Clean", 0) + values.get("Private_Dirty", 0),
        anonymous=values.get("Anonymous", 0),
        lazy_free=values.get("LazyFree"),
        huge=values.get("AnonHugePages"),
        swap=values.get("Swap"),
    )


def _program(heads: Iterable[re.Match[bytes]]) -> bytes | None:
    """The path of the first mapping with code that is no shared object."""
    for head in heads:
        path = head[6] or b""
        if b"x" in head[3] and path.startswith(b"/") and not _is_library(path):
            return path
    return None


def _is_library(path: bytes) -> bool:
    """Whether a path is a shared object's: .so, .so.6, with or without " (deleted)"."""
    name = path.removesuffix(b" (deleted)").rsplit(b"/", 1)[-1]
    return name.endswith(b".so") or b".so." in name


def _kind(name: bytes, program: bytes | None) -> Kind:
    """What a mapping of this name is."""
    fixed = {b"": Kind.ANONYMOUS, b"[heap]": Kind.BRK, b"[stack]": Kind.STACK}
    if name in fixed:
        return fixed[name]
    if name.startswith(b"[anon"):
        return Kind.GO if name.startswith(_GO) else Kind.NAMED
    if name.startswith(b"["):
        return Kind.KERNEL
    if name.removesuffix(b" (deleted)") == program:
        return Kind.BINARY
    return Kind.LIBRARY if _is_library(name) else Kind.FILE
