"""`history`, `baseline` and `trend`, as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chaosmem.errors import Exit
from chaosmem.verify.model import Outcome
from tests.history import build

MAIN = (
    "from chaosmem.cli import app, months; months.add(app.app);"
    "import chaosmem.__main__ as m; m.main()"
)
STEADY = [2.0, 2.1, 1.9, 2.05, 1.95, 2.02, 1.98, 2.03]


@dataclass
class Said:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Place:
    base: Path
    db: str

    def call(self, *words: str, **env: str) -> Said:
        known = {k: v for k, v in os.environ.items() if not k.startswith("CHAOSMEM_")}
        done = subprocess.run(
            [sys.executable, "-c", MAIN, *words], cwd=self.base, capture_output=True, text=True,
            env=known | {"CHAOSMEM_DB": self.db, "USER": "ann"} | env, check=False,
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def place(tmp_path: Path, db: str) -> Place:
    build.months(tmp_path / "runs", STEADY)
    return Place(tmp_path, db)


def test_from_import_to_a_comparison_that_fails(place: Place) -> None:
    assert place.call("history", "import", "--all", "runs").out.count("added") == 8
    assert place.call("history", "import", "--all", "runs").out.count("unchanged") == 8
    assert len(place.call("history", "list", "--json").json()) == 8

    build.directory(place.base / "runs", 20, [build.finding(9.0)])
    assert place.call("baseline", "compare", "latest").code == Exit.INCONCLUSIVE
    ids = [build.run_id(n) for n in range(8)]
    assert "revision 1: 8 runs, not approved" in place.call("baseline", "record", *ids).out
    said = place.call("baseline", "compare", build.run_id(20))
    assert (said.code, "not approved" in said.out) == (Exit.INCONCLUSIVE, True)
    assert "by bob" in place.call("baseline", "approve", "cart", "--by", "bob").out

    bad = place.call("baseline", "compare", build.run_id(20), "--json")
    assert (bad.code, bad.json()["outcome"]) == (Exit.FAIL, "FAIL")
    assert bad.json()["findings"][0]["numbers"]["runs"]["value"] == 8.0
    good = place.call("baseline", "compare", build.run_id(3))
    assert (good.code, "PASS  cart" in good.out) == (Exit.PASS, True)
    assert "cart/default, revision 1" in place.call("baseline", "list").out
    assert place.call("baseline", "show", "cart", "--json").json()[0]["approved_by"] == "bob"

    pruned = place.call("history", "prune", "--keep", "0", "--dry-run")
    assert (pruned.out.count("would go"), pruned.out.count("a baseline uses it")) == (0, 8)


def test_a_regression_is_dated_to_its_version(place: Place) -> None:
    for n in range(8, 16):
        build.directory(place.base / "runs", n, [build.finding(STEADY[n - 8] + 2)])
    for version, start in (("v1", 0), ("v2", 8)):
        ids = [build.run_id(n) for n in range(start, start + 8)]
        assert place.call("history", "import", *ids, "--fact", f"version={version}").code == 0
    said = place.call("trend", "goroutine-recovery")
    since = f"regressed since {build.run_id(8)}; version: v1 -> v2"
    first = f"FAIL  goroutine-recovery default demo: {since}"
    assert (said.code, said.out.splitlines()[0]) == (Exit.PASS, first)
    assert "▁" in said.out
    assert place.call("trend", "goroutine-recovery", "--gate").code == Exit.FAIL
    (found,) = place.call("trend", "goroutine-recovery", "--json").json()["trends"]
    assert found["moved"][0]["run_id"] == build.run_id(8)
    assert len(found["points"]) == 16
    assert "goroutine-recovery" in place.call("trend", "absent").err


def test_another_spec_is_left_out_of_a_trend_unless_asked_for(place: Place) -> None:
    build.directory(place.base / "runs", 9, [build.finding(2.0)], sha="cd" * 32, hold=20.0)
    place.call("history", "import", "--all", "runs")
    said = place.call("trend", "goroutine-recovery").out
    assert "8 runs of spec abababababab are left out" in said
    assert 'phases.hold: "8s" -> "20s"' in said
    joined = place.call("trend", "goroutine-recovery", "--across-specs", "--json").json()
    assert len(joined["trends"][0]["points"]) == 9


def test_a_run_in_the_history_is_shown(place: Place) -> None:
    place.call("history", "import", build.run_id(0))
    said = place.call("history", "show", "latest")
    for words in ("PASS  cart", "target.go", "goroutine-recovery", "because", "2 s"):
        assert words in said.out
    assert place.call("history", "show", "latest", "--json").json()["spec"]["phases"]


def test_a_damaged_run_is_refused_and_the_others_are_taken(place: Place) -> None:
    (place.base / "runs" / "cart" / build.run_id(0) / "plan.json").write_text("{")
    said = place.call("history", "import", "--all", "runs")
    assert (said.code, said.out.count("added")) == (Exit.INCONCLUSIVE, 7)
    assert f"{build.run_id(0)}: the plan cannot be read" in said.err


def test_looking_makes_no_history(tmp_path: Path) -> None:
    place = Place(tmp_path, str(tmp_path / "absent" / "h.db"))
    for words in (
        ["history", "list"],
        ["trend", "x"],
        ["baseline", "list"],
        ["history", "show", "x"],
    ):
        said = place.call(*words)
        assert (said.code, "there is no history" in said.err) == (Exit.USAGE, True), words
    assert not (tmp_path / "absent").exists()


def test_help_imports_no_database(tmp_path: Path) -> None:
    code = (
        "import sys; from chaosmem.cli import app, months; months.add(app.app)\n"
        "try: app.app(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'sqlalchemy', 'alembic', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


def test_list_and_trend_do_not_import_the_verifier(tmp_path: Path) -> None:
    code = (
        "import sys; from chaosmem.history import overview, queries, text, store\n"
        "print(sorted({'numpy', 'pydantic', 'alembic', 'chaosmem.verify'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    "words",
    [
        ["history", "prune"],
        ["history", "prune", "--older-than", "soon"],
        ["history", "list", "--since", "yesterday"],
        ["history", "import"],
        ["history", "import", "latest", "--fact", "version"],
        ["baseline", "approve", "absent", "--by", "ann"],
        ["baseline", "show", "absent"],
    ],
)
def test_what_cannot_be_asked_has_a_hint(tmp_path: Path, words: list[str]) -> None:
    build.months(tmp_path / "runs", [2.0])
    place = Place(tmp_path, str(tmp_path / "h.db"))
    assert place.call("history", "import", "--all", "runs").code == 0
    said = place.call(*words)
    assert (said.code, "hint:" in said.err) == (Exit.USAGE, True), said.err


def test_a_list_says_what_it_leaves_out(tmp_path: Path) -> None:
    build.months(tmp_path / "runs", STEADY)
    build.directory(tmp_path / "runs", 8, [build.finding(9.0, outcome=Outcome.FAIL)])
    place = Place(tmp_path, str(tmp_path / "h.db"))
    place.call("history", "import", "--all", "runs")
    said = place.call("history", "list", "--limit", "2")
    assert said.out.count("\n") == 2
    assert "2 of 9 runs" in said.err
    assert len(place.call("history", "list", "--outcome", "fail", "--json").json()) == 1
