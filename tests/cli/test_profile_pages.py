"""Pages of profiles, by their commands."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from chaosmem.cli.profile_pages import app
from chaosmem.errors import FormatError, UsageError
from tests.report.sample_profiles import MIB, goroutine_stacks, heap_stacks, pprof


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, held in (("before", 0), ("after", 64 * MIB)):
        (tmp_path / f"{name}.pb.gz").write_bytes(pprof(heap_stacks(held), "heap"))
    (tmp_path / "routines.pb.gz").write_bytes(pprof(goroutine_stacks(500), "goroutine"))
    return tmp_path


def flames(page: str) -> list[dict[str, Any]]:
    found = re.search(r'id="data-flames">(.*?)</script>', page)
    assert found is not None
    data: list[dict[str, Any]] = json.loads(found[1])
    return data


def test_flame_writes_one_page_with_the_functions_of_top(files: Path) -> None:
    out = files / "x.html"
    said = call("flame", files / "after.pb.gz", "--out", out)
    assert said.stdout == f"{out}\n"
    (flame,) = flames(out.read_text())
    assert flame["kind"] == "value"
    assert flame["functions"][0][0] == "inventory.newEntry"
    assert flame["value"][0] == flame["total"]


def test_a_page_goes_to_a_pipe_too(files: Path) -> None:
    assert call("flame", files / "after.pb.gz").stdout.startswith("<!doctype html>")


def test_with_a_base_the_width_is_what_changed_either_way(files: Path) -> None:
    said = call("flame", files / "before.pb.gz", "--base", files / "after.pb.gz")
    (flame,) = flames(said.stdout)
    assert flame["kind"] == "diff"
    assert flame["value"][0] == pytest.approx(64 * MIB, abs=1)
    assert flame["after"][0] - flame["before"][0] == -flame["value"][0]
    assert flame["functions"][0][1] < 0


def test_normalised_captures_are_alike_in_total(files: Path) -> None:
    said = call("flame", files / "before.pb.gz", "--base", files / "after.pb.gz", "--normalize")
    (flame,) = flames(said.stdout)
    assert flame["after"][0] == pytest.approx(flame["before"][0], rel=1e-6)


def test_the_sample_type_and_the_filters_are_those_of_every_command(files: Path) -> None:
    page = call(
        "flame", files / "after.pb.gz", "--sample-index", "inuse_objects", "--focus", "Fill"
    ).stdout
    (flame,) = flames(page)
    assert flame["unit"] == "1"
    assert "focus=Fill" in page
    assert "session.NewStore" not in flame["names"]


def test_each_capture_of_a_directory_can_be_chosen(files: Path) -> None:
    (files / "routines.pb.gz").unlink()
    assert len(flames(call("flame", files).stdout)) == 2


def test_a_profile_of_nothing_is_refused_not_drawn(files: Path) -> None:
    with pytest.raises(UsageError, match="nothing to draw"):
        call("flame", files / "after.pb.gz", "--focus", "nothing.like.this")


def test_the_goroutine_map_takes_profiles_and_dumps_in_order(files: Path) -> None:
    dump = files / "dump.txt"
    dump.write_text("goroutine 7 [select, 5 minutes]:\nmain.f()\n\t/a.go:3 +0x1\n")
    waiting = ("main.f", "sync.(*Cond).Wait", "sync.runtime_notifyListWait")
    (files / "routines.pb.gz").write_bytes(pprof({waiting: 518}, "goroutine"))
    page = call("goroutine-map", dump, files / "routines.pb.gz").stdout
    assert "waiting: sync.Cond.Wait" in page
    assert "1 goroutines (debug=2)" in page
    assert "518 goroutines (profile)" in page
    assert "5 min" in page


def test_a_file_that_is_no_dump_is_named(files: Path) -> None:
    (files / "x.txt").write_text("hello\n")
    with pytest.raises(FormatError, match=r"x\.txt: no goroutine"):
        call("goroutine-map", files / "x.txt")


def test_the_layer_map_reads_a_live_process() -> None:
    if not Path("/proc/self/smaps_rollup").exists():
        pytest.skip("no /proc")
    vars_ = {"total": 9 << 20, "heap/objects": 9 << 20}
    names = [
        "heap/unused", "heap/free", "heap/released", "heap/stacks", "os-stacks", "other",
        "metadata/mspan/inuse", "metadata/mspan/free", "metadata/mcache/inuse",
        "metadata/mcache/free", "metadata/other", "profiling/buckets",
    ]  # fmt: skip
    numbers = {f"/memory/classes/{k}:bytes": vars_.get(k, 0) for k in [*vars_, *names]}
    read, write = os.pipe()
    os.write(write, json.dumps(numbers).encode())
    os.close(write)
    page = call("layer-map", "--pid", str(os.getpid()), "--runtime", f"/dev/fd/{read}").stdout
    os.close(read)
    assert "runtime total" in page
    assert "unexplained" in page
    assert "smaps_rollup Rss" in page


def test_a_layer_map_of_nothing_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="directory of captured files, or --pid"):
        call("layer-map")
    with pytest.raises(UsageError, match="nothing to reconcile"):
        call("layer-map", tmp_path)
