"""How long one message may take, and which failures are worth a second attempt."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_before_delay
from tenacity.wait import wait_exponential, wait_random

from chaosmem.errors import ChaosmemError

T = TypeVar("T")
FIRST_WAIT: Final = 0.3
LONGEST_WAIT: Final = 3.0
"""Between two attempts, seconds, unless the server asks for more."""
PASSING: Final = frozenset({408, 425, 429})
"""Answers below 500 that a later attempt may not get: time-out, too early, too many."""


class NotSent(ChaosmemError):
    """A message did not arrive, and another attempt would not help."""


class TryLater(NotSent):
    """It did not arrive, and another attempt may help.

    Args:
        message: what happened.
        after: seconds that the server asks to wait; None: it does not say.
    """

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


@dataclass(slots=True)
class Patience:
    """The time of one message, and how often it was tried."""

    seconds: float
    begun: float = 0.0
    attempts: int = 0

    def __post_init__(self) -> None:
        self.begun = time.monotonic()

    @property
    def left(self) -> float:
        """Seconds that are left, at least a tenth: a time-out of 0 means none to libraries."""
        return max(0.1, self.begun + self.seconds - time.monotonic())

    def through(self, attempt: Callable[[], T]) -> T:
        """Try until it succeeds, will not, or the time is over; the last failure is raised."""
        for turn in Retrying(
            retry=retry_if_exception_type(TryLater),
            stop=stop_before_delay(self.seconds),
            wait=_wait,
            reraise=True,
        ):
            with turn:
                self.attempts += 1
                return attempt()
        raise AssertionError  # pragma: no cover - reraise leaves no other way out


_BACKOFF: Final = wait_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT) + wait_random(0, 0.2)


def _wait(state: RetryCallState) -> float:
    problem = state.outcome.exception() if state.outcome else None
    asked = problem.after if isinstance(problem, TryLater) else None
    return _BACKOFF(state) if asked is None else asked


def refused(status: int, words: str, after: float | None = None) -> NotSent:
    """What an HTTP status of 300 or more means."""
    said = f"HTTP {status}" + (f": {words}" if words else "")
    passing = status in PASSING or status >= 500  # noqa: PLR2004 - the class of server errors
    return TryLater(said, after) if passing else NotSent(said)
