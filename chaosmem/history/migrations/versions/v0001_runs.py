"""Runs with their specs, targets, findings and levels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "specs",
        sa.Column("sha256", sa.String(64), nullable=False),
        _text("experiment"),
        _text("document"),
        sa.PrimaryKeyConstraint("sha256", name="pk_specs"),
    )
    _runs()
    op.create_table(
        "run_targets",
        sa.Column("run", sa.Integer, nullable=False),
        _text("name"),
        _of_run("run_targets"),
        sa.PrimaryKeyConstraint("run", "name", name="pk_run_targets"),
    )
    _findings()
    _levels()


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, quote=True)


def _of_run(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["run"], ["runs.id"], f"fk_{table}_run", ondelete="CASCADE")


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, nullable=False),
        _text("run_id"),
        _text("experiment"),
        sa.Column("spec_sha256", sa.String(64), nullable=False),
        sa.Column("started", sa.String(27), nullable=False),
        _text("state"),
        _text("outcome"),
        sa.Column("exit_code", sa.Integer, nullable=False),
        *map(_text, ("says", "facts", "said", "go", "version", "image", "host", "directory")),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("imported", sa.String(27), nullable=False),
        sa.ForeignKeyConstraint(["spec_sha256"], ["specs.sha256"], "fk_runs_spec_sha256"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.UniqueConstraint("run_id", name="uq_runs_run_id"),
    )
    op.create_index("ix_runs_experiment_started", "runs", ["experiment", "started"])
    op.create_index("ix_runs_started", "runs", ["started"])


def _findings() -> None:
    op.create_table(
        "findings",
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        *map(_text, ("check", "name", "outcome", "observed", "expected", "reason")),
        sa.Column("advisory", sa.Boolean, nullable=False),
        _text("arm"),
        sa.Column("trial", sa.Integer),
        _text("target"),
        _text("subject"),
        sa.Column("value", sa.Double),
        _text("unit"),
        sa.Column("error", sa.Double),
        _of_run("findings"),
        sa.PrimaryKeyConstraint("run", "place", name="pk_findings"),
    )


def _levels() -> None:
    op.create_table(
        "levels",
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        *map(_text, ("name", "check", "arm", "subject", "outcome")),
        sa.Column("advisory", sa.Boolean, nullable=False),
        sa.Column("trials", sa.Integer, nullable=False),
        sa.Column("counted", sa.Integer, nullable=False),
        sa.Column("value", sa.Double),
        _text("unit"),
        sa.Column("error", sa.Double),
        _of_run("levels"),
        sa.PrimaryKeyConstraint("run", "place", name="pk_levels"),
    )
    op.create_index("ix_levels_name_run", "levels", ["name", "run"])
