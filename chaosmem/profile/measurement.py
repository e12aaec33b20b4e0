"""Units, values and percentages as `go tool pprof` writes them.

Source: github.com/google/pprof/internal/measurement (kB is 1024 B; "minimum" and "auto" pick the
largest unit in which the value is at least 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

AUTOMATIC: Final = ("minimum", "auto")


@dataclass(frozen=True, slots=True)
class _Unit:
    name: str
    aliases: tuple[str, ...]
    factor: float


@dataclass(frozen=True, slots=True)
class _Family:
    default: _Unit
    units: tuple[_Unit, ...]
    known: dict[str, _Unit]

    def find(self, name: str) -> _Unit | None:
        """The unit that goes by this name, in any case and in the plural."""
        return self.known.get(name) or self.known.get(_singular(name))

    def convert(self, value: int, source: _Unit, target: str) -> tuple[float, str]:
        base = float(value) * source.factor
        if target in AUTOMATIC:
            fitting = [unit for unit in self.units if base / unit.factor >= 1.0]
            unit = max(fitting, key=lambda unit: unit.factor, default=self.default)
        else:
            unit = self.find(target) or self.default
        return base / unit.factor, unit.name


def _singular(name: str) -> str:
    name = name.lower()
    return name.removesuffix("s") if len(name) > 2 else name  # noqa: PLR2004 "s", "ms"


def _family(default: str, units: tuple[_Unit, ...]) -> _Family:
    known = {alias: unit for unit in units for alias in unit.aliases}
    return _Family(next(unit for unit in units if unit.name == default), units, known)


def _units(*rows: tuple[str, str, float]) -> tuple[_Unit, ...]:
    return tuple(_Unit(name, tuple(aliases.split()), factor) for name, aliases, factor in rows)


_MEMORY = _units(
    ("B", "b byte", 1.0),
    ("kB", "kb kbyte kilobyte", 2.0**10),
    ("MB", "mb mbyte megabyte", 2.0**20),
    ("GB", "gb gbyte gigabyte", 2.0**30),
    ("TB", "tb tbyte terabyte", 2.0**40),
    ("PB", "pb pbyte petabyte", 2.0**50),
)
_TIME = _units(
    ("ns", "ns nanosecond", 1.0),
    ("us", "μs us microsecond", 1e3),
    ("ms", "ms millisecond", 1e6),
    ("s", "s sec second", 1e9),
    ("hrs", "hour hr", 3.6e12),
)
_GCU = _units(
    ("n*GCU", "nanogcu", 1e-9),
    ("u*GCU", "microgcu", 1e-6),
    ("m*GCU", "milligcu", 1e-3),
    ("GCU", "gcu", 1.0),
    ("k*GCU", "kilogcu", 1e3),
    ("M*GCU", "megagcu", 1e6),
    ("G*GCU", "gigagcu", 1e9),
    ("T*GCU", "teragcu", 1e12),
    ("P*GCU", "petagcu", 1e15),
)
_FAMILIES = (_family("B", _MEMORY), _family("s", _TIME), _family("GCU", _GCU))
_UNINTERESTING = ("count", "sample", "unit", *AUTOMATIC)


def scale(value: int, source: str, target: str) -> tuple[float, str]:
    """`value` in `target` instead of `source`, and the unit to print ("" for a plain count)."""
    if value < 0:
        scaled, unit = scale(-value, source, target)
        return -scaled, unit
    known = _known(source)
    if known is not None:
        family, own = known
        return family.convert(value, own, target)
    return float(value), "" if target in _UNINTERESTING else target


@lru_cache(maxsize=256)
def _known(name: str) -> tuple[_Family, _Unit] | None:
    """A unit with its family; asked again for every value of a report."""
    for family in _FAMILIES:
        own = family.find(name)
        if own is not None:
            return family, own
    return None


def same_family(left: str, right: str) -> bool:
    """Whether values in these units can be converted into each other."""
    if left == right:
        return True
    return any(family.find(left) and family.find(right) for family in _FAMILIES)


def label(value: int, source: str, target: str = "auto") -> str:
    """`value` in `target`, with its unit: "1.50MB"."""
    scaled, unit = scale(value, source, target)
    text = f"{scaled:.2f}".removesuffix(".00")
    return "0" if text in ("0", "-0") else text + unit


def percentage(value: int, total: int) -> str:
    """The share of `total`, six columns wide: "  100%", "12.50%", " 0.25%"."""
    ratio = abs(float(value) / float(total)) * 100 if total else 0.0
    if 99.95 <= ratio <= 100.05:  # noqa: PLR2004 the tool's window of "all of it"
        return "  100%"
    return f"{ratio:5.2f}%" if ratio >= 1.0 else f"{ratio:5.2g}%"


def truncated_division(value: int, divisor: int) -> int:
    """Division of integers that rounds towards zero, as Go's does."""
    quotient = abs(value) // abs(divisor)
    return quotient if (value < 0) == (divisor < 0) else -quotient
