"""Where the history is: a database URL, a file, or the default below the user's state directory."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "CHAOSMEM_DB"
_POSTGRES = ("postgresql://", "postgres://")


def default() -> Path:
    """`$XDG_STATE_HOME/chaosmem/history.db`, else `~/.local/state/chaosmem/history.db`."""
    state = os.environ.get("XDG_STATE_HOME", "")
    # the XDG rule: a relative path is to be ignored
    base = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return base / "chaosmem" / "history.db"


def resolve(said: str) -> str:
    """SQLAlchemy's URL of what `--db` or $CHAOSMEM_DB says; empty means the default."""
    wanted = said or os.environ.get(VARIABLE, "")
    if not wanted:
        return f"sqlite:///{default()}"
    for prefix in _POSTGRES:
        if wanted.startswith(prefix):
            return "postgresql+psycopg://" + wanted.removeprefix(prefix)
    if "://" in wanted:
        return wanted
    return f"sqlite:///{Path(wanted).expanduser().absolute()}"
