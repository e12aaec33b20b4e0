"""Claims about the documentation: its tables are those of the code, and its examples work."""

from __future__ import annotations

import re
from pathlib import Path

from chaosmem import spec
from chaosmem.spec import reference

TEXT = Path(__file__).parents[2].joinpath("docs", "spec.md").read_text("utf-8")


def test_the_tables_are_those_of_the_code() -> None:
    assert reference.renewed(TEXT) == TEXT


def test_the_twelve_lines_are_twelve_and_work() -> None:
    example = re.search(r"```yaml\n(apiVersion.*?)```", TEXT, re.DOTALL)
    assert example is not None
    assert len(example[1].splitlines()) == 12
    assert spec.loads(example[1], name="f").warnings == ()
