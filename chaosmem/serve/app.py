"""The application: its routes, and the guard around them."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from chaosmem.errors import ChaosmemError
from chaosmem.serve import acts, compare, entering, listing, live, one, trends
from chaosmem.serve.guard import Guard
from chaosmem.serve.hub import Hub
from chaosmem.serve.pages import Site, problem, static
from chaosmem.serve.refusal import Refused
from chaosmem.serve.session import Sessions
from chaosmem.serve.settings import Settings
from chaosmem.serve.shelf import Shelf

_RUN = "/runs/{experiment}/{run}"
_KINDS = {"css": "text/css", "js": "text/javascript"}


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    kind = _KINDS.get(name.rpartition(".")[2])
    try:
        data = static(name) if kind else b""
    except KeyError:
        data = b""
    if not data:
        raise Refused(404, "There is no such file.")
    return Response(data, media_type=kind, headers={"cache-control": "no-cache"})


def _routes() -> list[Route]:
    return [
        Route("/", listing.runs),
        Route("/events", live.changes),
        Route("/live", live.newest),
        Route("/compare", compare.compare),
        Route("/trends", trends.trends),
        Route("/baselines", trends.baselines),
        Route("/login", entering.login, methods=["GET", "POST"]),
        Route("/logout", entering.logout, methods=["POST"]),
        Route("/static/{name}", _static),
        Route("/history/{run}", one.known),
        Route(_RUN, one.run, name="run"),
        Route(f"{_RUN}/report", one.report_of),
        Route(f"{_RUN}/spec", one.spec),
        Route(f"{_RUN}/live", live.live),
        Route(f"{_RUN}/events", live.events),
        Route(f"{_RUN}/act", acts.act, methods=["POST"]),
        Route(f"{_RUN}/note", acts.note, methods=["POST"]),
        Route(f"{_RUN}/undo", acts.undo, methods=["POST"]),
    ]


def application(settings: Settings) -> tuple[ASGIApp, Site]:
    """The whole application, guarded, and what its handlers share."""
    shelf, sessions = Shelf(settings.base), Sessions(settings.token)
    site = Site(settings, sessions, shelf, Hub(settings.sentence, shelf))
    inner = Starlette(
        routes=_routes(),
        exception_handlers={Refused: problem, ChaosmemError: problem, 404: problem},
    )
    inner.state.site = site
    return Guard(inner, settings, sessions), site
