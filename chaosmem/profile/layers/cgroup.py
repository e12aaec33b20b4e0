"""What the memory controller says, version 1 and 2, under the names of the kubelet.

Sources: kernel Documentation/admin-guide/cgroup-v1/memory.rst and cgroup-v2.rst; working set as in
cAdvisor (usage minus inactive file pages, not below 0), which the kubelet evicts by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from chaosmem.errors import FormatError

_V1_NO_LIMIT: Final = 1 << 62
"""Version 1 writes the greatest multiple of the page size for "no limit"."""


@dataclass(frozen=True, slots=True)
class Cgroup:
    """The memory of one cgroup with its descendants, in bytes.

    Attributes:
        version: 1 or 2.
        usage: charged, what the limit is compared with.
        limit: None without one.
        working_set: usage minus inactive file pages.
        rss: anonymous memory, without swap.
        cache: page cache, shared memory included.
        shmem: tmpfs and shared memory, which is part of the cache and cannot be dropped.
        mapped_file: page cache that processes have mapped.
        inactive_file: page cache that goes first.
        kernel: kernel memory; None where the files do not say.
        peak: highest usage; None where the files do not say.
        oom_kills: processes killed; None where the files do not say.
        sources: file and field of each, by attribute name.
    """

    version: int
    usage: int
    limit: int | None
    working_set: int
    rss: int
    cache: int
    shmem: int
    mapped_file: int
    inactive_file: int
    kernel: int | None
    peak: int | None
    oom_kills: int | None
    sources: tuple[tuple[str, str], ...]

    def source(self, name: str) -> str:
        """Where the attribute is from."""
        return dict(self.sources)[name]


def parse_cgroup(files: Mapping[str, bytes]) -> Cgroup:
    """The memory of a cgroup.

    Args:
        files: contents by file name: memory.current, memory.stat, memory.max, memory.peak and
            memory.events of version 2, or memory.usage_in_bytes, memory.stat,
            memory.limit_in_bytes, memory.max_usage_in_bytes, memory.kmem.usage_in_bytes and
            memory.oom_control of version 1. Only the first two are required.

    Raises:
        FormatError: a required file is missing or malformed.
    """
    if "memory.current" in files:
        return _version2(files)
    if "memory.usage_in_bytes" in files:
        return _version1(files)
    raise FormatError(
        "neither memory.current nor memory.usage_in_bytes", hint="read them from the cgroup itself"
    )


def _version2(files: Mapping[str, bytes]) -> Cgroup:
    stat = _table(files, "memory.stat")
    usage = _number(files["memory.current"], "memory.current")
    limit = files.get("memory.max", b"max").strip()
    events = _table(files, "memory.events") if "memory.events" in files else {}
    inactive = _field(stat, "inactive_file")
    return Cgroup(
        version=2,
        usage=usage,
        limit=None if limit == b"max" else _number(limit, "memory.max"),
        working_set=max(0, usage - inactive),
        rss=_field(stat, "anon"),
        cache=_field(stat, "file"),
        shmem=stat.get("shmem", 0),
        mapped_file=stat.get("file_mapped", 0),
        inactive_file=inactive,
        kernel=stat.get("kernel"),
        peak=_optional(files, "memory.peak"),
        oom_kills=events.get("oom_kill"),
        sources=_sources("memory.current", "anon", "file", "inactive_file", "kernel"),
    )


def _version1(files: Mapping[str, bytes]) -> Cgroup:
    stat = _table(files, "memory.stat")
    total = "total_" if "total_rss" in stat else ""
    usage = _number(files["memory.usage_in_bytes"], "memory.usage_in_bytes")
    limit = _optional(files, "memory.limit_in_bytes")
    oom = _table(files, "memory.oom_control") if "memory.oom_control" in files else {}
    inactive = _field(stat, total + "inactive_file")
    return Cgroup(
        version=1,
        usage=usage,
        limit=None if limit is None or limit >= _V1_NO_LIMIT else limit,
        working_set=max(0, usage - inactive),
        rss=_field(stat, total + "rss"),
        cache=_field(stat, total + "cache"),
        shmem=stat.get(total + "shmem", 0),
        mapped_file=stat.get(total + "mapped_file", 0),
        inactive_file=inactive,
        kernel=_optional(files, "memory.kmem.usage_in_bytes"),
        peak=_optional(files, "memory.max_usage_in_bytes"),
        oom_kills=oom.get("oom_kill"),
        sources=_sources(
            "memory.usage_in_bytes", f"{total}rss", f"{total}cache", f"{total}inactive_file", "kmem"
        ),
    )


def _sources(
    usage: str, rss: str, cache: str, inactive: str, kernel: str
) -> tuple[tuple[str, str], ...]:
    """File and field of the numbers that a balance shows."""
    return (
        ("usage", usage),
        ("working_set", f"{usage} - memory.stat {inactive}"),
        ("rss", f"memory.stat {rss}"),
        ("cache", f"memory.stat {cache}"),
        ("kernel", f"memory.stat {kernel}" if kernel != "kmem" else "memory.kmem.usage_in_bytes"),
    )


def _number(text: bytes, name: str) -> int:
    """The number that a file holds."""
    word = text.strip()
    if not word.isdigit() or len(word) > 20:  # noqa: PLR2004 - digits of 2**64
        raise FormatError(f"{name} holds no number", offset=0)
    return int(word)


def _optional(files: Mapping[str, bytes], name: str) -> int | None:
    """The number of a file that need not be there."""
    return _number(files[name], name) if name in files else None


def _table(files: Mapping[str, bytes], name: str) -> dict[str, int]:
    """The "key number" lines of a file."""
    if name not in files:
        raise FormatError(f"{name} is missing")
    offset = 0
    out: dict[str, int] = {}
    for line in files[name].split(b"\n"):
        parts = line.split()
        if parts:
            if len(parts) != 2:  # noqa: PLR2004 - key and number
                raise FormatError(
                    f"{name} has a line that is not a key and a number", offset=offset
                )
            out[parts[0].decode("utf-8", "replace")] = _number(parts[1], name)
        offset += len(line) + 1
    return out


def _field(stat: dict[str, int], key: str) -> int:
    """A field of memory.stat that must be there."""
    if key not in stat:
        raise FormatError(f"memory.stat has no {key}")
    return stat[key]
