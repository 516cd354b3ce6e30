"""Alembic's entry: runs on the connection that `gisapp.migrate` hands over, one migrating process at a time."""

from alembic import context
from sqlalchemy import text

connection = context.config.attributes["connection"]

context.configure(
    connection=connection,
    target_metadata=context.config.attributes.get("metadata"),
    version_table_schema="public",
    version_table="gisapp_version",
    transaction_per_migration=False,
    **context.config.attributes.get("options", {}),
)

with context.begin_transaction():
    # A second start waits here instead of migrating beside the first one; a lock held by readers must not
    # stop the office for long, so a migration gives up early rather than queue every request behind itself.
    connection.execute(text("SELECT pg_advisory_xact_lock(7310520113)"))
    connection.execute(text("SET LOCAL lock_timeout = '20s'"))
    context.run_migrations()
