"""What the history reports when it cannot be opened, read or written."""

from __future__ import annotations

from chaosmem.errors import ChaosmemError, Exit


class HistoryError(ChaosmemError):
    """The history cannot be opened, read or written: without it nothing is compared."""

    exit_code = Exit.INCONCLUSIVE
