"""A file of channels that stand for all runs of a machine: `notify:` alone, as in a spec."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Final

from chaosmem.errors import SpecError
from chaosmem.spec import nodes, sections
from chaosmem.spec.errors import SpecInvalid, unknown
from chaosmem.spec.notify import AnyChannel

SECTION: Final = "notify"


@dataclass(frozen=True, slots=True)
class Channels:
    """Channels with the document that names them, for the places of later problems."""

    channels: tuple[AnyChannel, ...]
    document: nodes.Document


def load_channels(path: FilePath) -> Channels:
    """Read a file of channels.

    Raises:
        SpecInvalid: with every problem that the text has.
        SpecError: there is no such text.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeError) as problem:
        said = getattr(problem, "strerror", None) or "not UTF-8 text"
        raise SpecError(
            f"{path}: {said}", hint="it is named by --notify or by CHAOSMEM_NOTIFY"
        ) from problem
    document = nodes.read(text, file=str(path))
    return Channels(tuple(_channels(document)), document)


def _channels(document: nodes.Document) -> list[AnyChannel]:
    found: list[AnyChannel] = []
    for name, value in document.value.items():
        if name == SECTION:
            for pairs in sections.entries(document, name, value):
                found += [channel for _, channel in pairs]
        else:
            message = unknown("section", name, [SECTION])
            document.problems.append(document.problem((name,), message, of_key=True))
    if SECTION not in document.value and not document.problems:
        message = "`notify` is missing; write for example notify: [slack: {url: {env: SLACK_URL}}]"
        document.problems.append(document.problem((), message))
    if document.problems:
        raise SpecInvalid(document.problems)
    return found
