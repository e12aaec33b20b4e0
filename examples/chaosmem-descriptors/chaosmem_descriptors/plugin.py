"""What the entry points name: models, and where the rest is.

Every command that reads a spec imports this, so it imports little.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chaosmem.plugins import CheckPlugin, FaultPlugin, FinderPlugin, ReporterPlugin
from chaosmem.spec.base import Model
from chaosmem.spec.checks import CheckBase
from chaosmem.spec.faults import FaultBase


class Descriptors(FaultBase):
    """The target may open only so many file descriptors: connections are refused above that."""

    kind: Literal["descriptors"] = "descriptors"
    limit: Annotated[int, Field(strict=True, ge=16)]
    """Soft limit of open files (RLIMIT_NOFILE) while the fault acts."""


class GoroutineCeiling(CheckBase):
    """The goroutine count never goes above a number."""

    kind: Literal["goroutine-ceiling"] = "goroutine-ceiling"
    max: Annotated[int, Field(strict=True, ge=1)]
    """Largest count that is allowed, in any sample of the trial."""


class PidFile(Model):
    """A service that writes its process id into a file."""

    path: str
    """The file."""
    url: str
    """Where the service answers."""


DESCRIPTORS = FaultPlugin(
    model=Descriptors,
    describe="chaosmem_descriptors.fault:describe",
    act="chaosmem_descriptors.fault:Acting",
    prove="chaosmem_descriptors.proof:prove",
    finish="chaosmem_descriptors.fault:finish",
)
GOROUTINE_CEILING = CheckPlugin(
    model=GoroutineCeiling,
    claim="chaosmem_descriptors.ceiling:claim",
    judge="chaosmem_descriptors.ceiling:judge",
)
CSV = ReporterPlugin(render="chaosmem_descriptors.table:render")
PIDFILE = FinderPlugin(model=PidFile, find="chaosmem_descriptors.pidfile:find")
