"""Speed and memory of the text parsers; `nice python benchmarks/profile_text/bench_text.py [MB]`.

Each number is the best of the repetitions of this one run, in CPU seconds of this process. They are
short and many, because a shared machine is quiet only for moments.
"""

from __future__ import annotations

import random
import re
import resource
import sys
import time
from collections.abc import Callable, Iterator
from typing import Final

from chaosmem.profile.dumps import parse_goroutines
from chaosmem.profile.trace import parse_gctrace, parse_lines
from chaosmem.profile.trace.gcline import GC_LINE

LINES: Final = 40_000
RNG: Final = random.Random(1)  # noqa: S311 - test data
BODY: Final = (
    b"internal/poll.runtime_pollWait(0x7f%x, 0x72)\n\t/go/src/runtime/netpoll.go:351 +0x85\n"
    b"main.(*Cache).fill(0xc000%x, 0x%x)\n\t/src/app/cache/cache.go:%d +0x1d\n"
    b"main.(*Cache).serve(0xc000%x)\n\t/src/app/cache/serve.go:18 +0x2d\n"
    b"created by main.main in goroutine 1\n\t/src/app/main.go:9 +0x5\n\n"
)


def milliseconds() -> str:
    """A time as fmtNSAsMS prints it."""
    x = RNG.choice([0, 0.01, 0.1, 1, 10, 100]) * RNG.random()
    return "0" if x == 0 else f"{x:.3f}" if x < 0.1 else f"{x:.2g}" if x < 10 else f"{x:.0f}"


def cycle(number: int) -> str:
    """A gctrace line."""
    t = [milliseconds() for _ in range(8)]
    h = [RNG.randrange(600) for _ in range(4)]
    forced = " (forced)" if number % 50 == 0 else ""
    return (
        f"gc {number} @{number * 0.05:.3f}s {RNG.randrange(30)}%: {t[0]}+{t[1]}+{t[2]} ms clock, "
        f"{t[3]}+{t[4]}/{t[5]}/{t[6]}+{t[7]} ms cpu, {h[0]}->{h[1]}->{h[2]} MB, {h[3]} MB goal, "
        f"0 MB stacks, 0 MB globals, 2 P{forced}\n"
    )


def best(work: Callable[[], object], repeat: int = 60) -> float:
    """Least CPU seconds of some runs."""
    times = []
    for _ in range(repeat):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def gctrace() -> None:
    lines = [cycle(n) for n in range(1, 20_001)]
    unforced = [line for line in lines if "forced" not in line]
    app = "2026/01/02 03:04:05 request served in 3ms status=200 path=/cart user=4711\n"
    cri = "2026-01-02T03:04:05.123456789Z stderr F "
    for name, text in {
        "gctrace": "".join(unforced) * (LINES // len(unforced)),
        "gctrace, 2 % forced": "".join(lines) * (LINES // len(lines)),
        "gctrace, an app line between": "".join(app + line for line in lines) * 2,
        "gctrace behind CRI prefixes": "".join(cri + line for line in lines),
    }.items():
        data = text.encode()
        count = data.count(b"gc ")
        assert len(parse_gctrace(data).cycles) == count
        seconds = best(lambda data=data: parse_gctrace(data))  # type: ignore[misc]
        rate, mb = count / seconds / 1e6, len(data) / seconds / 1e6
        print(f"{name:32} {rate:6.2f} M cycles/s {mb:6.0f} MB/s")
    data = "".join(lines).encode()
    each = re.compile(GC_LINE.pattern)
    seconds = best(lambda: [each.fullmatch(line) for line in data.split(b"\n")])
    print(f"{'peer: re.fullmatch alone':32} {len(lines) / seconds / 1e6:6.2f} M cycles/s")
    logs = (app * 50_000).encode()
    seconds = best(lambda: parse_gctrace(logs))
    print(f"{'app log without any trace':32} {len(logs) / seconds / 1e6:6.0f} MB/s")
    seconds = best(lambda: parse_lines(logs))
    print(f"{'the same, other trace lines':32} {len(logs) / seconds / 1e6:6.0f} MB/s")


def goroutines(size: int) -> Iterator[bytes]:
    """A debug=2 dump of about this many bytes, piece by piece."""
    made = number = 0
    while made < size:
        number += 1
        head = b"goroutine %d [chan send, %d minutes]:\n" % (number, number % 9 + 1)
        piece = head + BODY % (number, number, number, number % 50, number)
        made += len(piece)
        yield piece


def dump(megabytes: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    size = sum(len(piece) for piece in goroutines(megabytes * 1_000_000))
    making = time.process_time() - begin
    begin = time.process_time()
    found = parse_goroutines(goroutines(megabytes * 1_000_000))
    seconds = time.process_time() - begin - making
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"goroutine dump of {size / 1e6:.0f} MB: {found.total} goroutines in {len(found.groups)}")
    print(f"groups at {size / seconds / 1e6:.0f} MB/s; peak memory grew by {grown / 1024:.1f} MiB")


if __name__ == "__main__":
    dump(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
    gctrace()
