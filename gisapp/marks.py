"""What is done once in a database, and remembered there: `gisapp.marks`."""

from __future__ import annotations

from sqlalchemy import Connection, text


def is_done(connection: Connection, name: str) -> bool:
    """Whether the mark was set."""
    row = connection.execute(text("SELECT 1 FROM gisapp.marks WHERE name = :name"), {"name": name}).first()
    return row is not None


def set_done(connection: Connection, name: str) -> None:
    """Set the mark; no matter when it is set already."""
    connection.execute(text("INSERT INTO gisapp.marks (name) VALUES (:name) ON CONFLICT DO NOTHING"), {"name": name})
