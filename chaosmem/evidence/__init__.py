"""Evidence: a run directory, typed; what the verifier and the reports see."""

from chaosmem.evidence.model import Evidence, Series, Trial, Window
from chaosmem.evidence.reader import load

__all__ = ["Evidence", "Series", "Trial", "Window", "load"]
