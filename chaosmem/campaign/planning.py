"""From a campaign's file to a campaign directory, and its plan on one screen."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from chaosmem import __version__, units
from chaosmem.campaign import directory, model, radius, schedule
from chaosmem.campaign.directory import CampaignDir
from chaosmem.campaign.model import Prepared
from chaosmem.clock import new_run_id
from chaosmem.spec.campaign_reader import LoadedCampaign, load_campaign

Engine = Literal["local", "cluster"]


def prepare(file: Path, engine: Engine = "local") -> tuple[Prepared, LoadedCampaign]:
    """The campaign in a file, understood; SpecInvalid and PlanRefused say why not."""
    loaded = load_campaign(file)
    prepared = Prepared(
        campaign=loaded.campaign,
        id=new_run_id(),
        sha256=loaded.sha256,
        chaosmem=__version__,
        engine=engine,
        cells=model.cells(loaded),
    )
    return prepared, loaded


def create(file: Path, base: Path, engine: Engine) -> CampaignDir:
    """A fresh campaign directory."""
    prepared, loaded = prepare(file, engine)
    texts = [c.loaded.text for c in loaded.cells]
    if engine == "cluster":  # the Job's indices are the order in which its pods begin
        order = schedule.interleaved(prepared.cells)
        texts = [texts[cell.index] for cell in order]
        again = tuple(c.model_copy(update={"index": n, "base": "."}) for n, c in enumerate(order))
        prepared = prepared.model_copy(update={"cells": again})
    return directory.create(base, prepared, loaded.text, texts)


def lines(prepared: Prepared, loaded: LoadedCampaign) -> list[str]:
    """The plan for people."""
    campaign, cells = prepared.campaign, prepared.cells
    most = schedule.width(cells, parallelism=campaign.parallelism, targets=campaign.limits.targets)
    about = units.human_seconds(_about(prepared))
    width = max(len(c.name) for c in cells)
    late = f", after {units.human_seconds(campaign.deadline)}" if campaign.deadline else ""
    return [
        f"{prepared.name}: {len(cells)} cell(s), at most {most} at one time, about {about}",
        *(_line(c, width) for c in cells),
        f"stops on {', '.join(campaign.stop_on) or 'nothing'}{late}",
        *(f"note     {n}" for n in radius.notes(loaded)),
        *(f"warning  {w}" for w in loaded.warnings),
    ]


def _line(cell: model.Cell, width: int) -> str:
    parts = [f"{cell.key}  {cell.name:<{width}}", units.human_seconds(cell.seconds)]
    parts += [f"up to {cell.weight} targets"] if cell.weight > 1 else []
    parts += [f"alone on {cell.lock}"] if cell.lock else []
    return "  ".join(parts)


def _about(prepared: Prepared) -> float:
    """Seconds that the phases take, simulated: each cell begun as soon as it may be."""
    campaign = prepared.campaign
    waiting = list(prepared.cells)
    ends: list[tuple[float, model.Cell]] = []
    now = 0.0
    while waiting or ends:
        cell = schedule.startable(
            waiting,
            [c for _, c in ends],
            parallelism=campaign.parallelism,
            targets=campaign.limits.targets,
        )
        if cell is not None:
            waiting.remove(cell)
            ends.append((now + cell.seconds, cell))
            continue
        ends.sort(key=lambda e: e[0])
        now, _ = ends.pop(0)
    return now
