"""Claims about quantities: what is read, what is refused and how, and that nothing is lost."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosmem import units

MIB = 2**20


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("64MiB", 64 * MIB),
        ("64Mi", 64 * MIB),
        ("64M", 64_000_000),
        ("1G", 10**9),
        ("100k", 100_000),
        ("1.5GiB", 1536 * MIB),
        ("0.1Gi", 107_374_183),  # Kubernetes rounds up
        ("1E", 10**18),
        ("12e6", 12_000_000),
        ("1E3", 1000),
        ("64 MiB", 64 * MIB),
        ("1000", 1000),
        ("0", 0),
        (4096, 4096),
        (4096.0, 4096),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_bytes_are_read_in_go_and_kubernetes_forms(text: object, count: int) -> None:
    assert units.parse_bytes(text) == count


@pytest.mark.parametrize(
    ("parse", "text", "seconds"),
    [
        (units.parse_duration, "1m30s", 90.0),
        (units.parse_duration, "100ms", 0.1),
        (units.parse_duration, "1.5h", 5400.0),
        (units.parse_duration, "1h0m0s", 3600.0),
        (units.parse_duration, "850us", 0.00085),
        (units.parse_duration, "850µs", 0.00085),
        (units.parse_duration, "0", 0.0),
        (units.parse_duration, "0s", 0.0),
        (units.parse_duration, 2.5, 2.5),
        (units.parse_percent, "80%", 0.8),
        (units.parse_percent, "2.5 %", 0.025),
        (units.parse_percent, "0.8", 0.8),
        (units.parse_percent, 0.8, 0.8),
        (units.parse_percent, 1, 1.0),
        (units.parse_byte_rate, "8MiB/s", 8.0 * MIB),
        (units.parse_byte_rate, "60Mi/m", 1.0 * MIB),
        (units.parse_byte_rate, "1k/s", 1000.0),
        (units.parse_frequency, "10/s", 10.0),
        (units.parse_frequency, "10Hz", 10.0),
        (units.parse_frequency, "120/m", 2.0),
        (units.parse_frequency, "0.5 / s", 0.5),
    ],
)
def test_other_quantities_are_read_exactly(
    parse: Callable[[object], float], text: object, seconds: float
) -> None:
    assert parse(text) == seconds


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (
            units.parse_bytes,
            "80m",
            (
                "'80m' is 80 thousandths of a byte (Kubernetes reads `m` as milli);"
                " write 80MiB or 80Mi"
            ),
        ),
        (
            units.parse_bytes,
            "100MB",
            (
                "'100MB' is ambiguous: MB is no unit of Go (in GOMEMLIMIT it is fatal) nor of"
                " Kubernetes; write 100MiB (powers of 1024) or 100M (powers of 1000)"
            ),
        ),
        (units.parse_bytes, "64K", "'64K': K is no unit; write 64KiB (1024) or 64k (1000)"),
        (
            units.parse_bytes,
            "64mib",
            "'64mib': mib is no unit (capitals matter); write 64MiB",
        ),
        (
            units.parse_bytes,
            "5 apples",
            "'5 apples': apples is no unit of memory; write KiB, MiB, GiB, Ki, Mi, Gi, k, M or G",
        ),
        (units.parse_bytes, "lots", "'lots' is no amount of memory; write for example 64MiB"),
        (units.parse_bytes, "", "'' is no amount of memory; write for example 64MiB"),
        (units.parse_bytes, None, "None is no amount of memory; write for example 64MiB"),
        (units.parse_bytes, True, "True is no amount of memory; write for example 64MiB"),
        (units.parse_bytes, math.nan, "nan is no amount of memory; write for example 64MiB"),
        (units.parse_bytes, 1.5, "1.5 is no whole number of bytes; write for example 64MiB"),
        (units.parse_bytes, "-5MiB", "'-5MiB' is negative, and an amount of memory cannot be"),
        (units.parse_bytes, -5, "-5 is negative, and an amount of memory cannot be"),
        (units.parse_bytes, "8EiB", "'8EiB' is more than 8EiB-1, the most that Go can count"),
        (units.parse_duration, "5", "'5' has no unit of time; write 5s or 5ms"),
        (units.parse_duration, "1d", "'1d': d is no unit of time; write 24h"),
        (units.parse_duration, "5sec", "'5sec': sec is no unit of time; write 5s"),
        (units.parse_duration, "5x", "'5x': x is no unit of time; write h, m, s, ms, us or ns"),
        (
            units.parse_duration,
            "1m 30s",
            "'1m 30s' is no length of time; write for example 5s, 100ms or 1m30s",
        ),
        (units.parse_duration, "-5s", "'-5s' is negative, and a length of time cannot be"),
        (
            units.parse_duration,
            "9999999999s",
            "'9999999999s' is more than 292 years, the most that Go can count",
        ),
        (
            units.parse_percent,
            80,
            "80 is more than the whole; write 80% or a number from 0 to 1",
        ),
        (units.parse_percent, "180%", "'180%' is more than the whole; write at most 100%"),
        (units.parse_percent, "half", "'half' is no share; write for example 80% or 0.8"),
        (units.parse_percent, "-1%", "'-1%' is negative, and a share cannot be"),
        (units.parse_byte_rate, "8MiB", "'8MiB' has no time; write 8MiB/s"),
        (
            units.parse_byte_rate,
            "8MiB/fortnight",
            ("'8MiB/fortnight': cannot read /fortnight; write 8MiB/s"),
        ),
        (units.parse_frequency, "10", "'10' has no time; write 10/s"),
        (
            units.parse_frequency,
            "often",
            ("'often' is no rate; write for example 10/s, 100/m or 10Hz"),
        ),
        (
            units.parse_frequency,
            "0/s",
            "'0/s' must be above 0, at most 1000000000/s; write for example 10/s",
        ),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_to_write(
    parse: Callable[[object], float], text: object, message: str
) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared below
        parse(text)
    assert str(caught.value) == message


def test_what_a_refusal_says_to_write_is_accepted() -> None:
    assert units.parse_bytes("80MiB") == units.parse_bytes("80Mi") == 80 * MIB
    assert units.parse_bytes("100M") == 100_000_000
    assert units.parse_duration("24h") == 86_400


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (units.format_bytes(64 * MIB), "64MiB"),
        (units.format_bytes(1000), "1000B"),
        (units.format_bytes(1536), "1536B"),
        (units.format_bytes(0), "0B"),
        (units.format_bytes(2**60), "1EiB"),
        (units.format_duration(90), "1m30s"),
        (units.format_duration(0.1), "100ms"),
        (units.format_duration(3600), "1h"),
        (units.format_duration(0), "0s"),
        (units.format_duration(61.25), "1m1.25s"),
        (units.format_duration(0.0000015), "1.5us"),
        (units.format_duration(2e-9), "2ns"),
        (units.format_percent(0.8), "80%"),
        (units.format_percent(0.07), "7%"),
        (units.format_byte_rate(8 * MIB), "8MiB/s"),
        (units.format_byte_rate(0.5), "0.5B/s"),
        (units.format_frequency(10.0), "10/s"),
        (units.format_frequency(0.1), "0.1/s"),
        (units.human_bytes(64 * MIB), "64.0 MiB"),
        (units.human_bytes(-1536), "-1.5 KiB"),
        (units.human_bytes(12), "12 B"),
        (units.human_seconds(4.2123), "4.21 s"),
        (units.human_seconds(0.012), "12 ms"),
        (units.human_seconds(0.00085), "850 µs"),
        (units.human_seconds(0.99996), "1 s"),
        (units.human_seconds(125), "2 min 5 s"),
        (units.human_seconds(0), "0 s"),
    ],
)
def test_quantities_are_shown_as_people_write_them(shown: str, text: str) -> None:
    assert shown == text


@given(st.integers(0, 2**63 - 1))
def test_bytes_survive_being_written(count: int) -> None:
    assert units.parse_bytes(units.format_bytes(count)) == count


@given(st.floats(0, 9e9))
def test_durations_survive_being_written(seconds: float) -> None:
    kept = units.parse_duration(seconds)
    assert kept == pytest.approx(seconds, abs=1e-9)
    assert units.parse_duration(units.format_duration(kept)) == kept


@given(st.floats(0, 1))
def test_shares_survive_being_written(share: float) -> None:
    assert units.parse_percent(units.format_percent(share)) == share


@given(st.floats(0, 9e18))
def test_byte_rates_survive_being_written(rate: float) -> None:
    assert units.parse_byte_rate(units.format_byte_rate(rate)) == rate


@given(st.floats(0, 1e9, exclude_min=True))
def test_frequencies_survive_being_written(rate: float) -> None:
    assert units.parse_frequency(units.format_frequency(rate)) == rate


@given(st.text(max_size=20) | st.from_regex(r"\A[0-9.]{1,4}[a-zA-Zµ%/ ]{0,4}\Z"))
def test_any_text_is_read_or_refused_as_a_value_error(text: str) -> None:
    for parse in (
        units.parse_bytes,
        units.parse_duration,
        units.parse_percent,
        units.parse_byte_rate,
        units.parse_frequency,
    ):
        outcome = _read(parse, text)
        assert outcome if isinstance(outcome, str) else outcome >= 0


def _read(parse: Callable[[object], float], text: str) -> float | str:
    try:
        return parse(text)
    except ValueError as error:
        return str(error)
