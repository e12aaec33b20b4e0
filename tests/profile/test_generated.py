"""Generated profiles: the tool's numbers, and no input that does worse than be refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chaosmem.errors import FormatError
from chaosmem.profile import GRANULARITIES, Options, diff, read, top, tree
from chaosmem.profile.walk import walk
from chaosmem.profile.wire import PADDING, split

from .builder import Builder

NAMES = ["main.main", "p.F", "p.G[go.shape.int]", "p.(*T).M", "std::f(int)", "p.H[func(int)]", ""]
FILES = ["/a/b.go", "/a/./c.go", "", "/proc/self/cwd/d.go"]


@st.composite
def profiles(draw: st.DrawFn) -> bytes:
    """Recursion, inlining, missing symbols, negative values, labels: everything a profile may have.

    Values are powers of two, so that no two sums are equal: the tool orders equal ones by chance.
    """
    built = Builder(("count", "count"), ("space", draw(st.sampled_from(["bytes", "count", "ms"]))))
    functions = [
        built.function(draw(st.sampled_from(NAMES)) + (f"{i}" if i % 3 else ""), file, start=i)
        for i, file in enumerate(draw(st.lists(st.sampled_from(FILES), min_size=1, max_size=6)))
    ]
    built.message.mapping.add(id=1, memory_limit=1 << 20, filename=built.text("/bin/app"))
    line = st.tuples(st.sampled_from(functions), st.integers(0, 3))
    shapes = draw(st.lists(st.lists(line, max_size=3), min_size=1, max_size=8))
    places = [
        built.location(*lines, address=64 * i, mapping=draw(st.sampled_from([0, 1])))
        for i, lines in enumerate(shapes, 1)
    ]
    stacks = draw(st.lists(st.lists(st.sampled_from(places), max_size=7), max_size=8))
    for i, stack in enumerate(stacks):
        sign = draw(st.sampled_from([1, 1, 1, -1, 0]))
        labels: dict[str, Any] = draw(
            st.sampled_from(
                [{}, {"tenant": "acme"}, {"bytes": 64 << i}, {"tenant": "x", "bytes": 7}]
            )
        )
        built.sample(stack, 3**i, sign * 5 * 4**i, **labels)
    return built.bytes()


QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def distinct(text: str) -> bool:
    """Whether no two rows share name and value, which the tool would order by chance."""
    rows = [tuple(line.split()[i] for i in (0, 5)) for line in text.splitlines() if row(line)]
    return len(rows) == len(set(rows))


def row(line: str) -> bool:
    words = line.split()
    return len(words) > 5 and words[1].endswith("%") and "|" not in line


@pytest.mark.parametrize("granularity", [g for g in GRANULARITIES if g != "files"])
@settings(max_examples=12, deadline=None, suppress_health_check=QUIET)
@given(data=profiles())
def test_a_generated_profile_has_the_tools_top(
    data: bytes, granularity: Any, pprof: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "p").write_bytes(data)
    profile = read(data)
    ours = top(profile, n=0, granularity=granularity).text()
    if distinct(ours):
        assert ours == pprof("-top", f"-{granularity}", "-symbolize=local", tmp_path / "p")


@settings(max_examples=15, deadline=None, suppress_health_check=QUIET)
@given(data=profiles(), base=profiles())
def test_a_generated_difference_has_the_tools_top(
    data: bytes, base: bytes, pprof: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "p").write_bytes(data)
    (tmp_path / "b").write_bytes(base)
    profiles_ = read(data), read(base)
    if profiles_[0].sample_types != profiles_[1].sample_types:
        return
    ours = top(diff(*profiles_), n=0, granularity="lines").text()
    if distinct(ours):
        assert ours == pprof("-top", "-lines", f"-diff_base={tmp_path / 'b'}", tmp_path / "p")


@settings(max_examples=200, deadline=None)
@given(data=profiles(), cut=st.data())
def test_a_mutated_profile_is_read_or_refused(data: bytes, cut: st.DataObject) -> None:
    at = cut.draw(st.integers(0, len(data)))
    change = cut.draw(st.binary(max_size=6))
    gone = cut.draw(st.integers(0, 8))
    try:
        profile = read(data[:at] + change + data[at + gone :])
    except FormatError:
        return
    if not profile.sample_types:
        return
    top(profile, options=Options(granularity="lines")).text()
    tree(profile).text()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=120), st.integers(0, 2**32))
def test_lanes_find_what_a_plain_loop_finds(bodies: list[bytes], seed: int) -> None:
    many = [bodies[(seed + i * i) % len(bodies)] for i in range(1500)]
    data = b"".join(bytes([(i % 6 + 1) << 3 | 2, len(b)]) + b for i, b in enumerate(many))
    data += b"\x48\x07"
    messages, singles = walk(np.frombuffer(data + bytes(PADDING), np.uint8), "Profile")
    found = [data[a:b] for a, b in zip(messages.start, messages.stop, strict=True)]
    assert found == many
    assert messages.number.tolist() == [i % 6 + 1 for i in range(1500)]
    assert [(s.number, s.value) for s in singles] == [(9, 7)]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 2**64 - 1)), max_size=5)))
def test_rounds_find_what_was_written(messages: list[list[tuple[int, int]]]) -> None:
    def varint(value: int) -> bytes:
        out = bytearray()
        while value >= 0x80:
            out.append(value & 0x7F | 0x80)
            value >>= 7
        return bytes([*out, value])

    many = messages * 9
    bodies = [b"".join(varint(n << 3) + varint(v) for n, v in fields) for fields in many]
    stop = np.cumsum([len(body) for body in bodies], dtype=np.int64)
    start = np.concatenate([np.zeros(1, np.int64), stop])[: len(stop)]
    buf = np.frombuffer(b"".join(bodies) + bytes(PADDING), np.uint8)
    fields = split(buf, start, stop, "Message")
    for number in range(1, 10):
        chosen = fields.of(number)
        wanted = [(i, v) for i, message in enumerate(many) for n, v in message if n == number]
        assert list(zip(chosen.owner.tolist(), chosen.value.tolist(), strict=True)) == wanted
