"""The run directory: the one place where a run's evidence is kept, and its format."""

from chaosmem.rundir.layout import RunDir, create, find, runs

__all__ = ["RunDir", "create", "find", "runs"]
