"""Everything that a request must pass before a handler sees it, and what every answer says.

One ASGI layer around the whole application, so that no handler can forget it:

* Host: an address, `localhost` or a name that was allowed. A page of another site whose DNS name
  was pointed here (DNS rebinding) comes with its own name, and is refused.
* Fetch metadata: another site may link here and nothing more. No frames, images, scripts, streams.
* Session: with a token, nobody gets further than the log-in without its cookie.
* POST alone changes anything, and carries the mark of a form that this server made; besides,
  `Origin` and `Sec-Fetch-Site`, where they are sent, must be this server's.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chaosmem.serve.refusal import Refused, refusal
from chaosmem.serve.session import Sessions
from chaosmem.serve.settings import Settings

LOGIN = "/login"
MARK = "mark"
"""Field of every form, and in `x-chaosmem-mark` the header, that holds the session's mark."""
MOST_FORM = 64 * 1024
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
# `no-referrer` would have browsers send `Origin: null` with our own forms.
_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_UNLESS_SAID = {
    "content-security-policy": POLICY,
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
_WITHOUT_SESSION = (LOGIN, "/static/")


def cookie_name(port: int) -> str:
    """Cookies do not know ports: two servers of one host keep theirs apart by name."""
    return f"chaosmem-{port}"


class Guard:
    """The layer. A handler finds `scope['session']`, and of a POST `scope['form']`."""

    def __init__(self, app: ASGIApp, settings: Settings, sessions: Sessions) -> None:
        self._app, self._settings, self._sessions = app, settings, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse or pass on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        guarded = _with_headers(send)
        try:
            await self._admit(scope, receive)
        except Refused as refused:
            await refusal(refused)(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)

    async def _admit(self, scope: Scope, receive: Receive) -> None:
        headers = Headers(scope=scope)
        _check_host(headers.get("host", ""), self._settings.names)
        _check_site(scope["method"], headers)
        session = _session(headers, self._settings.port)
        scope["session"] = session if self._sessions.known(session) else ""
        if scope["method"] == "POST":
            await self._check_form(scope, receive, headers)
        free = scope["path"].startswith(_WITHOUT_SESSION)
        if not free and not self._sessions.known(session):
            raise Refused(401, "This page asks for its token.", login=True)

    async def _check_form(self, scope: Scope, receive: Receive, headers: Headers) -> None:
        form = await _form(receive, headers)
        said = form.get(MARK, "") or headers.get("x-chaosmem-mark", "")
        if not self._sessions.made_here(scope["session"], said):
            raise Refused(403, "This form was not made by this server; load the page again.")
        if self._settings.read_only and scope["path"] not in {LOGIN, "/logout"}:
            raise Refused(403, "This server only shows: it was started with --read-only.")
        scope["form"] = form


def _check_host(said: str, names: tuple[str, ...]) -> None:
    host = (urlsplit(f"//{said}").hostname or "") if said else ""
    if host == "localhost" or host in names or _is_address(host):
        return
    raise Refused(
        421, f"This server does not go by the name {host!r}; allow it with --allow-host NAME."
    )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _check_site(method: str, headers: Headers) -> None:
    if method not in {"GET", "HEAD", "POST"}:
        raise Refused(405, "Only GET, HEAD and POST are answered.")
    site = headers.get("sec-fetch-site", "same-origin")
    if method == "POST":
        origin = headers.get("origin")
        ours = origin is None or urlsplit(origin).netloc == headers.get("host")
        if not ours or site != "same-origin":
            raise Refused(403, "Only a page of this server may ask for that.")
        return
    followed_link = headers.get("sec-fetch-mode") == "navigate" and (
        headers.get("sec-fetch-dest", "document") == "document"
    )
    if site not in {"same-origin", "none"} and not followed_link:
        raise Refused(403, "Another site may link here, and nothing more.")


def _session(headers: Headers, port: int) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(cookie_name(port))
    except CookieError:
        return ""
    return found.value if found else ""


async def _form(receive: Receive, headers: Headers) -> Mapping[str, str]:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refused(415, "Forms are application/x-www-form-urlencoded.")
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MOST_FORM:
            raise Refused(413, f"A form has at most {MOST_FORM} bytes.")
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            break
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=50)
    except ValueError as problem:
        raise Refused(400, "The form cannot be read.") from problem
    return dict(pairs)


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(_ALWAYS)
            for name, value in _UNLESS_SAID.items():
                headers.setdefault(name, value)
        await send(message)

    return sending
