"""`chaosmem profile top` without the command line's own library, which takes longer than the work.

`quick` answers the plain calls (a file or a directory, a few flags) at once; for every other call,
and for every call that ends in an error, it does nothing and the whole command line takes over. So
help, checks and errors have one home. Measured: typer and what it imports take 0.2 s, a small
profile's report 0.01 s.
"""

from __future__ import annotations

import gc
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from chaosmem.errors import ChaosmemError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo
    from pathlib import Path

    from chaosmem.profile import Options, Profile

_COMMAND = ["profile", "top"]
_COUNT = ("-n", "--nodecount")
_INDEX = ("--sample_index", "--sample-index")
_MOST_BYTES = 1 << 20
"""A larger file takes longer than the command line, which then may as well read it."""


def quick(arguments: Sequence[str]) -> bool:
    """Answers a plain `profile top`; False, with nothing printed, if that is not what is asked."""
    if list(arguments[:2]) != _COMMAND:
        return False
    found = _parsed(arguments[2:])
    if found is None:
        return False
    place, flags = found
    one_thread()
    if os.path.isdir(place):  # noqa: PTH112 pathlib takes 5 ms to import
        return _quick_directory(place, flags)
    return _quick_file(place, flags)


def one_thread() -> None:
    """Keeps numpy from starting threads for linear algebra, which no report has; before import."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _parsed(arguments: Sequence[str]) -> tuple[str, dict[str, str | int | bool]] | None:
    """(place, flags) if there is one place, and flags that this module knows; else None."""
    flags: dict[str, str | int | bool] = {}
    places: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--cum":
            flags["cum"] = True
        elif argument in _COUNT + _INDEX:
            value = next(rest, "")
            if argument in _INDEX:
                flags["sample_index"] = value
            elif value.isdecimal() and value.isascii():
                flags["nodecount"] = int(value)
            else:
                return None
        elif argument.startswith("-") or "://" in argument:
            return None
        else:
            places.append(argument)
    return (places[0], flags) if len(places) == 1 else None


def _quick_file(place: str, flags: dict[str, str | int | bool]) -> bool:
    gc.disable()  # what is imported stays; looking through it again and again takes 10 ms
    try:
        with open(place, "rb") as stream:  # noqa: PTH123 see `quick`
            data = stream.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            return False
        from chaosmem.profile import Options, read  # noqa: PLC0415 numpy, after one_thread

        found = top_text(read(data), Options(**flags), zone())  # type: ignore[arg-type]
    except (OSError, ChaosmemError):
        return False
    finally:
        gc.enable()
    sys.stdout.write(printable(warned(found)))
    return True


def _quick_directory(place: str, flags: dict[str, str | int | bool]) -> bool:
    from pathlib import Path  # noqa: PLC0415 see `quick`

    from chaosmem.profile.options import Options  # noqa: PLC0415 no numpy in this process

    print_directory(Path(place), Options(**flags))  # type: ignore[arg-type]
    return True


def print_directory(directory: Path, options: Options) -> None:
    """The reports of all captures of a directory.

    Raises:
        ChaosmemError: there are none, or one cannot be reported; those before it are printed.
    """
    from chaosmem.cli.profile_batch import in_order  # noqa: PLC0415 directories only
    from chaosmem.drivers.profile_source import captures  # noqa: PLC0415

    one_thread()  # the workers too
    work = partial(top_of_file, options=options, zone=zone())
    paths = captures(directory)
    for path, found in zip(paths, in_order(work, paths), strict=True):
        sys.stdout.write(f"==> {path} <==\n")
        sys.stdout.write(printable(warned(found)))


def top_of_file(path: Path, options: Options, zone: tzinfo | None) -> tuple[str, tuple[str, ...]]:
    """(text, warnings): the work of one process of a batch.

    Raises:
        ChaosmemError: the file cannot be read, or is no profile.
    """
    from chaosmem.cli.profile_sources import read_all  # noqa: PLC0415

    _, profile = next(read_all((str(path),)))
    return top_text(profile, options, zone)


def top_text(
    profile: Profile, options: Options, zone: tzinfo | None
) -> tuple[str, tuple[str, ...]]:
    """(text, warnings)."""
    from chaosmem.profile import top as report  # noqa: PLC0415 numpy takes 0.1 s to import

    found = report(profile, n=max(options.nodecount, 0), options=options)
    return found.text(zone), found.warnings


def warned(found: tuple[str, tuple[str, ...]]) -> str:
    """The text; the warnings go to standard error."""
    text, warnings = found
    for warning in warnings:
        sys.stderr.write(warning + "\n")
    return text


def printable(text: str) -> str:
    """The text with what no terminal can show replaced."""
    return text.encode("utf-8", "replace").decode()


def zone() -> tzinfo | None:
    """The local time zone: pprof prints capture times in it."""
    from datetime import datetime  # noqa: PLC0415 numpy imports it too, later

    return datetime.now().astimezone().tzinfo
