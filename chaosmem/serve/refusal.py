"""A refused request: its status and why, as a plain page or as JSON."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send


class Refused(Exception):
    """Not done, and why; `login`: a log-in would help."""

    def __init__(self, status: int, why: str, *, login: bool = False) -> None:
        super().__init__(why)
        self.status, self.why, self.login = status, why, login


def refusal(refused: Refused) -> ASGIApp:
    """The answer."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await _response(Request(scope), refused)(scope, receive, send)

    return answer


def _response(request: Request, refused: Refused) -> Response:
    if wants_json(request):
        return JSONResponse({"error": refused.why}, refused.status)
    if refused.login and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(f"/login?next={quote(request.url.path, safe='')}", 303)
    return PlainTextResponse(f"{refused.why}\n", refused.status)


def wants_json(request: Request) -> bool:
    """Whether a script asks, which stays on its page."""
    return "application/json" in request.headers.get("accept", "")
