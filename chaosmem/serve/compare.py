"""Two runs side by side: what each check said, what differs, and whether that can be told.

A number of one run against a number of another is judged by their own errors alone. Where a
baseline is approved, each run is held against it too, with the history's arithmetic
(`chaosmem.history.against`), which knows how much such numbers scatter.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from chaosmem.errors import UsageError
from chaosmem.history import against, queries, reading
from chaosmem.history import baselines as bases
from chaosmem.history.against import Compared
from chaosmem.history.database import History
from chaosmem.history.differences import differences
from chaosmem.history.direction import worse
from chaosmem.history.facts import Change, changed
from chaosmem.history.model import Level, Run
from chaosmem.report.words import amount
from chaosmem.serve import chronicle
from chaosmem.serve.pages import Site, beside, page, site
from chaosmem.verify.model import Finding, Outcome

OFFERED = 200


@dataclass(frozen=True, slots=True)
class Pair:
    """One check of both runs. `tone`: `better`, `worse`, `same`, or `` where nobody can say."""

    name: str
    arm: str
    subject: str
    first: Level | None
    second: Level | None
    difference: str
    says: str
    tone: str = ""
    held: tuple[Finding | None, Finding | None] = (None, None)


@dataclass(frozen=True, slots=True)
class Both:
    """The comparison. `held` is what each run is against its baseline, None without a history."""

    first: Run
    second: Run
    pairs: tuple[Pair, ...]
    facts: tuple[Change, ...]
    spec: tuple[str, ...]
    held: tuple[Compared | None, Compared | None]
    note: str


async def compare(request: Request) -> Response:
    """The comparison; with less than two runs, the question which."""
    on = site(request)
    given = [run for run in request.query_params.getlist("run") if run]
    if len(given) == 2:  # noqa: PLR2004 - two are compared
        found = await beside(lambda: both(on, given[0], given[1]))
        return page(request, "compare.html.j2", both=found)
    offered = await beside(lambda: [r.run_id for r in on.shelf.runs()[:OFFERED]])
    chosen = [*given, "", ""][:2]
    return page(request, "choose.html.j2", given=chosen, many=len(given), offered=offered)


def both(on: Site, first: str, second: str) -> Both:
    """Read both runs and compare them; the older one first.

    Raises:
        UsageError: there is no such run.
    """
    found = (_read(on, first), _read(on, second))
    one, other = sorted(found, key=lambda run: (run.started, run.run_id))
    answer, note = chronicle.asked_if_there(
        on.settings.history, lambda h: (_held(h, one), _held(h, other))
    )
    held = answer or (None, None)
    spec = differences(one.spec, other.spec) if one.spec_sha256 != other.spec_sha256 else ()
    facts = changed({**one.facts, **one.said}, {**other.facts, **other.said})
    return Both(one, other, pairs(one, other, held), facts, spec, held, note)


def _read(on: Site, name: str) -> Run:
    here = next((r for r in on.shelf.runs() if r.run_id == name), None)
    if here is not None:
        return reading.read(here)
    known, note = chronicle.asked_if_there(on.settings.history, lambda h: queries.load(h, [name]))
    if not known:
        raise UsageError(f"there is no run {name!r}, here or in the history", hint=note)
    return known[0]


def _held(history: History, run: Run) -> Compared | None:
    """The run against its experiment's baseline; None: there is none."""
    force = bases.in_force(bases.revisions(history, run.experiment, "default"))
    if force is None:
        return None
    return against.compare(run, force, queries.load(history, force.runs), against.Rules())


def pairs(one: Run, other: Run, held: tuple[Compared | None, Compared | None]) -> tuple[Pair, ...]:
    """A pair a check, in the order of the first run, then what only the second has."""
    first, second = ({level.key: level for level in run.levels} for run in (one, other))
    found = []
    for key in dict.fromkeys((*first, *second)):
        a, b = first.get(key), second.get(key)
        difference, says, tone = judged(a, b)
        held_both = (_of(held[0], key), _of(held[1], key))
        if tone in {"better", "worse"} and all(f and f.outcome is Outcome.PASS for f in held_both):
            says, tone = "beyond both errors, and within the baseline's band", "same"
        found.append(Pair(*key, a, b, difference, says, tone, held_both))
    return tuple(found)


def _of(compared: Compared | None, key: tuple[str, str, str]) -> Finding | None:
    findings = compared.findings if compared else ()
    return next((f for f in findings if (f.name, f.arm, f.target) == key), None)


def judged(a: Level | None, b: Level | None) -> tuple[str, str, str]:
    """The difference (second less first) with its error, what it means, and its tone."""
    if a is None or b is None:
        return "", f"only the {'second' if a is None else 'first'} run has this check", ""
    if a.value is None or b.value is None:
        same = a.outcome == b.outcome
        return "", "the same outcome" if same else f"{a.outcome} became {b.outcome}", ""
    if a.unit != b.unit:
        return "", f"{a.unit or '1'} and {b.unit or '1'}: two quantities", ""
    return _difference(a, a.value, b, b.value)


def _difference(a: Level, before: float, b: Level, after: float) -> tuple[str, str, str]:
    change, error = after - before, (a.error or 0.0) + (b.error or 0.0)
    sign = "+" if change > 0 else "\u2212" if change < 0 else ""
    shown = f"{sign}{amount(abs(change), a.unit)}"
    if a.error is None or b.error is None:
        return shown, "one has no error: chance and change cannot be told apart", ""
    shown += f" ± {amount(error, a.unit)}"
    if abs(change) <= error:
        return shown, "within the numbers' errors", "same"
    costs = worse(a.check) == "higher"
    tone = ("worse" if change > 0 else "better") if costs else ""
    return shown, "beyond both errors; runs scatter more than that, see the baseline", tone
