"""What a campaign is once its text is understood: cells in their order, each ready to run."""

from __future__ import annotations

from typing import Literal

from chaosmem.campaign import radius
from chaosmem.spec.base import Model
from chaosmem.spec.campaign import Campaign
from chaosmem.spec.campaign_reader import LoadedCampaign
from chaosmem.spec.model import Experiment

FORMAT = 1


class Cell(Model):
    """One experiment of the campaign.

    Attributes:
        index: place in the order in which cells are begun, from 0; the index in a Job too.
        lock: cells with the same one are never run at one time; empty: it meets no other.
        weight: most targets that it may have under a fault at once.
        seconds: nominal length of all its phases.
        base: directory that its experiment's paths are relative to.
    """

    index: int
    name: str
    axes: dict[str, str]
    experiment: str
    lock: str
    weight: int
    seconds: float
    base: str

    @property
    def key(self) -> str:
        """Its directory's name: `007`."""
        return f"{self.index:03}"


class Prepared(Model):
    """A campaign that can be run: `campaign.json` of a campaign directory."""

    format: int = FORMAT
    campaign: Campaign
    id: str
    sha256: str
    chaosmem: str
    engine: Literal["local", "cluster"] = "local"
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        """The campaign's name."""
        return self.campaign.metadata.name


def cells(loaded: LoadedCampaign) -> tuple[Cell, ...]:
    """The cells of a loaded campaign; PlanRefused where its limits forbid one."""
    radius.refuse(loaded)
    locks = radius.locks([c.loaded.experiment for c in loaded.cells])
    return tuple(
        Cell(
            index=index,
            name=cell.name,
            axes=dict(cell.axes),
            experiment=cell.loaded.experiment.metadata.name,
            lock=lock,
            weight=radius.weight(cell.loaded.experiment),
            seconds=nominal(cell.loaded.experiment),
            base=str(cell.base),
        )
        for index, (cell, lock) in enumerate(zip(loaded.cells, locks, strict=True))
    )


def nominal(experiment: Experiment) -> float:
    """Seconds of all phases of all rounds."""
    phases = experiment.phases
    one = sum(float(getattr(phases, name)) for name in type(phases).model_fields)
    return one * experiment.trials * len(experiment.arms)
