"""The waiting rows of an import: their table, COPY into it, and what people are shown of it.

Columns of its own begin with `_`: `_line` counts all rows of the upload, `_source` and `_row` say where each stands in
the file, `_verdict` is accepted, repaired or refused, `_faults` and `_done` say why and what was done, `_raw` is a row
as the file has it (of refused and repaired ones), `_twin` is the feature that it meets in the layer by `_twin_by` (id,
key or place), `_act` is what becomes of it: insert, update or skip.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from geoalchemy2 import Geometry
from psycopg import sql
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    Numeric,
    RowMapping,
    Table,
    Text,
    Uuid,
    and_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from gisapp.layers import Layer
from gisapp.sql.bulk import stored_columns
from gisapp.sql.shapes import shown
from gisapp.sql.stage_checks import differs

STAGING = "staging"
_CHUNK = 1 << 20
#: Up to so many rows shapes are indexed, for the small map.
_INDEXED = 100_000


def stage_table(layer: Layer, table: Table, number: UUID) -> Table:
    """The stage of an import into a layer, as a table of its own."""
    return Table(
        f"i_{number.hex}", MetaData(),
        Column("_line", Integer, primary_key=True), Column("_source", Text), Column("_row", Integer),
        Column("_verdict", Text), Column("_faults", JSONB), Column("_done", JSONB), Column("_raw", JSONB),
        Column("_act", Text), Column("_twin", Uuid), Column("_twin_by", Text), Column("_twin_version", Integer),
        Column("_same", Boolean), Column("_frame", Text), Column("_original", Geometry),
        *(Column(name, table.c[name].type) for name in stored_columns(layer)), schema=STAGING)


def make(connection: Connection, layer: Layer, number: UUID) -> None:
    """An empty stage in the place of any earlier one."""
    connection.execute(func.gisapp.make_stage(number, layer.id, _texts(stored_columns(layer))).select())


def _texts(names: Sequence[str]) -> ColumnElement[Any]:
    return cast(list(names), ARRAY(Text))


def settle(connection: Connection, layer: Layer, number: UUID, rows: int) -> None:
    """Indexes and figures for the planner, once all `rows` are in. Very many shapes are indexed for rules only."""
    shapes = _places(layer) if layer.rules or rows <= _INDEXED else []
    connection.execute(func.gisapp.settle_stage(number, _texts(shapes), _texts([])).select())


def drop(connection: Connection, number: UUID) -> None:
    connection.execute(func.gisapp.drop_stage(number).select())


def copy_part(connection: Connection, stage: Table, columns: Sequence[str], path: Path) -> int:
    """COPY a CSV file of the child's, without a heading, into the stage; how many rows."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101
    statement = sql.SQL("COPY {}.{} ({}) FROM STDIN (FORMAT csv)").format(
        sql.Identifier(STAGING), sql.Identifier(stage.name), sql.SQL(", ").join(map(sql.Identifier, columns)))
    with driver.cursor() as cursor:
        with cursor.copy(statement) as copy, path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                copy.write(chunk)
        return cursor.rowcount  # a closed cursor has forgotten it


def counts(connection: Connection, stage: Table) -> list[RowMapping]:
    """How many rows there are of each verdict, act and way of meeting a feature; `same` where nothing would change."""
    columns = [stage.c[f"_{name}"].label(name) for name in ("verdict", "act", "twin_by", "same")]
    columns.append(kind_of(stage).label("kind"))
    return list(connection.execute(select(*columns, func.count().label("count")).group_by(*columns)).mappings())


def exists(connection: Connection, number: UUID) -> bool:
    """Whether an import has its stage still."""
    return connection.execute(select(func.to_regclass(f"{STAGING}.i_{number.hex}"))).scalar_one() is not None


def is_lost(connection: Connection, stage: Table, number: UUID, rows: int) -> bool:
    """Whether the rows of a check have gone: a database that crashes empties unlogged tables as a whole."""
    there = exists(connection, number)
    return not there or (rows > 0 and connection.execute(select(stage.c["_line"]).limit(1)).first() is None)


def count_all(connection: Connection, stage: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(stage)).scalar_one())


def count_where(connection: Connection, stage: Table, where: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).select_from(stage).where(where)).scalar_one())


def faults(connection: Connection, stage: Table, limit: int) -> list[dict[str, Any]]:
    """The faults of refused rows one by one, in the file's order."""
    one = func.jsonb_array_elements(stage.c["_faults"]).table_valued("value").lateral("one")
    statement = select(stage.c["_source"], stage.c["_row"], one.c.value).select_from(stage).join(
        one, stage.c["_verdict"] == "refused").order_by(stage.c["_line"]).limit(limit)
    return [{"source": row[0], "row": row[1], **row[2]} for row in connection.execute(statement)]


def fault_counts(connection: Connection, stage: Table) -> list[RowMapping]:
    """Fields and codes of the faults with how many rows have them, and a sentence, the most frequent first."""
    one = func.jsonb_array_elements(stage.c["_faults"]).table_valued("value").lateral("one")
    field, code = one.c.value.op("->>")("field"), one.c.value.op("->>")("code")
    return list(connection.execute(
        select(field.label("field"), code.label("code"), func.min(one.c.value.op("->>")("zh")).label("zh"),
               func.min(one.c.value.op("->>")("en")).label("en"), func.count().label("count"))
        .select_from(stage).join(one, stage.c["_verdict"] == "refused").group_by(field, code)
        .order_by(func.count().desc(), field, code)).mappings())


def kind_of(stage: Table) -> ColumnElement[Any]:
    """What a person sees a row as: refused, skip, same, update, repaired or insert."""
    c = stage.c
    return case((c["_verdict"] == "refused", "refused"), (c["_act"] == "skip", "skip"),
                (c["_act"] == "update", case((c["_same"], "same"), else_="update")),
                (c["_verdict"] == "repaired", "repaired"), else_="insert")


def some_rows(connection: Connection, layer: Layer, stage: Table, kinds: Sequence[str] | None, doubts: bool,
              after: int, limit: int) -> list[RowMapping]:
    """Rows after line `after`, at most `limit`, of some kinds or of all; with `doubts` only those that meet one."""
    c, kind = stage.c, kind_of(stage)
    title = cast(c[layer.name_field], Text).label("title")
    names = ("line", "source", "row", "verdict", "faults", "done", "raw", "act", "twin", "twin_by")
    statement = select(*(c[f"_{name}"].label(name) for name in names), kind.label("kind"), title).where(
        c["_line"] > after)
    if kinds:
        statement = statement.where(kind.in_(kinds))
    if doubts:
        statement = statement.where(c["_twin"].isnot(None), c["_verdict"] != "refused")
    return list(connection.execute(statement.order_by(c["_line"]).limit(limit)).mappings())


def met(connection: Connection, layer: Layer, table: Table, stage: Table, names: Sequence[str],
        lines: Sequence[int]) -> list[RowMapping]:
    """Of lines that meet a feature: its title, and for each name old_, new_ and differs_. Shapes as their sizes."""
    columns = [column for name in names for column in (
        _shown_value(table.c[name], name, layer).label(f"old_{name}"),
        _shown_value(stage.c[name], name, layer).label(f"new_{name}"),
        differs(layer, table, stage, name).label(f"differs_{name}"))]
    statement = select(stage.c["_line"].label("line"), cast(table.c[layer.name_field], Text).label("title"), *columns
                       ).select_from(stage).join(table, table.c.id == stage.c["_twin"]).where(
        stage.c["_line"].in_(lines))
    return list(connection.execute(statement).mappings())


def _shown_value(value: ColumnElement[Any], name: str, layer: Layer) -> ColumnElement[Any]:
    """A shape as its middle (longitude, latitude) and number of vertices, if several; any other value as it is."""
    if name != "geom" and not (layer.second_geometry and name == layer.second_geometry.id):
        return value
    middle, vertices = func.ST_Centroid(value), func.ST_NPoints(value)
    ends = (func.round(cast(end(middle), Numeric), 6) for end in (func.ST_X, func.ST_Y))
    return case((value.isnot(None), func.concat_ws(", ", *ends).concat(
        case((vertices > 1, func.concat(" · ", vertices)), else_=""))))


def shapes(connection: Connection, layer: Layer, stage: Table, kinds: Sequence[str] | None,
           box: tuple[float, float, float, float] | None, limit: int) -> list[RowMapping]:
    """Line, kind and shape (GeoJSON, EPSG:4326, simplified to `box`) of rows that have one; those with faults first."""
    c, kind = stage.c, kind_of(stage)
    given = func.jsonb_path_query_first(c["_faults"], literal_column("'$[*].geometry'::jsonpath"))
    place = func.coalesce(shown(layer, stage), func.ST_SetSRID(func.ST_GeomFromGeoJSON(given), 4326))
    step = max(box[2] - box[0], box[3] - box[1]) / 2000 if box else 0.00001
    drawn = func.ST_AsGeoJSON(func.coalesce(func.ST_SimplifyPreserveTopology(place, step), place), 6)
    title = cast(c[layer.name_field], Text).label("title")
    statement = select(c["_line"].label("line"), c["_row"].label("row"), kind.label("kind"), title,
                       drawn.label("shape")).where(place.isnot(None))
    if kinds:
        statement = statement.where(kind.in_(kinds))
    if box:
        frame = func.ST_MakeEnvelope(*box, 4326)
        statement = statement.where(or_(*(c[name].op("&&")(frame) for name in _places(layer)), and_(
            c["_verdict"] == "refused", *(c[name].is_(None) for name in _places(layer)))))
    rank = case((kind == "refused", 0), (kind == "repaired", 1), (kind == "update", 2), else_=3)
    return list(connection.execute(statement.order_by(rank, c["_line"]).limit(limit)).mappings())


def _places(layer: Layer) -> list[str]:
    return ["geom", *([layer.stand_in.id] if layer.stand_in else [])]


def extent(connection: Connection, layer: Layer, stage: Table) -> list[float] | None:
    """West, south, east, north of all rows, EPSG:4326; None when none has a place."""
    box = select(func.ST_Extent(shown(layer, stage)).label("box")).subquery()
    found = connection.execute(select(func.ST_XMin(box.c.box), func.ST_YMin(box.c.box), func.ST_XMax(box.c.box),
                                      func.ST_YMax(box.c.box))).one()
    return None if found[0] is None else list(found)
