"""Measured recovery time against the program's own record of when its last goroutine ended.

    python benchmarks/run/recovery.py [TRIALS]

The program drains at a random time of up to 1.5 s after release and prints the instant. chaosmem
reports an interval; its error is how far the farther end lies from that instant.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import numpy as np
from common import CHAOSMEM, ROOT, build, machine, spec

RATE = 10.0
PHASES = {"baseline": "1200ms", "inject": "200ms", "hold": "300ms", "recover": "3s"}


def main() -> None:
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    binary = build(ROOT / "benchmarks/run/drain", ".")
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "spec.yaml"
        check = {"goroutine-recovery": {"within": "2s", "dwell": "500ms"}}
        path.write_text(
            spec(
                binary,
                phases=PHASES,
                sampling={"rate": f"{RATE:g}/s"},
                faults=[{"goroutines": {"count": 500, "at": "main.start"}}],
                checks=[check],
                trials=trials,
            )
        )
        subprocess.run([*CHAOSMEM, "run", path, "--runs-dir", scratch], check=False)
        found = _found(max(Path(scratch).glob("bench/2*")))
    low, high, truth = np.array(found).T
    errors = np.maximum(np.abs(high - truth), np.abs(truth - low))
    inside = np.mean((low <= truth) & (truth <= high))
    allowed = 1 / RATE + 0.010
    print(machine())
    print(f"{len(errors)} recoveries; the truth lies in the reported interval in {inside:.0%};")
    print("the farther end of the interval is off by")
    print(
        f"  median {np.median(errors) * 1e3:.1f} ms, p99 {np.quantile(errors, 0.99) * 1e3:.1f} ms,"
    )
    print(f"  worst {errors.max() * 1e3:.1f} ms, least {errors.min() * 1e3:.1f} ms")
    print(f"  asked: p99 at most {allowed * 1e3:.0f} ms (one sampling interval + 10 ms)")


def _found(rundir: Path) -> list[tuple[float, float, float]]:
    journal = [json.loads(x.partition(" ")[2]) for x in (rundir / "journal.jsonl").open()]
    origin = datetime.fromisoformat(journal[0]["wall"]).timestamp()
    released = {e["trial"]: e["at"] for e in journal if e["event"] == "fault.undone"}
    verdict = json.loads((rundir / "verdict.json").read_bytes())
    found = []
    for finding in verdict["findings"]:
        if finding["check"] != "goroutine-recovery":
            continue
        key = finding["trial_key"]
        ended = re.findall(r"ended_unix_ns=(\d+)", (rundir / f"logs/{key}.log").read_text())
        truth = int(ended[-1]) / 1e9 - origin - released[key]
        time = finding["numbers"]["recovery time"]
        found.append((time["value"] - time["error"], time["value"] + time["error"], truth))
    return found


if __name__ == "__main__":
    main()
