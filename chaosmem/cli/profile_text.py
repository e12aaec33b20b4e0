"""`chaosmem profile gctrace | goroutines | layers`: trace lines, goroutine dumps, memory layers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from chaosmem import units
from chaosmem.cli.profile_text_lines import (
    balance_lines,
    dump_lines,
    finding_lines,
    fragment_lines,
    hot_lines,
    kind_line,
    run_lines,
    trace_head,
)
from chaosmem.errors import FormatError, UsageError

if TYPE_CHECKING:
    from chaosmem.profile.layers import Fragmentation, Layers, RuntimeClasses

app = typer.Typer(
    name="profile-text", no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False
)
_CHUNK = 1 << 20
_MOST = 1 << 28

File = Annotated[str, typer.Argument(help="A file, or - for standard input.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Count = Annotated[int, typer.Option("-n", "--count", min=0, help="Rows to show.")]


@app.command(epilog="Example: kubectl logs cart-0 | chaosmem profile gctrace -")
def gctrace(
    file: File,
    *,
    window: Annotated[str, typer.Option(help="Length of the sliding window.")] = "10s",
    threshold: Annotated[str, typer.Option(help="Share of it that is GC-hot.")] = "25%",
    share: Annotated[
        Literal["cpu", "clock", "pause"], typer.Option(help="What counts as time in GC.")
    ] = "cpu",
    count: Count = 10,
    as_json: Json = False,
) -> None:
    """Garbage collections and other GODEBUG lines of a log, and when the collector ran hot."""
    from chaosmem.profile.trace import (  # noqa: PLC0415 - numpy takes 0.1 s to import
        Share,
        hot_periods,
        parse_gctrace,
        parse_lines,
    )

    length, limit = _value(units.parse_duration, window), _value(units.parse_percent, threshold)
    if length <= 0:
        raise UsageError(f"--window {window}: a window must be longer than nothing")
    text = source_bytes(file)
    trace, lines = parse_gctrace(text), parse_lines(text)
    if as_json:
        _print(json.dumps(asdict(cycle)) for cycle in trace.cycles)
        return
    _print(trace_head(trace, lines))
    for run in trace.cycles.runs():
        hot = hot_periods(run, window_seconds=length, threshold=limit, share=Share(share))
        _print(run_lines(run, count))
        _print(hot_lines(hot))


@app.command(epilog="Example: chaosmem profile goroutines --before old.txt goroutines.txt")
def goroutines(
    file: File,
    *,
    before: Annotated[str, typer.Option(help="An earlier dump of the same process.")] = "",
    minutes: Annotated[int, typer.Option(min=1, help="A wait of this long is long.")] = 10,
    least: Annotated[int, typer.Option(min=1, help="Goroutines that make a candidate.")] = 10,
    count: Count = 10,
    as_json: Json = False,
) -> None:
    """Goroutines of a dump (debug=1 or debug=2) by stack: who waits, for how long, what grows."""
    from chaosmem.profile.dumps import parse_goroutines  # noqa: PLC0415

    with _chunks(file) as chunks:
        after = parse_goroutines(chunks)
    if as_json:
        _print(json.dumps(asdict(group)) for group in after.groups)
        return
    old = None
    if before:
        with _chunks(before) as chunks:
            old = parse_goroutines(chunks)
    _print(dump_lines(after, count))
    _print(finding_lines(after, old, minutes, least, count))


@app.command(epilog="Example: chaosmem profile layers --pid 4711 --runtime vars.json")
def layers(
    directory: Annotated[
        Path | None,
        typer.Argument(help="Captured files under their own names (statm, smaps, memory.stat...)."),
    ] = None,
    *,
    pid: Annotated[int, typer.Option(min=0, help="Read this process and its cgroup now.")] = 0,
    runtime: Annotated[
        str, typer.Option(help="JSON of runtime/metrics or /debug/vars, or Prometheus text.")
    ] = "",
) -> None:
    """Where the memory of a process is: what each layer counts and explains, and the rest."""
    from chaosmem.profile.layers import by_kind, reconcile  # noqa: PLC0415

    if (directory is None) == (pid == 0):
        raise UsageError("layers takes a directory of captured files, or --pid")
    files = process_files(pid) if directory is None else directory_files(directory)
    if runtime:
        files["runtime"] = source_bytes(runtime)
    found, fragments = gathered(files)
    balances = reconcile(found)
    if not balances:
        raise UsageError(
            "nothing to reconcile", hint="give smaps_rollup and --runtime, or memory.*"
        )
    _print(balance_lines(balance) for balance in balances)
    _print(kind_line(total) for total in by_kind(found.mappings))
    if fragments is not None:
        _print(fragment_lines(fragments))


def _value(parse: Callable[[object], float], text: str) -> float:
    """An option's value, or a usage error that says what is wrong."""
    try:
        return parse(text)
    except ValueError as error:
        raise UsageError(str(error)) from error


@contextmanager
def _chunks(file: str) -> Iterator[Iterable[bytes]]:
    """The input in pieces, so that a dump of any size is read in bounded memory."""
    if file == "-":
        yield iter(lambda: sys.stdin.buffer.read(_CHUNK), b"")
        return
    try:
        with Path(file).open("rb") as opened:
            yield iter(lambda: opened.read(_CHUNK), b"")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error


def source_bytes(file: str) -> bytes:
    """The whole input, up to 256 MiB."""
    parts: list[bytes] = []
    with _chunks(file) as chunks:
        for chunk in chunks:
            parts.append(chunk)
            if sum(map(len, parts)) > _MOST:
                raise UsageError(f"{file} is larger than {units.human_bytes(_MOST)}", hint="cut it")
    return b"".join(parts)


def _print(lines: Iterable[str]) -> None:
    """Lines to standard output."""
    sys.stdout.writelines(line + "\n" for line in lines)


def directory_files(directory: Path) -> dict[str, bytes]:
    """The files of a directory, by name."""
    if not directory.is_dir():
        raise UsageError(f"{directory} is no directory")
    return {
        path.name: source_bytes(str(path)) for path in sorted(directory.iterdir()) if path.is_file()
    }


def process_files(pid: int) -> dict[str, bytes]:
    """What the kernel says of a process and its memory cgroup now."""
    proc = Path("/proc") / str(pid)
    files = {name: source_bytes(str(proc / name)) for name in ("statm", "smaps_rollup", "smaps")}
    group = _cgroup_directory((proc / "cgroup").read_text())
    names = sorted(path.name for path in group.glob("memory.*")) if group is not None else []
    wanted = {"memory.current", "memory.stat", "memory.max", "memory.peak", "memory.events"}
    wanted |= {"memory.usage_in_bytes", "memory.limit_in_bytes", "memory.kmem.usage_in_bytes"}
    wanted |= {"memory.max_usage_in_bytes", "memory.oom_control"}
    return files | {
        name: source_bytes(str((group or proc) / name)) for name in names if name in wanted
    }


def _cgroup_directory(text: str) -> Path | None:
    """Where the memory controller of /proc/PID/cgroup is mounted, by the usual places."""
    root = Path("/sys/fs/cgroup")
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            return root / "memory" / path.lstrip("/")
        if not controllers and (root / path.lstrip("/") / "memory.current").exists():
            return root / path.lstrip("/")
    return None


def gathered(files: dict[str, bytes]) -> tuple[Layers, Fragmentation | None]:
    """The layers that the files hold."""
    from chaosmem.profile.layers import (  # noqa: PLC0415
        Layers,
        parse_cgroup,
        parse_smaps,
        parse_smaps_rollup,
        parse_statm,
    )

    runtime, fragments = _runtime(files["runtime"]) if "runtime" in files else (None, None)
    cgroup = {name: text for name, text in files.items() if name.startswith("memory.")}
    found = Layers(
        runtime=runtime,
        statm=parse_statm(files["statm"]) if "statm" in files else None,
        rollup=parse_smaps_rollup(files["smaps_rollup"]) if "smaps_rollup" in files else None,
        mappings=parse_smaps(files["smaps"]) if "smaps" in files else (),
        cgroup=parse_cgroup(cgroup) if cgroup else None,
    )
    return found, fragments


def _runtime(text: bytes) -> tuple[RuntimeClasses, Fragmentation | None]:
    """The runtime's classes of JSON or Prometheus text, and fragmentation where BySize is there."""
    from chaosmem.profile.layers import (  # noqa: PLC0415
        fragmentation,
        from_memstats,
        from_runtime_metrics,
    )

    table = _table(text)
    stats = table.get("memstats", table)
    numbers = {k: v for k, v in _mapping(stats).items() if isinstance(v, int | float)}
    if any("memory" in name and "classes" in name for name in numbers):
        return from_runtime_metrics(numbers), None
    classes = from_memstats(numbers)
    by_size = _mapping(stats).get("BySize")
    if not isinstance(by_size, list):
        return classes, None
    entries = [{k: v for k, v in _mapping(e).items() if isinstance(v, int)} for e in by_size]
    return classes, fragmentation(
        entries, heap_objects=classes.heap_objects, heap_unused=classes.heap_unused
    )


def _table(text: bytes) -> dict[str, object]:
    """Names and values of a JSON object or of Prometheus text."""
    if text.lstrip()[:1] == b"{":
        try:
            return _mapping(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise FormatError("the runtime's numbers are no JSON") from error
    from prometheus_client.parser import text_string_to_metric_families as parse  # noqa: PLC0415

    try:
        return {s.name: s.value for f in parse(text.decode()) for s in f.samples if not s.labels}
    except ValueError as error:
        raise FormatError("the runtime's numbers are no Prometheus text") from error


def _mapping(value: object) -> dict[str, object]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise FormatError("a JSON object is expected for the runtime's numbers")
    return value
