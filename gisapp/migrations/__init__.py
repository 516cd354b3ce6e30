"""Alembic migrations: read by a person, committed, and never importing layer files."""
