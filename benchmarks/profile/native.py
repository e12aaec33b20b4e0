"""What a compiled reader would bring: the samples of a profile by numba, against our numpy.

    python -m venv NB && NB/bin/pip install numba -e . && NB/bin/python benchmarks/profile/native.py

numba is the native route that was looked at: kept, with wheels for the common platforms, and its
kernels are Python text beside ours. One kernel here walks a whole profile and decodes every
sample's values and location ids, without any of our checks (malformed input, dangling ids,
bounds), so its time is a lower bound of what a real one takes. The result must equal ours. Printed:
what reading takes now, the part of it that the kernel replaces, the kernel, and numba's own start.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numba
import numpy as np
import synth

from chaosmem.profile import proto, read, top, wire
from chaosmem.profile.walk import walk

TURNS = 15


@numba.njit(cache=True)
def varint(buf: np.ndarray, at: int) -> tuple[int, int]:
    value, shift = np.uint64(0), np.uint64(0)
    while True:
        byte = buf[at]
        at += 1
        value |= np.uint64(byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += np.uint64(7)


@numba.njit(cache=True)
def sample(buf, at, end, values, used, ids, depth):  # noqa: ANN001, ANN201, PLR0917 numba's own types
    while at < end:
        key, at = varint(buf, at)
        length, at = varint(buf, at)
        stop = at + np.int64(length)
        if key == 10:
            while at < stop:
                ids[depth], at = varint(buf, at)
                depth += 1
        elif key == 18:
            while at < stop:
                value, at = varint(buf, at)
                values[used] = np.int64(value)
                used += 1
        at = stop
    return used, depth


@numba.njit(cache=True)
def samples(buf: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    values, ids = np.empty(count * 4, np.int64), np.empty(len(buf), np.uint64)
    start = np.zeros(count + 1, np.int64)
    used, depth, row, at = 0, 0, 0, 0
    while at < len(buf):
        key, at = varint(buf, at)
        length, at = varint(buf, at)
        if key & np.uint64(7) != np.uint64(2):
            continue
        stop = at + np.int64(length)
        if key >> np.uint64(3) == np.uint64(2):
            used, depth = sample(buf, at, stop, values, used, ids, depth)
            row += 1
            start[row] = depth
        at = stop
    return values[:used], ids[:depth], start


def median_ms(work: Callable[[], object]) -> float:
    times = []
    for _ in range(TURNS):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return statistics.median(times) * 1e3


def start_ms(what: str) -> float:
    command = [sys.executable, "-c", f"import {what}"]
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        subprocess.run(command, check=True)
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1e3


def main() -> None:
    for size in (20_000, 200_000):
        data = synth.heap(size, seed=0)
        raw, padded = np.frombuffer(data, np.uint8), data + bytes(wire.PADDING)
        profile = read(data)
        values, ids, start = samples(raw, size)
        table = proto._find(np.frombuffer(padded, np.uint8)).table(proto.SAMPLE, "Sample")  # noqa: SLF001
        assert np.array_equal(values.reshape(size, -1).T, profile.samples.values)
        assert np.array_equal(start, profile.samples.stack_start)
        assert np.array_equal(ids - 1, profile.samples.stack)  # synth counts ids from 1
        assert len(table) == size
        whole = median_ms(lambda: top(read(data), n=0).text())  # noqa: B023
        reading = median_ms(lambda: read(data))  # noqa: B023
        finding = median_ms(lambda: walk(np.frombuffer(padded, np.uint8), "Profile"))  # noqa: B023
        kernel = median_ms(lambda: samples(raw, size))  # noqa: B023
        print(
            f"{size} samples: read and top {whole:.1f} ms CPU, reading {reading:.1f}, its field"
            f" finder {finding:.1f}, numba's walk and samples {kernel:.1f}"
        )
    print(f"start: numpy {start_ms('numpy'):.0f} ms, numba {start_ms('numba'):.0f} ms wall")


if __name__ == "__main__":
    main()
