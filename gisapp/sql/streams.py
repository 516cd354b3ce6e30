"""All features that answer a question, as GeoJSON texts in pieces: a cursor in the database, nothing kept here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.types.string import ByteaBinaryLoader
from sqlalchemy import Table

from gisapp.layers import Layer
from gisapp.params import Query
from gisapp.sql.features import feature_text
from gisapp.sql.pages import order_of, where

#: Features of one piece; some hundred kilobytes.
_PIECE = 500


def texts(driver: psycopg.Connection[Any], layer: Layer, table: Table, query: Query, names: Sequence[str]
          ) -> Iterator[list[bytes]]:
    """The features in pieces, in the order of `sortby` and id, else as they lie. One moment is seen throughout."""
    asked = where(layer, table, query)
    order = f" ORDER BY {order_of(layer, table, query)}" if query.sortby else ""
    text = f"SELECT {feature_text(layer, table, names, query.crs)} FROM {table} WHERE {asked.text}{order}"  # noqa: S608
    with driver.transaction(), driver.cursor(f"stream_{uuid4().hex}", binary=True) as cursor:
        cursor.adapters.register_loader("text", ByteaBinaryLoader)
        cursor.execute(sql.SQL(text), asked.values)
        while rows := cursor.fetchmany(_PIECE):
            yield [row[0] for row in rows]
