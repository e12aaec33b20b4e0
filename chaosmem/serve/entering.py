"""Logging in with the token, and out."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from chaosmem.serve.guard import cookie_name
from chaosmem.serve.pages import back, page, site
from chaosmem.serve.session import HOURS


async def login(request: Request) -> Response:
    """The form; with the token, the cookie."""
    on = site(request)
    if request.method != "POST":
        to = inside(request.query_params.get("next", "/"))
        return back("/") if on.sessions.open else _asking(request, to, 200)
    form = request.scope["form"]
    to = inside(form.get("next", "/"))
    session = on.sessions.enter(form.get("token", ""))
    if session is None:
        return _asking(request, to, 403, wrong=True)
    answer = back(to)
    answer.set_cookie(
        cookie_name(on.settings.port),
        session,
        max_age=HOURS * 3600,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


def _asking(request: Request, to: str, status: int, *, wrong: bool = False) -> Response:
    return page(request, "login.html.j2", status, next=to, wrong=wrong)


async def logout(request: Request) -> Response:
    """End the session."""
    on = site(request)
    on.sessions.leave(request.scope["session"])
    answer = back("/login")
    answer.delete_cookie(cookie_name(on.settings.port))
    return answer


def inside(to: str) -> str:
    """`to`, if it is a path of this server; else the list. `//host` would be another one."""
    plain = to.startswith("/") and not to.startswith("//")
    return to if plain and to.isascii() and to.isprintable() and "\\" not in to else "/"
