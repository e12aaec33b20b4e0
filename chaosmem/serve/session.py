"""Who is let in: a token once, a cookie after it; and the mark of a form that this server made.

Sessions live in memory: a server that is started again asks for the token again.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time

HOURS = 12
_SECONDS = HOURS * 3600
_MOST = 1000
"""Sessions kept; beyond them the oldest is forgotten, so that logging in cannot fill the memory."""


class Sessions:
    """The sessions of one server. `token` empty: everybody is in, under the one session ''."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._secret = secrets.token_bytes(32)
        self._until: dict[str, float] = {}

    @property
    def open(self) -> bool:
        """Whether no token is asked for."""
        return not self._token

    def enter(self, said: str) -> str | None:
        """A new session's id, if `said` is the token; compared in constant time."""
        if self.open or not hmac.compare_digest(said.encode(), self._token):
            return None
        while len(self._until) >= _MOST:
            del self._until[next(iter(self._until))]
        made = secrets.token_urlsafe(32)
        self._until[made] = time.monotonic() + _SECONDS
        return made

    def known(self, session: str) -> bool:
        """Whether that session is let in."""
        return self.open or self._until.get(session, 0.0) > time.monotonic()

    def leave(self, session: str) -> None:
        """End a session."""
        self._until.pop(session, None)

    def mark(self, session: str) -> str:
        """What a form of that session carries: only a page of this server can know it."""
        return hmac.new(self._secret, session.encode(), hashlib.sha256).hexdigest()

    def made_here(self, session: str, said: str) -> bool:
        """Whether a form of that session was made by this server."""
        return hmac.compare_digest(said.encode(), self.mark(session).encode())
