"""What a campaign directory says now: every cell's standing, who still works, the roll-up."""

from __future__ import annotations

import platform

from chaosmem.campaign.directory import CampaignDir
from chaosmem.campaign.events import SessionEnded, SessionStarted
from chaosmem.campaign.rollup import Rollup, rollup
from chaosmem.campaign.runner import Ending
from chaosmem.campaign.state import Standing, standing
from chaosmem.drivers import procfs


def gather(home: CampaignDir) -> Rollup:
    """The roll-up as the directory has it; nothing is touched, and nobody is waited for."""
    prepared = home.prepared()
    standings = [standing(home.cell_entries(cell)) for cell in prepared.cells]
    alive = frozenset(
        cell.index for cell, now in zip(prepared.cells, standings, strict=True) if _works(now)
    )
    return rollup(prepared, standings, ending(home), alive)


def ending(home: CampaignDir) -> Ending | None:
    """How the last session ended; None: it goes on, or was killed, or there was none."""
    last = next(
        (e for e in reversed(home.entries()) if isinstance(e, SessionEnded | SessionStarted)), None
    )
    return Ending(last.state, last.reason) if isinstance(last, SessionEnded) else None


def _works(now: Standing) -> bool:
    """Whether the process of the latest attempt is there, as far as this machine can tell."""
    planned = now.planned
    if planned is None or now.ended is not None or planned.host != platform.node():
        return False
    return procfs.started_ticks(planned.pid) == planned.ticks
