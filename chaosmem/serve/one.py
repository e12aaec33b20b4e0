"""One run: what was done to whom, what came of it, its report, its notes, what is not undone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from chaosmem import evidence, report, verify
from chaosmem.errors import ChaosmemError, FormatError, RunDirError
from chaosmem.history import queries
from chaosmem.plan.model import Plan
from chaosmem.report.rows import CheckRow, check_rows
from chaosmem.rundir import RunDir, layout
from chaosmem.rundir.acts import Act, ControlAnswered
from chaosmem.rundir.events import AnyEntry, Noted, RunStarted
from chaosmem.rundir.journal import Journal
from chaosmem.serve import chronicle
from chaosmem.serve.pages import Site, back, beside, home, page, site
from chaosmem.serve.standing import Standing, of_journal, read_journal, read_plan
from chaosmem.verify.model import Verdict

_REPORT_HEADERS = {
    # Opaque origin: even a report.html that somebody else wrote reaches nothing of this server.
    "content-security-policy": (
        "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; "
        "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'"
    ),
    "x-frame-options": "SAMEORIGIN",
}


@dataclass(frozen=True, slots=True)
class Said:
    """A line of what happened; of a note `trial` is who said it and when."""

    t: float
    trial: str
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """A run as its page tells it.

    `kept`: the verdict is that of verdict.json; else it was computed for this page, or there is
    none, and `why_not` says why.
    """

    experiment: str
    run_id: str
    standing: Standing
    plan: Plan | None
    verdict: Verdict | None
    kept: bool
    why_not: str
    checks: tuple[CheckRow, ...]
    wall: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[Said, ...]
    happened: tuple[Said, ...]
    damage: tuple[str, ...]
    has_report: bool
    before: str
    """Id of the run of this experiment before it; empty: it is the first."""

    @property
    def word(self) -> str:
        """Its outcome, else how it stands."""
        return str(self.verdict.outcome if self.verdict else self.standing.state)


def told(on: Site, found: RunDir) -> Told:
    """Everything that the page of that run shows."""
    journal = read_journal(found)
    now = of_journal(found, journal)
    verdict, kept, why_not = _verdict(found, now)
    entries = [line.entry for line in journal.lines]
    begun = next((e for e in entries if isinstance(e, RunStarted)), None)
    return Told(
        experiment=found.experiment,
        run_id=found.run_id,
        standing=now,
        plan=read_plan(found),
        verdict=verdict,
        kept=kept,
        why_not=why_not,
        checks=check_rows(verdict) if verdict else (),
        wall=begun.wall if begun else "",
        facts=tuple(sorted(begun.facts.items())) if begun else (),
        notes=tuple(_notes(entries)),
        happened=_happened(on, journal),
        damage=journal.damage,
        has_report=found.has(layout.REPORT),
        before=_before(on, found),
    )


def _verdict(found: RunDir, now: Standing) -> tuple[Verdict | None, bool, str]:
    """The verdict, whether it is the kept one, and why there is none."""
    why = ""
    if found.has(layout.VERDICT):
        try:
            return verify.from_json(found.read(layout.VERDICT)), True, ""
        except (RunDirError, FormatError) as problem:
            why = f"verdict.json: {problem}. "
    if now.going_on:
        return None, False, "The run goes on."
    try:
        return verify.verify(evidence.load(found)), False, why
    except ChaosmemError as problem:
        return None, False, f"{why}{problem}"


def _notes(entries: Iterable[AnyEntry]) -> Iterable[Said]:
    for entry in entries:
        if isinstance(entry, Noted):
            yield Said(entry.t, entry.trial, entry.text)
        elif isinstance(entry, ControlAnswered) and entry.act == Act.NOTE:
            yield Said(entry.t, " ".join(filter(None, (entry.by, entry.at[:16]))), entry.text)


def _happened(on: Site, journal: Journal) -> tuple[Said, ...]:
    entries = (line.entry for line in journal.lines)
    lines = (Said(e.t, e.trial, on.settings.sentence(e)) for e in entries)
    return tuple(line for line in lines if line.text)


def _before(on: Site, found: RunDir) -> str:
    older = (
        r.run_id
        for r in on.shelf.runs()
        if r.experiment == found.experiment and r.run_id < found.run_id
    )
    return next(older, "")


async def run(request: Request) -> Response:
    """The page of a run."""
    on = site(request)
    found = on.run(request)
    it = await beside(lambda: told(on, found))
    return page(request, "run.html.j2", run=it, did=request.query_params.get("did", ""))


async def report_of(request: Request) -> Response:
    """The run's report, kept or made now, in a sandbox of its own."""
    found = site(request).run(request)
    data = await beside(lambda: _report(found))
    return Response(data, media_type="text/html", headers=_REPORT_HEADERS)


def _report(found: RunDir) -> bytes:
    if found.has(layout.REPORT):
        return found.read(layout.REPORT)
    seen = evidence.load(found)
    return report.html(verify.verify(seen), seen).encode()


async def spec(request: Request) -> Response:
    """The experiment's text, as it was written."""
    data = site(request).run(request).read(layout.EXPERIMENT_TEXT)
    return Response(data, media_type="text/plain; charset=utf-8")


async def known(request: Request) -> Response:
    """A run that only the history knows; to its directory, if that is here."""
    on = site(request)
    name = request.path_params["run"]
    here = await beside(lambda: next((r for r in on.shelf.runs() if r.run_id == name), None))
    if here is not None:
        return back(home(request, here.experiment, here.run_id))
    whole = await beside(
        lambda: chronicle.asked(
            on.settings.history, lambda h: queries.load(h, [queries.find(h, name)])[0]
        )
    )
    return page(request, "known.html.j2", run=whole)
