"""Let a saved question stand among the layers."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("ALTER TABLE gisapp.questions ADD COLUMN as_layer boolean NOT NULL DEFAULT false")


def downgrade() -> None:
    raise NotImplementedError("records are evidence: restore a backup instead of going back")
