"""Opening the history: engine, transactions, schema upgrade, and errors in our own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc

from chaosmem.errors import UsageError
from chaosmem.history.errors import HistoryError

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0002"
"""The schema that this chaosmem reads and writes: the last module of migrations/versions."""
VERSIONS = ("0001", HEAD)
_WAIT = 60.0
"""Seconds that a writer waits for the others on SQLite; each holds the file for milliseconds."""
_LOCK = 0x6368616F736D656D
"""Number of the advisory lock under which PostgreSQL's schema is changed: "chaosmem"."""
_WRITES = "chaosmem_writes"


@dataclass(frozen=True, slots=True)
class History:
    """An open history; its schema is `HEAD`."""

    engine: sa.Engine

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection whose reads belong together."""
        with _told(self.engine.url), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction: all of it or nothing. SQLite lets one writer in at a time."""
        with _told(self.engine.url), _writing(self.engine) as connection:
            yield connection


@contextmanager
def opened(url: str, *, create: bool = True) -> Iterator[History]:
    """The history at `url`, its schema made or upgraded; closed afterwards.

    Without `create` a missing SQLite file is a UsageError: looking makes no empty history.
    """
    engine = _engine(url, create=create)
    try:
        with _told(engine.url):
            _upgrade(engine)
        yield History(engine)
    finally:
        engine.dispose()


def _engine(url: str, *, create: bool) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        kind = parsed.get_backend_name()
    except exc.ArgumentError as problem:
        raise UsageError("the history's address is no database URL", hint=_HINT) from problem
    if kind == "sqlite":
        return _sqlite(parsed, create=create)
    if kind == "postgresql":
        return _postgres(parsed)
    raise UsageError(f"a history cannot be kept in {kind}", hint=_HINT)


_HINT = "give a file, sqlite:///FILE, or postgresql://USER@HOST/DATABASE"


def _postgres(url: sa.URL) -> sa.Engine:
    try:
        return sa.create_engine(url, poolclass=sa.NullPool)
    except ImportError as problem:
        raise HistoryError(
            "PostgreSQL needs the psycopg package", hint="pip install 'chaosmem[postgres]'"
        ) from problem


def _sqlite(url: sa.URL, *, create: bool) -> sa.Engine:
    file = Path(url.database or "")
    if not create and not file.is_file():
        raise UsageError(
            f"there is no history at {file}", hint="`chaosmem history import --all runs` makes one"
        )
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as problem:
        raise HistoryError(f"cannot make {file.parent}: {problem.strerror}", hint=_HINT) from None
    engine = sa.create_engine(url, connect_args={"timeout": _WAIT}, poolclass=sa.NullPool)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # the driver's own BEGIN comes too late: schema changes would stand outside of it
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: sa.Connection) -> None:
    # a reader that turns writer while another writes cannot wait, only fail: ask at the start
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.execution_options(**{_WRITES: True}).begin() as connection:
        yield connection


def alone(connection: sa.Connection) -> None:
    """Wait for, and keep out, whoever else changes baselines; SQLite's writer is alone already."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE baselines IN SHARE ROW EXCLUSIVE MODE"))


def _upgrade(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        if _version(connection) == HEAD:
            return
    with _writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        if _version(connection) != HEAD:
            _migrate(connection)


def _version(connection: sa.Connection) -> str | None:
    """The schema that is there, None for an empty database; HistoryError for an unknown one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if found is not None and found not in VERSIONS:
        raise HistoryError(
            f"the history has schema {found}, and this chaosmem knows those up to {HEAD}",
            hint="a newer chaosmem has written it: use that one, or another --db",
        )
    return found


def _migrate(connection: sa.Connection, to: str = HEAD) -> None:
    from alembic import command  # noqa: PLC0415 - 0.1 s that only a changed schema must pay

    command.upgrade(_config(connection), to)


def _config(connection: sa.Connection) -> Config:
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    place = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", place.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _told(url: sa.URL) -> Iterator[None]:
    """SQLAlchemy's errors as ours; a password in the URL is not shown."""
    try:
        yield
    except exc.DBAPIError as problem:
        first = str(problem.orig).strip().splitlines()[0]
        raise HistoryError(
            f"the history at {url.render_as_string(hide_password=True)}: {first}",
            hint="is it the right --db, is it writable, does its server run?",
        ) from problem
