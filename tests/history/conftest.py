"""Databases: each test of them runs on SQLite and on a real PostgreSQL server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from chaosmem.history import database, place
from chaosmem.history.database import History
from tests.history import server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server for this session."""
    with server.running() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """What `--db` would be given, an empty database."""
    if request.param == "sqlite":
        yield str(tmp_path / "history.db")
        return
    url = request.getfixturevalue("postgres")
    name = f"h{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url.format("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    yield url.format(name)
    with psycopg.connect(url.format("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def history(db: str) -> Iterator[History]:
    """That database, open."""
    with database.opened(place.resolve(db)) as opened:
        yield opened
