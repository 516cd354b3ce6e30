"""Let what runs for each row that is written make its plans once: the application's sessions plan anew for each call."""

from pathlib import Path

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    # The driver itself, so that % in the text is not taken for a parameter.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None  # noqa: S101
    driver.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    raise NotImplementedError("records are evidence: restore a backup instead of going back")
