"""Very many rows of a stage on their way into their layer, part by part: made ready by one connection, while another,
in the transaction of the import, lets those that are ready enter (migration 0021)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, Table, Text, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from gisapp.layers import Layer

#: Lines of the stage in a part.
LINES = 50_000


def parts(connection: Connection, stage: Table) -> int:
    """In how many parts the rows of a stage come."""
    last = connection.execute(select(func.max(stage.c["_line"]))).scalar_one()
    return 0 if last is None else last // LINES + 1


def hold(connection: Connection, layer: Layer, number: UUID) -> bool:
    """Let nobody change the stage until the transaction ends; whether its rows may enter while the layer's triggers
    rest, for which this module is."""
    return bool(connection.execute(func.gisapp.hold_stage(number, layer.id).select()).scalar_one())


def begin(connection: Connection, layer: Layer, number: UUID) -> None:
    """Make what the rows lean on, in the place of anything left by an attempt that failed."""
    connection.execute(func.gisapp.begin_ready(number, layer.id).select())


def make(connection: Connection, layer: Layer, number: UUID, names: Sequence[str], part: int) -> None:
    """Make the rows of a part ready. `names` are the columns that the stage brings."""
    connection.execute(func.gisapp.make_ready(number, layer.id, cast(list(names), ARRAY(Text)), part, part * LINES,
                                              (part + 1) * LINES).select())


def count(connection: Connection, layer: Layer, number: UUID) -> None:
    """Reckon what tiles have to know of all that is ready."""
    connection.execute(func.gisapp.count_ready(number, layer.id).select())


def enter(connection: Connection, layer: Layer, number: UUID, part: int) -> int:
    """Let a part enter layer and history; how many rows. IntegrityError when one breaks what the layer asks."""
    return int(connection.execute(func.gisapp.enter_ready(number, layer.id, part).select()).scalar_one())


def end(connection: Connection, layer: Layer, number: UUID) -> None:
    """Tell the tiles, once all parts have entered, and drop what was ready. Fails as a serialization does when a
    feature of the import came and went meanwhile."""
    connection.execute(func.gisapp.end_ready(number, layer.id).select())


def drop(connection: Connection, number: UUID) -> None:
    """Drop what an attempt that failed has left."""
    connection.execute(func.gisapp.drop_ready(number).select())
