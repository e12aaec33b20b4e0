"""What `read` takes, and what it refuses and how."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from chaosmem.errors import FormatError
from chaosmem.profile import Options, Profile, read, top

from .builder import Builder, ProfileMessage, simple


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def part(number: int, body: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(body)) + body


@pytest.mark.parametrize("name", ["cpu", "after.heap", "after.goroutine", "after.mutex"])
def test_columns_hold_what_protobuf_reads(captures: Path, name: str) -> None:
    data = (captures / f"{name}.pb.gz").read_bytes()
    ours, theirs = read(data), ProfileMessage.FromString(gzip.decompress(data))
    assert ours.samples.values.T.tolist() == [list(s.value) for s in theirs.sample]
    number = {location.id: place for place, location in enumerate(theirs.location)}
    start = ours.samples.stack_start
    stacks = [ours.samples.stack[a:b].tolist() for a, b in pairwise(start)]
    assert stacks == [[number[i] for i in s.location_id] for s in theirs.sample]
    assert ours.locations.address.tolist() == [location.address for location in theirs.location]
    assert ours.locations.line.tolist() == [n.line for x in theirs.location for n in x.line]
    assert [ours.strings[i] for i in ours.functions.filename.tolist()] == [
        theirs.string_table[f.filename] for f in theirs.function
    ]
    labels = [(i, x.key, x.num) for i, s in enumerate(theirs.sample) for x in s.label]
    own = ours.labels
    keys = own.key.tolist()
    assert list(zip(own.sample.tolist(), keys, own.number.tolist(), strict=True)) == labels
    assert (ours.period, ours.time_nanos, ours.duration_nanos) == (
        theirs.period,
        theirs.time_nanos,
        theirs.duration_nanos,
    )


def test_many_samples_read_the_same_as_few() -> None:
    built = Builder(("space", "bytes"))
    places = built.stack(*(f"p.f{i}" for i in range(300)))
    for i in range(20_000):
        built.sample(places[i % 290 : i % 290 + i % 9], i)
    profile = read(built.bytes())
    assert profile.samples.values.tolist() == [list(range(20_000))]
    expected = [places[i % 290 : i % 290 + i % 9] for i in range(20_000)]
    flat = np.array([place - 1 for stack in expected for place in stack])
    np.testing.assert_array_equal(profile.samples.stack, flat)
    assert profile.samples.depths().tolist() == [i % 9 for i in range(20_000)]


def test_one_sample_with_a_hundred_thousand_unpacked_frames_is_read() -> None:
    built = simple()
    frames = b"\x08\x01" * 100_000
    profile = read(built.bytes() + part(2, frames + b"\x10\x05\x10\x07"))
    assert profile.samples.depths().tolist() == [2, 1, 100_000]
    assert profile.samples.values[:, 2].tolist() == [5, 7]


def test_ids_need_not_be_small_or_dense() -> None:
    built = Builder(("space", "bytes"))
    for number in (1 << 63, 5, (1 << 64) - 1):
        built.message.function.add(id=number, name=built.text(f"f{number}"))
        built.message.location.add(id=number).line.add(function_id=number)
    built.message.sample.add(location_id=[(1 << 64) - 1, 5], value=[3])
    rows = top(read(built.bytes()), n=0).rows
    assert [(row.name, row.flat, row.cum) for row in rows] == [
        (f"f{(1 << 64) - 1}", 3, 3),
        ("f5", 0, 3),
    ]


@pytest.mark.parametrize("name", ["heap", "allocs", "goroutine", "threadcreate", "block", "mutex"])
def test_a_text_gives_the_functions_and_values_of_its_protobuf_twin(
    captures: Path, name: str
) -> None:
    text = read((captures / f"after.{name}.txt").read_bytes())
    proto = read((captures / f"after.{name}.pb.gz").read_bytes())
    assert text.sample_types == proto.sample_types
    assert text.period == proto.period
    for index in range(len(text.sample_types)):
        ours, theirs = (flat_by_name(p, index) for p in (text, proto))
        assert sum(ours.values()) == sum(theirs.values())
        own = [{k: v for k, v in flat.items() if k.startswith("main.")} for flat in (ours, theirs)]
        # other texts leave the runtime's frames at the leaf out, their protobuf does not
        assert own[0] == own[1] or name not in ("heap", "allocs")


def flat_by_name(profile: Profile, index: int) -> dict[str, int]:
    """The text writes every type argument as `...`, so instances of a generic are one there."""
    sums: dict[str, int] = {}
    for row in top(profile, n=0, sample_index=index, options=Options(trim=False)).rows:
        name = row.name if "[" not in row.name else row.name[: row.name.index("[")] + "[...]"
        sums[name] = sums.get(name, 0) + row.flat
    return {name: flat for name, flat in sums.items() if flat}


def test_goroutine_text_has_its_labels_unquoted(captures: Path) -> None:
    profile = read((captures / "after.goroutine.txt").read_bytes())
    values = {profile.strings[i] for i in profile.labels.text.tolist()}
    assert values == {"acme", 'a "quoted", corp', "ünïcode"}


def test_a_heap_text_is_unsampled_by_the_headers_rate() -> None:
    text = (
        b"heap profile: 1: 65536 [2: 131072] @ heap/1048576\n"
        b"1: 65536 [2: 131072] @ 0x10\n"
        b"#\t0xf\tmain.fill+0x1\t\tmain.go:7\n\n"
        b"# runtime.MemStats\n# Alloc = 1\n"
    )
    profile = read(text)
    # k = 1 / (1 - exp(-65536 / 524288)) = 8.51041
    assert profile.samples.values[:, 0].tolist() == [17, 1115476, 8, 557738]
    assert profile.period == 524288


def test_a_heap_text_without_symbols_keeps_its_addresses() -> None:
    text = b"heap profile: 1: 64 [1: 64] @ heap/2\n1: 64 [1: 64] @ 0x401000 0x402000\n"
    profile = read(text)
    assert profile.locations.address.tolist() == [0x400FFF, 0x401FFF]
    assert profile.samples.values[:, 0].tolist() == [1, 64, 1, 64]


VALID = simple().bytes()

BROKEN: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "empty"),
    "words": (b"hello, world\n", "Profile"),
    "a web page": (b"<!DOCTYPE html><html>", "HTML page"),
    "a goroutine dump": (b"goroutine 1 [running]:\nmain.main()\n", "debug=2"),
    "an execution trace": (b"go 1.26 trace\x00\x00\x00", "execution trace"),
    "a varint of 11 bytes": (VALID + b"\x48" + b"\xff" * 10 + b"\x01", "more than 10 bytes"),
    "a length beyond the end": (VALID + b"\x12\x7f\x08", "cut short"),
    "a huge length": (VALID + b"\x12" + b"\xff" * 9 + b"\x01", "cut short"),
    "a group": (VALID + b"\x0b", "wire type 3"),
    "a dangling location": (VALID + part(2, b"\x08\x63\x10\x01\x10\x01"), "location id 99"),
    "a dangling function": (VALID + part(4, b"\x08\x09\x22\x02\x08\x63"), "function_id"),
    "too few values": (VALID + part(2, b"\x08\x01\x10\x01"), "1 values for 2"),
    "too many values": (VALID + part(2, b"\x12\x03\x01\x01\x01"), "3 values for 2"),
    "a torn packed varint": (VALID + part(2, b"\x0a\x02\x01\x81\x12\x02\x01\x01"), "cut short"),
    "location id 0": (VALID + part(4, b"\x18\x01"), "reserved id 0"),
    "a location twice": (VALID + part(4, b"\x08\x01"), "another"),
    "a function twice": (VALID + part(5, b"\x08\x01"), "another"),
    "a mapping twice": (VALID + part(3, b"\x08\x01") * 2, "another"),
    "a string beyond the table": (VALID + part(5, b"\x08\x63\x10\x7f"), "string 127"),
    "a negative string": (VALID + part(5, b"\x08\x63\x10" + b"\xff" * 9 + b"\x01"), "string"),
    "a label's string beyond the table": (
        VALID + part(2, b"\x12\x02\x01\x01\x1a\x02\x08\x7f"),
        "string 127",
    ),
    "a fixed value": (VALID + part(2, b"\x15\x00\x00\x00\x00"), "wire type 5"),
    "no string table": (part(1, b"\x08\x00"), "string_table"),
    "samples without a type": (part(6, b"") + part(2, b""), "without a sample type"),
    "two profiles in one": (b"\x48\x05" + VALID + b"\x48\x07", "concatenated"),
    "a gzip cut short": (gzip.compress(VALID)[:-9], "cut short"),
    "a damaged gzip": (gzip.compress(VALID, mtime=0)[:10] + b"\x07" * 40, "damaged"),
    "a gzip with a tail": (gzip.compress(VALID) + b"tail", "damaged"),
    "a heap row of words": (b"heap profile: 0: 0 [0: 0] @ heap/2\nwords\n", "no sample"),
    "a count beyond 64 bits": (b"goroutine profile: total 1\n99999999999999999999 @ 0x1\n", "64"),
    "an address beyond 64 bits": (
        b"goroutine profile: total 1\n1 @ 0x11112222333344445\n",
        "64 bits",
    ),
}


@pytest.mark.parametrize(("data", "words"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_profile_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        read(data)


@pytest.mark.parametrize("data", [v[0] for v in BROKEN.values()], ids=BROKEN)
def test_what_we_refuse_the_tool_refuses_too(
    data: bytes, pprof: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "broken").write_bytes(data)
    theirs = pprof("-top", tmp_path / "broken")
    assert theirs == "" or data.startswith((b"heap", b"goroutine profile", b"\x1f"))


def test_a_truncated_profile_names_the_offset() -> None:
    with pytest.raises(FormatError) as caught:
        read(VALID[:-3])
    assert caught.value.offset is not None
    assert 0 < caught.value.offset < len(VALID)


@pytest.mark.parametrize("length", range(1, len(VALID)))
def test_no_cut_of_a_profile_gives_other_numbers(length: int) -> None:
    """A cut falls between fields, or is refused; what is left is never changed."""
    try:
        profile = read(VALID[:length])
    except FormatError:
        return
    assert profile.samples.values.tolist() in ([[], []], [[2], [64]], [[2, 1], [64, 16]])


def test_a_zip_bomb_stops_at_the_limit() -> None:
    bomb = gzip.compress(bytes(64 << 20))
    with pytest.raises(FormatError, match="larger than 1,000,000 bytes"):
        read(bomb, max_bytes=1_000_000)


def test_a_nested_label_of_nothing_is_no_label() -> None:
    profile = read(VALID + part(2, b"\x12\x02\x01\x01\x1a\x00"))
    assert len(profile.labels) == 1
