"""A run that is written while it is looked at: what the live page is sent."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chaosmem import metrics
from chaosmem.cli.lines import sentence
from chaosmem.rundir import events, layout
from chaosmem.rundir.acts import WaitBegun, WaitEnded
from chaosmem.rundir.columns import MAGIC
from chaosmem.serve import hub as hubs
from chaosmem.serve.follow import Follower, Message
from chaosmem.serve.hub import Hub
from chaosmem.serve.shelf import Shelf
from chaosmem.serve.tails import JournalTail, TableTail
from chaosmem.serve.thinning import MOST, Thinned, as_lists, thin
from chaosmem.spec.base import Phase
from tests.serve.conftest import Visit
from tests.serve.stage import TRIAL, Staged, encode, killed


def data(message: Message | bytes | None) -> dict[str, Any]:
    """What a message tells; nothing for none."""
    if message is None:
        return {}
    raw = message if isinstance(message, bytes) else message.data
    told: dict[str, Any] = json.loads(raw.split(b"data: ", 1)[1])
    return told


def follower(run: Staged) -> Follower:
    return Follower(run.dir, sentence)


def test_a_torn_line_waits_for_its_rest(tmp_path: Path) -> None:
    line = encode(events.Noted(t=1, text="one")) + encode(events.Noted(t=2, text="two"))
    tail = JournalTail(tmp_path / "journal")
    assert tail.more() == ()
    (tmp_path / "journal").write_bytes(line[:-5])
    assert [n.number for n in tail.more()] == [1]
    assert tail.more() == ()
    (tmp_path / "journal").write_bytes(line)
    assert [(n.number, n.entry.t) for n in tail.more()] == [(2, 2)]


def test_damage_in_the_journal_is_left_out_and_lines_keep_their_numbers(tmp_path: Path) -> None:
    good = encode(events.Noted(t=1, text="one"))
    (tmp_path / "journal").write_bytes(good + b"00000000 {}\n" + good)
    assert [n.number for n in JournalTail(tmp_path / "journal").more()] == [1, 3]


def test_a_torn_row_waits_for_its_rest(base: Path) -> None:
    run = Staged(base)
    for t in range(3):
        run.sample(t, 10 + t)
    run.flush()
    path = run.dir.path(f"series/{TRIAL}/samples.col")
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    tail = TableTail(path)
    assert len(tail.more()) == 2
    path.write_bytes(whole)
    assert tail.more()[:, 2].tolist() == [12.0]
    assert len(tail.more()) == 0


@pytest.mark.parametrize("junk", [b"", b"junk\n", MAGIC + b"{}\n", MAGIC + b"\xff", MAGIC])
def test_what_is_no_table_gives_no_rows(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "x.col").write_bytes(junk)
    assert TableTail(tmp_path / "x.col").more().size == 0


def test_a_file_that_became_shorter_is_read_anew(base: Path) -> None:
    run = Staged(base)
    run.sample(1, 11)
    run.sample(2, 12)
    run.flush()
    path = run.dir.path(f"series/{TRIAL}/samples.col")
    tail = TableTail(path)
    assert len(tail.more()) == 2
    path.write_bytes(path.read_bytes()[:-40])
    tail.more()
    assert len(tail.more()) == 1


def test_a_spike_of_one_sample_survives_the_thinning() -> None:
    t = np.arange(500) / 1000
    v = np.where(t == 0.25, 900.0, 10.0)
    few = thin(np.column_stack([t, v]), 16)
    assert len(few) <= 20
    assert few[:, 1].max() == 900


def test_a_gap_is_no_extreme_and_hides_none() -> None:
    t = np.arange(500) / 1000
    v = np.where(t == 0.25, 900.0, 10.0)
    v[::7] = math.nan
    few = thin(np.column_stack([t, v]), 16)
    assert np.nanmax(few[:, 1]) == 900


def test_at_ten_samples_a_second_nothing_is_left_out() -> None:
    kept = Thinned(1)
    rows = np.column_stack([np.arange(600) / 10, np.arange(600)])
    for start in range(0, 600, 10):
        few, cut = kept.add(rows[start : start + 10])
        assert len(few) == 10
        assert not cut
    assert np.array_equal(kept.rows, rows)


def test_what_is_kept_has_a_bound_and_keeps_every_extreme() -> None:
    kept = Thinned(1)
    cuts = 0
    for second in range(600):
        t = second + np.arange(1000) / 1000
        v = np.where(t == 301.5, 5000.0, np.sin(t))
        _, cut = kept.add(np.column_stack([t, v]))
        cuts += cut
    assert len(kept.rows) <= MOST
    assert cuts > 1
    assert kept.rows[:, 1].max() == 5000
    assert kept.rows[0, 0] == 0
    assert kept.rows[-1, 0] > 599.9


def test_what_is_not_measured_is_null() -> None:
    rows = np.array([[0.1234567, math.nan, 1.23456789], [1.0, 2.6, math.inf]])
    assert as_lists(rows, [True, False]) == [[0.123, 1.0], [None, 3], [1.23457, None]]


def test_the_live_picture_follows_phases_faults_and_waits(base: Path) -> None:
    run = Staged(base)
    run.begin()
    fault = run.faults[0]
    seen = follower(run)
    first = data(seen.look())["picture"]
    assert first["state"] == "running"
    assert {f["state"] for f in first["faults"]} == {"not yet"}
    run.phase(Phase.INJECT, 10)
    run.write(events.FaultApplying(t=10, trial=TRIAL, fault=fault))
    assert data(seen.look())["picture"]["faults"][0]["state"] == "applying"
    run.write(events.FaultApplied(t=10.1, trial=TRIAL, fault=fault, at=10.1, u=0.001))
    now = data(seen.look())["picture"]
    assert now["faults"][0]["state"] == "in effect"
    assert now["faults"][0]["applied"] == 10.1
    assert [p["name"] for p in now["phases"] if p["began"] is not None] == ["inject"]
    run.write(WaitBegun(t=12, trial=TRIAL, kind="pause", step="release", does="end the goroutines"))
    assert data(seen.look())["picture"]["waits"] == "paused before release: end the goroutines"
    run.write(WaitEnded(t=13, trial=TRIAL, kind="pause", step="release", seconds=1, why="asked"))
    run.write(events.FaultUndoFailed(t=14, trial=TRIAL, fault=fault, error="no answer"))
    now = data(seen.look())["picture"]
    assert now["waits"] == ""
    assert now["faults"][0]["state"] == "NOT undone"
    assert seen.look() is None


def test_samples_come_as_they_are_written_and_only_once(base: Path) -> None:
    run = Staged(base)
    run.begin()
    seen = follower(run)
    seen.look()
    for t in range(5):
        run.sample(t, 10 + t)
    run.flush()
    fresh = data(seen.look())["groups"]["samples"]
    assert fresh[0] == [0, 1, 2, 3, 4]
    assert fresh[1] == [10, 11, 12, 13, 14]
    assert fresh[2] == [None] * 5
    run.sample(5, 15)
    run.flush()
    assert data(seen.look())["groups"]["samples"][0] == [5]
    assert data(seen.whole())["groups"]["samples"][1] == [10, 11, 12, 13, 14, 15]


def test_a_run_that_ends_says_so_and_its_stream_is_over(base: Path) -> None:
    run = Staged(base)
    run.begin()
    seen = follower(run)
    seen.look()
    run.end("interrupted")
    assert data(seen.look())["picture"]["state"] == "ended"
    assert data(seen.whole())["picture"]["ended"] == "interrupted"
    assert seen.ended


def test_a_runner_that_was_killed_is_noticed(base: Path) -> None:
    run = killed(base)
    seen = follower(run)
    seen.look()
    told = data(seen.whole())["picture"]
    assert told["state"] == "killed"
    assert "is gone, and the journal just stops" in told["says"]
    assert seen.ended


def test_a_runner_that_is_elsewhere_but_writes_is_running(base: Path) -> None:
    run = Staged(base)
    run.begin(pid=2**22 - 1, ticks=1, host="another-host")
    seen = follower(run)
    seen.look()
    assert data(seen.whole())["picture"]["state"] == "running"
    run.grow_old()
    seen.look()
    assert data(seen.whole())["picture"]["state"] == "killed"


def test_a_trial_that_names_another_directory_is_not_followed(base: Path, tmp_path: Path) -> None:
    outside = Staged(tmp_path / "outside", "cart")
    outside.sample(1, 4242)
    outside.flush()
    run = Staged(base)
    run.begin()
    away = str(outside.dir.path(f"series/{TRIAL}"))
    run.write(events.TrialEnded(t=1, trial=TRIAL, complete=True))
    run.write(events.TrialStarted(t=2, trial=away, arm="default", number=2, target="demo"))
    seen = follower(run)
    seen.look()
    assert data(seen.whole())["picture"]["trial"] == away
    assert "4242" not in seen.whole().data.decode()


def test_the_newest_trial_is_followed_into_the_next(base: Path) -> None:
    run = Staged(base)
    run.begin()
    run.sample(1, 11)
    run.flush()
    seen = follower(run)
    seen.look()
    run.write(events.TrialEnded(t=1, trial=TRIAL, complete=True))
    run.write(events.TrialStarted(t=2, trial="default-2", arm="default", number=2, target="demo"))
    told = data(seen.look())
    assert told["picture"]["trial"] == "default-2"
    assert told["groups"] == {"samples": [[]] * 8, "procfs": [[]] * 2, "helper": [[]] * 4}


def folded(messages: Sequence[bytes]) -> list[float]:
    """The goroutines that a page shows after these messages."""
    seen: list[float] = []
    for raw in messages:
        rows = data(raw).get("groups", {}).get("samples", [[], []])[1]
        seen = rows if raw.startswith(b"event: whole") else seen + rows
    return seen


async def collect(stream: AsyncIterator[bytes], until: str) -> list[bytes]:
    """Messages up to the first with that text in it."""
    found = []
    async with asyncio.timeout(30):
        async for message in stream:
            found.append(message)
            if until in message.decode():
                break
    return found


async def test_a_page_opened_before_the_run_begins_sees_it_begin_and_end(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "TICK", 0.01)
    run = Staged(base)
    hub = Hub(sentence, Shelf(base))
    stream = hub.watch(run.dir)
    assert data((await collect(stream, "picture"))[0])["picture"]["state"] == "preparing"
    run.begin()
    run.sample(1, 4242)
    run.flush()
    await collect(stream, "4242")
    run.end()
    left = [message async for message in stream]
    assert '"state":"ended"' in left[-1].decode()


async def test_every_page_gets_everything_once_whenever_it_comes(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "TICK", 0.001)
    run = Staged(base)
    run.begin()
    hub = Hub(sentence, Shelf(base))

    async def reader() -> list[float]:
        return folded([message async for message in hub.watch(run.dir)])

    readers = []
    for n in range(200):
        if n % 40 == 0:
            readers.append(asyncio.create_task(reader()))
        run.sample(n / 10, n)
        run.flush()
        await asyncio.sleep(0.002)
    run.end()
    async with asyncio.timeout(30):
        for seen in await asyncio.gather(*readers):
            assert seen == list(range(200))


async def test_a_page_that_does_not_keep_up_is_sent_the_whole_again(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "TICK", 0.001)
    monkeypatch.setattr(hubs, "_BEHIND", 2)
    run = Staged(base)
    run.begin()
    hub = Hub(sentence, Shelf(base))
    slow = hub.watch(run.dir)
    await anext(slow)
    for n in range(50):
        run.sample(n, n)
        run.flush()
        await asyncio.sleep(0.004)
    run.end()
    async with asyncio.timeout(30):
        left = [message async for message in slow]
    assert len(left) < 10
    assert any(m.startswith(b"event: whole") for m in left)
    assert folded(left) == list(range(50))


async def test_nobody_is_followed_when_nobody_looks(base: Path) -> None:
    run = Staged(base)
    run.begin()
    hub = Hub(sentence, Shelf(base))
    stream = hub.watch(run.dir)
    await anext(stream)
    assert len(hub._rooms) == 1
    await stream.aclose()  # type: ignore[attr-defined]
    assert hub._rooms == {}


async def test_a_server_that_stops_sends_everybody_away(base: Path) -> None:
    run = Staged(base)
    run.begin()
    hub = Hub(sentence, Shelf(base))
    watching, listing = hub.watch(run.dir), hub.changes()
    await anext(watching)
    await anext(listing)
    hub.close()
    async with asyncio.timeout(10):
        assert [m async for m in watching] == []
        assert [m async for m in listing] == []


async def test_the_list_says_when_it_looks_another_way(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "TICK", 0.01)
    stream = Hub(sentence, Shelf(base)).changes()
    seen = [await anext(stream)]
    async with asyncio.timeout(30):
        run = Staged(base)
        seen.append(await anext(stream))
        run.begin()
        seen.append(await anext(stream))
        run.end()
        seen.append(await anext(stream))
        run.dir.write(layout.VERDICT, b'{"outcome": "FAIL", "says": "x"}')
        seen.append(await anext(stream))
    assert len(set(seen)) == 5
    await stream.aclose()  # type: ignore[attr-defined]


def test_too_many_pages_are_told_so(
    visit: Visit, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "MOST_READERS", 0)
    run = Staged(base)
    assert visit().get(f"{run.url}/events").status_code == 503
    assert visit().get("/events").status_code == 503


def test_the_live_page_leads_to_the_newest_run_or_waits_for_one(visit: Visit, base: Path) -> None:
    visitor = visit()
    assert "No run is in progress" in visitor.get("/live").text
    run = Staged(base)
    run.begin()
    answer = visitor.get("/live")
    assert answer.url.path == f"{run.url}/live"
    assert "Abort" in answer.text


def test_the_live_page_tells_all_but_the_charts_without_a_script(visit: Visit, base: Path) -> None:
    run = Staged(base)
    run.begin()
    run.phase(Phase.HOLD, 12)
    run.write(events.FaultApplied(t=10, trial=TRIAL, fault=run.faults[0], at=10, u=0.001))
    text = visit().get(f"{run.url}/live").text
    assert '<li class="now"><span class="name">hold</span>' in text
    assert '<span class="badge">in effect</span>' in text
    assert "phase hold" in text
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in text


def test_every_followed_metric_has_a_line_in_a_chart() -> None:
    from chaosmem.serve.series import CHARTS, TABLES

    drawn = {line.metric for *_, lines in CHARTS for line in lines}
    assert drawn == {metric for table in TABLES.values() for metric in table}
    assert metrics.HEAP_GOAL in drawn
