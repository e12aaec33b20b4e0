"""Baselines: revisions of sets of runs, approved or not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "baselines",
        sa.Column("id", sa.Integer, nullable=False),
        _text("experiment"),
        _text("name"),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("spec_sha256", sa.String(64), nullable=False),
        _moment("recorded"),
        _text("recorded_by"),
        _moment("approved"),
        _text("approved_by"),
        _text("note"),
        sa.ForeignKeyConstraint(["spec_sha256"], ["specs.sha256"], "fk_baselines_spec_sha256"),
        sa.PrimaryKeyConstraint("id", name="pk_baselines"),
        sa.UniqueConstraint(
            "experiment", "name", "revision", name="uq_baselines_experiment_name_revision"
        ),
    )
    op.create_table(
        "baseline_runs",
        sa.Column("baseline", sa.Integer, nullable=False),
        sa.Column("run", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(
            ["baseline"], ["baselines.id"], "fk_baseline_runs_baseline", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["run"], ["runs.id"], "fk_baseline_runs_run", ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("baseline", "run", name="pk_baseline_runs"),
    )
    op.create_index("ix_baseline_runs_run", "baseline_runs", ["run"])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _moment(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(27), nullable=False)
