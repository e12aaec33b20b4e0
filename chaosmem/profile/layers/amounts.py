"""A number of bytes with its source, and a balance of such numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Amount:
    """Bytes, and where the number is from.

    Attributes:
        name: the field's standard term for it.
        value: bytes.
        source: file and field, or metric name.
    """

    name: str
    value: int
    source: str


@dataclass(frozen=True, slots=True)
class Balance:
    """A whole, the parts that explain it, and what they leave unexplained.

    Attributes:
        name: what is explained.
        whole: the number to explain.
        parts: numbers of other sources that together should be it.
        note: what the rest is made of, and why it can be negative.
        exact: whole and parts come from one consistent reading, so that the rest must be 0.
    """

    name: str
    whole: Amount
    parts: tuple[Amount, ...]
    note: str
    exact: bool = False

    @property
    def explained(self) -> int:
        """Sum of the parts, bytes."""
        return sum(part.value for part in self.parts)

    @property
    def rest(self) -> int:
        """Whole minus parts, bytes; negative where the parts are more than the whole."""
        return self.whole.value - self.explained

    @property
    def rest_share(self) -> float | None:
        """The rest as a share of the whole; None of nothing."""
        return self.rest / self.whole.value if self.whole.value else None
