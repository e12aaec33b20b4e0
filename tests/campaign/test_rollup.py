"""Claims about the roll-up: the worst wins, and what was not run is never a pass."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema

from chaosmem.campaign import reports
from chaosmem.campaign.events import AttemptEnded, AttemptPlanned, How
from chaosmem.campaign.model import Cell, Prepared
from chaosmem.campaign.page import grid
from chaosmem.campaign.rollup import Rollup, rollup, worst_code
from chaosmem.campaign.runner import Ending
from chaosmem.campaign.state import Standing
from chaosmem.errors import Exit
from chaosmem.spec.campaign import Campaign
from chaosmem.spec.model import Metadata

SCHEMA = Path(__file__).parents[1] / "report" / "data" / "junit-10.xsd"


def planned(attempt: int = 1) -> AttemptPlanned:
    return AttemptPlanned(t=10, attempt=attempt, run_id="r1", experiment="x", host="h", pid=1)


def standing(
    how: How = "finished", code: int = 0, outcome: str = "PASS", left: str = "", says: str = "s"
) -> Standing:
    ended = AttemptEnded(
        t=12.5, attempt=1, run_id="r1", how=how, exit_code=code, outcome=outcome, says=says,
        left=left,
    )  # fmt: skip
    return Standing(planned(), ended, attempts=1)


PASS, WAITING, ALIVE = standing(), Standing(), Standing(planned(), None, attempts=1)
FAIL = standing(code=1, outcome="FAIL", says="FAIL: no-oom: it was killed")
UNSURE = standing(code=3, outcome="INCONCLUSIVE")
GUARD = standing(code=4, outcome="INCONCLUSIVE")
NOT_UNDONE = standing(code=5, outcome="PASS")
NOT_RUN = standing("failed", 6, "INCONCLUSIVE", says="not run: no program './app'")
CUT = standing("cut", 3, "INCONCLUSIVE")
CUT_OPEN = standing("cut", 5, "INCONCLUSIVE", left="heap")


def campaign(many: int) -> Prepared:
    cells = tuple(
        Cell(
            index=n, name=f"x / c{n}", axes={"experiment": "x", "n": str(n)}, experiment="x",
            lock="", weight=1, seconds=1.0, base=".",
        )
        for n in range(many)
    )  # fmt: skip
    declared = Campaign(metadata=Metadata(name="m"), experiments=("x.yaml",))
    return Prepared(campaign=declared, id="20260101T000000Z-abcdef", sha256="", chaosmem="1",
                    cells=cells)  # fmt: skip


def rolled(*standings: Standing, ending: Ending | None = None) -> Rollup:
    return rollup(campaign(len(standings)), standings, ending or Ending("finished"))


ROLLED = {
    "all pass": ([PASS, PASS], "PASS", 0),
    "one fails": ([PASS, FAIL, UNSURE], "FAIL", 1),
    "one is inconclusive": ([PASS, UNSURE], "INCONCLUSIVE", 3),
    "one waits": ([PASS, WAITING], "INCONCLUSIVE", 3),
    "one could not be run": ([PASS, NOT_RUN], "INCONCLUSIVE", 3),
    "one was cut off": ([PASS, CUT], "INCONCLUSIVE", 3),
    "one still runs": ([PASS, ALIVE], "INCONCLUSIVE", 3),
    "a guard beats a fail": ([FAIL, GUARD], "FAIL", 4),
    "what is not undone beats all": ([FAIL, GUARD, CUT_OPEN], "FAIL", 5),
    "a pass that is not undone is none": ([NOT_UNDONE, PASS], "INCONCLUSIVE", 5),
    "nothing was run": ([WAITING], "INCONCLUSIVE", 3),
}


@pytest.mark.parametrize(("standings", "outcome", "code"), ROLLED.values(), ids=ROLLED)
def test_the_worst_wins(standings: list[Standing], outcome: str, code: int) -> None:
    made = rolled(*standings)
    assert (made.outcome, made.exit_code) == (outcome, code)


def test_a_campaign_that_was_stopped_has_no_pass_and_code_4() -> None:
    made = rolled(PASS, ending=Ending("stopped", "stopped by SIGTERM"))
    assert (made.outcome, made.exit_code) == ("INCONCLUSIVE", Exit.ABORTED)


@pytest.mark.parametrize("code", [2, 6, 70, -9, 137])
def test_a_code_that_is_no_verdict_counts_as_inconclusive(code: int) -> None:
    assert worst_code([0, code]) == Exit.INCONCLUSIVE


def test_no_cells_are_no_pass() -> None:
    assert worst_code([]) == Exit.INCONCLUSIVE


def test_what_it_says_counts_every_cell() -> None:
    says = rolled(PASS, FAIL, UNSURE, WAITING, WAITING, NOT_RUN, CUT_OPEN).says
    assert says == (
        "1 of 7 cells pass; 1 FAIL: x / c1; 1 not undone: x / c6; 1 INCONCLUSIVE; 2 waiting;"
        " 1 not run; 1 cut off"
    )


def test_a_row_leads_to_its_runs_page_and_says_how_long_it_took() -> None:
    row = rolled(PASS).rows[0]
    assert row.report == "../../../x/r1/report.html"
    assert row.seconds == 2.5


def test_a_cell_without_a_verdict_leads_nowhere() -> None:
    assert [row.report for row in rolled(WAITING, CUT, NOT_RUN).rows] == ["", "", ""]


# --- the readers


EVERY = rolled(PASS, FAIL, UNSURE, WAITING, NOT_RUN, CUT_OPEN, GUARD)


def test_junit_is_valid_and_has_a_red_case_for_whatever_did_not_pass() -> None:
    data = reports.render("junit", EVERY)
    xmlschema.XMLSchema(SCHEMA).validate(data.decode().partition("?>")[2].strip())
    root = ET.fromstring(data)  # noqa: S314 - our own
    red = [c.get("name") for c in root.iter("testcase") if c.find("failure") is not None
           or c.find("error") is not None]  # fmt: skip
    assert red == [f"x / c{n}" for n in range(1, 7)]
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("7", "1", "5")


def test_junit_of_a_stopped_campaign_is_red_although_its_cells_pass() -> None:
    data = reports.render("junit", rolled(PASS, ending=Ending("stopped", "by SIGINT")))
    assert ET.fromstring(data).get("errors") == "1"  # noqa: S314 - our own


def test_json_has_every_cell_with_its_code() -> None:
    made = json.loads(reports.render("json", EVERY))
    assert [row["exit_code"] for row in made["rows"]] == [0, 1, 3, 3, 6, 5, 4]
    assert (made["format"], made["exit_code"]) == (1, 5)


def test_text_ends_with_the_answer() -> None:
    last = reports.render("text", EVERY).decode().splitlines()[-2:]
    assert last[0].startswith("FAIL  m: 1 of 7 cells pass; 1 FAIL: x / c1;")
    assert "exit code 5" in last[1]


def test_markdown_keeps_text_text() -> None:
    evil = standing(code=1, outcome="FAIL", says="FAIL: <b>|x| `y` [z](http://e)")
    made = reports.render("markdown", rolled(evil)).decode()
    assert "&lt;b>\\|x\\| \\`y\\` \\[z\\](http://e)" in made


def test_the_page_escapes_what_it_shows_and_runs_no_script() -> None:
    evil = standing(code=1, outcome="FAIL", says="FAIL: <script>alert(1)</script>")
    made = reports.render("html", rolled(evil)).decode()
    assert "<script" not in made
    assert "&lt;script&gt;alert(1)" in made
    assert "default-src &#39;none&#39;; style-src &#39;sha256-" in made


def test_the_matrix_has_targets_and_arms_across_and_the_rest_down() -> None:
    cells = [
        {"experiment": e, "target": t, "n": n} for e in "ab" for t in ("s", "t") for n in ("1", "2")
    ]
    prepared = campaign(len(cells))
    named = tuple(
        c.model_copy(update={"axes": axes}) for c, axes in zip(prepared.cells, cells, strict=True)
    )
    rows = rollup(
        prepared.model_copy(update={"cells": named}), [PASS] * len(cells), Ending("finished")
    ).rows
    made = grid(rows)
    assert made.columns == ("s", "t")
    assert [name for name, _ in made.lines] == ["a, n = 1", "a, n = 2", "b, n = 1", "b, n = 2"]
    assert [[len(at) for at in line] for _, line in made.lines] == [[1, 1]] * 4
