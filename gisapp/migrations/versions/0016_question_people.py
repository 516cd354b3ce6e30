"""Let a question be shared with single people."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.execute("ALTER TABLE gisapp.questions ADD COLUMN people text[] NOT NULL DEFAULT '{}'")


def downgrade() -> None:
    raise NotImplementedError("records are evidence: restore a backup instead of going back")
