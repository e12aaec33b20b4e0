"""A channel of the spec, its secrets read, into something that sends and never repeats them."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from chaosmem.drivers.secrets import secret
from chaosmem.errors import UsageError
from chaosmem.notify import wording
from chaosmem.notify.message import Notification
from chaosmem.notify.patience import Patience
from chaosmem.notify.redact import Redactor
from chaosmem.spec.notify import (
    AnyChannel,
    AppriseChannel,
    EmailChannel,
    JiraChannel,
    Secret,
    SlackChannel,
    WebhookChannel,
)

Send = Callable[[Notification, Patience], str]
"""Sends a message, or raises NotSent; what is worth saying of the success."""
_NEEDS = {"email": "apprise", "apprise": "apprise", "jira": "jira"}


@dataclass(frozen=True, slots=True)
class Ready:
    """A channel that can send.

    Attributes:
        channel: as it is in the spec.
        name: for people: its kind, and where it goes, as far as that is no secret.
        redact: what may be said of its failures passes through this.
    """

    channel: AnyChannel
    name: str
    send: Send
    redact: Redactor


def made_ready(channel: AnyChannel) -> Ready:
    """Read the secrets of a channel.

    Raises:
        TargetError: a secret is not there.
        UsageError: it is of no use: no URL, or a library is not installed.
    """
    needs = _NEEDS.get(channel.kind)
    if needs and importlib.util.find_spec(needs) is None:
        raise UsageError(
            f"{channel.kind} needs the library {needs}, which is not installed",
            hint="pip install 'chaosmem[notify]'",
        )
    secrets: list[str] = []

    def read(named: Secret | None) -> str:
        value = secret(named.env, named.file) if named else None
        secrets.append(value or "")
        return value or ""

    name, send = _sender(channel, read)
    return Ready(channel, name, send, Redactor(filter(None, list(_with_parts(secrets)))))


def _with_parts(secrets: list[str]) -> Iterator[str]:
    """Of `Bearer TOKEN` the token too, which is what a server might repeat."""
    for value in secrets:
        yield value
        yield from value.split()


def _sender(channel: AnyChannel, read: Callable[[Secret | None], str]) -> tuple[str, Send]:
    match channel:
        case SlackChannel():
            return _slack(_url(channel, read))
        case WebhookChannel():
            return _webhook(channel, _url(channel, read), read)
        case EmailChannel():
            return _email(channel, read(channel.password))
        case JiraChannel():
            return _jira(channel, read(channel.token))
        case AppriseChannel():
            return _anything(read(channel.url))


def _url(channel: SlackChannel | WebhookChannel, read: Callable[[Secret | None], str]) -> str:
    url = read(channel.url)
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and not url.split()[1:]
        _ = parts.port
    except ValueError:
        sound = False
    if not sound:
        where = channel.url.env or channel.url.file
        raise UsageError(f"what is in {where} is no URL", hint="it begins with https://")
    return url


def _slack(url: str) -> tuple[str, Send]:
    from chaosmem.notify.posting import post  # noqa: PLC0415 - 0.3 s for requests

    def send(note: Notification, patience: Patience) -> str:
        return post(url, json.dumps({"text": wording.slack(note)}).encode(), {}, patience)

    return f"slack at {urlsplit(url).hostname}", send


def _webhook(
    channel: WebhookChannel, url: str, read: Callable[[Secret | None], str]
) -> tuple[str, Send]:
    from chaosmem.notify.posting import post  # noqa: PLC0415 - 0.3 s for requests

    headers = channel.headers | {k: read(v) for k, v in channel.secret_headers.items()}

    def send(note: Notification, patience: Patience) -> str:
        return post(url, note.body(), headers, patience)

    return f"webhook at {urlsplit(url).hostname}", send


def _email(channel: EmailChannel, password: str) -> tuple[str, Send]:
    from chaosmem.notify import services  # noqa: PLC0415

    services.load_mail()

    def send(note: Notification, patience: Patience) -> str:
        return services.mail(channel, password, note, patience)

    return f"email to {', '.join(channel.to)} by {channel.server}", send


def _jira(channel: JiraChannel, token: str) -> tuple[str, Send]:
    from chaosmem.notify import services  # noqa: PLC0415

    services.load_jira()

    def send(note: Notification, patience: Patience) -> str:
        return services.issue(channel, token, note, patience)

    return f"jira {channel.project} at {urlsplit(channel.url).hostname}", send


def _anything(url: str) -> tuple[str, Send]:
    from chaosmem.notify import services  # noqa: PLC0415

    scheme = url.partition("://")[0]
    if not services.known(url):
        raise UsageError("Apprise knows no such service", hint="`apprise --details` lists its URLs")

    def send(note: Notification, patience: Patience) -> str:
        return services.anything(url, note, patience)

    return f"apprise {scheme}", send
