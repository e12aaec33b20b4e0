"""The list of runs: those below the directory and those that only the history knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from heapq import merge
from itertools import islice
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from chaosmem.history import queries
from chaosmem.history.database import History
from chaosmem.serve import chronicle
from chaosmem.serve.pages import Site, beside, page, site
from chaosmem.serve.shelf import OUTCOMES, Row, Shelf
from chaosmem.serve.standing import State

ON_A_PAGE = 50
_LONGEST = 200
"""Characters of a field that are read."""
WORDS = (*OUTCOMES, str(State.RUNNING), str(State.KILLED), "not judged")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader asks of the list; moments as people write them."""

    experiment: str = ""
    outcome: str = ""
    since: str = ""
    until: str = ""
    text: str = ""
    page: int = 1

    def fits(self, row: Row, since: str, until: str) -> bool:
        """Whether that run is asked for; one whose time is not known is in no span of time."""
        return (
            self.experiment in ("", row.experiment)
            and self.outcome in ("", row.word)
            and (not since or row.started >= since)
            and (not until or "" < row.started <= until)
            and self.text.lower() in f"{row.experiment} {row.run_id} {row.says}".lower()
        )

    def query(self, **changes: int) -> str:
        """The same question as a query string, with these changes."""
        fields = {n: getattr(self, n) for n in self.__dataclass_fields__} | changes
        return urlencode({n: v for n, v in fields.items() if v not in ("", 1)})


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of the list."""

    live: tuple[Row, ...]
    rows: tuple[Row, ...]
    more: bool
    experiments: tuple[str, ...]
    note: str
    """Why the history is not in it; empty: it is."""
    signature: str


def listed(on: Site, asked: Asked) -> Listed:
    """The page that is asked for, newest first; runs that go on stand apart, on every page."""
    want = chronicle.wanted(asked.since, asked.until, experiment=asked.experiment)
    answer, note = chronicle.asked_if_there(
        on.settings.history, lambda history: _known(history, on.shelf, asked)
    )
    elsewhere, experiments = answer or ((), ())
    every = _merged(on.shelf.rows(asked.experiment), elsewhere)
    over = (r for r in every if asked.fits(r, want.since, want.until) and not r.live)
    first = (asked.page - 1) * ON_A_PAGE
    rows = tuple(islice(over, first, first + ON_A_PAGE + 1))
    live = (on.shelf.row(found) for found in on.shelf.live())
    return Listed(
        tuple(r for r in live if asked.fits(r, want.since, want.until)),
        rows[:ON_A_PAGE],
        len(rows) > ON_A_PAGE,
        tuple(sorted({*on.shelf.experiments(), *experiments})),
        note,
        on.shelf.signature(),
    )


def _known(history: History, shelf: Shelf, asked: Asked) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Runs of the history whose directory is not here, newest first, and its experiments."""
    want = chronicle.wanted(asked.since, asked.until, experiment=asked.experiment)
    found = queries.listed(history, replace(want, outcome=_outcome(asked.outcome))).rows
    here = {found.run_id for found in shelf.runs()}
    rows = tuple(
        Row(r.experiment, r.run_id, r.outcome, r.says, r.started, here=False)
        for r in reversed(found)
        if r.run_id not in here
    )
    return rows, tuple({r.experiment for r in found})


def _outcome(word: str) -> str:
    return word if word in OUTCOMES else ""


def _merged(here: Iterator[Row], elsewhere: Iterable[Row]) -> Iterator[Row]:
    return merge(here, elsewhere, key=lambda row: row.run_id, reverse=True)


async def runs(request: Request) -> Response:
    """The list."""
    asked = _asked(request)
    found = await beside(lambda: listed(site(request), asked))
    return page(request, "runs.html.j2", asked=asked, found=found, outcomes=WORDS)


def _asked(request: Request) -> Asked:
    def given(name: str) -> str:
        return request.query_params.get(name, "")[:_LONGEST].strip()

    number = given("page")
    return Asked(
        experiment=given("experiment"),
        outcome=given("outcome"),
        since=given("since"),
        until=given("until"),
        text=given("text"),
        page=max(1, int(number[:6])) if number.isascii() and number.isdigit() else 1,
    )
