"""The way from text to a `Campaign` with its cells, or every problem at once with its place."""

from __future__ import annotations

import glob
import hashlib
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Final, get_type_hints

from pydantic import TypeAdapter, ValidationError

from chaosmem.errors import SpecError
from chaosmem.spec import messages, nodes
from chaosmem.spec.base import WRITTEN
from chaosmem.spec.campaign import Campaign
from chaosmem.spec.campaign_cells import CellSpec, Source, cells_of
from chaosmem.spec.errors import Problem, Severity, SpecInvalid, in_order, unknown
from chaosmem.spec.nodes import Document
from chaosmem.spec.reader import MAX_BYTES

FIELDS: Final = {info.alias or name: name for name, info in Campaign.model_fields.items()}
_TYPES: Final[dict[str, Any]] = get_type_hints(Campaign, include_extras=True)
_MISSING: Final = {
    "apiVersion": "`apiVersion` is missing; add apiVersion: chaosmem/v1",
    "kind": "`kind` is missing; add kind: Campaign",
    "metadata": "`metadata` is missing; add for example metadata: {name: monthly}",
    "experiments": "`experiments` is missing; add for example experiments: [quickstart.yaml]",
}


@dataclass(frozen=True, slots=True)
class LoadedCampaign:
    """A campaign that may be run: what was declared, its text, its cells in their order."""

    campaign: Campaign
    text: str
    sha256: str
    cells: tuple[CellSpec, ...]
    warnings: tuple[Problem, ...] = ()


def load_campaign(path: FilePath | str) -> LoadedCampaign:
    """Read a campaign and all experiments that it names.

    Raises:
        SpecInvalid: with every problem of the campaign, and of every cell.
        SpecError: there is no such text.
    """
    file = FilePath(path)
    text = _text(file)
    document = nodes.read(text, file=str(file))
    if not document.value and document.problems:
        raise SpecInvalid(document.problems)
    valid = _sections(document)
    sources = _sources(document, valid.get("experiments", ()), file.parent)
    if document.problems:
        raise SpecInvalid(document.problems)
    campaign = Campaign.model_validate(valid, by_name=True)
    cells, problems = cells_of(campaign, document, sources)
    if any(p.severity is Severity.ERROR for p in problems):
        raise SpecInvalid(problems)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return LoadedCampaign(campaign, text, digest, cells, in_order(problems))


def _text(file: FilePath) -> str:
    try:
        with file.open("rb") as source:
            data = source.read(MAX_BYTES + 1)
    except OSError as error:
        raise SpecError(
            f"{file}: cannot be read: {error.strerror or error}", hint="docs/campaigns.md has one"
        ) from error
    if len(data) > MAX_BYTES:
        raise SpecError(f"{file}: larger than {MAX_BYTES // 2**20} MiB; this is no campaign")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SpecError(f"{file}:{line}: not UTF-8 text (byte {error.start})") from error


def _sections(document: Document) -> dict[str, Any]:
    """The valid sections by field name; what is wrong goes to the document."""
    valid: dict[str, Any] = {}
    for section, value in document.value.items():
        if section not in FIELDS:
            message = unknown("section", section, FIELDS)
            document.problems.append(document.problem((section,), message, of_key=True))
        elif value is None:
            message = "nothing is written here; delete the key, or give it a value"
            document.problems.append(document.problem((section,), message, of_key=True))
        else:
            valid |= _section(document, section, value)
    for section, message in _MISSING.items():
        if section not in document.value:
            document.problems.append(document.problem((), message))
    return valid


def _section(document: Document, section: str, value: nodes.Value) -> dict[str, Any]:
    expected = _TYPES[FIELDS[section]]
    adapter: TypeAdapter[Any] = TypeAdapter(expected)
    try:
        got = adapter.validate_python(value, context=WRITTEN, by_alias=True, by_name=False)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            here = (section, *detail["loc"])
            message = messages.message(detail, expected, here)
            of_key = detail["type"] == "extra_forbidden"
            document.problems.append(document.problem(here, message, of_key=of_key))
        return {}
    return {FIELDS[section]: got}


def _sources(document: Document, patterns: tuple[str, ...], base: FilePath) -> tuple[Source, ...]:
    """The experiments that the patterns name, each file once, in their order."""
    found: dict[FilePath, Source] = {}
    for number, pattern in enumerate(patterns):
        at = ("experiments", number) if len(patterns) > 1 else ("experiments",)
        names = sorted(glob.glob(pattern, root_dir=base, recursive=True))  # noqa: PTH207 - `..` too
        if not names:
            message = f"no file {pattern!r} in {base or '.'}"
            document.problems.append(document.problem(at, message))
        for name in names:
            path = base / name
            if path.resolve() not in found:
                found[path.resolve()] = _source(document, path, at)
    return tuple(found.values())


def _source(document: Document, path: FilePath, at: tuple[str | int, ...]) -> Source:
    read = Document(str(path))
    try:
        read = nodes.read(_text(path), file=str(path))
    except SpecError as error:
        document.problems.append(document.problem(at, str(error)))
    document.problems += read.problems
    metadata = read.value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return Source(name if isinstance(name, str) else path.stem, path.resolve().parent, read)
