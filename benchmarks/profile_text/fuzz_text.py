"""Long-run mutation fuzz of the text parsers.

    nice -n 19 python benchmarks/profile_text/fuzz_text.py N [--seed 1] [--only gctrace,memory]

N inputs in all, made from pieces of the captured samples by cutting, doubling, swapping, flipping
and splicing, from a fixed seed. Claims, each checked on every input:

* nothing but FormatError is raised, and no input takes longer than a second for each 64 KiB;
* gctrace: columns and the regular expression agree; whole and fed in chunks agree;
* goroutines: counts add up; whole and streamed agree.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from chaosmem.errors import FormatError
from chaosmem.profile.dumps import parse_goroutines
from chaosmem.profile.layers import parse_cgroup, parse_smaps, parse_smaps_rollup, parse_statm
from chaosmem.profile.trace import GcTraceParser, parse_gctrace, parse_lines
from chaosmem.profile.trace.cycles import CycleRows

TESTS: Final = Path(__file__).parents[2] / "tests" / "profile"
PIECES: Final = (
    b"\n",
    b"\n\n",
    b" ",
    b"0",
    b".",
    b"9" * 17,
    b"gc 5 @1",
    b"GC forced\n",
    b"\xff",
    b"(",
)
TRACE_PART: Final = 500
DUMP_PART: Final = 700
"""Bytes of the pieces that inputs begin as: small ones are quick, and a change hits what counts."""
REPORT_EVERY: Final = 500_000
SMAPS: Final = b"00400000-004d1000 r-xp 00000000 fe:00 11 /srv/cart\nRss: 400 kB\nAnonymous: 4 kB\n"


def mutate(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """A few random changes."""
    for _ in range(rng.randrange(1, 5)):
        a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
        how = rng.randrange(6)
        if how == 0:
            data = data[:a] + data[b:]
        elif how == 1:
            data = data[:a] + data[a:b][:200] * 2 + data[b:]
        elif how == 2:
            data = data[:a] + rng.choice(PIECES) + data[a:]
        elif how == 3:
            c = rng.randrange(len(other) + 1)
            data = data[:a] + other[c : c + 300] + data[a:]
        elif how == 4 and a < len(data):
            data = data[:a] + bytes([rng.randrange(256)]) + data[a + 1 :]
        else:
            data = data[a:b] or data
    return data[:4000]


def chunks(rng: random.Random, data: bytes) -> list[bytes]:
    """The data in random pieces."""
    size = rng.randrange(1, 400)
    return [data[i : i + size] for i in range(0, len(data), size)]


def gctrace(rng: random.Random, data: bytes) -> None:
    padded = data + b"\napp" * 14
    whole = parse_gctrace(padded)
    parser = GcTraceParser()
    lines = [parser.feed_rows(line + b"\n") for line in padded.split(b"\n")[:-1]]
    lines.append(parser.feed_rows(padded.rsplit(b"\n", 1)[-1]))
    rest = parser.close_rows()
    single = parser.trace(CycleRows.concat([*lines, rest]))
    assert list(whole.cycles) == list(single.cycles)
    assert whole.damage == single.damage
    assert parse_gctrace(chunks(rng, padded)).damage == whole.damage


def runtime_lines(rng: random.Random, data: bytes) -> None:
    assert parse_lines(data) == parse_lines(chunks(rng, data))


def goroutines(rng: random.Random, data: bytes) -> None:
    found = parse_goroutines(data)
    assert found.total == sum(group.count for group in found.groups) + found.ungrouped
    assert parse_goroutines(chunks(rng, data)) == found


def memory(rng: random.Random, data: bytes) -> None:
    which = rng.randrange(4)
    if which == 0:
        parse_smaps(data)
    elif which == 1:
        parse_smaps_rollup(data)
    elif which == 2:
        parse_statm(data[:60])
    else:
        parse_cgroup({"memory.current": b"1", "memory.stat": data})


Target = Callable[[random.Random, bytes], None]


def corpus() -> list[tuple[Target, list[bytes]]]:
    """What each parser is fed with: parts of the samples, so that inputs stay small."""
    trace = [p.read_bytes() for p in sorted((TESTS / "trace" / "samples").iterdir())]
    dumps = [p.read_bytes() for p in sorted((TESTS / "dumps" / "samples").iterdir())]
    stat = b"anon 60000000\nfile 30000000\nkernel 9000000\ninactive_file 20000000\n"
    parts = [t[i : i + TRACE_PART] for t in trace for i in range(0, min(len(t), 6000), TRACE_PART)]
    stacks = [t[i : i + DUMP_PART] for t in dumps for i in range(0, len(t), DUMP_PART)]
    return [
        (gctrace, parts),
        (runtime_lines, parts),
        (goroutines, stacks),
        (memory, [SMAPS * 3, b"765 407 378 5 0 123 0\n", stat]),
    ]


def main(count: int, seed: int, only: set[str]) -> None:
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    targets = [row for row in corpus() if not only or row[0].__name__ in only]
    seen: Counter[tuple[str, str]] = Counter()
    slowest, begin = 0.0, time.monotonic()
    for number in range(count):
        target, parts = targets[number % len(targets)]
        data = mutate(rng, rng.choice(parts), rng.choice(parts))
        start = time.thread_time()
        try:
            target(rng, data)
            seen[target.__name__, "read"] += 1
        except FormatError:
            seen[target.__name__, "refused"] += 1
        except BaseException:
            print(f"input {number}: {target.__name__} on {data!r}")
            raise
        slowest = max(slowest, time.thread_time() - start)
        assert slowest < 1, f"input {number} took {slowest} s: {data!r}"
        if number % REPORT_EVERY == REPORT_EVERY - 1:
            print(f"{number + 1:,} inputs, seed {seed}, no finding", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    taken, cpu = time.monotonic() - begin, time.process_time()
    print(f"{count:,} inputs, seed {seed}, {taken:.0f} s ({cpu:.0f} s CPU), no finding")
    print(f"slowest {slowest * 1000:.0f} ms, peak memory {peak:.0f} MiB, {dict(seen)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="targets, with commas between")
    asked = parser.parse_args()
    main(asked.count, asked.seed, set(filter(None, asked.only.split(","))))
