"""Numbers as people read them; every rounding stands here, and none decides anything."""

from __future__ import annotations

from chaosmem.units import human_bytes, human_seconds


def percent(share: float) -> str:
    """`0.1234` as `12.3 %`."""
    return f"{share * 100:.3g} %"


def plain(value: float) -> str:
    """A count: whole numbers without a point, others to one digit behind it."""
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"


def amount(value: float, unit: str) -> str:
    """A value in one of the units of `chaosmem.metrics`."""
    match unit:
        case "By":
            return human_bytes(value)
        case "By/s":
            return f"{human_bytes(value)}/s"
        case "s":
            return human_seconds(value)
        case "1" | "":
            return plain(value)
        case _:
            return f"{value:.4g} {unit}"


def at(t: float) -> str:
    """A point of the run's clock."""
    return f"t={t:.2f} s"


def span(lo: float, hi: float) -> str:
    """Where an estimated length of time lies."""
    if hi - lo < 5e-4:  # noqa: PLR2004 - half a millisecond is below what is shown
        return human_seconds(hi)
    return f"between {human_seconds(lo)} and {human_seconds(hi)}"


def several(count: int, noun: str) -> str:
    """`1 sample`, `2 samples`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
