"""Let a photo come to another feature with a merge, and back after it was removed."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.execute("ALTER TABLE gisapp.attachments ADD COLUMN came_from uuid REFERENCES gisapp.attachments (id)")
    op.execute("COMMENT ON COLUMN gisapp.attachments.came_from IS"
               " 'The first line of the same photo, on the feature that was merged into this one or on this one itself.'")
    # A feature has a photo once, however often and by however many it is brought.
    op.execute("CREATE UNIQUE INDEX attachments_came_from ON gisapp.attachments (feature_id, came_from)"
               " WHERE came_from IS NOT NULL AND removed_at IS NULL")


def downgrade() -> None:
    raise NotImplementedError("records are evidence: restore a backup instead of going back")
