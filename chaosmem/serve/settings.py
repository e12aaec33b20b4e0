"""What the server is told once, at its start."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chaosmem.errors import UsageError
from chaosmem.rundir.events import AnyEntry

FEWEST = 16
"""Characters of a token: fewer could be guessed, and nothing here slows a guesser down."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to serve.

    Attributes:
        base: where the run directories are.
        history: the history's database, a URL as SQLAlchemy has it.
        sentence: a journal entry in words; empty for one that people need not see.
        host: address to listen at.
        port: TCP port; 0 takes a free one.
        token: who knows it may look and act; empty: everybody who reaches the port may.
        names: host names by which browsers may call the server, beside addresses and localhost.
        read_only: nothing can be changed.
    """

    base: Path
    history: str
    sentence: Callable[[AnyEntry], str]
    host: str = "127.0.0.1"
    port: int = 8787
    token: str = ""
    names: tuple[str, ...] = ()
    read_only: bool = False


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`; a name other than localhost is not resolved."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def fresh_token() -> str:
    """A token that nobody can guess: 256 random bits."""
    return secrets.token_urlsafe(32)


def read_token(place: Path) -> str:
    """The token in a file, without the white space around it; UsageError where it is no token."""
    try:
        token = place.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as problem:
        raise UsageError(f"cannot read the token file {place}: {problem}") from problem
    return checked(token, str(place))


def checked(token: str, where: str) -> str:
    """`token`, if it is long enough to keep anybody out."""
    if len(token) < FEWEST:
        raise UsageError(
            f"the token in {where} has {len(token)} characters, and {FEWEST} are the fewest",
            hint="make one: head -c 32 /dev/urandom | base64",
        )
    return token
