"""What all entries of a journal share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Entry(BaseModel):
    """Base of every entry: `t` in seconds on the run's clock; `trial` empty: the run as a whole."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    t: float
    trial: str = ""
