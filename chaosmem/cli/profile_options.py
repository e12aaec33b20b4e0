"""The flags that all profile commands share: those of `go tool pprof`, from one table."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from chaosmem.cli.profile_sources import read_all
from chaosmem.errors import UsageError

if TYPE_CHECKING:
    from chaosmem.profile import Options, Profile

_Granularity = Literal["functions", "filefunctions", "files", "lines", "addresses"]

_FLAGS: tuple[tuple[str, Any, Any, str], ...] = (
    ("sample_index", str, "", "Values to report: a sample type's name, or its index."),
    ("mean", bool, False, "Average over the first value (count)."),
    ("granularity", _Granularity, "functions", "What a row is."),
    ("noinlines", bool, False, "Count inlined calls as their caller's."),
    ("showcolumns", bool, False, "Tell columns of a line apart."),
    ("focus", str, "", "Only samples with a frame that matches."),
    ("ignore", str, "", "Only samples without a frame that matches."),
    ("hide", str, "", "Drop the frames that match."),
    ("show", str, "", "Only the frames that match."),
    ("show_from", str, "", "Drop the frames above the highest that matches."),
    ("prune_from", str, "", "Drop the frames below the lowest that matches."),
    ("tagfocus", str, "", "Only samples with a label that matches (key=regexp, or a range)."),
    ("tagignore", str, "", "Only samples without a label that matches."),
    ("tagshow", str, "", "Only labels whose key matches."),
    ("taghide", str, "", "Drop labels whose key matches."),
    ("tagroot", str, "", "Label keys that become frames at the root."),
    ("tagleaf", str, "", "Label keys that become frames at the leaf."),
    ("cum", bool, False, "Sort by cum instead of flat."),
    ("nodecount", int, -1, "Rows at most; 0 is all."),
    ("nodefraction", float, 0.005, "Drop rows whose cum is below this part of the total."),
    ("edgefraction", float, 0.001, "Drop calls below this part of the total."),
    ("trim", bool, True, "Honour nodecount, nodefraction and edgefraction."),
    ("drop_negative", bool, False, "Drop rows below zero."),
    ("relative_percentages", bool, False, "Percentages of what focus and ignore leave."),
    ("unit", str, "minimum", "Unit of the values; auto for one each."),
    ("divide_by", float, 1.0, "Divide every value."),
    ("compact_labels", bool, False, "No header about the profile."),
    ("trim_path", str, "", "Prefix to cut from file names."),
)
_SHORT = {"nodecount": ("-n",), "cum": ("--cum",)}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for.

    Attributes:
        sources: files, "-", directories or addresses.
        base, diff_base: profiles to subtract; diff_base's percentages are of the base.
        normalize: first scale to the base's totals.
        seconds: ask endpoints for a profile over that long.
        timeout: seconds to wait for an endpoint beyond that.
        flags: the fields of `Options`, checked when they are made into one.
    """

    sources: tuple[str, ...]
    base: tuple[str, ...]
    diff_base: tuple[str, ...]
    normalize: bool
    seconds: int
    timeout: float
    flags: dict[str, Any] = field(default_factory=dict)

    def options(self) -> Options:
        """The report's options."""
        from chaosmem.profile import Options  # noqa: PLC0415 numpy takes 0.1 s to import

        return Options(**self.flags)


def with_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command (asked, its own parameters) the shared flags."""
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

    def run(**values: Any) -> None:
        asked = Asked(
            sources=tuple(values.pop("sources")),
            base=tuple(values.pop("base")),
            diff_base=tuple(values.pop("diff_base")),
            normalize=values.pop("normalize"),
            seconds=values.pop("seconds"),
            timeout=values.pop("timeout"),
            flags={name: values.pop(name) for name, *_ in _FLAGS},
        )
        command(asked, **values)

    parameters = [*own, *_input_parameters(), *(_parameter(*flag) for flag in _FLAGS)]
    # typer reads a command's parameters from its signature
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    )
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__doc__, run.__name__ = command.__doc__, command.__name__
    return run


def _parameter(name: str, kind: Any, default: Any, text: str) -> inspect.Parameter:
    dashed = "--" + name.replace("_", "-")
    names = [*_SHORT.get(name, ()), f"{dashed}/--no-{dashed[2:]}" if default is True else dashed]
    if "_" in name:
        names.append(f"--{name}")  # as pprof spells it
    annotation = Annotated[kind, typer.Option(*names, help=text)]
    return _keyword(name, annotation, default)


def _input_parameters() -> list[inspect.Parameter]:
    sources = typer.Argument(
        help="Files, `-`, directories of captures, or addresses of pprof endpoints; several files "
        "are added up, a directory is reported file by file.",
        show_default=False,
    )
    subtract = "Subtract this profile; percentages of "
    return [
        _keyword("sources", Annotated[list[str], sources], inspect.Parameter.empty),
        _keyword("base", Annotated[list[str], _option("--base", subtract + "what remains.")], []),
        _keyword(
            "diff_base",
            Annotated[list[str], _option("--diff-base", subtract + "it.", "--diff_base")],
            [],
        ),
        _keyword(
            "normalize", Annotated[bool, _option("--normalize", "Scale to the base first.")], False
        ),
        _keyword(
            "seconds", Annotated[int, _option("--seconds", "Length of an endpoint's profile.")], 0
        ),
        _keyword(
            "timeout", Annotated[float, _option("--timeout", "Seconds to wait beyond that.")], 60.0
        ),
    ]


def _option(name: str, text: str, *more: str) -> Any:
    return typer.Option(name, *more, help=text)


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
    )


def load(asked: Asked) -> Iterator[tuple[str, Profile]]:
    """(name, profile) of everything to report: one, or one for each capture of a directory.

    Raises:
        ChaosmemError: a source cannot be read, or is no profile.
    """
    from pathlib import Path  # noqa: PLC0415

    from chaosmem.profile import diff, merge  # noqa: PLC0415

    if asked.base and asked.diff_base:
        raise UsageError("--base and --diff-base cannot both be given")
    base = asked.base or asked.diff_base
    if asked.normalize and not base:
        raise UsageError("--normalize needs a base")
    found = read_all(asked.sources, timeout=asked.timeout, seconds=asked.seconds)
    if len(asked.sources) > 1 or not Path(asked.sources[0]).is_dir():
        found = iter([(asked.sources[0], merge([profile for _, profile in found]))])
    if not base:
        yield from found
        return
    before = read_all(base, timeout=asked.timeout, seconds=asked.seconds)
    reference = merge([profile for _, profile in before])
    for name, profile in found:
        relative = bool(asked.diff_base)
        yield name, diff(profile, reference, relative_to_base=relative, normalize=asked.normalize)
