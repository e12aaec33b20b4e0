"""The tools that the chart is held with: Go programs, pinned by go.mod, built once and cached."""

from __future__ import annotations

import re
from pathlib import Path

from tests.cluster import build

_TOOLS = Path(__file__).resolve().parent / "tools"


def helm() -> Path:
    """The real helm; two minutes of CPU where nothing is cached."""
    package = "helm.sh/helm/v3"
    _, major, minor = build.kubernetes_version()
    # Without these, helm takes every cluster for v1.20, and tells that it is nobody's version.
    flags = f"-X {package}/pkg/chartutil.k8sVersionMajor={major}"
    flags += f" -X {package}/pkg/chartutil.k8sVersionMinor={minor}"
    flags += f" -X {package}/internal/version.version={_version('helm', package)}"
    return build.once("helm", _TOOLS / "helm", package=f"{package}/cmd/helm", flags=flags)


def helm_docs() -> Path:
    """What writes the chart's README out of the comments in its values."""
    package = "github.com/norwoodj/helm-docs/cmd/helm-docs"
    return build.once("helm-docs", _TOOLS / "helmdocs", package=package)


def s3_gateway() -> Path:
    """An S3 server over a directory, which checks signatures; a minute and a half of CPU."""
    package = "github.com/versity/versitygw/cmd/versitygw"
    return build.once("versitygw", _TOOLS / "versitygw", package=package)


def _version(tool: str, module: str) -> str:
    text = (_TOOLS / tool / "go.mod").read_text()
    found = re.search(rf"^\s*(?:require )?{re.escape(module)} (v\S+)", text, re.MULTILINE)
    assert found is not None, f"tests/chart/tools/{tool}/go.mod has no {module}"
    return found[1]
