"""What a reader may do to a run: the acts of a game day, a note, and the undo of a killed run."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from chaosmem.errors import ChaosmemError, UsageError
from chaosmem.run import asking, finish
from chaosmem.rundir import RunDir
from chaosmem.rundir.acts import Act
from chaosmem.serve.pages import back, beside, home, site, told
from chaosmem.serve.refusal import wants_json
from chaosmem.units import parse_duration

_ACTS: Final = frozenset(str(act) for act in Act if act is not Act.NOTE)


async def act(request: Request) -> Response:
    """Ask the runner of a run in progress; it answers in the journal."""
    found = site(request).run(request)
    form, by = request.scope["form"], _by(request)
    try:
        wanted, seconds = _wanted(form.get("act", "")), _seconds(form.get("seconds", ""))
        asked = await beside(lambda: asking.request(found, wanted, seconds=seconds, by=by))
    except ChaosmemError as problem:
        return _refused(request, problem)
    return _done(request, {"asked": asked}, f"{_home(request, found)}/live?did={wanted}")


def _wanted(said: str) -> str:
    if said not in _ACTS:
        raise UsageError(f"there is no act {said!r}", hint=f"one of {', '.join(sorted(_ACTS))}")
    return said


def _seconds(said: str) -> float:
    """`30s`, `2m`, or a bare number of seconds; 0 for nothing."""
    said = said.strip()
    if not said:
        return 0.0
    bare = said.replace(".", "", 1)
    try:
        return parse_duration(f"{said}s" if bare.isascii() and bare.isdigit() else said)
    except ValueError as problem:
        hint = "for example 30s or 2m"
        raise UsageError(f"{said!r} is no length of time", hint=hint) from problem


def _by(request: Request) -> str:
    """Who asks, as they call themselves, else where they are; nobody checks it."""
    said: str = request.scope["form"].get("by", "").strip()
    return f"{said[:60]} (web)" if said else f"web {request.client.host if request.client else ''}"


async def note(request: Request) -> Response:
    """Put a note into the journal; by the runner while it goes on, else behind its end."""
    found = site(request).run(request)
    text, by = request.scope["form"].get("text", ""), _by(request)
    try:
        asked = await beside(lambda: asking.request(found, Act.NOTE, text=text, by=by))
    except ChaosmemError as problem:
        return _refused(request, problem)
    return _done(request, {"asked": asked}, _home(request, found) + "?did=note#notes")


async def undo(request: Request) -> Response:
    """Finish the undo of a run that is over; safe to repeat."""
    found = site(request).run(request)
    try:
        done = await beside(lambda: finish.finish(found))
        finish.raise_if_open(done)
    except ChaosmemError as problem:
        return _refused(request, problem)
    words = [item.promise.what for item in done]
    return _done(request, {"undone": words}, f"{_home(request, found)}?did=undo")


def _home(request: Request, found: RunDir) -> str:
    return home(request, found.experiment, found.run_id)


def _done(request: Request, answer: dict[str, object], to: str) -> Response:
    return JSONResponse(answer, 202) if wants_json(request) else back(to)


def _refused(request: Request, problem: ChaosmemError) -> Response:
    """409: it was understood, and the run as it stands does not allow it."""
    if wants_json(request):
        return JSONResponse({"error": str(problem), "hint": problem.hint}, 409)
    return told(request, 409, "That was not done", str(problem), problem.hint)
