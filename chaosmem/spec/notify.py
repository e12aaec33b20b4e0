"""Who is told of a verdict or a guard, and how; secrets are named, never written."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from chaosmem.spec.base import Model, Port, Seconds, one_or_more
from chaosmem.spec.prometheus import Variable

Occasion = Literal["pass", "fail", "inconclusive", "aborted", "undo-incomplete", "guard"]
BAD_NEWS: Final[tuple[Occasion, ...]] = (
    "fail",
    "inconclusive",
    "aborted",
    "undo-incomplete",
    "guard",
)
FINAL_BAD_NEWS: Final = BAD_NEWS[:-1]
MOST_PATIENCE: Final = 60.0
"""Longest that a message may take, seconds: the run's own end waits for it."""
_SECRET_HEADERS: Final = re.compile(
    r"authorization|cookie|token|secret|password|api-?key|signature", re.IGNORECASE
)


class Secret(Model):
    """Where a secret is: in a variable of the environment, or in a file."""

    env: Variable | None = None
    """Environment variable that holds it."""
    file: str | None = None
    """File that holds it and nothing else; read anew for each run."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("a secret is in one place; write {env: NAME} or {file: PATH}")
        return self


def _no_literal(value: object) -> object:
    """Refuse a secret as text; it is not repeated in the message, which people paste."""
    if isinstance(value, dict | Secret):
        return value
    raise ValueError(
        "a secret written here would be kept with every run; write {env: NAME} or {file: PATH}"
    )


SecretField = Annotated[Secret, BeforeValidator(_no_literal)]


def _address(value: str) -> str:
    if re.fullmatch(r"[^@\s,;<>]+@[^@\s,;<>]+", value):
        return value
    raise ValueError(f"{value!r} is no e-mail address; write for example team@example.com")


def _base_url(value: str) -> str:
    if re.fullmatch(r"https?://[^\s@?#]+", value):
        return value.rstrip("/")
    raise ValueError("must be a URL without a password, for example https://jira.example.com")


Address = Annotated[str, AfterValidator(_address)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]


def _some(value: tuple[Any, ...]) -> tuple[Any, ...]:
    if not value:
        raise ValueError("name at least one")
    return value


def _one_or_more_of(items: dict[str, Any]) -> tuple[object, ...]:
    array = {"type": "array", "items": items, "minItems": 1}
    return (
        BeforeValidator(one_or_more),
        AfterValidator(_some),
        WithJsonSchema({"anyOf": [array, items]}),
    )


Occasions = Annotated[tuple[Occasion, ...], *_one_or_more_of({"enum": list(get_args(Occasion))})]
Addresses = Annotated[tuple[Address, ...], *_one_or_more_of({"type": "string"})]


class Channel(Model):
    """What every channel has."""

    on: Occasions = BAD_NEWS
    """Of what it is told: outcomes, and `guard`, at once when one trips."""
    timeout: Annotated[Seconds, Field(gt=0, le=MOST_PATIENCE)] = 10.0
    """Longest that a message may take, with its repetitions."""


class SlackChannel(Channel):
    """An incoming webhook of Slack, or of what speaks like it (Mattermost, Rocket.Chat, ...)."""

    kind: Literal["slack"] = "slack"
    url: SecretField
    """The webhook's URL, which is a secret: whoever has it can write there."""


class WebhookChannel(Channel):
    """A POST of the message as JSON; docs/notifications.md describes it."""

    kind: Literal["webhook"] = "webhook"
    url: SecretField
    """Where it is posted to."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Further headers that are no secret."""
    secret_headers: dict[str, SecretField] = Field(default_factory=dict)
    """Further headers that are, for example `{Authorization: {env: HOOK_AUTH}}`."""

    @field_validator("headers")
    @classmethod
    def _no_secret(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if _SECRET_HEADERS.search(name):
                raise ValueError(f"{name} looks like a secret; name it in secretHeaders")
        return value


class EmailChannel(Channel):
    """A mail by SMTP."""

    kind: Literal["email"] = "email"
    server: Annotated[str, Field(min_length=1)]
    """Host of the SMTP server."""
    port: Port | None = None
    """Its port; absent: 587 with starttls, 465 with tls, 25 with none."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is encrypted."""
    user: str | None = None
    """Who logs in."""
    password: SecretField | None = None
    """The password of `user`."""
    sender: Annotated[Address, Field(alias="from")]
    """Sender's address."""
    to: Addresses
    """Receivers' addresses."""

    @model_validator(mode="after")
    def _user_with_password(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together; give both")
        if self.password is not None and self.security == "none":
            raise ValueError("a password is not sent unencrypted; write security: starttls or tls")
        return self


class JiraChannel(Channel):
    """An issue in Jira, or in what has its REST API, version 2."""

    kind: Literal["jira"] = "jira"
    on: Occasions = FINAL_BAD_NEWS
    """Of what an issue is made; the verdict of a run that a guard ended is `aborted`."""
    url: BaseUrl
    """Base URL, without /rest."""
    user: str | None = None
    """Who logs in (Jira Cloud: an e-mail address); absent: the token alone, as a bearer."""
    token: SecretField
    """API token (Cloud), personal access token (Data Center), or password of `user`."""
    project: Annotated[str, Field(min_length=1)]
    """Key of the project."""
    issue_type: str = "Bug"
    """Name of the issue's type."""
    labels: tuple[str, ...] = ("chaosmem",)
    """Labels of the issue."""


class AppriseChannel(Channel):
    """Any other service that the library Apprise knows, by its URL."""

    kind: Literal["apprise"] = "apprise"
    url: SecretField
    """Apprise's URL of the service, for example `msteams://...`."""


AnyChannel = Annotated[
    SlackChannel | WebhookChannel | EmailChannel | JiraChannel | AppriseChannel,
    Field(discriminator="kind"),
]
