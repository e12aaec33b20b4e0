"""Tables of samples: rows in, rows out, torn tails left out."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosmem.errors import FormatError
from chaosmem.rundir.columns import TableWriter, decode

ROWS = [[0.0, 0.5, 7.0], [1.0, 0.25, math.nan]]


@pytest.fixture
def written(tmp_path: Path) -> bytes:
    table = TableWriter(tmp_path / "deep" / "x.col", ("t", "u", "goroutines.count@v1"))
    for row in ROWS:
        table.add(row)
    table.close()
    return (tmp_path / "deep" / "x.col").read_bytes()


def test_rows_come_back_bit_for_bit(written: bytes) -> None:
    table = decode(written)
    assert table.columns == ("t", "u", "goroutines.count@v1")
    np.testing.assert_array_equal(table.rows, ROWS)
    assert list(table.column("u")) == [0.5, 0.25]


@pytest.mark.parametrize("missing", range(1, 24))
def test_a_torn_last_row_is_left_out(written: bytes, missing: int) -> None:
    assert len(decode(written[:-missing]).rows) == 1


@pytest.mark.parametrize(
    "data",
    [b"", b"\n", b"chaosmem-columns/1 {}\n", b"chaosmem-columns/1 nonsense\n", b"other\n12345678"],
    ids=["empty", "bare newline", "no columns", "no JSON", "other magic"],
)
def test_what_is_no_table_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        decode(data)


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(data: bytes) -> None:
    try:
        table = decode(b"chaosmem-columns/1 " + data)
    except FormatError:
        return
    assert table.rows.shape[1] >= 1
