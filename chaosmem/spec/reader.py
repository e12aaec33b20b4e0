"""The way from text to an `Experiment`: read, fill in the preset, validate, check the rules."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Final

from chaosmem.errors import SpecError
from chaosmem.spec import nodes, presets, rules, sections
from chaosmem.spec.errors import Problem, Severity, SpecInvalid, in_order
from chaosmem.spec.model import Experiment

MAX_BYTES: Final = 4 * nodes.MAX_CHARACTERS  # UTF-8 takes at most 4 bytes a character


@dataclass(frozen=True, slots=True)
class Loaded:
    """A spec that may be run.

    Attributes:
        experiment: the whole experiment, its preset filled in.
        text: the text as given.
        sha256: hexadecimal digest of the text's UTF-8 bytes.
        warnings: what is odd, but not refused.
    """

    experiment: Experiment
    text: str
    sha256: str
    warnings: tuple[Problem, ...] = ()


def load(path: FilePath | str) -> Loaded:
    """Read the spec in a file.

    Raises:
        SpecInvalid: with every problem that the text has.
        SpecError: there is no such text.
    """
    file = FilePath(path)
    try:
        with file.open("rb") as source:
            data = source.read(MAX_BYTES + 1)  # bounded: it may be a device or a pipe
    except OSError as error:
        raise _unreadable(file, error) from error
    if len(data) > MAX_BYTES:
        raise SpecError(f"{file}: larger than {MAX_BYTES // 2**20} MiB; this is no spec")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SpecError(
            f"{file}:{line}: not UTF-8 text (byte {error.start})", hint="save the file as UTF-8"
        ) from error
    return loads(text, name=str(file))


def _unreadable(file: FilePath, error: OSError) -> SpecError:
    if isinstance(error, FileNotFoundError):
        return SpecError(f"{file}: no such file", hint="`chaosmem init` writes a first spec")
    if isinstance(error, IsADirectoryError):
        return SpecError(f"{file}: is a directory", hint="name a spec inside it")
    return SpecError(f"{file}: cannot be read: {error.strerror or error}")


def loads(text: str, *, name: str) -> Loaded:
    """Read a spec from `text`; `name` stands for the file in messages.

    Raises:
        SpecInvalid: with every problem that the text has.
    """
    document = nodes.read(text, file=name)
    if not document.value and document.problems:
        raise SpecInvalid(document.problems)
    from_preset = presets.fill_in(document)
    valid, broken = sections.parse(document)
    draft = rules.Draft.of(valid, broken)
    problems = [*document.problems, *_complaints(document, draft, from_preset)]
    if any(p.severity is Severity.ERROR for p in problems):
        raise SpecInvalid(problems)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Loaded(_experiment(valid), text, digest, in_order(problems))


def _complaints(
    document: nodes.Document, draft: rules.Draft, from_preset: frozenset[str]
) -> Iterator[Problem]:
    name = document.value.get("preset")
    for complaint in rules.complaints(draft):
        section, message = complaint.path[0] if complaint.path else "", complaint.message
        if section in from_preset:
            message += f" (the preset {name} says so; write your own `{section}:`)"
        yield document.problem(complaint.path, message, severity=complaint.severity)


def _experiment(valid: dict[str, Any]) -> Experiment:
    """Put valid sections together; nothing is validated twice."""
    pairs = {name: tuple(m for _, m in valid[name]) for name in sections.KINDS if name in valid}
    return Experiment.model_validate(valid | pairs, by_name=True)
