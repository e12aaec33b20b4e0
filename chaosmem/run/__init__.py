"""Run: a plan into a run directory; the only loop."""

from chaosmem.run.engine import Ended, Job, execute, prepare
from chaosmem.run.observer import Nobody, Observer

__all__ = ["Ended", "Job", "Nobody", "Observer", "execute", "prepare"]
