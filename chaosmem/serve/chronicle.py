"""The history as the pages ask it: opened for one question, and no matter if there is none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from chaosmem.errors import UsageError
from chaosmem.history import database
from chaosmem.history.database import History
from chaosmem.history.errors import HistoryError
from chaosmem.history.model import Wanted
from chaosmem.history.times import moment

T = TypeVar("T")


def asked(url: str, question: Callable[[History], T]) -> T:
    """The answer of the history at `url`; HistoryError where there is none, with how to make it."""
    with database.opened(url, create=False) as history:
        return question(history)


def asked_if_there(url: str, question: Callable[[History], T]) -> tuple[T | None, str]:
    """The answer and an empty text, or None and why there is none (no such database yet)."""
    try:
        return asked(url, question), ""
    except (HistoryError, UsageError) as problem:
        return None, str(problem)


def wanted(since: str, until: str, *, experiment: str = "", outcome: str = "") -> Wanted:
    """Which runs are asked for, with moments as people write them; UsageError for no moment."""
    now = datetime.now(UTC)
    return Wanted(
        experiment=experiment,
        since=moment(since, now),
        until=moment(until, now, end=True),
        outcome=outcome,
    )
