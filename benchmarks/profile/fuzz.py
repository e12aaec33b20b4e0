"""Fuzzes the readers: mutated real and built profiles, and the reports of whatever is accepted.

    python benchmarks/profile/fuzz.py CAPTURES [--count N] [--seconds S] [--seed 1] [--keep DIR]

CAPTURES is a directory of profiles to begin with (made by tests/profile/goprofiles, say). An input
fails when it raises anything outside chaosmem's errors, takes longer than LIMIT, or gives a profile
that is inconsistent. Failing inputs are kept in DIR, and become regression cases in the tests.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import synth

from chaosmem.errors import ChaosmemError
from chaosmem.profile import Profile, diff, growth, merge, read, top
from chaosmem.profile.unpack import unpack

LIMIT = 1.0  # CPU seconds for one input
MOST_BYTES = 1 << 20
PEAK = 64 << 20  # bytes that one input of a few kilobytes may ever use
SMALL = 1500  # bytes of an input that is small
LARGE = 40  # one input in so many begins as a large one
REPORTED = 8  # one input in so many is also reported in every way
TRICKS = (
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\xff\xff\xff\xff\x0f",
    b"\x80",
    b"\x00",
    b"\x7f",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    b"\x12\x00",
    b"\x0a\x00",
    b"0x",
    b"9223372036854775808",
    b"-1",
    b"\n",
    b"\n# labels: {}\n",
    b" @ ",
)


def mutate(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5, 8))):
        at = chance.randrange(len(out) + 1)
        kind = chance.randrange(8)
        if kind == 0 and out:
            out[at % len(out)] ^= 1 << chance.randrange(8)
        elif kind == 1 and out:
            out[at % len(out)] = chance.randrange(256)
        elif kind == 2:
            del out[at : at + chance.choice((1, 1, 2, 4, 16))]
        elif kind == 3:
            out[at:at] = chance.choice(TRICKS)
        elif kind == 4:
            trick = chance.choice(TRICKS)
            out[at : at + len(trick)] = trick
        elif kind == 5:
            length = chance.randrange(1, 40)
            out[at:at] = out[chance.randrange(len(out) + 1) :][:length]
        elif kind == 6:
            other = chance.choice(others)
            length = chance.randrange(1, 200)
            out[at:at] = other[chance.randrange(len(other)) :][:length]
        else:
            del out[at:]
    return bytes(out)


def consistent(profile: Profile) -> None:
    """Everything points at something."""
    samples, places = profile.samples, profile.locations
    assert samples.values.shape == (len(profile.sample_types), len(samples))
    assert samples.stack_start[-1] == len(samples.stack)
    assert (np.diff(samples.stack_start) >= 0).all()
    bounds = (
        (samples.stack, len(places), 0),
        (places.function, len(profile.functions), 0),
        (places.mapping, len(profile.mappings), -1),
        (profile.functions.name, len(profile.strings), 0),
        (profile.functions.filename, len(profile.strings), 0),
        (profile.labels.sample, len(samples), 0),
        (profile.labels.key, len(profile.strings), 0),
        (profile.labels.text, len(profile.strings), -1),
        (profile.labels.unit, len(profile.strings), 0),
    )
    for column, count, least in bounds:
        assert not len(column) or least <= column.min() <= column.max() < count


def exercise(data: bytes, *, report: bool) -> bool:
    """Reads the input and, if asked, reports it; whether it was accepted."""
    try:
        profile = read(data, max_bytes=MOST_BYTES)
    except ChaosmemError:
        return False
    consistent(profile)
    try:
        if report and profile.sample_types:
            top(profile, n=5).text()
            top(profile, n=5, granularity="lines").text()
            growth(profile, merge([profile, profile]), sample_index=None)
            top(diff(profile, profile), n=5).text()
    except ChaosmemError:
        pass
    return True


def seeds(directory: Path) -> tuple[list[bytes], list[bytes]]:
    """(small, large): in small ones a mutation is more likely to hit what matters, and is quick."""
    found = [unpack(path.read_bytes()) for path in sorted(directory.rglob("*")) if path.is_file()]
    texts = [data for data in found if data[:1].isalpha() or data[:1] == b"-"]
    binary = [data for data in found if data and data not in texts]
    small = [data for data in binary if len(data) < SMALL]
    small += [synth.heap(samples, seed=samples, functions=3, depth=4) for samples in (1, 2, 4)]
    small += [data[: data.rfind(b"\n\n", 0, SMALL) + 1] or data[:SMALL] for data in texts]
    return small, [data[:20_000] for data in texts] + binary


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("captures", type=Path)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    asked = parser.parse_args()
    warnings.simplefilter("error")  # an overflow that numpy warns of is a wrong number
    chance = random.Random(asked.seed)  # noqa: S311 repeatable
    small, large = seeds(asked.captures)
    pool = small + large
    begun, done, accepted, failed, slowest = time.perf_counter(), 0, 0, 0, 0.0
    for number in range(asked.count):
        if time.perf_counter() - begun > asked.seconds:
            break
        done += 1
        seed = chance.choice(small if number % LARGE else large)
        data = mutate(seed, pool, chance)
        traced = number % 1000 == 0
        if traced:
            tracemalloc.start()
        start = time.thread_time()
        try:
            accepted += exercise(data, report=number % REPORTED == 0)
            slowest = max(slowest, time.thread_time() - start)
            assert time.thread_time() - start < LIMIT, "too slow"
            assert not traced or tracemalloc.get_traced_memory()[1] < PEAK, "too much memory"
        except Exception:  # noqa: BLE001 that is what it looks for
            failed += 1
            asked.keep.mkdir(exist_ok=True, parents=True)
            (asked.keep / f"{asked.seed}-{number}").write_bytes(data)
            traceback.print_exc(limit=-3)
        if traced:
            tracemalloc.stop()
        if number % 100_000 == 99_999:
            print(f"{number + 1:,} inputs, {accepted:,} accepted, {failed} findings", flush=True)
    taken = time.perf_counter() - begun
    print(
        f"{done:,} inputs in {taken:,.0f} s ({time.process_time():,.0f} s CPU), "
        f"{accepted:,} accepted, slowest {slowest * 1e3:.0f} ms, {failed} findings"
    )
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
