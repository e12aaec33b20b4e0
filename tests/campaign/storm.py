"""A campaign whose runner is killed again and again at random moments, and what is left of it."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from chaosmem.campaign.directory import CampaignDir, campaigns
from chaosmem.campaign.events import AttemptEnded, SessionStarted
from tests.campaign.lab import Campaigns, assert_sound, kill, planned

CELLS = [50 + n for n in range(8)]


@dataclass
class Storm:
    """What happened."""

    kills: int = 0
    campaigns: int = 0
    cells: int = 0
    attempts: int = 0
    ended: Counter[str] = field(default_factory=Counter)

    def count(self, home: CampaignDir) -> None:
        """Add what became of a campaign."""
        self.campaigns += 1
        for cell in home.prepared().cells:
            self.cells += 1
            self.attempts += len(planned(home, cell))
            entries = home.cell_entries(cell)
            self.ended.update(e.how for e in entries if isinstance(e, AttemptEnded))

    def __str__(self) -> str:
        hows = ", ".join(f"{many} {how}" for how, many in sorted(self.ended.items()))
        return (
            f"{self.kills} kills in {self.campaigns} campaigns of {len(CELLS)} cells: "
            f"{self.cells} cells, {self.attempts} attempts: {hows}"
        )


def storm(place: Campaigns, kills: int, seed: int, longest: float = 3.0) -> Iterator[Storm]:
    """Kill until there were so many kills; the storm so far after each campaign.

    Every second kill takes the processes of the cells too, as a machine's would. After its last
    kill each campaign is resumed to its end, and must be sound. Three of four kills come after
    the runner has begun to work, however long its start takes on a busy machine.

    Args:
        place: where.
        kills: how often a runner is killed, in all.
        seed: of the moments.
        longest: seconds to a kill, at most; a runner that ended before is no kill.
    """
    chance = random.Random(seed)  # noqa: S311 - moments of kills
    variables = [{"name": "n", "path": "faults.goroutines.count", "values": CELLS}]
    campaign = place.write(variables=variables)
    so_far = Storm()
    while so_far.kills < kills:
        known = {c.root for c in campaigns(place.runs)}
        started = place.start("run", campaign)
        sessions = 0
        while started.poll() is None and so_far.kills < kills:
            if chance.random() < 0.75:
                while started.poll() is None and _sessions(place, known) == sessions:
                    time.sleep(0.02)
            time.sleep(chance.uniform(0.0, longest))
            sessions = _sessions(place, known)
            made = {c.root for c in campaigns(place.runs)} - known
            home = CampaignDir(made.pop()) if made else None
            if started.poll() is None:
                kill(started, home, everybody=bool(so_far.kills % 2))
                so_far.kills += 1
                again = ("resume", str(home.root)) if home else ("run", campaign)
                started = place.start(*again)
        ran = place.finish(started)
        assert ran.code in (0, 3), ran.stdout + ran.stderr
        assert_sound(place.home, codes=(0, 3))
        so_far.count(place.home)
        yield so_far


def _sessions(place: Campaigns, known: set[Path]) -> int:
    """How often a runner has begun to work on the campaign that is new."""
    new = [c for c in campaigns(place.runs) if c.root not in known]
    return sum(isinstance(e, SessionStarted) for c in new for e in c.entries())
