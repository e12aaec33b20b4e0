"""kill -9 of the campaign's runner at random moments: `python -m benchmarks.campaign.kills [50]`.

Each campaign must be sound in the end: every cell one verdict, every run accounted for, no two
runs of a cell at one time, never more targets than the limit, no process left (`assert_sound`).
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from benchmarks.run.common import ROOT, build
from tests.campaign.lab import Campaigns
from tests.campaign.storm import storm
from tests.run.harness import Lab


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    binary = build(ROOT / "tests" / "corpus", "./healthy")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaosmem-kills-") as directory:
        place = Campaigns(Lab(Path(directory), binary))
        place.experiment()
        for so_far in storm(place, kills, seed=int(time.time())):
            print(f"{time.monotonic() - begin:6.0f} s  {so_far}", flush=True)
    print("all sound: nothing lost, nothing run twice, no fault left")


if __name__ == "__main__":
    main()
