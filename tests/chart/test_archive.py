"""Runs in object storage: a real S3 server, real bytes, and what is not whole is never taken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaosmem.drivers import archive
from chaosmem.drivers.objectstore import ArchiveError, Store
from chaosmem.errors import UsageError
from chaosmem.rundir import RunDir, create
from tests.chart.storage import BUCKET, S3, serving

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]  # the server is built the first time
URL = f"s3://{BUCKET}/months"
RUN_ID = "20261101T030000Z-abc"


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    with serving(tmp_path / "s3") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    made = create(tmp_path / "runs", "cart", RUN_ID)
    made.write("journal.jsonl", b"a line\n")
    made.write("captures/heap.pb.gz", bytes(range(256)) * 40_000)  # 10 MB: it goes up in parts
    made.write("lock", b"1")
    (made.root / "verdict.json.part").write_bytes(b"{")
    return made


def test_what_is_fetched_is_what_was_stored(s3: S3, run: RunDir, tmp_path: Path) -> None:
    assert archive.put(Store(URL), run) == 2
    found = archive.get(Store(URL), RUN_ID, tmp_path / "elsewhere")
    assert found.root == tmp_path / "elsewhere" / "cart" / RUN_ID
    names = {p.relative_to(found.root).as_posix() for p in found.root.rglob("*") if p.is_file()}
    assert names == {"journal.jsonl", "captures/heap.pb.gz"}
    assert {n: found.read(n) for n in names} == {n: run.read(n) for n in names}


def test_storing_again_stores_only_what_has_changed(s3: S3, run: RunDir) -> None:
    archive.put(Store(URL), run)
    assert archive.put(Store(URL), run) == 0
    run.write("verdict.json", b"{}")
    assert archive.put(Store(URL), run) == 1
    manifest = json.loads(s3.file(f"months/cart/{RUN_ID}/MANIFEST.json").read_text())
    assert manifest["files"]["verdict.json"]["size"] == 2


def test_a_run_that_was_cut_short_is_not_listed_and_is_stored_anew(s3: S3, run: RunDir) -> None:
    archive.put(Store(URL), run)
    assert archive.stored(Store(URL)) == [f"cart/{RUN_ID}"]
    s3.file(f"months/cart/{RUN_ID}/MANIFEST.json").unlink()
    assert archive.stored(Store(URL)) == []
    with pytest.raises(UsageError, match="no run"):
        archive.get(Store(URL), RUN_ID, run.root.parents[2] / "elsewhere")
    assert archive.put(Store(URL), run) == 2


def test_bytes_that_were_changed_are_refused_and_nothing_is_there(
    s3: S3, run: RunDir, tmp_path: Path
) -> None:
    archive.put(Store(URL), run)
    s3.file(f"months/cart/{RUN_ID}/journal.jsonl").write_bytes(b"a lie\n")
    with pytest.raises(ArchiveError, match=r"journal\.jsonl is not what was stored"):
        archive.get(Store(URL), RUN_ID, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere" / "cart" / RUN_ID).exists()


def test_a_manifest_that_leads_out_of_the_directory_is_refused(
    s3: S3, run: RunDir, tmp_path: Path
) -> None:
    archive.put(Store(URL), run)
    place = s3.file(f"months/cart/{RUN_ID}/MANIFEST.json")
    manifest = json.loads(place.read_text())
    manifest["files"] = {"../../../escaped": manifest["files"]["journal.jsonl"]}
    place.write_text(json.dumps(manifest))
    with pytest.raises(ArchiveError, match="leads out of the run directory"):
        archive.get(Store(URL), RUN_ID, tmp_path / "elsewhere")


def test_a_wrong_key_is_told_with_what_to_mend(
    s3: S3, run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(ArchiveError, match="403 Forbidden: SignatureDoesNotMatch") as refused:
        archive.put(Store(URL), run)
    assert "AWS_SECRET_ACCESS_KEY" in refused.value.hint
    assert refused.value.exit_code == 3


def test_a_bucket_that_is_not_there_is_named(s3: S3, run: RunDir) -> None:
    with pytest.raises(ArchiveError, match=r"s3://nobody/.*: 404 Not Found: NoSuchBucket"):
        archive.put(Store("s3://nobody/months"), run)


@pytest.mark.parametrize("url", ["https://chaos/months", "chaos", "s3://", ""])
def test_a_url_that_names_no_object_storage_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="is no object storage"):
        Store(url)
