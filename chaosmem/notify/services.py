"""E-mail and other services by Apprise, issues by the library `jira`; both imported when used."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Final

from chaosmem.notify import wording
from chaosmem.notify.compose import plain
from chaosmem.notify.message import Notification
from chaosmem.notify.patience import NotSent, Patience, TryLater, refused
from chaosmem.spec.notify import EmailChannel, JiraChannel

_TRANSIENT: Final = re.compile(r"\(4\d\d,|refused: 4\d\d ")
"""How Apprise logs an SMTP reply that asks to come again."""
_TROUBLE: Final = re.compile("exception|error|refused|fail|invalid", re.IGNORECASE)
_SUMMARY: Final = 250
"""Longest summary of an issue, characters; Jira's own bound is 255."""


class _Kept(logging.Handler):
    """Keeps what a library logs on this thread, so that it is neither printed nor lost."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            with contextlib.suppress(Exception):
                self.lines.append(record.getMessage())


def load_mail() -> None:
    """Import what sends mail, before threads send: two that import at once get halves of it."""
    known("mailto://user:none@localhost")


def load_jira() -> None:
    """The same for issues."""
    import jira  # noqa: F401, PLC0415 - 0.4 s, an extra

    from chaosmem.notify import posting  # noqa: F401, PLC0415


def mail(channel: EmailChannel, password: str, note: Notification, patience: Patience) -> str:
    """A mail to every receiver; again only where none of them has it yet."""
    return patience.through(lambda: _mailed(channel, password, note, patience))


def _mailed(channel: EmailChannel, password: str, note: Notification, patience: Patience) -> str:
    secure = {"starttls": "starttls", "tls": "ssl", "none": "insecure"}[channel.security]
    settings = {
        "schema": "mailto" if channel.security == "none" else "mailtos",
        "host": channel.sender.rpartition("@")[2],
        "port": channel.port,
        "smtp_host": channel.server,
        "secure_mode": secure,
        "user": channel.user,
        "password": password or None,
        "from_addr": f"chaosmem <{channel.sender}>",
        "targets": list(channel.to),
        "format": "text",
        "cto": patience.left,  # smtplib's time-out of every single step
    }
    return _by_apprise(settings, note)


def anything(url: str, note: Notification, patience: Patience) -> str:
    """A message to whatever Apprise knows by that URL, tried once: it does not say why not."""
    patience.attempts += 1
    return _by_apprise(url, note, {"cto": patience.left, "rto": patience.left})


def known(url: str) -> bool:
    """Whether Apprise knows such a URL."""
    with _log():
        return _service(url, {}) is not None


def _service(settings: str | Mapping[str, Any], times: Mapping[str, float]) -> Any:
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - 0.1 s, an extra

    asset = AppriseAsset(app_id="chaosmem", app_desc="chaosmem", async_mode=False)
    given = settings if isinstance(settings, str) else dict(settings)
    service = Apprise.instantiate(given, asset=asset)
    if service:
        for name, attribute in (("cto", "socket_connect_timeout"), ("rto", "socket_read_timeout")):
            if name in times:
                setattr(service, attribute, times[name])
    return service or None


def _by_apprise(
    settings: str | Mapping[str, Any], note: Notification, times: Mapping[str, float] | None = None
) -> str:
    """By the service itself: `Apprise.notify` has a pool of threads, which an exit waits for."""
    from apprise import NotifyFormat  # noqa: PLC0415 - 0.1 s, an extra

    with _log() as lines:
        service = _service(settings, times or {})
        sent = service is not None and service.notify(
            title=note.title, body=wording.text(note), body_format=NotifyFormat.TEXT
        )
    if sent:
        return ""
    raise _failure(lines)


def _failure(lines: list[str]) -> NotSent:
    told = [line for line in lines if _TROUBLE.search(line)]
    words = plain("; ".join(told)) or "Apprise does not say why"
    again = _TRANSIENT.search(words) and not any(line.startswith("Sent ") for line in lines)
    return TryLater(words) if again else NotSent(words)


@contextlib.contextmanager
def _log() -> Iterator[list[str]]:
    """What Apprise logs meanwhile; nobody else gets it, since hosts and addresses are in it."""
    logger, kept = logging.getLogger("apprise"), _Kept()
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    if not logger.handlers:  # without any, Python itself prints warnings
        logger.addHandler(logging.NullHandler())
    logger.addHandler(kept)
    try:
        yield kept.lines
    finally:
        logger.removeHandler(kept)


def issue(channel: JiraChannel, token: str, note: Notification, patience: Patience) -> str:
    """An issue; its key. Apprise's `jira://` makes alerts of Jira Service Management, no issues."""
    fields = {
        "project": {"key": channel.project},
        "issuetype": {"name": channel.issue_type},
        "summary": f"{note.title}: {note.says}"[:_SUMMARY],
        "description": wording.text(note),
        "labels": list(channel.labels),
    }
    return patience.through(lambda: _created(channel, token, fields, patience))


def _created(
    channel: JiraChannel, token: str, fields: Mapping[str, Any], patience: Patience
) -> str:
    from jira import JIRA, JIRAError  # noqa: PLC0415 - 0.4 s, an extra
    from requests import RequestException  # noqa: PLC0415

    from chaosmem.notify.posting import failed  # noqa: PLC0415

    login: dict[str, Any] = (
        {"basic_auth": (channel.user, token)} if channel.user else {"token_auth": token}
    )
    try:
        client = JIRA(
            channel.url, get_server_info=False, max_retries=0, timeout=patience.left, **login
        )
        client._session.max_redirects = 0  # noqa: SLF001 - the token stays with this host
        return str(client.create_issue(dict(fields), prefetch=False).key)
    except JIRAError as problem:  # never its str: that has the request's headers in it
        raise refused(problem.status_code or 0, plain(problem.text or "")) from None
    except ValueError:  # before the next: requests' JSONDecodeError is both
        raise NotSent("the answer is not JSON: is this Jira's base URL?") from None
    except RequestException as problem:
        raise failed(problem, patience) from None
