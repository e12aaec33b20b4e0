"""What `chaosmem run` costs beyond the phases' own length.

    python benchmarks/run/overhead.py

Two numbers: of the engine (journal: first to last entry, so with the target's start and stop) and
of the whole command (process start, imports, verdict and reports too).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import CHAOSMEM, ROOT, build, machine, spec, spread

ROUNDS = 9
PHASES = {"baseline": "1500ms", "inject": "500ms", "hold": "1s", "recover": "1s"}
SECONDS = 4.0


def main() -> None:
    binary = build(ROOT / "tests/corpus", "./healthy")
    engine, whole = [], []
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "spec.yaml"
        path.write_text(
            spec(
                binary,
                phases=PHASES,
                faults=[{"heap": {"retain": "16MiB"}}, {"goroutines": {"count": 500}}],
                captures=[{"profile": "heap"}, {"profile": "goroutine"}],
                checks=["stress-effect", "top-allocations"],
            )
        )
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            done = subprocess.run(
                [*CHAOSMEM, "run", path, "--runs-dir", scratch], capture_output=True, check=False
            )
            whole.append(time.perf_counter() - begin - SECONDS)
            if done.returncode:
                sys.exit(done.stdout.decode() + done.stderr.decode())
            engine.append(_engine(max(Path(scratch).glob("bench/2*"))) - SECONDS)
    print(machine())
    print(f"engine beyond {SECONDS:g} s of phases         {spread(engine)}")
    print(f"whole command beyond {SECONDS:g} s of phases  {spread(whole)} (asked: at most 300 ms)")


def _engine(rundir: Path) -> float:
    last = (rundir / "journal.jsonl").read_text().splitlines()[-1]
    return float(json.loads(last.partition(" ")[2])["t"])


if __name__ == "__main__":
    main()
