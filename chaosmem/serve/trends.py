"""Trends of checks over the history, and the baselines that are in force."""

from __future__ import annotations

from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from chaosmem.history import baselines as bases
from chaosmem.history import overview, queries, text
from chaosmem.history.database import History
from chaosmem.history.model import Baseline, Wanted
from chaosmem.history.trend import Trend
from chaosmem.serve import chronicle
from chaosmem.serve.pages import beside, page, site

SHOWN_POINTS = 50


@dataclass(frozen=True, slots=True)
class Checks:
    """What there are trends of: experiments with their checks."""

    experiment: str
    experiments: tuple[str, ...]
    trends: tuple[tuple[str, Trend], ...]
    """Each under its check's name, of which a kind can have several."""


async def trends(request: Request) -> Response:
    """A check's trends; without one, every check of the experiment in a line."""
    given = request.query_params
    check, url = given.get("check", ""), site(request).settings.history
    asked = chronicle.wanted(
        given.get("since", ""), given.get("until", ""), experiment=given.get("experiment", "")
    )
    if check:
        joined = given.get("across", "") == "1"
        found = await beside(
            lambda: chronicle.asked(
                url, lambda h: overview.look(h, check, asked, across_specs=joined)
            )
        )
        return page(
            request, "trend.html.j2", found=found, joined=joined, shown=SHOWN_POINTS, told=_told
        )
    checks, note = await beside(lambda: chronicle.asked_if_there(url, lambda h: _checks(h, asked)))
    return page(request, "trends.html.j2", found=checks or Checks("", (), ()), note=note)


def _checks(history: History, asked: Wanted) -> Checks:
    by_check = {name: queries.experiments_of(history, name) for name in queries.checks(history)}
    experiments = tuple(sorted({e for found in by_check.values() for e in found}))
    chosen = asked.experiment or (experiments[0] if len(experiments) == 1 else "")
    own = [name for name, found in by_check.items() if chosen in found]
    want = replace(asked, experiment=chosen)
    found = ((name, one) for name in own for one in overview.look(history, name, want).trends)
    return Checks(chosen, experiments, tuple(found))


def _told(found: Trend) -> list[str]:
    """The terminal's lines on a trend, without its sparkline and its points."""
    lines = list(text.trend(replace(found, points=found.points[:1]), width=8))
    return [line.strip() for line in lines[2:-1]]


@dataclass(frozen=True, slots=True)
class Named:
    """A baseline with all its revisions, the newest last, and the one that is in force."""

    name: str
    force: Baseline | None
    revisions: tuple[Baseline, ...]


async def baselines(request: Request) -> Response:
    """Every baseline with its revisions."""
    url = site(request).settings.history
    found, note = await beside(lambda: chronicle.asked_if_there(url, bases.revisions))
    groups: dict[tuple[str, str], list[Baseline]] = {}
    for one in found or ():
        groups.setdefault((one.experiment, one.name), []).append(one)
    named = [
        Named(f"{experiment}/{name}", bases.in_force(revised), tuple(revised))
        for (experiment, name), revised in groups.items()
    ]
    return page(request, "baselines.html.j2", named=named, note=note)
