"""A run on real pods beyond its phases, and the undo of ten pods at once.

The helper comes while the warmup passes: with the 0.5 s of the tests some of its start is waited
for, with two seconds none.

python -m benchmarks.cluster.run [RUNS [CLUSTER]]     # boots the test cluster, or uses it
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from tests.cluster.api import Cluster
from tests.cluster_run.shop import FAULTS, QUICK, Ended, Shop, opened

PHASES = 11.0
"""Seconds of `QUICK`."""
WARM = QUICK | {"warmup": "2s"}
LONGER = 1.5
"""Seconds by which `WARM` is longer."""


def beyond(ran: Ended, phases: float = PHASES) -> float:
    """Seconds of the journal, from its first to its last entry, beyond the phases."""
    events = ran.events()
    return float(events[-1]["t"] - events[0]["t"]) - phases


def undo(ran: Ended) -> tuple[float, float]:
    """Seconds from the end of the hold phase to the last release, and of the trials' stop."""
    events = ran.events()
    held = min(e["t"] for e in events if e["event"] == "phase.ended" and e["phase"] == "hold")
    released = max(e["t"] for e in events if e["event"] == "fault.undone")
    recovered = max(e["t"] for e in events if e["event"] == "phase.ended")
    ended = max(e["t"] for e in events if e["event"] == "trial.ended")
    return float(released - held), float(ended - recovered)


def one(shop: Shop, phases: dict[str, str] = QUICK, **changes: Any) -> Ended:
    """A run that must pass and leave nothing."""
    ran = shop.run(shop.spec(faults=FAULTS, phases=phases, **changes), timeout=240)
    assert ran.code == 0, ran.stdout + ran.stderr
    shop.clean()
    return ran


def said(what: str, costs: list[float]) -> None:
    """A row of the cost of a run."""
    low, middle, high = statistics.quantiles(costs, n=4)
    print(
        f"run beyond its phases, {what}: {middle:.2f} s (quartiles {low:.2f} to {high:.2f}, "
        f"best {min(costs):.2f}, n={len(costs)})"
    )


def main() -> None:
    """Measure, and print rows for docs/benchmarks.md."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    cluster = Cluster(sys.argv[2] if len(sys.argv) > 2 else "bench")
    booted = cluster.up()
    cluster.images()
    name = f"bench-{uuid.uuid4().hex[:6]}"
    try:
        with tempfile.TemporaryDirectory() as scratch:
            with opened(cluster, name, Path(scratch) / "one") as shop:
                said("warmup 0.5 s", [beyond(one(shop)) for _ in range(runs)])
                said("warmup 2 s", [beyond(one(shop, WARM), PHASES + LONGER) for _ in range(runs)])
            with opened(cluster, f"{name}-ten", Path(scratch) / "ten", replicas=10) as shop:
                ran = one(shop, kubernetes={"mode": "all"}, limits={"pods": 10})
            released, stopped = undo(ran)
            print(
                f"10 pods: faults released in {released:.2f} s, helpers gone {stopped:.2f} s after"
            )
            print(f"10 pods: run beyond its phases {beyond(ran):.2f} s")
    finally:
        if booted:
            cluster.down()


if __name__ == "__main__":
    main()
