"""Code lists in the database: brought to what the files say; a code is retired there, never deleted."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from gisapp.house import House
from gisapp.layers import CodeList
from gisapp.sql import statements as sql


def sync_codelists(house: House) -> int:
    """Insert and update codes as the files say, retire those no file names; returns how many rows changed.

    Runs on the owner's connection: the application role only reads code lists.
    """
    with house.db.begin("system") as connection:
        return _apply(connection, house)


def unsynced_codes(house: House) -> int:
    """How many rows `sync_codelists` would change; nothing is changed."""
    with house.db.engine.connect() as connection, connection.begin() as transaction:
        changed = _apply(connection, house)
        transaction.rollback()
    return changed


def _apply(connection: Connection, house: House) -> int:
    changed = 0
    connection = connection.execution_options(preserve_rowcount=True)
    for codelist in house.catalogue.codelists.values():
        table = house.tables.codes[codelist.id]
        changed += connection.execute(sql.upsert_codes(table, _rows(codelist))).rowcount
        changed += connection.execute(sql.retire_codes(table, list(codelist.by_id))).rowcount
    return changed


def _rows(codelist: CodeList) -> list[dict[str, Any]]:
    return [{
        "code": code.id, "title_zh": code.title.zh, "title_en": code.title.en, "colour": code.colour,
        "sort": place, "retired": code.retired,
        # The standards' texts were not at hand when the lists were written.
        "standards": [{"standard": name, "code": its, "verified": False} for name, its in code.standards],
    } for place, code in enumerate(codelist.codes)]
