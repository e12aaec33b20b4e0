"""The campaign as one small file, which a ConfigMap carries to the pods of its Job."""

from __future__ import annotations

import base64
import gzip

from pydantic import ValidationError

from chaosmem.campaign import directory
from chaosmem.campaign.directory import CampaignDir
from chaosmem.campaign.model import Prepared
from chaosmem.errors import PlanRefused, RunDirError
from chaosmem.spec.base import Model

FILE = "campaign.json.gz"
MOST = 900_000
"""Bytes: a ConfigMap takes 1 MiB, base64 included (Kubernetes API, ConfigMap)."""


class Packed(Model):
    """A campaign, its cells' experiments, and which of them the Job runs.

    Attributes:
        indices: cell of each index of the Job; a Job that goes on where another one ended has
            only the cells that are left.
    """

    prepared: Prepared
    text: str
    experiments: tuple[str, ...]
    indices: tuple[int, ...]


def pack(packed: Packed) -> str:
    """As `binaryData` of a ConfigMap; the same campaign gives the same text."""
    data = gzip.compress(packed.model_dump_json(by_alias=True).encode(), mtime=0)
    made = base64.b64encode(data).decode()
    if len(made) > MOST:
        raise PlanRefused(
            f"the campaign takes {len(made)} bytes, over the {MOST} that a ConfigMap can hold",
            hint="make two campaigns of it",
        )
    return made


def unpack(data: bytes) -> Packed:
    """What `pack` made, as the pod's volume has it (no base64); RunDirError where it is not."""
    try:
        return Packed.model_validate_json(gzip.decompress(data))
    except (OSError, EOFError, ValidationError) as problem:
        raise RunDirError(f"the packed campaign is damaged: {problem}") from problem


def from_directory(home: CampaignDir, indices: tuple[int, ...]) -> Packed:
    """The campaign in a directory, packed for these cells."""
    prepared = home.prepared()
    texts = [(home.cell(c) / directory.EXPERIMENT).read_text("utf-8") for c in prepared.cells]
    return Packed(
        prepared=prepared,
        text=(home.root / directory.TEXT).read_text("utf-8"),
        experiments=tuple(texts),
        indices=indices,
    )
