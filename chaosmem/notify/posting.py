"""A POST of JSON by requests, for webhooks. What is said of a failure never has the URL in it.

Apprise does not do here: its `slack://` knows Slack's own host alone, its `json://` has a body of
its own, and both say only that a message did not arrive, so that 429 and 404 look the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Final

import requests

from chaosmem.notify.compose import plain
from chaosmem.notify.patience import NotSent, Patience, TryLater, refused

_MOST_WORDS: Final = 200
"""Bytes of an answer that are read: Slack's `invalid_token` and the like."""
_LONGEST_ASKED: Final = 3600.0


def post(url: str, data: bytes, headers: Mapping[str, str], patience: Patience) -> str:
    """Post it, again where that may help; what is worth saying of the success (nothing)."""
    with requests.Session() as session:
        patience.through(lambda: _once(session, url, data, headers, patience))
    return ""


def _once(
    session: requests.Session, url: str, data: bytes, headers: Mapping[str, str], patience: Patience
) -> None:
    sent = {"Content-Type": "application/json", "User-Agent": "chaosmem", **headers}
    try:
        with session.post(
            url,
            data=data,
            headers=sent,
            timeout=patience.left,
            allow_redirects=False,  # a redirect would hand the secret to somebody else
            stream=True,
            auth=_as_it_is,
        ) as answer:
            if answer.status_code >= requests.codes.multiple_choices:
                words = next(answer.iter_content(_MOST_WORDS), b"").decode(errors="replace")
                raise refused(answer.status_code, plain(words), _asked(answer))
    except requests.RequestException as problem:
        raise failed(problem, patience) from None


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No log-in out of ~/.netrc, which would replace the header that was asked for."""
    return request


def _asked(answer: requests.Response) -> float | None:
    """Seconds of `Retry-After`; its form with a date is left to our own waiting."""
    with contextlib.suppress(KeyError, ValueError):
        return min(_LONGEST_ASKED, max(0.0, float(answer.headers["Retry-After"])))
    return None


def failed(problem: Exception, patience: Patience) -> NotSent:
    """A failure of the connection, without the URL that requests puts into its words."""
    if isinstance(problem, requests.ReadTimeout):  # it may have arrived: once is enough
        return NotSent(f"no answer in {patience.seconds:g} s")
    if isinstance(problem, requests.exceptions.SSLError):
        return NotSent(f"TLS: {_reason(problem)}")
    if isinstance(problem, requests.ConnectionError | requests.Timeout):
        return TryLater(f"no connection: {_reason(problem)}")
    return NotSent(type(problem).__name__)


def _reason(problem: BaseException) -> str:
    """The operating system's words at the root of it; else the name of its kind."""
    causes = list(_causes(problem))
    told = [c.strerror for c in causes if isinstance(c, OSError) and c.strerror]
    return plain(str(told[-1])) if told else type(causes[-1]).__name__


def _causes(problem: BaseException) -> Iterator[BaseException]:
    """What caused what, the root last; urllib3 keeps its causes in `reason` and in `args`."""
    seen: set[int] = set()
    todo: list[object] = [problem]
    while todo:
        item = todo.pop(0)
        if isinstance(item, BaseException) and id(item) not in seen:
            seen.add(id(item))
            yield item
            todo += [getattr(item, "reason", None), *item.args, item.__cause__, item.__context__]
