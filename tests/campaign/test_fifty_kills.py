"""kill -9 of the runner at 50 random moments: nothing lost, nothing run twice, no fault left."""

from __future__ import annotations

import pytest

from tests.campaign.lab import Campaigns
from tests.campaign.storm import CELLS, storm


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_fifty_kills_lose_nothing_repeat_nothing_and_leave_no_fault(place: Campaigns) -> None:
    (*_, whole) = storm(place, kills=50, seed=20)
    assert whole.kills == 50
    assert whole.cells == whole.campaigns * len(CELLS)
    assert whole.ended["finished"] == whole.cells
    assert whole.ended["cut"] > 0  # the kills did meet runs
