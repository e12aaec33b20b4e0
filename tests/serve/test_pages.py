"""What the pages show of runs and of the history."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import pytest

from chaosmem.history import baselines, database, reading, store
from chaosmem.history.baselines import Act
from chaosmem.history.model import Level
from chaosmem.rundir import RunDir, events, layout
from chaosmem.rundir.journal import encode
from chaosmem.serve.compare import judged
from chaosmem.verify.model import Outcome
from tests.history.build import directory, finding, months, run_id
from tests.serve.conftest import Visit, Visitor
from tests.serve.stage import Staged, killed, promise

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202e\x1b[31m\"'&"
NOW = "2026-11-25T00:00:00.000000Z"


def remember(db: str, runs: Sequence[RunDir], *, approve: bool = False) -> None:
    """Import them; with `approve` the first twelve are the baseline in force."""
    with database.opened(f"sqlite:///{db}") as history:
        read = [reading.read(run) for run in runs]
        for run in read:
            store.put(history, run, NOW)
        if approve:
            baselines.record(history, "default", read[:12], Act("ann", NOW, "<b>since 1.4</b>"))
            baselines.approve(history, "cart", "default", Act("ann", NOW, ""))


def listed(visitor: Visitor, query: str = "") -> list[str]:
    """Ids in the list, in its order."""
    link = r'<a href="/(?:runs/[^/]+|history)/([^"/]+)(?:/live)?">'
    return re.findall(link, visitor.get(f"/{query}").text)


def test_runs_are_listed_newest_first(visit: Visit, base: Path) -> None:
    months(base, [2.0, 2.1, 2.2])
    assert listed(visit()) == [run_id(2), run_id(1), run_id(0)]


def test_a_run_in_progress_stands_on_top_with_its_phase(visit: Visit, base: Path) -> None:
    run = Staged(base, "zoo", run_id="20200101T000000Z-abcdef")
    run.begin()
    months(base, [2.0])
    text = visit().get("/").text
    assert listed(visit())[0] == run.dir.run_id
    assert f'href="{run.url}/live"' in text
    assert "running" in text[text.index("In progress") : text.index(run_id(0))]


def test_the_list_is_filtered(visit: Visit, base: Path) -> None:
    directory(base, 0, [finding()])
    directory(base, 1, [finding(outcome=Outcome.FAIL)])
    directory(base, 2, [finding()], name="search")
    directory(base, 3, [finding()], verdict=False)
    killed(base)
    visitor = visit()
    assert len(listed(visitor)) == 5
    assert listed(visitor, "?experiment=search") == [run_id(2)]
    assert listed(visitor, "?outcome=FAIL") == [run_id(1)]
    assert listed(visitor, "?outcome=not+judged") == [run_id(3)]
    assert len(listed(visitor, "?outcome=killed")) == 1
    assert listed(visitor, "?since=2025-01-20&until=2025-02-01") == [run_id(1)]
    assert listed(visitor, "?text=EARCH") == [run_id(2)]
    assert listed(visitor, "?experiment=nope") == []


def test_a_moment_that_is_none_is_said_so(visit: Visit) -> None:
    answer = visit().get("/?since=yesterday")
    assert answer.status_code == 400
    assert "is no moment" in answer.text


def test_long_lists_have_pages(visit: Visit, base: Path) -> None:
    months(base, [2.0] * 60)
    visitor = visit()
    assert listed(visitor) == [run_id(n) for n in range(59, 9, -1)]
    assert listed(visitor, "?page=2") == [run_id(n) for n in range(9, -1, -1)]
    assert 'rel="next"' not in visitor.get("/?page=2").text
    for strange in ("0", "-1", "x", "99999999", "²"):
        assert visitor.get(f"/?page={strange}").status_code == 200


def test_runs_that_only_the_history_knows_are_listed_in_their_place(
    visit: Visit, base: Path, db: str, tmp_path: Path
) -> None:
    gone = directory(tmp_path / "elsewhere", 1, [finding()])
    here = [directory(base, 0, [finding()]), directory(base, 2, [finding()])]
    remember(db, [gone, *here])
    visitor = visit()
    assert listed(visitor) == [run_id(2), run_id(1), run_id(0)]
    assert visitor.get("/").text.count("history only") == 1
    assert "Only the history knows this run" in visitor.get(f"/history/{run_id(1)}").text
    assert visitor.get(f"/history/{run_id(0)}").url.path == f"/runs/cart/{run_id(0)}"
    assert visitor.get("/history/nothing").status_code == 400


def test_a_verdict_that_cannot_be_read_is_no_outcome(visit: Visit, base: Path) -> None:
    run = directory(base, 0, [finding()])
    for damage in (b"{", b"[]", b'{"outcome": "GREAT", "says": "x"}'):
        run.write(layout.VERDICT, damage)
        text = visit().get("/").text
        assert "unreadable" in text
        assert "PASS</span>" not in text
        assert visit().get(f"/runs/cart/{run.run_id}").status_code == 200


def test_a_runs_page_says_what_was_done_to_whom_and_what_came_of_it(
    visit: Visit, base: Path
) -> None:
    run = directory(base, 0, [finding(outcome=Outcome.FAIL)])
    text = visit().get(f"/runs/cart/{run.run_id}").text
    for words in ("FAIL", "demo", "goroutine-recovery", "because", "seen", "expected"):
        assert words in text
    assert 'sandbox="allow-scripts"' in text


def test_a_run_without_a_verdict_is_judged_for_the_page(visit: Visit, base: Path) -> None:
    run = directory(base, 0, [finding()], verdict=False)
    text = visit().get(f"/runs/cart/{run.run_id}").text
    assert "Computed for this page" in text
    assert "INCONCLUSIVE" in text
    assert not run.has(layout.VERDICT)


def test_a_killed_run_says_so_and_offers_the_undo(visit: Visit, base: Path) -> None:
    run = killed(base, promise("no-such-run"))
    text = visit().get(run.url).text
    assert "is gone, and the journal just stops" in text
    assert "Not undone" in text
    assert "stop the demo service" in text
    assert f'action="{run.url}/undo"' in text
    assert "1 not undone" in visit().get("/").text


def test_whatever_a_run_says_of_itself_is_text(visit: Visit, base: Path, db: str) -> None:
    told = finding(check="goroutine-recovery", target=HOSTILE)
    run = directory(base, 0, [told], facts={HOSTILE: HOSTILE})
    with run.path(layout.JOURNAL).open("ab") as journal:
        journal.write(encode(events.Noted(t=50, text=HOSTILE)))
        journal.write(
            encode(events.TargetChanged(t=51, trial=HOSTILE, state="exited", detail=HOSTILE))
        )
    (base / "<img src=x>").mkdir()
    run.root.rename(base / "<img src=x>" / run.run_id)
    remember(db, [RunDir(base / "<img src=x>" / run.run_id)])
    place = f"/runs/%3Cimg%20src=x%3E/{run.run_id}"
    visitor = visit()
    said = quote(HOSTILE)
    pages = [place, f"{place}/live", "/", f"/?text={said}", "/trends?experiment=cart"]
    pages += ["/trends?check=goroutine-recovery&experiment=cart", f"/compare?run={said}&run=x"]
    pages += [f"/compare?run={run.run_id}&run={run.run_id}", f"/{said}"]
    for path in pages:
        text = visitor.get(path).text
        assert "<script>" not in text, path
        assert "<img" not in text, path
        assert "\u202e" not in text, path
        assert "\x1b" not in text, path
    assert "&lt;script&gt;alert(1)" in visitor.get(place).text


def test_a_report_is_served_in_a_sandbox_of_its_own(visit: Visit, base: Path) -> None:
    run = directory(base, 0, [finding()])
    run.write(layout.REPORT, b"<script>parent.document.cookie</script>")
    answer = visit().get(f"/runs/cart/{run.run_id}/report")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    assert "allow-same-origin" not in policy
    assert "connect-src" not in policy
    assert "frame-ancestors 'self'" in policy


def test_a_run_without_a_report_gets_one_made(visit: Visit, base: Path) -> None:
    run = directory(base, 0, [finding()], verdict=False)
    assert "<!doctype html>" in visit().get(f"/runs/cart/{run.run_id}/report").text
    assert not run.has(layout.REPORT)


def test_the_experiment_is_shown_as_plain_text(visit: Visit, base: Path) -> None:
    run = Staged(base)
    answer = visit().get(f"{run.url}/spec")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "apiVersion: chaosmem/v1\n"


def test_a_trend_is_drawn_with_its_shift_and_its_band(visit: Visit, base: Path, db: str) -> None:
    remember(db, months(base, [2.0 + 0.01 * (n % 3) + (n >= 12) for n in range(20)]))
    text = visit().get("/trends?experiment=cart&check=goroutine-recovery").text
    assert "regressed since" in text
    assert text.count('class="point pass"') == 20
    assert text.count('class="shift worse"') == 1
    assert text.count('class="band"') == 1
    assert text.count('class="level"') == 2
    assert f'href="/history/{run_id(19)}"' in text
    overview = visit().get("/trends?experiment=cart").text
    assert 'class="small"' in overview


def test_too_little_history_decides_nothing(visit: Visit, base: Path, db: str) -> None:
    remember(db, months(base, [2.0, 2.1]))
    text = visit().get("/trends?experiment=cart&check=goroutine-recovery").text
    assert "too little history" in text
    assert "INCONCLUSIVE" in text


@pytest.mark.parametrize("path", ["/trends", "/baselines", "/", "/compare"])
def test_without_a_history_the_pages_say_how_to_begin_one(visit: Visit, path: str, db: str) -> None:
    answer = visit().get(path)
    assert answer.status_code == 200
    assert not Path(db).exists()


def test_two_runs_are_compared_by_their_errors_and_by_the_baseline(
    visit: Visit, base: Path, db: str
) -> None:
    runs = [directory(base, n, [finding(2.0 + 0.01 * (n % 5), error=0.05)]) for n in range(12)]
    runs.append(directory(base, 12, [finding(3.0, error=0.05)], facts={"version": "1.5"}))
    remember(db, runs, approve=True)
    visitor = visit()
    text = visitor.get(f"/compare?run={run_id(12)}&run={run_id(0)}").text
    assert text.index(run_id(0)) < text.index(run_id(12))
    assert "+1 s ± 100 ms" in text
    assert "<strong>worse</strong>" in text
    assert "above the band and above each of its 12 runs" in text
    assert "1.5" in text
    alike = visitor.get(f"/compare?run={run_id(0)}&run={run_id(4)}").text
    assert "within the numbers&#39; errors" in alike
    assert "<strong>worse" not in alike


def test_a_comparison_needs_two_runs_that_are_there(visit: Visit, base: Path) -> None:
    months(base, [2.0, 2.1, 2.2])
    one = visit().get(f"/compare?run={run_id(0)}")
    assert one.status_code == 200
    assert f'value="{run_id(0)}"' in one.text
    query = "&".join(f"run={run_id(n)}" for n in range(3))
    assert "3 runs were chosen" in visit().get(f"/compare?{query}").text
    assert visit().get(f"/compare?run={run_id(0)}&run=nothing").status_code == 400


def level(value: float | None, error: float | None, unit: str = "s", check: str = "pause") -> Level:
    return Level(check, check, "default", "demo", "PASS", False, 1, 1, value, unit, error)


def test_a_difference_is_only_called_one_beyond_both_errors() -> None:
    a = level(2.0, 0.1)
    assert judged(a, level(2.15, 0.1))[2] == "same"
    assert judged(a, level(2.3, 0.1))[0] == "+300 ms ± 200 ms"
    assert judged(a, level(2.3, 0.1))[2] == "worse"
    assert judged(a, level(1.7, 0.1))[2] == "better"
    assert judged(a, level(9.0, None))[2] == ""
    assert judged(a, level(9.0, 0.1, unit="By"))[1] == "s and By: two quantities"
    assert judged(level(1, 0.0, "1", "custom"), level(2, 0.0, "1", "custom"))[2] == ""
    assert judged(a, None)[1] == "only the first run has this check"


def test_baselines_show_which_revision_is_in_force(visit: Visit, base: Path, db: str) -> None:
    remember(db, months(base, [2.0] * 12), approve=True)
    text = visit().get("/baselines").text
    assert "cart/default" in text
    assert "approved 2026-11-25 00:00 by ann" in text
    assert "in force" in text
    assert "&lt;b&gt;since 1.4&lt;/b&gt;" in text
