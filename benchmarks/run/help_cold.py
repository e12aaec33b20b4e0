"""`chaosmem --help` against `chaos --help` (chaostoolkit), both cold processes, in turn.

    python benchmarks/run/help_cold.py

Installs chaostoolkit into a throw-away environment; the ratio of the medians is the result.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from common import alternate, machine, spread, timed

ROUNDS = 21


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([sys.executable, "-m", "venv", scratch], check=True)
        peer = Path(scratch) / "bin"
        subprocess.run([peer / "pip", "install", "--quiet", "chaostoolkit"], check=True)
        ours = [str(Path(sys.executable).parent / "chaosmem"), "--help"]
        theirs = [str(peer / "chaos"), "--help"]
        timed(ours), timed(theirs)
        mine, other = alternate(ROUNDS, lambda: timed(ours), lambda: timed(theirs))
    ratio = statistics.median(mine) / statistics.median(other)
    print(machine())
    print(f"chaosmem --help  {spread(mine)}")
    print(f"chaos --help     {spread(other)}")
    print(f"ratio            {ratio:.2f} (asked: at most 0.50)")


if __name__ == "__main__":
    main()
