"""Kubernetes' quantities, exact: `128Mi`, `1.5G`, `100m`, `1e3`, `12E6`, `2E` (exa)."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Final

_SUFFIXES: Final[dict[str, Fraction]] = (
    {"": Fraction(1), "n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000)}
    | {p: Fraction(1000 ** (i + 1)) for i, p in enumerate("kMGTPE")}
    | {f"{p}i": Fraction(1024 ** (i + 1)) for i, p in enumerate("KMGTPE")}
)
# An exponent is e or E with digits behind it; an E with nothing behind it is exa.
_FORM: Final = re.compile(
    r"(?P<number>[+-]?(?:\d{1,40}\.?\d{0,40}|\.\d{1,40}))"
    r"(?:[eE](?P<exponent>[+-]?\d{1,3})|(?P<suffix>[numkMGTPE]|[KMGTPE]i|))"
)


def parse_quantity(text: str) -> Fraction:
    """The exact value; ValueError where `text` is no quantity.

    Grammar: k8s.io/apimachinery/pkg/api/resource, `Quantity`.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no Kubernetes quantity")
    number = Fraction(match["number"])
    if match["exponent"] is not None:
        return number * Fraction(10) ** int(match["exponent"])
    return number * _SUFFIXES[match["suffix"]]


def bytes_of(text: str) -> int:
    """Whole bytes, rounded up as Kubernetes does."""
    return math.ceil(parse_quantity(text))
