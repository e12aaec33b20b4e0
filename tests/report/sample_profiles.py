"""Profiles of a shop that never was, as the bytes that Go's pprof handlers would send."""

from __future__ import annotations

import gzip
import random
from collections.abc import Mapping
from typing import Literal

MIB = 2**20
Kind = Literal["heap", "goroutine"]


def pprof(stacks: Mapping[tuple[str, ...], int], kind: Kind) -> bytes:
    """A gzipped pprof protobuf; stacks root first. Heap values: objects and bytes, in use only."""
    strings = {"": 0}

    def ref(text: str) -> int:
        return strings.setdefault(text, len(strings))

    types = [("inuse_objects", "count"), ("inuse_space", "bytes")]
    if kind == "goroutine":
        types = [("goroutine", "count")]
    names = sorted({name for stack in stacks for name in stack})
    place = {name: i for i, name in enumerate(names, 1)}
    out = bytearray()
    for kind_, unit in types:
        out += _part(1, _field(1, ref(kind_)) + _field(2, ref(unit)))
    for stack, value in sorted(stacks.items()):
        ids = b"".join(_varint(place[name]) for name in reversed(stack))
        values = [value // 1024, value] if kind == "heap" else [value]
        out += _part(2, _part(1, ids) + _part(2, b"".join(map(_varint, values))))
    for i, name in enumerate(names, 1):
        out += _part(4, _field(1, i) + _field(3, i) + _part(4, _field(1, i) + _field(2, 10 + i)))
        out += _part(5, _field(1, i) + _field(2, ref(name)) + _field(4, ref("cart.go")))
    out += b"".join(_part(6, s.encode("utf-8", "replace")) for s in strings)
    out += _field(12, 524288)
    return gzip.compress(bytes(out), mtime=0)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _field(tag: int, value: int) -> bytes:
    return _varint(tag << 3) + _varint(value)


def _part(tag: int, data: bytes) -> bytes:
    return _varint(tag << 3 | 2) + _varint(len(data)) + data


def heap_stacks(held: int, extra: str = "") -> dict[tuple[str, ...], int]:
    """Stacks of a small shop, with `held` bytes at the injection point."""
    main = ("runtime.main", "main.main")
    http = ("net/http.(*conn).serve", "net/http.HandlerFunc.ServeHTTP")
    stacks: dict[tuple[str, ...], int] = {
        (*main, "inventory.New", "inventory.(*Cache).load", "bytes.growSlice"): 9 * MIB,
        (*main, "inventory.New", "inventory.(*Index).build", "strings.(*Builder).grow"): 5 * MIB,
        (*main, "session.NewStore", "session.(*Store).shard"): 3 * MIB,
        (*http, "cart.(*Handler).Add", "encoding/json.Unmarshal", "reflect.unsafe_New"): 2 * MIB,
        (*http, "cart.(*Handler).Get", "encoding/json.Marshal", "bytes.growSlice"): 1 * MIB,
        (*http, "cart.(*Handler).Get", "cart.render", "fmt.Sprintf"): 700 * 1024,
        ("runtime.mstart", "runtime.mcall", "runtime.malg"): 600 * 1024,
        (*main, "log.New", "bufio.NewWriterSize"): 256 * 1024,
    }
    fill = (*http, "chaosmem/agent.(*Agent).apply", "inventory.(*Cache).Fill")
    if held:
        stacks[(*fill, "inventory.newEntry")] = int(held * 0.9)
        stacks[(*fill, "inventory.(*Cache).grow", "runtime.makeslice")] = int(held * 0.1)
    if extra:
        stacks[(*main, extra)] = 4 * MIB
    return stacks


def goroutine_stacks(surge: int) -> dict[tuple[str, ...], int]:
    """Goroutines of the same shop, with `surge` blocked ones."""
    stacks: dict[tuple[str, ...], int] = {
        ("main.main", "net/http.(*Server).Serve", "net.(*TCPListener).Accept"): 1,
        ("worker.(*Pool).run", "worker.(*Pool).next", "runtime.gopark"): 8,
        ("net/http.(*conn).serve", "bufio.(*Reader).Peek", "net.(*conn).Read"): 7,
        ("session.(*Store).sweep", "time.(*Ticker).C", "runtime.gopark"): 2,
    }
    if surge:
        stacks["chaosmem/agent.surge", "cart.(*Queue).Wait", "sync.(*Cond).Wait"] = surge
    return stacks


def many_stacks(grown: int, most: int = 20_000) -> dict[tuple[str, ...], int]:
    """So many unique stacks of up to 40 frames, each `grown` times its smallest size."""
    rng = random.Random(5)  # noqa: S311 - a sample of stacks
    stacks: dict[tuple[str, ...], int] = {}
    while len(stacks) < most:
        at, names = rng.randint(0, 40), ["main.main"]
        for depth in range(rng.randint(8, 40)):
            at = (at * 31 + rng.randint(0, 2) * 7 + depth) % 1000
            names.append(f"shop/pkg{at % 60}.(*Type).Method{at}")
        stacks[tuple(names)] = rng.randint(1, 64) * 1024 * grown
    return stacks
