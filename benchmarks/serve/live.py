"""CPU of `chaosmem serve` while one live page shows a run that takes 1,000 samples a second.

    python benchmarks/serve/live.py [SECONDS] [RATE] [--chromium]

The run is written by a process of its own, with the real recorder: a sample of every metric and a
look at /proc each time, handed to the system once a second as the real sampler does, and a journal
entry a second. The page is a plain reader of the stream, or with --chromium the real page in a
headless Chromium, whose own CPU is shown beside. What counts is user and system time of the
server's process, as /proc tells it (1/100 s), over the time between the first and the last look.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from chaosmem import metrics, rundir
from chaosmem.clock import new_run_id, wall
from chaosmem.drivers import procfs
from chaosmem.drivers.procfs import Usage
from chaosmem.drivers.sources import Reading
from chaosmem.plan.model import Plan, PlannedPhase, PlannedTarget, PlannedTrial
from chaosmem.run.recorder import Recorder
from chaosmem.rundir import events, layout
from chaosmem.rundir.journal import JournalWriter
from chaosmem.spec.base import Phase

TRIAL = "t00"
SETTLE = 5.0  # s: imports, templates and the first whole picture are behind it


def write(base: Path, rate: int, seconds: float) -> None:
    """The runner's side, until killed or so long."""
    run = rundir.create(base, "synthetic", new_run_id())
    phases = (PlannedPhase(phase=Phase.HOLD, start=0, end=seconds),)
    plan = Plan(
        experiment="synthetic",
        sha256="00" * 32,
        targets=(PlannedTarget(name="demo", kind="process", detail="synthetic"),),
        phases=phases,
        faults=(),
        captures=(),
        trials=(PlannedTrial(key=TRIAL, arm="default", trial=1),),
        trial_seconds=seconds,
    )
    run.write(layout.PLAN, plan.model_dump_json().encode())
    journal = JournalWriter(run.path(layout.JOURNAL))
    pid = os.getpid()
    ticks = procfs.started_ticks(pid) or 0
    began = events.RunStarted(
        t=0, format=1, run_id=run.run_id, wall=wall(), owner_pid=pid, owner_ticks=ticks, facts={}
    )
    journal.write(began)
    journal.write(events.TrialStarted(t=0, trial=TRIAL, arm="default", number=1, target="demo"))
    journal.write(events.PhaseBegun(t=0, trial=TRIAL, phase="hold"))
    _samples(run.path("series") / TRIAL, journal, rate, seconds)


def _samples(place: Path, journal: JournalWriter, rate: int, seconds: float) -> None:
    recorder, rng = Recorder(place), np.random.default_rng(1)
    names = [n for n, m in metrics.REGISTRY.items() if not m.source.startswith("helper ")]
    start, number = time.monotonic(), 0
    while (now := time.monotonic() - start) < seconds:
        while number < now * rate:
            t = number / rate
            values = dict(zip(names, (rng.random(len(names)) * 1e8).tolist(), strict=True))
            recorder.reading(Reading(t=t, u=1e-4, values=values))
            recorder.usage(t, Usage(int(5e7 + 1e6 * np.sin(t)), t, 12))
            number += 1
        recorder.flush()
        journal.write(events.Noted(t=now, trial=TRIAL, text=f"{number} samples"))
        time.sleep(1.0)


@contextlib.contextmanager
def running(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A process of ours, ended afterwards."""
    started = subprocess.Popen(
        [sys.executable, *arguments], stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    try:
        yield started
    finally:
        started.terminate()
        started.wait(timeout=30)


class Page:
    """A reader of the stream: counts messages, bytes and rows."""

    def __init__(self, url: str) -> None:
        self.bytes = self.messages = 0
        self._url = url
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with urllib.request.urlopen(self._url) as answer:  # noqa: S310 - loopback
            for line in answer:
                self.bytes += len(line)
                self.messages += line.startswith(b"event:")


def chromium(url: str, seconds: float, measure: threading.Event) -> None:
    """The real page, open for so long."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only with --chromium

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        page = browser.new_page()
        page.goto(url)
        page.locator("#charts canvas").first.wait_for()
        measure.set()
        page.wait_for_timeout(seconds * 1000)
        browser.close()


def main() -> None:
    numbers = [a for a in sys.argv[1:] if not a.startswith("--")]
    seconds = float(numbers[0]) if numbers else 60.0
    rate = int(numbers[1]) if len(numbers) > 1 else 1000
    with tempfile.TemporaryDirectory() as place:
        base = Path(place)
        server = ["-m", "chaosmem", "serve", "--runs-dir", place, "--port", "0"]
        writer = [__file__, "--write", place, str(rate), str(seconds * 3 + 60)]
        with running(server) as served, running(writer):
            url = _address(served)
            run = _begun(base)
            home = f"{url}/runs/synthetic/{run.run_id}"
            _measured(served.pid, home, seconds, rate)


def _address(served: subprocess.Popen[str]) -> str:
    assert served.stderr is not None
    return next(w for w in served.stderr.readline().split() if w.startswith("http://"))


def _begun(base: Path) -> rundir.RunDir:
    while True:
        for run in rundir.runs(base):
            if (run.path("series") / TRIAL / "samples.col").is_file():
                return run
        time.sleep(0.1)


def _measured(pid: int, home: str, seconds: float, rate: int) -> None:
    page, viewer = None, None
    if "--chromium" in sys.argv:
        shown = threading.Event()
        work = (f"{home}/live", seconds + SETTLE + 5, shown)
        viewer = threading.Thread(target=chromium, args=work)
        viewer.start()
        if not shown.wait(60):
            raise SystemExit("the page never drew anything: nothing was measured")
    else:
        page = Page(f"{home}/events")
    time.sleep(SETTLE)
    before, at = procfs.usage(pid), time.monotonic()
    told = (page.bytes, page.messages) if page else (0, 0)
    time.sleep(seconds)
    after, took = procfs.usage(pid), time.monotonic() - at
    assert before is not None
    assert after is not None
    share = (after.cpu - before.cpu) / took
    print(f"{rate} samples/s, {took:.0f} s: {share:.2%} of a core, {after.rss / 2**20:.0f} MiB")
    if viewer:
        viewer.join()
    if page:
        if page.messages == told[1]:
            raise SystemExit("no message came: nothing was measured")
        sent, count = page.bytes - told[0], page.messages - told[1]
        print(f"to the page: {sent / took / 1024:.1f} KiB/s in {count / took:.1f} messages/s")


if __name__ == "__main__":
    if "--write" in sys.argv:
        write(Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
    else:
        main()
