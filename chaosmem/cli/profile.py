"""`chaosmem profile`: reports of pprof profiles, with the flags, rows and numbers of pprof."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chaosmem.cli.profile_options import Asked, load, with_flags
from chaosmem.cli.profile_top import print_directory, printable, top_text, warned, zone
from chaosmem.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chaosmem.profile import Growth, Profile

app = typer.Typer(
    name="profile",
    help="Profiles, goroutine dumps, GC traces and memory layers; pprof's own rows and numbers.",
    epilog="Example: chaosmem profile top runs/quickstart/latest/captures",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Pattern = Annotated[str, typer.Argument(help="A Go regular expression.", show_default=False)]
_SHOWN_FRAMES = 6


@app.command(epilog="Example: chaosmem profile top -n 10 heap.pb.gz")
@with_flags
def top(asked: Asked) -> None:
    """The functions with the largest values, as `go tool pprof -top`."""
    options = asked.options()
    directory = Path(asked.sources[0])
    if len(asked.sources) > 1 or asked.base or asked.diff_base or not directory.is_dir():
        _print(asked, lambda profile: warned(top_text(profile, options, zone())))
        return
    print_directory(directory, options)


@app.command(epilog="Example: chaosmem profile peek 'Cache.*Fill' heap.pb.gz")
@with_flags
def peek(asked: Asked, pattern: Pattern) -> None:
    """Callers and callees of the functions that match, as `go tool pprof -peek`."""
    from chaosmem.profile import peek as report  # noqa: PLC0415

    options = asked.options()
    _print(asked, lambda profile: report(profile, pattern, options).text(zone()))


@app.command(epilog="Example: chaosmem profile tree heap.pb.gz")
@with_flags
def tree(asked: Asked) -> None:
    """The call graph as text, as `go tool pprof -tree`."""
    from chaosmem.profile import tree as report  # noqa: PLC0415

    options = asked.options()
    _print(asked, lambda profile: report(profile, options).text(zone()))


@app.command(epilog="Example: chaosmem profile traces --focus Fill heap.pb.gz")
@with_flags
def traces(asked: Asked) -> None:
    """Every sample with its labels and stack, as `go tool pprof -traces`."""
    from chaosmem.profile import traces as report  # noqa: PLC0415

    options = asked.options()
    _print(asked, lambda profile: report(profile, options, zone()))


@app.command("list", epilog="Example: chaosmem profile list Fill heap.pb.gz")
@with_flags
def list_(
    asked: Asked,
    pattern: Pattern,
    source_path: Annotated[
        list[Path] | None,
        typer.Option("--source-path", "--source_path", help="Where to look for source files."),
    ] = None,
) -> None:
    """The lines of the functions that match, with what each costs, as `go tool pprof -list`."""
    from chaosmem.profile import listing  # noqa: PLC0415

    options = asked.options()
    source = _finder(source_path or [Path.cwd()])
    _print(asked, lambda p: listing(p, pattern, source=source, options=options).text())


@app.command(epilog="Example: chaosmem profile folded heap.pb.gz | flamegraph.pl > heap.svg")
@with_flags
def folded(asked: Asked) -> None:
    """Folded stacks, root first, for flame graph tools."""
    from chaosmem.profile import folded as report  # noqa: PLC0415

    options = asked.options()
    _print(asked, lambda profile: report(profile, options=options))


@app.command(epilog="Example: chaosmem profile speedscope heap.pb.gz > heap.speedscope.json")
@with_flags
def speedscope(asked: Asked) -> None:
    """Speedscope JSON of every sample type."""
    from chaosmem.profile import speedscope as report  # noqa: PLC0415

    options = asked.options()
    for name, profile in load(asked):
        sys.stdout.write(report(profile, name=Path(name).name, options=options) + "\n")


@app.command(epilog="Example: chaosmem profile labels tenant cpu.pb.gz")
@with_flags
def labels(
    asked: Asked,
    key: Annotated[str, typer.Argument(help="The label's key.", show_default=False)],
) -> None:
    """Sums by the values of a label (cpu, goroutine; Go puts none on heap profiles)."""
    from chaosmem.profile import by_label  # noqa: PLC0415
    from chaosmem.profile.measurement import label, percentage  # noqa: PLC0415

    options = asked.options()

    def show(profile: Profile) -> str:
        found = by_label(profile, key, options)
        rows = [(row.sum, row.value) for row in found.rows]
        rows.append((found.unlabelled, "(without the label)"))
        return "".join(
            f"{label(value, found.unit):>10} {percentage(value, found.total)}  {name}\n"
            for value, name in rows
        )

    _print(asked, show)


@app.command(epilog="Example: chaosmem profile diff before.pb.gz after.pb.gz --match Cache.Fill")
def diff(
    base: Annotated[str, typer.Argument(help="The earlier capture.", show_default=False)],
    after: Annotated[str, typer.Argument(help="The later capture.", show_default=False)],
    *,
    match: Annotated[str, typer.Option(help="A function, or a pattern, to look for.")] = "",
    count: Annotated[int, typer.Option("-n", "--nodecount", help="Stacks to show.")] = 10,
    sample_index: Annotated[
        str, typer.Option("--sample-index", "--sample_index", help="Which values.")
    ] = "",
    focus: Annotated[str, typer.Option(help="Only stacks with a frame that matches.")] = "",
    timeout: Annotated[float, typer.Option(help="Seconds to wait for an endpoint.")] = 60.0,
) -> None:
    """What grew between two captures, by stack, with the sampling error."""
    from chaosmem.profile import growth  # noqa: PLC0415

    both = [profile for place in (base, after) for _, profile in load(_one(place, timeout))]
    if len(both) != 2:  # noqa: PLR2004 base and after
        raise UsageError("diff takes two captures, not directories")
    found = growth(both[0], both[1], sample_index=sample_index or None, focus=focus or None)
    sys.stdout.write("\n".join(_growth_lines(found, count, match)) + "\n")


def _one(place: str, timeout: float) -> Asked:
    return Asked((place,), (), (), normalize=False, seconds=0, timeout=timeout)


def _growth_lines(found: Growth, count: int, match: str) -> list[str]:
    from chaosmem.profile.measurement import label  # noqa: PLC0415

    error = "none, every event is counted"
    if found.rate > 1:
        error = f"95 % interval of a heap sampled every {label(found.rate, 'bytes')}"
    total, grown = label(found.total, found.unit), label(found.grown, found.unit)
    ignored = label(found.ignored_bytes, found.unit)
    lines = [
        f"Type: {found.sample_type}",
        f"Net growth {total}; stacks that grew: {grown}",
        f"Left out: pprof's and chaosmem's own stacks ({ignored} of growth)",
        f"Error: {error}",
        "",
        f"{'rank':>4} {'growth':>10} {'+-':>10} {'share':>6} {'objects':>9}  stack, leaf first",
    ]
    for stack in found.top(count):
        error = label(int(stack.estimate.high - stack.bytes), found.unit)
        shown = stack.frames[:_SHOWN_FRAMES]
        more = f" < {len(stack.frames) - len(shown)} more" if len(stack.frames) > len(shown) else ""
        lines.append(
            f"{stack.rank:>4} {label(stack.bytes, found.unit):>10} {error:>10}"
            f" {stack.share:>6.1%} {stack.objects:>9}  {' < '.join(shown)}{more}"
        )
    return lines + (_match_lines(found, match) if match else [])


def _match_lines(found: Growth, match: str) -> list[str]:
    from chaosmem.profile.measurement import label  # noqa: PLC0415

    hit = found.match(match)
    low, high = (label(int(end), found.unit) for end in (hit.estimate.low, hit.estimate.high))
    ranks = ", ".join(map(str, hit.ranks[:10])) or "none"
    share = f"{hit.share:.1%} of what grew ({hit.share_low:.1%} to {hit.share_high:.1%})"
    size = f"{label(hit.bytes, found.unit)} ({low} to {high})"
    return ["", f"{match}: {size}, {share}; ranks {ranks}"]


def _print(asked: Asked, show: Callable[[Profile], str]) -> None:
    several = len(asked.sources) == 1 and Path(asked.sources[0]).is_dir()
    for name, profile in load(asked):
        if several:
            sys.stdout.write(f"==> {name} <==\n")
        sys.stdout.write(printable(show(profile)))


def _finder(paths: Sequence[Path]) -> Callable[[str], list[str] | None]:
    """Finds source files as pprof does: absolute names as they are, others below the paths."""

    def find(name: str) -> list[str] | None:
        for start in paths:
            for directory in (start.absolute(), *start.absolute().parents):
                path = directory / name
                if path.is_file():
                    return path.read_text("utf-8", "replace").splitlines()
        return None

    return find
