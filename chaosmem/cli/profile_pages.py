"""`chaosmem profile flame | goroutine-map | layer-map`: pages to look at, one file each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chaosmem.cli.profile_options import Asked, load, with_flags
from chaosmem.errors import ChaosmemError, FormatError, UsageError

if TYPE_CHECKING:
    from chaosmem.profile import Options, Profile
    from chaosmem.profile.dumps import Goroutines
    from chaosmem.report.flames import Flame

app = typer.Typer(
    name="profile-pages",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="File to write; standard output if it is no terminal."),
]


@app.command(epilog="Example: chaosmem profile flame heap.pb.gz --base before.pb.gz --out x.html")
@with_flags
def flame(asked: Asked, out: Out = None) -> None:
    """A page with the flame graph (of a difference with --base) and the top table beside it."""
    from chaosmem.report.profile_page import flame_page  # noqa: PLC0415 numpy takes 0.1 s to import

    options = asked.options()
    flames = _flames(asked, options)
    if not any(one.name for one in flames):
        raise UsageError("every value is 0: there is nothing to draw")
    title = Path(asked.sources[0]).name if asked.sources[0] != "-" else "standard input"
    facts = [("profile", ", ".join(asked.sources))]
    if base := asked.base or asked.diff_base:
        facts.append(("base" if asked.base else "diff base", ", ".join(base)))
    facts += [("filter", line.strip()) for line in _filters(options)]
    _write(flame_page(f"Flame graph of {title}", facts, flames), out)


@app.command("goroutine-map", epilog="Example: chaosmem profile goroutine-map before.txt after.txt")
def goroutine_map(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Dumps (debug=1, debug=2) or goroutine profiles in order of time; `-` is stdin.",
            show_default=False,
        ),
    ],
    *,
    out: Out = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for an endpoint.")] = 60.0,
) -> None:
    """A page with the goroutines of each dump by state, wait reason and stack."""
    from chaosmem.report.goroutines import of_dumps  # noqa: PLC0415
    from chaosmem.report.profile_page import goroutine_page  # noqa: PLC0415

    dumps = [dump for place in files for dump in _dumps(place, timeout)]
    short = [Path(name).name for name, _ in dumps]
    if len(set(short)) == len(short):
        dumps = [(name, dump) for name, (_, dump) in zip(short, dumps, strict=True)]
    found = of_dumps(dumps)
    facts = [
        (name, f"{total:,} goroutines ({getattr(dump, 'form', 'profile')})")
        for (name, dump), total in zip(dumps, found.totals, strict=True)
    ]
    _write(goroutine_page("Goroutines", facts, found), out)


@app.command("layer-map", epilog="Example: chaosmem profile layer-map --pid 4711 --out x.html")
def layer_map(
    directory: Annotated[
        Path | None,
        typer.Argument(help="Captured files under their own names (statm, smaps, memory.stat...)."),
    ] = None,
    *,
    pid: Annotated[int, typer.Option(min=0, help="Read this process and its cgroup now.")] = 0,
    runtime: Annotated[
        str, typer.Option(help="JSON of runtime/metrics or /debug/vars, or Prometheus text.")
    ] = "",
    out: Out = None,
) -> None:
    """A page with each layer of a process's memory, its parts and the unexplained rest."""
    from chaosmem.cli.profile_text import (  # noqa: PLC0415 what `layers` reads, read alike
        directory_files,
        gathered,
        process_files,
        source_bytes,
    )
    from chaosmem.profile.layers import reconcile  # noqa: PLC0415
    from chaosmem.report.layers import balance_bars  # noqa: PLC0415
    from chaosmem.report.profile_page import layer_page  # noqa: PLC0415

    if (directory is None) == (pid == 0):
        raise UsageError("layer-map takes a directory of captured files, or --pid")
    files = process_files(pid) if directory is None else directory_files(directory)
    if runtime:
        files["runtime"] = source_bytes(runtime)
    balances = reconcile(gathered(files)[0])
    if not balances:
        raise UsageError(
            "nothing to reconcile", hint="give smaps_rollup and --runtime, or memory.*"
        )
    facts = [("process", str(pid)) if pid else ("files", str(directory))]
    facts += [("runtime", runtime)] if runtime else []
    _write(layer_page("Memory layers", facts, balance_bars(balances)), out)


def _filters(options: Options) -> Sequence[str]:
    from chaosmem.profile.report import active_filters  # noqa: PLC0415

    return active_filters(options)[1:]


def _flames(asked: Asked, options: Options) -> list[Flame]:
    """One for each capture: of its values, or of its difference to the base."""
    base = asked.base or asked.diff_base
    whole = replace(asked, base=(), diff_base=(), normalize=False)
    before = _base(replace(whole, sources=base), asked) if base else None
    return [_flame(name, profile, before, asked, options) for name, profile in load(whole)]


def _base(asked: Asked, given: Asked) -> Profile:
    """The base, as one profile; `given` is checked as every command's input is."""
    from chaosmem.profile import merge  # noqa: PLC0415

    if given.base and given.diff_base:
        raise UsageError("--base and --diff-base cannot both be given")
    return merge([profile for _, profile in load(asked)])


def _flame(
    name: str, profile: Profile, before: Profile | None, asked: Asked, options: Options
) -> Flame:
    from chaosmem.profile import diff  # noqa: PLC0415
    from chaosmem.profile.report import sample_index  # noqa: PLC0415
    from chaosmem.profile.stack_tree import plant  # noqa: PLC0415
    from chaosmem.report.flames import Told, diff_flame, functions, value_flame  # noqa: PLC0415

    chosen = profile.sample_types[sample_index(profile, options.sample_index)]
    title = f"{name}: {chosen.type}"
    if before is None:
        if asked.normalize:
            raise UsageError("--normalize needs a base")
        rows, total = functions(profile, options)
        told = Told(title, f"Width: {chosen.type}.", chosen.unit, rows, total)
        return value_flame(plant([profile], options), 0, told)
    if asked.normalize:
        profile = _normalized(profile, before, options)
    relative = bool(asked.diff_base)
    changed = diff(profile, before, relative_to_base=relative)
    rows, total = functions(changed, options)
    note = (
        f"Width: {chosen.type} that came or went, added up. Orange grew, blue shrank; the stronger,"
        " the more of a frame went one way."
    )
    told = Told(f"{title}, difference", note, chosen.unit, rows, total)
    return diff_flame(plant([before, profile], options), 0, 1, told)


def _normalized(profile: Profile, base: Profile, options: Options) -> Profile:
    """`profile` scaled to the base's total of the sample type that is shown."""
    from chaosmem.profile import scaled  # noqa: PLC0415
    from chaosmem.profile.report import sample_index  # noqa: PLC0415

    index = options.sample_index
    own = int(profile.samples.values[sample_index(profile, index)].sum())
    wanted = int(base.samples.values[sample_index(base, index)].sum())
    return scaled(profile, wanted / own if own else 0.0)


def _dumps(place: str, timeout: float) -> list[tuple[str, Goroutines | Profile]]:
    """The goroutines of each input there, by name."""
    from chaosmem.drivers.profile_source import open_sources  # noqa: PLC0415

    return [(s.name, _goroutines(s.name, s.data)) for s in open_sources(place, timeout=timeout)]


def _goroutines(name: str, data: bytes) -> Goroutines | Profile:
    """A text dump of either form, or a goroutine profile."""
    from chaosmem.profile import read  # noqa: PLC0415
    from chaosmem.profile.dumps import parse_goroutines  # noqa: PLC0415
    from chaosmem.profile.unpack import unpack  # noqa: PLC0415

    try:
        raw = unpack(data)
        if raw[:64].decode("utf-8", "replace").replace("\n", " ").replace("\t", " ").isprintable():
            return parse_goroutines(raw)
        return read(raw)
    except ChaosmemError as error:
        raise FormatError(f"{name}: {error}", hint=error.hint) from error


def _write(page: str, out: Path | None) -> None:
    if out is not None:
        try:
            out.write_text(page, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{out}: {error.strerror}") from error
        typer.echo(str(out))
        return
    if sys.stdout.isatty():
        raise UsageError("a page is no text for a terminal", hint="give --out page.html")
    sys.stdout.write(page)
