"""Campaigns of short experiments on real Go processes, and what must hold of their directories."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from chaosmem.campaign.directory import CampaignDir, campaigns, take
from chaosmem.campaign.events import AttemptEnded, AttemptPlanned
from chaosmem.campaign.model import Cell
from chaosmem.drivers import process, procfs
from tests.run.harness import Lab, Ran, gone, marked

PHASES = {"baseline": "300ms", "inject": "200ms", "hold": "300ms", "recover": "300ms"}


@dataclass
class Campaigns:
    """A place for campaigns."""

    lab: Lab

    @property
    def runs(self) -> Path:
        """`--runs-dir`."""
        return self.lab.runs

    def experiment(self, name: str = "short", **changes: Any) -> Path:
        """Write an experiment of a second and a half."""
        sections = {
            "metadata": {"name": name},
            "phases": PHASES,
            "sampling": {"timeout": "5s"},  # a busy machine may answer late
            "checks": ["no-restart", "no-oom"],
        }
        made = self.lab.spec(**(sections | changes))
        return made.rename(self.lab.base / f"{name}.yaml")

    def write(self, **changes: Any) -> Path:
        """Write a campaign of four cells, two at one time."""
        sections: dict[str, Any] = {
            "apiVersion": "chaosmem/v1",
            "kind": "Campaign",
            "metadata": {"name": "shorts"},
            "experiments": "short.yaml",
            "variables": [
                {"name": "n", "path": "faults.goroutines.count", "values": [50, 60, 70, 80]}
            ],
            "parallelism": 2,
            "limits": {"targets": 2},
            "attempts": 20,
        }
        path = self.lab.base / "campaign.yml"
        path.write_text(json.dumps(sections | changes))
        return path

    def call(self, *args: str | Path) -> Ran:
        """`chaosmem campaign ARGS` to its end."""
        return self.finish(self.start(*args))

    def finish(self, started: subprocess.Popen[str]) -> Ran:
        """Wait for a started command; a busy machine may take its time."""
        out, err = started.communicate(timeout=150)
        return Ran(started.returncode, out, err, self.runs)

    def start(self, *args: str | Path) -> subprocess.Popen[str]:
        """`chaosmem campaign ARGS`, started."""
        return self.lab.start("campaign", *args, "--runs-dir", self.runs)

    @property
    def home(self) -> CampaignDir:
        """The newest campaign's directory."""
        return max(campaigns(self.runs), key=lambda c: c.root.name)


@dataclass(frozen=True)
class Span:
    """When a run acted, in seconds since 1970, by its own journal."""

    cell: Cell
    run_id: str
    begin: float
    end: float


def planned(home: CampaignDir, cell: Cell) -> list[AttemptPlanned]:
    """The attempts of a cell."""
    return [e for e in home.cell_entries(cell) if isinstance(e, AttemptPlanned)]


def finished(home: CampaignDir, cell: Cell) -> list[AttemptEnded]:
    """The attempts of a cell that gave it its result."""
    entries = home.cell_entries(cell)
    return [e for e in entries if isinstance(e, AttemptEnded) and e.how == "finished"]


def span(home: CampaignDir, cell: Cell, attempt: AttemptPlanned) -> Span | None:
    """When that attempt's run acted; None where it never began."""
    place = home.run(attempt.experiment, attempt.run_id).path("journal.jsonl")
    if not place.is_file():
        return None
    entries = []
    for line in place.read_text().splitlines():
        with contextlib.suppress(ValueError):  # torn by the kill
            entries.append(json.loads(line.partition(" ")[2]))
    if not entries:
        return None
    start = datetime.fromisoformat(entries[0]["wall"]).timestamp()
    last = max(e["t"] for e in entries)
    return Span(cell, attempt.run_id, start, start + last)


def spans(home: CampaignDir) -> list[Span]:
    """When every run of a campaign acted."""
    found = [
        span(home, cell, attempt)
        for cell in home.prepared().cells
        for attempt in planned(home, cell)
    ]
    return [s for s in found if s is not None]


def beside(one: Span, others: list[Span]) -> list[Span]:
    """The others that acted at the moment when this one began."""
    return [o for o in others if o is not one and o.begin <= one.begin < o.end]


def assert_sound(home: CampaignDir, *, codes: tuple[int, ...] = (0,)) -> None:
    """Nothing is lost, nothing was run twice, nothing is left, and the limits held all through.

    `codes`: what the verdicts may be; a machine under a storm of kills may be too busy to measure.
    """
    prepared = home.prepared()
    for cell in prepared.cells:
        results = finished(home, cell)
        assert len(results) == 1, f"{cell.name}: {results}"
        run = home.run(cell.experiment, results[0].run_id)
        verdict = json.loads(run.read("verdict.json"))
        assert verdict["exit_code"] == results[0].exit_code, verdict["says"]
        assert verdict["exit_code"] in codes, verdict["says"]
    _assert_all_accounted_for(home)
    acted = spans(home)
    for one in acted:
        also = beside(one, acted)
        assert len(also) < prepared.campaign.limits.targets, f"{one} beside {also}"
        assert one.cell not in [o.cell for o in also], f"twice at one time: {one} beside {also}"
        assert not (one.cell.lock and one.cell.lock in [o.cell.lock for o in also])


def _assert_all_accounted_for(home: CampaignDir) -> None:
    """Every run directory belongs to an attempt, and nothing of any run is still there."""
    everything = list(campaigns(home.base))
    known = {a.run_id for c in everything for cell in c.prepared().cells for a in planned(c, cell)}
    there = {p.name for p in (home.base / home.prepared().cells[0].experiment).glob("2*")}
    assert there <= known, there - known
    for run_id in known:
        assert gone(marked(run_id)), f"{run_id}: {process.MARK} processes outlived it"


def children(home: CampaignDir) -> Iterator[int]:
    """Pids of the processes that work on cells of a campaign."""
    for cell in home.prepared().cells:
        for attempt in planned(home, cell):
            if procfs.started_ticks(attempt.pid) == attempt.ticks and procfs.alive(attempt.pid):
                yield attempt.pid


def kill(started: subprocess.Popen[str], home: CampaignDir | None, *, everybody: bool) -> None:
    """SIGKILL the runner, and with `everybody` whoever works on its cells too."""
    started.kill()
    started.communicate()
    if everybody and home is not None:
        for pid in list(children(home)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for cell in home.prepared().cells:  # a process of several threads takes a while to end
            wait_for(lambda cell=cell: _free(home, cell))


def _free(home: CampaignDir, cell: Cell) -> bool:
    """Whether nobody has the cell's lock any more."""
    held = take(home.cell_lock(cell))
    if held is not None:
        os.close(held)
    return held is not None


def wait_for(done: Any, seconds: float = 60.0) -> None:
    """Poll until `done()`."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
