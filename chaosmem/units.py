"""Quantities as people write them: bytes, durations, shares, rates; exact in, exact out.

Every `parse_*` accepts the written form or a plain number already in the unit that chaosmem
calculates in (bytes, seconds, 0..1, bytes a second, times a second), and raises `ValueError` that
says what is wrong and what to write instead. Every `format_*` writes the shortest form that
`parse_*` reads back to the very same number. `human_*` round, for eyes only.

Written forms: Go's (`64MiB`, `1m30s`: runtime `GOMEMLIMIT`, `time.ParseDuration`), Kubernetes'
(`64Mi`, `64M`, `1G`, `12e6`: resource.Quantity), and percent.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Final

_BINARY: Final = {p: 1024 ** (i + 1) for i, p in enumerate("KMGTPE")}
_DECIMAL: Final = {p: 1000 ** (i + 1) for i, p in enumerate("kMGTPE")}
_BYTE_UNITS: Final[dict[str, int]] = (
    {"": 1, "B": 1}
    | {f"{p}iB": n for p, n in _BINARY.items()}
    | {f"{p}i": n for p, n in _BINARY.items()}
    | _DECIMAL
)
_TIME_UNITS: Final[dict[str, Fraction]] = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),  # U+00B5, as Go prints it
    "μs": Fraction(1, 10**6),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}
_PER: Final = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600}
_MAX_BYTES: Final = 2**63 - 1  # Go's int64, in which GOMEMLIMIT is kept
_MAX_SECONDS: Final = 9_223_372_036  # Go's int64 of nanoseconds, 292 years

_NUMBER: Final = r"(?:\d{1,20}(?:\.\d{0,400})?|\.\d{1,400})"
_AMOUNT: Final = re.compile(rf"(?P<number>{_NUMBER}(?:[eE][+-]?\d{{1,2}})?)\s?(?P<unit>[A-Za-z]*)")
_STEP: Final = re.compile(rf"({_NUMBER})([a-zµμ]+)")
_PERCENT: Final = re.compile(rf"({_NUMBER})\s?%")
_FREQUENCY: Final = re.compile(rf"({_NUMBER})\s?(?:(?P<hz>Hz)|/\s?(?P<per>[a-z]+))")


def _plain(value: object) -> Fraction | None:
    """The number itself where `value` is one (finite, and no bool), else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Fraction(value) if math.isfinite(value) else None


def _text(value: object, what: str, example: str) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise ValueError(f"{value!r} is no {what}; write for example {example}")


def _not_negative(text: object, what: str) -> None:
    if str(text).strip().startswith("-"):
        raise ValueError(f"{text!r} is negative, and {what} cannot be")


def _decimal(number: Fraction) -> str:
    """`number`, which has a finite decimal expansion, without exponent."""
    whole, rest = divmod(number, 1)
    if not rest:
        return str(whole)
    digits = 0
    while rest.denominator != 1:
        rest *= 10
        digits += 1
    return f"{whole}.{rest.numerator:0{digits}d}"


def _shortest(value: float) -> Fraction:
    """The shortest decimal that reads back as `value` (what `repr` prints), as a fraction."""
    return Fraction(repr(float(value)))


def parse_bytes(value: object) -> int:
    """Bytes of `64MiB`, `64Mi`, `64M`, `1.5GiB`, `12e6` or a whole number; parts are rounded up.

    Rounding up is what Kubernetes does with `0.1Gi`. At most 2**63-1 (Go's int64).
    """
    number = _plain(value)
    if number is None:
        number = _amount(_text(value, "amount of memory", "64MiB"))
    elif number.denominator != 1:
        raise ValueError(f"{value!r} is no whole number of bytes; write for example 64MiB")
    _not_negative(value, "an amount of memory")
    if number > _MAX_BYTES:
        raise ValueError(f"{value!r} is more than 8EiB-1, the most that Go can count")
    return math.ceil(number)


def _amount(text: str) -> Fraction:
    _not_negative(text, "an amount of memory")
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no amount of memory; write for example 64MiB")
    number, unit = match["number"], match["unit"]
    if unit not in _BYTE_UNITS:
        raise ValueError(_unknown_byte_unit(text, number, unit))
    return Fraction(number) * _BYTE_UNITS[unit]


def _unknown_byte_unit(text: str, number: str, unit: str) -> str:
    if unit == "m":
        return (
            f"{text!r} is {number} thousandths of a byte (Kubernetes reads `m` as milli);"
            f" write {number}MiB or {number}Mi"
        )
    if re.fullmatch("[kKMGTPE]B", unit):
        letter = unit[0]
        return (
            f"{text!r} is ambiguous: {unit} is no unit of Go (in GOMEMLIMIT it is fatal) nor of"
            f" Kubernetes; write {number}{letter.upper()}iB (powers of 1024) or"
            f" {number}{'k' if letter in 'kK' else letter} (powers of 1000)"
        )
    if unit == "K":
        return f"{text!r}: K is no unit; write {number}KiB (1024) or {number}k (1000)"
    if re.fullmatch("(?:[kmgtpe]ib?|[kmgtpe]b?|b)", unit, re.IGNORECASE):
        letter = unit[0].upper()
        mended = "B" if letter == "B" else f"{letter}iB"
        return f"{text!r}: {unit} is no unit (capitals matter); write {number}{mended}"
    return f"{text!r}: {unit} is no unit of memory; write KiB, MiB, GiB, Ki, Mi, Gi, k, M or G"


def format_bytes(value: int) -> str:
    """`value` in the largest binary unit that divides it exactly: `64MiB`, `1000B`."""
    if value:
        for prefix, size in reversed(_BINARY.items()):
            if value % size == 0:
                return f"{value // size}{prefix}iB"
    return f"{value}B"


def parse_duration(value: object) -> float:
    """Seconds of Go's `1m30s`, `100ms`, `1.5h`, `0`, or of a number; rounded to nanoseconds."""
    number = _plain(value)
    if number is None:
        number = _duration(_text(value, "length of time", "5s"))
    _not_negative(value, "a length of time")
    if number > _MAX_SECONDS:
        raise ValueError(f"{value!r} is more than 292 years, the most that Go can count")
    return round(number * 10**9) / 10**9


def _duration(text: str) -> Fraction:
    if text == "0":
        return Fraction(0)
    _not_negative(text, "a length of time")
    if re.fullmatch(_NUMBER, text):
        raise ValueError(f"{text!r} has no unit of time; write {text}s or {text}ms")
    steps = _STEP.findall(text)
    if "".join(number + unit for number, unit in steps) != text:
        raise ValueError(f"{text!r} is no length of time; write for example 5s, 100ms or 1m30s")
    return sum((_step(text, number, unit) for number, unit in steps), Fraction(0))


def _step(text: str, number: str, unit: str) -> Fraction:
    if unit in _TIME_UNITS:
        return Fraction(number) * _TIME_UNITS[unit]
    mended = {"d": "h", "sec": "s", "secs": "s", "min": "m", "mins": "m", "msec": "ms"}.get(unit)
    if unit == "d":
        number = _decimal(Fraction(number) * 24)
    hint = f"write {number}{mended}" if mended else "write h, m, s, ms, us or ns"
    raise ValueError(f"{text!r}: {unit} is no unit of time; {hint}")


def format_duration(seconds: float) -> str:
    """`seconds` as Go writes it, without empty parts: `1m30s`, `100ms`, `1h`, `0s`."""
    nanos = round(Fraction(seconds) * 10**9)
    if 0 < nanos < 10**9:
        unit, size = ("ms", 10**6) if nanos >= 10**6 else ("us", 1000)
        unit, size = (unit, size) if nanos >= size else ("ns", 1)
        return f"{_decimal(Fraction(nanos, size))}{unit}"
    minutes, nanos = divmod(nanos, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    rest = f"{_decimal(Fraction(nanos, 10**9))}s" if nanos or not (hours or minutes) else ""
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if minutes else "") + rest


def parse_percent(value: object) -> float:
    """A share 0..1 of `80%`, `0.8` or a number 0..1."""
    number = _plain(value)
    if number is None:
        text = _text(value, "share", "80%")
        _not_negative(text, "a share")
        number = _percent(text)
    _not_negative(value, "a share")
    if number > 1:
        if isinstance(value, str) and value.strip().endswith("%"):
            raise ValueError(f"{value!r} is more than the whole; write at most 100%")
        raise ValueError(
            f"{value!r} is more than the whole; write {value}% or a number from 0 to 1"
        )
    return float(number)


def _percent(text: str) -> Fraction:
    match = _PERCENT.fullmatch(text)
    if match:
        return Fraction(match[1]) / 100
    if re.fullmatch(_NUMBER, text):
        return Fraction(text)
    raise ValueError(f"{text!r} is no share; write for example 80% or 0.8")


def format_percent(share: float) -> str:
    """`share` (0..1) as percent: `80%`, `2.5%`."""
    return f"{_decimal(_shortest(share) * 100)}%"


def parse_byte_rate(value: object) -> float:
    """Bytes a second of `8MiB/s`, `1Gi/m` or a number."""
    number = _plain(value)
    if number is None:
        number = _byte_rate(_text(value, "rate of memory", "8MiB/s"))
    _not_negative(value, "a rate")
    if number > _MAX_BYTES:
        raise ValueError(f"{value!r} is more than 8EiB/s")
    return float(number)


def _byte_rate(text: str) -> Fraction:
    amount, slash, per = (part.strip() for part in text.partition("/"))
    if not slash:
        raise ValueError(f"{text!r} has no time; write {text}/s")
    if per not in _PER:
        raise ValueError(f"{text!r}: cannot read /{per}; write {amount}/s")
    return _amount(amount) / _PER[per]


def format_byte_rate(rate: float) -> str:
    """`rate` in bytes a second: `8MiB/s`, `0.5B/s`."""
    if float(rate).is_integer():
        return f"{format_bytes(int(rate))}/s"
    return f"{_decimal(_shortest(rate))}B/s"


def parse_frequency(value: object) -> float:
    """Times a second, above 0, of `10/s`, `10Hz`, `100/m` or a number."""
    number = _plain(value)
    if number is None:
        number = _frequency(_text(value, "rate", "10/s"))
    _not_negative(value, "a rate")
    if not 0 < number <= 10**9:
        raise ValueError(f"{value!r} must be above 0, at most 1000000000/s; write for example 10/s")
    return float(number)


def _frequency(text: str) -> Fraction:
    _not_negative(text, "a rate")
    if re.fullmatch(_NUMBER, text):
        raise ValueError(f"{text!r} has no time; write {text}/s")
    match = _FREQUENCY.fullmatch(text)
    if match is None or (match["per"] or "s") not in _PER:
        raise ValueError(f"{text!r} is no rate; write for example 10/s, 100/m or 10Hz")
    return Fraction(match[1]) / _PER[match["per"] or "s"]


def format_frequency(rate: float) -> str:
    """`rate` in times a second: `10/s`, `0.5/s`."""
    return f"{_decimal(_shortest(rate))}/s"


def human_bytes(value: float) -> str:
    """`value` to one decimal in the largest binary unit below: `64.0 MiB`, `-1.5 KiB`, `12 B`."""
    for prefix, size in reversed(_BINARY.items()):
        if abs(value) >= size:
            return f"{value / size:.1f} {prefix}iB"
    return f"{value:.0f} B"


def human_seconds(value: float) -> str:
    """`value` to three digits: `4.21 s`, `12 ms`, `850 µs`, `2 min 5 s`."""
    size = abs(value)
    if size >= 2 * 60 - 0.5:
        minutes, seconds = divmod(round(size), 60)
        return f"{'-' if value < 0 else ''}{minutes} min {seconds} s"
    # What would round to 1000 of the smaller unit is written in the larger one.
    for unit, scale in (("s", 1), ("ms", 1000)):
        if round(size * scale, 3) >= 1 or not size:
            return f"{value * scale:.3g} {unit}"
    return f"{value * 10**6:.3g} µs"
