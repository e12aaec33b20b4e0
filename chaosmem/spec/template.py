"""The commented first spec that `chaosmem init` writes."""

from __future__ import annotations

from importlib import resources


def template() -> str:
    """Return YAML text of a valid spec with a comment on each part."""
    return resources.files("chaosmem.spec").joinpath("template.yaml").read_text("utf-8")
