from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chaosmem.cli.profile_text import app
from chaosmem.errors import FormatError, UsageError

SAMPLES = Path(__file__).parent / "samples"
DUMPS = Path(__file__).parents[1] / "dumps" / "samples"
runner = CliRunner()


def run(*args: str | Path, stdin: bytes = b"") -> str:
    result = runner.invoke(app, [str(a) for a in args], input=stdin, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_gctrace_shows_the_cycles_of_a_file_and_of_standard_input() -> None:
    path = SAMPLES / "pacertrace-go1.27.3.txt"
    printed = run("gctrace", path, "--window", "5ms", "--threshold", "5%", "-n", "2")
    assert printed.startswith("12 cycles in 39 lines\n3 PacerEnd lines\n")
    assert "Cycles 1 to 12, 0.000 s to 0.020 s, 3 forced" in printed
    assert "GC-hot: peak 27.0% of 5ms (cpu); 2 periods above 5%" in printed
    same = run(
        "gctrace", "-", "--window", "5ms", "--threshold", "5%", "-n", "2", stdin=path.read_bytes()
    )
    assert same == printed


def test_gctrace_shows_what_it_left_out_and_obeys_no_control_character() -> None:
    text = b"gc 3 @0.1s 5%\x1b[31mred\n"
    printed = run("gctrace", "-", stdin=text)
    assert "1 damaged lines were left out:\n  line 1: torn: gc 3 @0.1s 5%�[31mred" in printed
    assert "no trace line: was the process started with GODEBUG=gctrace=1?" in printed


def test_gctrace_as_json_is_one_object_a_cycle() -> None:
    lines = run("gctrace", SAMPLES / "gctrace-go1.26.8.txt", "--json").splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(1, 13))


def test_goroutines_shows_groups_growth_and_candidates() -> None:
    printed = run(
        "goroutines", DUMPS / "leak-debug2-go1.27.3.txt",
        "--before", DUMPS / "debug2-go1.27.3.txt", "-n", "3",
    )  # fmt: skip
    assert printed.startswith("21 goroutines, 19 groups (debug=2)\n       3  main.(*cache).fill\n")
    assert "Growth: 21 to 21 goroutines\n      +1  runtime/pprof" in printed
    assert "Leak candidates: 4\n       1  main.forget.func1: proven" in printed


def test_goroutines_that_waited_long_are_candidates() -> None:
    printed = run("goroutines", DUMPS / "minutes-go1.26.8.txt", "--minutes", "2", "--least", "3")
    assert "Leak candidates: 1\n       3  main.(*cache).fill: old" in printed
    as_json = run("goroutines", DUMPS / "minutes-go1.26.8.txt", "--json").splitlines()
    assert sum(json.loads(line)["count"] for line in as_json) == 21


def test_layers_of_captured_files_with_the_fragmentation(tmp_path: Path) -> None:
    (tmp_path / "memory.current").write_text("5000000\n")
    (tmp_path / "memory.stat").write_text("anon 3000000\nfile 1000000\ninactive_file 0\n")
    (tmp_path / "smaps_rollup").write_text("Rss: 4000 kB\nAnonymous: 2000 kB\n")
    stats = dict.fromkeys(
        ["HeapReleased", "StackInuse", "StackSys", "MSpanInuse", "MSpanSys", "MCacheInuse",
         "MCacheSys", "GCSys", "BuckHashSys", "OtherSys"], 0,
    ) | {"HeapAlloc": 480, "HeapInuse": 8192, "HeapIdle": 0, "Sys": 8192}  # fmt: skip
    by_size = [{"Size": 48, "Mallocs": 12, "Frees": 2}]
    stats_text = json.dumps({"memstats": {**stats, "BySize": by_size}})
    printed = run("layers", tmp_path, "--runtime", "-", stdin=stats_text.encode())
    assert "     3.9 MiB  rss [smaps_rollup Rss]" in printed
    assert "   976.6 KiB    unexplained (20.0%): socket buffers" in printed
    assert "480 B    class 48 B: 10 objects, at least 1 spans" in printed


def test_layers_of_a_live_process_and_of_prometheus_text(tmp_path: Path) -> None:
    (tmp_path / "statm").write_text("9 5 2 1 0 1 0")
    names = ["heap_objects", "heap_unused", "heap_free", "heap_released", "heap_stacks"]
    names += ["os_stacks", "metadata_mspan_inuse", "metadata_mspan_free", "metadata_other"]
    names += ["metadata_mcache_inuse", "metadata_mcache_free", "profiling_buckets", "other"]
    text = "".join(f"go_memory_classes_{name}_bytes 1024\n" for name in names)
    text += "go_memory_classes_total_bytes 13312\n"
    printed = run("layers", tmp_path, "--runtime", "-", stdin=text.encode())
    assert "13.0 KiB  runtime total [/memory/classes/total:bytes]" in printed
    assert "0 B    unexplained (0.0%)" in printed
    live = run("layers", "--pid", str(os.getpid()), "--runtime", "-", stdin=text.encode())
    assert " rss [smaps_rollup Rss]" in live
    assert " binary (" in live


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        (["gctrace", "/nowhere"], UsageError, "/nowhere: No such file"),
        (["gctrace", "-", "--window", "1d"], UsageError, "write 24h"),
        (["gctrace", "-", "--window", "0"], UsageError, "longer than nothing"),
        (["goroutines", "-"], FormatError, "no goroutine in the text"),
        (["layers"], UsageError, "a directory of captured files, or --pid"),
        (["layers", "/nowhere"], UsageError, "is no directory"),
        (["layers", "--pid", "999999999"], UsageError, "No such file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_errors_of_our_own_with_words(
    args: list[str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        runner.invoke(app, args, input=b"", catch_exceptions=False)


@pytest.mark.parametrize("text", ["{", "[1]", "{}", "go_goroutines{ 1", '{"memstats": 3}'])
def test_runtime_numbers_that_are_none_are_format_errors(text: str, tmp_path: Path) -> None:
    with pytest.raises(FormatError):
        runner.invoke(
            app, ["layers", str(tmp_path), "--runtime", "-"], input=text, catch_exceptions=False
        )
