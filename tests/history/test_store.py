"""The database: import, concurrency, schema, queries, baselines, pruning; on both servers."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from chaosmem.errors import UsageError
from chaosmem.history import baselines, database, place, queries, reading, store
from chaosmem.history.baselines import Act
from chaosmem.history.database import History
from chaosmem.history.errors import HistoryError
from chaosmem.history.model import Run, Wanted
from chaosmem.history.tables import metadata
from chaosmem.history.times import stamp
from chaosmem.verify.model import Outcome
from tests.history import build

NOW = "2026-11-25T06:00:00.000000Z"
ACT = Act("ann", NOW)


def put_months(history: History, base: Path, values: list[float]) -> list[Run]:
    runs = build.read_months(base, values)
    assert [store.put(history, run, NOW) for run in runs] == ["added"] * len(runs)
    return runs


def test_a_run_comes_back_as_it_was_read(history: History, tmp_path: Path) -> None:
    findings = [build.finding(2.0, error=0.05, trial=1), build.finding(None, check="no-oom")]
    run = reading.read(build.directory(tmp_path, 0, findings))
    store.put(history, run, NOW)
    assert queries.load(history, [run.run_id]) == (run,)


def test_the_same_run_again_changes_nothing(history: History, tmp_path: Path) -> None:
    (run,) = put_months(history, tmp_path, [2.0])
    assert store.put(history, run, NOW) == "unchanged"
    assert queries.listed(history, Wanted()).total == 1


def test_a_changed_verdict_updates_the_run(history: History, tmp_path: Path) -> None:
    made = build.directory(tmp_path, 0, [build.finding(2.0), build.finding(None, check="no-oom")])
    store.put(history, reading.read(made), NOW)
    build.judge(made, [build.finding(9.0, outcome=Outcome.FAIL)])
    again = reading.read(made)
    assert store.put(history, again, NOW) == "updated"
    assert queries.load(history, [again.run_id]) == (again,)
    assert queries.listed(history, Wanted()).rows[0].outcome == "FAIL"


def test_what_a_person_said_of_a_run_stays(history: History, tmp_path: Path) -> None:
    made = build.directory(tmp_path, 0, [build.finding()])
    store.put(history, reading.read(made, {"version": "1.4.2"}), NOW)
    assert store.put(history, reading.read(made), NOW) == "unchanged"
    assert queries.listed(history, Wanted(version="1.4")).rows[0].version == "1.4.2"


def test_another_run_with_the_same_id_is_refused(history: History, tmp_path: Path) -> None:
    (run,) = put_months(history, tmp_path, [2.0])
    with pytest.raises(UsageError, match="another run with that id"):
        store.put(history, replace(run, experiment="other"), NOW)
    assert queries.load(history, [run.run_id]) == (run,)


WRITER = """
import sys
from pathlib import Path
from chaosmem import rundir
from chaosmem.history import database, place, reading, store
sys.stdin.readline()
with database.opened(place.resolve(sys.argv[1])) as history:
    runs = list(rundir.runs(Path(sys.argv[2])))
    for one in runs if int(sys.argv[3]) % 2 else reversed(runs):
        print(store.put(history, reading.read(one), "2026-11-25T06:00:00.000000Z"))
"""


def test_many_processes_make_the_schema_and_import_the_same_runs_at_once(
    db: str, tmp_path: Path
) -> None:
    build.months(tmp_path / "runs", [2.0 + n / 10 for n in range(12)])
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, db, str(tmp_path / "runs"), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(8)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    said = [writer.communicate(timeout=100) for writer in writers]
    assert [w.returncode for w in writers] == [0] * 8, [err for _, err in said]
    words = [word for out, _ in said for word in out.split()]
    assert (words.count("added"), words.count("unchanged")) == (12, 84)
    with database.opened(place.resolve(db)) as history:
        rows = queries.listed(history, Wanted()).rows
        whole = queries.load(history, [r.run_id for r in rows])
        assert [len(run.levels) for run in whole] == [1] * 12


def test_every_revision_of_many_recorders_is_there_once(db: str, tmp_path: Path) -> None:
    with database.opened(place.resolve(db)) as history:
        runs = put_months(history, tmp_path, [2.0] * 6)
    code = (
        "import sys\nfrom chaosmem.history import baselines, database, place, queries\n"
        "with database.opened(place.resolve(sys.argv[1])) as h:\n"
        "    found = queries.load(h, [sys.argv[2]])\n"
        "    print(baselines.record(h, 'default', found, baselines.Act('x', 'now')).revision)\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, db, run.run_id], stdout=subprocess.PIPE)
        for run in runs
    ]
    revisions = sorted(int(one.communicate(timeout=100)[0]) for one in started)
    assert revisions == [1, 2, 3, 4, 5, 6]
    with database.opened(place.resolve(db)) as history:
        assert set(baselines.revisions(history)[-1].runs) == {run.run_id for run in runs}


def test_the_migrations_make_exactly_the_tables(history: History) -> None:
    with history.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_known_versions_are_the_migrations(history: History) -> None:
    with history.engine.connect() as connection:
        scripts = ScriptDirectory.from_config(database._config(connection))
    assert tuple(reversed([s.revision for s in scripts.walk_revisions()])) == database.VERSIONS
    assert scripts.get_heads() == [database.HEAD]


def test_an_older_schema_is_upgraded_with_its_rows(db: str, tmp_path: Path) -> None:
    engine = database._engine(place.resolve(db), create=True)
    with database._writing(engine) as connection:
        database._migrate(connection, "0001")
    (run,) = build.read_months(tmp_path, [2.0])
    store.put(History(engine), run, NOW)
    engine.dispose()
    with database.opened(place.resolve(db)) as history:
        assert queries.load(history, [run.run_id]) == (run,)
        assert baselines.record(history, "default", [run], ACT).revision == 1


def test_a_newer_schema_is_refused_by_name(db: str) -> None:
    with database.opened(place.resolve(db)) as history, history.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0099'"))
    with (
        pytest.raises(HistoryError, match=r"schema 0099, .* up to 0002"),
        database.opened(place.resolve(db)),
    ):
        pass


@pytest.mark.parametrize(
    ("wanted", "months"),
    [
        (Wanted(), [0, 1, 2, 3]),
        (Wanted(newest=2), [2, 3]),
        (Wanted(outcome="FAIL"), [2]),
        (Wanted(since=stamp(build.at(2))), [2, 3]),
        (Wanted(until=stamp(build.at(1))), [0, 1]),
        (Wanted(version="v2"), [3]),
        (Wanted(image="sha256:aa"), [0, 1, 2]),
        (Wanted(image="sha256:%"), []),
        (Wanted(target="demo"), [0, 1, 2, 3]),
        (Wanted(target="absent"), []),
        (Wanted(experiment="absent"), []),
        (Wanted(spec="abab"), [0, 1, 2, 3]),
        (Wanted(spec="cd"), []),
    ],
)
def test_runs_are_found_by_what_is_known_of_them(
    history: History, tmp_path: Path, wanted: Wanted, months: list[int]
) -> None:
    for n in range(4):
        outcome = Outcome.FAIL if n == 2 else Outcome.PASS
        facts = {"version": f"v{1 + n // 3}", "image_id": "sha256:aa" if n < 3 else "sha256:bb"}
        made = build.directory(tmp_path, n, [build.finding(outcome=outcome)], target_facts=facts)
        store.put(history, reading.read(made), NOW)
    found = queries.listed(history, wanted)
    assert [row.run_id for row in found.rows] == [build.run_id(n) for n in months]
    assert found.total == (4 if wanted.newest else len(months))


def test_a_run_is_found_by_id_part_experiment_or_latest(history: History, tmp_path: Path) -> None:
    put_months(history, tmp_path, [1.0, 2.0, 3.0])
    assert queries.find(history, build.run_id(0)) == build.run_id(0)
    assert queries.find(history, "000001") == build.run_id(1)
    assert queries.find(history, "cart") == queries.find(history, "latest") == build.run_id(2)
    with pytest.raises(UsageError, match="more than one"):
        queries.find(history, "2025")
    with pytest.raises(UsageError, match="no run 'nope'"):
        queries.find(history, "nope")


def test_a_record_is_not_in_force_until_it_is_approved(history: History, tmp_path: Path) -> None:
    first, second = put_months(history, tmp_path, [1.0, 2.0])
    baselines.record(history, "default", [first], ACT)
    approved = baselines.approve(history, "cart", "default", Act("bob", NOW, "looked at"))
    assert (approved.approved_by, approved.note) == ("bob", "looked at")
    later = baselines.record(history, "default", [second], ACT)
    assert later.runs == (first.run_id, second.run_id)
    force = baselines.in_force(baselines.revisions(history, "cart"))
    assert force is not None
    assert (force.revision, force.runs) == (1, (first.run_id,))
    again = baselines.approve(history, "cart", "default", Act("eve", NOW))
    assert again.revision == 2
    assert baselines.approve(history, "cart", "default", Act("mallory", NOW)).approved_by == "eve"


def test_a_baseline_does_not_mix_specs(history: History, tmp_path: Path) -> None:
    old = reading.read(build.directory(tmp_path, 0, [build.finding()]))
    new = reading.read(build.directory(tmp_path, 1, [build.finding()], sha="cd" * 32, hold=20.0))
    for run in (old, new):
        store.put(history, run, NOW)
    baselines.record(history, "default", [old], ACT)
    with pytest.raises(UsageError, match=r'phases\.hold: "8s" -> "20s"'):
        baselines.record(history, "default", [new], ACT)
    with pytest.raises(UsageError, match="one spec"):
        baselines.record(history, "other", [old, new], ACT)
    assert baselines.record(history, "default", [new], ACT, fresh=True).runs == (new.run_id,)


def test_prune_keeps_the_newest_and_what_a_baseline_uses(history: History, tmp_path: Path) -> None:
    runs = put_months(history, tmp_path, [1.0, 2.0, 3.0, 4.0, 5.0])
    ids = [run.run_id for run in runs]
    baselines.record(history, "default", [runs[1]], ACT)
    baselines.approve(history, "cart", "default", ACT)
    baselines.record(history, "default", [runs[2]], ACT)
    baselines.record(history, "default", [runs[3]], ACT, fresh=True)
    told = store.prune(history, keep=1, dry_run=True)
    assert (told.gone, told.protected) == ((ids[0], ids[2]), (ids[1], ids[3]))
    assert queries.listed(history, Wanted()).total == 5
    assert store.prune(history, keep=1) == told
    assert [r.run_id for r in queries.listed(history, Wanted()).rows] == [ids[1], ids[3], ids[4]]
    with history.read() as connection:
        left = connection.scalar(sa.text("SELECT count(*) FROM levels"))
    assert left == 3


def test_prune_by_age_and_by_number_keeps_what_either_keeps(
    history: History, tmp_path: Path
) -> None:
    ids = [run.run_id for run in put_months(history, tmp_path, [1.0, 2.0, 3.0, 4.0])]
    before = stamp(build.at(2))
    assert store.prune(history, keep=None, before=before, dry_run=True).gone == (ids[0], ids[1])
    assert store.prune(history, keep=3, before=before, dry_run=True).gone == (ids[0],)
    with pytest.raises(UsageError, match="needs a rule"):
        store.prune(history, keep=None)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"hello " * 400)
    with (
        pytest.raises(HistoryError, match=r"x\.db: file is not a database"),
        database.opened(place.resolve(str(tmp_path / "x.db"))),
    ):
        pass


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    url = place.resolve("postgres://ann:secret@127.0.0.1:1/x")
    with pytest.raises(HistoryError) as caught, database.opened(url):
        pass
    assert "127.0.0.1:1" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense://", "://"])
def test_another_kind_of_database_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError), database.opened(place.resolve(url)):
        pass


def test_the_default_place_is_the_users_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHAOSMEM_DB", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert place.resolve("") == "sqlite:////state/chaosmem/history.db"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/ann")
    assert place.resolve("") == "sqlite:////home/ann/.local/state/chaosmem/history.db"
    monkeypatch.setenv("CHAOSMEM_DB", "postgresql://h/d")
    assert place.resolve("") == "postgresql+psycopg://h/d"


def test_facts_and_spec_are_kept_as_json(history: History, tmp_path: Path) -> None:
    (run,) = put_months(history, tmp_path, [2.0])
    assert queries.facts(history, [run.run_id])[run.run_id]["target.go"] == "go1.26.0"
    assert json.loads(queries.documents(history, [build.SHA])[build.SHA])["phases"]["hold"] == "8s"
