"""The tables. `migrations/` makes them in a database; a test holds the two against each other."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every constraint has a name, because only what has one can be changed by a later migration."""

specs = Table(
    "specs",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("experiment", Text, nullable=False),
    Column("document", Text, nullable=False),
)
"""Experiments as they were understood, by the SHA-256 of their text. Never deleted: they are few,
and a deletion would race with an import that has just seen its spec there."""

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("experiment", Text, nullable=False),
    Column("spec_sha256", String(64), ForeignKey("specs.sha256"), nullable=False),
    Column("started", String(27), nullable=False),
    Column("state", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("exit_code", Integer, nullable=False),
    Column("says", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("go", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("image", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("directory", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("imported", String(27), nullable=False),
    UniqueConstraint("run_id"),
    Index(None, "experiment", "started"),
    Index(None, "started"),
)

targets = Table(
    "run_targets",
    metadata,
    Column("run", Integer, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
)

findings = Table(
    "findings",
    metadata,
    Column("run", Integer, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("check", Text, nullable=False, quote=True),
    Column("name", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("observed", Text, nullable=False),
    Column("expected", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("advisory", Boolean, nullable=False),
    Column("arm", Text, nullable=False),
    Column("trial", Integer),
    Column("target", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("value", Double),
    Column("unit", Text, nullable=False),
    Column("error", Double),
)

levels = Table(
    "levels",
    metadata,
    Column("run", Integer, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("check", Text, nullable=False, quote=True),
    Column("arm", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("advisory", Boolean, nullable=False),
    Column("trials", Integer, nullable=False),
    Column("counted", Integer, nullable=False),
    Column("value", Double),
    Column("unit", Text, nullable=False),
    Column("error", Double),
    Index(None, "name", "run"),
)

baselines = Table(
    "baselines",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("experiment", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("spec_sha256", String(64), ForeignKey("specs.sha256"), nullable=False),
    Column("recorded", String(27), nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("approved", String(27), nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("note", Text, nullable=False),
    UniqueConstraint("experiment", "name", "revision"),
)

members = Table(
    "baseline_runs",
    metadata,
    Column("baseline", Integer, ForeignKey("baselines.id", ondelete="CASCADE"), primary_key=True),
    Column("run", Integer, ForeignKey("runs.id", ondelete="RESTRICT"), primary_key=True),
    Index(None, "run"),
)
