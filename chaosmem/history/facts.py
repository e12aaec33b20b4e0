"""Which of a run's many facts a regression can come from, and what of them a list shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping

GO = ("target.go", "target.go_version", "go.toolchain")
VERSION = (
    "version",
    "service.version",
    "target.version",
    "target.service.version",
    "target.service_version",
    "target.main_version",
    "target.vcs.revision",
)
IMAGE = (
    "image",
    "image.digest",
    "target.image_digest",
    "target.image.digest",
    "target.image_id",
    "target.imageID",
    "target.image",
)
HOST = ("host",)
CHAOSMEM = ("chaosmem",)

_OF_EACH_RUN = frozenset({"target.pid", "target.start_unix_ns", "target.now_unix_ns"})
"""Different in every run, so no cause of anything."""


def first(facts: Mapping[str, str], names: tuple[str, ...]) -> str:
    """The first of these facts that is known, else empty."""
    return next((facts[name] for name in names if facts.get(name)), "")


Change = tuple[str, str, str]
"""A fact with its value before and after; empty where it was not known."""


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    """Each fact that differs, what concerns the service first."""
    names = sorted({*before, *after} - _OF_EACH_RUN, key=_weight)
    pairs = [(name, before.get(name, ""), after.get(name, "")) for name in names]
    return tuple(pair for pair in pairs if pair[1] != pair[2])


def _weight(name: str) -> tuple[int, str]:
    groups = (IMAGE, VERSION, GO)
    return next((i for i, group in enumerate(groups) if name in group), len(groups)), name
