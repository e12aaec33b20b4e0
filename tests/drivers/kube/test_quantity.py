"""Quantities mean exactly what Kubernetes means by them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from chaosmem.drivers.kube.quantity import bytes_of, parse_quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("128Mi", 128 * 2**20),
        ("64M", 64 * 10**6),
        ("1.5Gi", 3 * 2**29),
        ("1k", 1000),
        ("1Ki", 1024),
        ("12e6", 12 * 10**6),
        ("12E6", 12 * 10**6),
        ("2E", 2 * 10**18),
        ("2Ei", 2 * 2**60),
        ("128974848000m", 128974848),
        ("1e-3", Fraction(1, 1000)),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("+1", 1),
        ("-1", -1),
        ("1n", Fraction(1, 10**9)),
        ("1u", Fraction(1, 10**6)),
    ],
)
def test_a_quantity_is_read_exactly(text: str, value: Fraction) -> None:
    assert parse_quantity(text) == value


def test_parts_of_a_byte_are_rounded_up() -> None:
    assert bytes_of("0.1Gi") == 107374183
    assert bytes_of("1500m") == 2


@pytest.mark.parametrize(
    "text", ["", " ", "64MiB", "64 Mi", "1K", "e3", "Mi", "1e", "0x10", "1E3E"]
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no Kubernetes quantity"):
        parse_quantity(text)
