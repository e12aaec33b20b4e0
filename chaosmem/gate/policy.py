"""What fails the gate, as its user said it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from chaosmem.errors import UsageError

BaselineWish = Literal["required", "optional", "none"]


class FailOn(StrEnum):
    """Each thing that can fail the gate."""

    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    REGRESSION = "regression"


@dataclass(frozen=True, slots=True)
class Policy:
    """The gate's rules.

    Attributes:
        fail_on: what fails it. The default is everything: a gate that lets INCONCLUSIVE through
            has shown nothing.
        baseline: `required`: what the baseline cannot decide is inconclusive; `optional`: it is
            said, and lets through; `none`: the baseline is not looked at.
        name: which baseline.
    """

    fail_on: frozenset[FailOn] = frozenset(FailOn)
    baseline: BaselineWish = "optional"
    name: str = "default"

    @property
    def words(self) -> str:
        """`fail, inconclusive`: in the order of `FailOn`."""
        return ", ".join(f for f in FailOn if f in self.fail_on)


def fail_on(said: Iterable[str]) -> frozenset[FailOn]:
    """What `--fail-on` says, given several times or with commas; nothing means everything."""
    words = [word.strip() for text in said for word in text.split(",") if word.strip()]
    strange = [word for word in words if word not in set(FailOn)]
    if strange:
        raise UsageError(
            f"--fail-on {strange[0]!r} is not known", hint=f"one or more of: {', '.join(FailOn)}"
        )
    return frozenset(FailOn(word) for word in words) or frozenset(FailOn)
