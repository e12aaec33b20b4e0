"""The live page of a run, and the streams behind it and behind the list."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from chaosmem.rundir.acts import Act
from chaosmem.serve.follow import Follower
from chaosmem.serve.pages import Site, back, beside, home, page, site
from chaosmem.serve.refusal import Refused

_STREAM: Final = {"cache-control": "no-store", "x-accel-buffering": "no"}
BUTTONS: Final = (
    (Act.PAUSE, "Pause", "Stand still before the next step"),
    (Act.RESUME, "Resume", "Go on after a pause"),
    (Act.HOLD, "Hold", "Stay in this phase until released"),
    (Act.RELEASE, "Release", "End the hold"),
)


async def live(request: Request) -> Response:
    """The live page of a run."""
    on = site(request)
    found = on.run(request)
    trial = request.query_params.get("trial", "")
    follower = Follower(found, on.settings.sentence, trial)
    await beside(follower.look)
    return page(
        request,
        "live.html.j2",
        experiment=found.experiment,
        run_id=found.run_id,
        trial=trial,
        now=follower.picture(),
        buttons=BUTTONS,
        did=request.query_params.get("did", ""),
    )


async def newest(request: Request) -> Response:
    """To the newest run in progress; a page that waits for one where there is none."""
    on = site(request)
    seen = await beside(on.shelf.signature)
    going = await beside(on.shelf.live)
    if going:
        return back(f"{home(request, going[0].experiment, going[0].run_id)}/live")
    return page(request, "waiting.html.j2", signature=seen)


async def events(request: Request) -> Response:
    """The stream of a run in progress."""
    on = site(request)
    found = on.run(request)
    _room_for_one(on)
    return _stream(on.hub.watch(found, request.query_params.get("trial", "")))


async def changes(request: Request) -> Response:
    """The stream that says when the list of runs has changed."""
    on = site(request)
    _room_for_one(on)
    return _stream(on.hub.changes())


def _room_for_one(on: Site) -> None:
    if on.hub.full:
        raise Refused(503, "Too many pages watch already.")


def _stream(messages: AsyncIterator[bytes]) -> StreamingResponse:
    return StreamingResponse(messages, media_type="text/event-stream", headers=_STREAM)
