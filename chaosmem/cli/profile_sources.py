"""The captures at a place, read; without typer, for the worker processes of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaosmem.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaosmem.profile import Profile


def read_all(
    places: tuple[str, ...], *, timeout: float = 60.0, seconds: int = 0
) -> Iterator[tuple[str, Profile]]:
    """(name, profile) of every capture at the places.

    Args:
        places: as `open_sources` takes them.
        timeout: seconds to wait for an endpoint beyond `seconds`.
        seconds: ask endpoints for a profile over that long.

    Raises:
        ChaosmemError: a source cannot be read, or is no profile.
    """
    from chaosmem.drivers.profile_source import open_sources  # noqa: PLC0415
    from chaosmem.profile import read  # noqa: PLC0415

    for place in places:
        for source in open_sources(place, timeout=timeout, seconds=seconds):
            try:
                yield source.name, read(source.data)
            except FormatError as error:
                raise FormatError(f"{source.name}: {error}", hint=error.hint) from error
