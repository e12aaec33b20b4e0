"""Tests of the plugin contract, for authors: subclass one, say what is yours, run pytest.

    class TestDescriptors(FaultContract):
        kind = "descriptors"
        body = {"limit": 64}

        def acting(self, demo: Demo) -> bool:
            return resource.prlimit(demo.pid, resource.RLIMIT_NOFILE)[0] == 64

Everything is real: chaosmem's demo service is built and started (a Go toolchain is needed), and
experiments run against it by the command line. docs/plugins.md tells the contract in words.
"""

from __future__ import annotations

from chaosmem.testing.checks import CheckContract
from chaosmem.testing.faults import FaultContract
from chaosmem.testing.others import FinderContract, ReporterContract
from chaosmem.testing.stand import Demo, Ran, standing

__all__ = [
    "CheckContract",
    "Demo",
    "FaultContract",
    "FinderContract",
    "Ran",
    "ReporterContract",
    "standing",
]
