"""Bound the memory by which very many changes are joined with the versions that they end: what is more goes by the disk."""

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    # A hash may take twice as much, and there are two: a million rows need some 60 MB each.
    op.execute("ALTER FUNCTION gisapp.record_history() SET work_mem = '64MB'")


def downgrade() -> None:
    raise NotImplementedError("records are evidence: restore a backup instead of going back")
