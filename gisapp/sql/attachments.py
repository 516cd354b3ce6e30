"""The statements behind the photos of features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from geoalchemy2 import Geography, Geometry
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    Float,
    Integer,
    MetaData,
    RowMapping,
    Select,
    Table,
    Text,
    Uuid,
    and_,
    cast,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from gisapp.layers import Layer
from gisapp.params import Query
from gisapp.sql import statements as sql
from gisapp.sql.shapes import shown

Row = RowMapping
_MOMENT = DateTime(timezone=True)
PHOTOS = Table(
    "attachments", MetaData(),
    Column("id", Uuid, primary_key=True), Column("layer", Text), Column("feature_id", Uuid), Column("sha256", Text),
    Column("bytes", BigInteger), Column("media_type", Text), Column("width", Integer), Column("height", Integer),
    Column("taken_at", _MOMENT), Column("place", Geometry("POINT", 4326)), Column("distance_m", Float),
    Column("telling", Boolean), Column("caption", Text), Column("added_at", _MOMENT), Column("added_by", Text),
    Column("request_id", Text), Column("removed_at", _MOMENT), Column("removed_by", Text),
    Column("removed_why", Text), Column("removed_request", Text), Column("came_from", Uuid), schema="gisapp")
_P = PHOTOS.c
#: The line through which a photo came first, of one that was merged in or came back.
_FIRST = PHOTOS.alias("first")
_TOLD = [*(column for column in _P if column.name != "place"), func.ST_X(_P.place).label("lon"),
         func.ST_Y(_P.place).label("lat"), _FIRST.c.added_at.label("first_at"), _FIRST.c.added_by.label("first_by"),
         _FIRST.c.feature_id.label("first_feature"), func.coalesce(_P.came_from, _P.id).label("first")]
_WITH_FIRST = PHOTOS.outerjoin(_FIRST, _FIRST.c.id == _P.came_from)
_ORDER = (func.coalesce(_P.taken_at, _FIRST.c.added_at, _P.added_at), _P.added_at, _P.id)
#: Held shared by who adds a photo and alone by who sweeps files that no line names.
_FILES_LOCK = 0x6750686F


def there(as_of: datetime | None = None) -> ColumnElement[bool]:
    """Whether a photo is with its feature: now, or at a moment."""
    if as_of is None:
        return _P.removed_at.is_(None)
    return and_(_P.added_at <= as_of, or_(_P.removed_at.is_(None), _P.removed_at > as_of))


def belongs(layer: Layer, table: Table, feature_id: UUID, as_of: datetime | None = None) -> Select[Any]:
    """Title and squadron of the feature that photos are asked of; from the history table with `as_of`."""
    found = select(cast(table.c[layer.name_field], Text).label("title"),
                   (table.c.squadron_code if layer.assigned else literal(None)).label("squadron_code"),
                   ).where(table.c.id == feature_id)
    return found.where(sql.at_moment(table, as_of)) if as_of else found


def of_feature(connection: Connection, layer_id: str, feature_id: UUID, as_of: datetime | None = None, *,
               all_: bool = False) -> Sequence[Row]:
    """The photos of a feature in the order in which they were taken; `all_` with those removed."""
    found = select(*_TOLD).select_from(_WITH_FIRST).where(
        _P.layer == layer_id, _P.feature_id == feature_id).order_by(*_ORDER)
    return connection.execute(found if all_ else found.where(there(as_of))).mappings().all()


def of_features(connection: Connection, layer_id: str, feature_ids: Sequence[UUID],
                as_of: datetime | None = None) -> Sequence[Row]:
    """The photos of several features, by feature and then as of `of_feature`."""
    found = select(*_TOLD).select_from(_WITH_FIRST).where(
        _P.layer == layer_id, _P.feature_id.in_(feature_ids), there(as_of))
    return connection.execute(found.order_by(_P.feature_id, *_ORDER)).mappings().all()


def synthetic(connection: Connection, layer: Layer, table: Table, count: int) -> Sequence[Any]:
    """Id, lon and lat (degrees) of the first demo features of a layer by name."""
    point = func.ST_PointOnSurface(shown(layer, table))
    found = select(table.c.id, func.ST_X(point).label("lon"), func.ST_Y(point).label("lat")).where(
        table.c.synthetic, shown(layer, table).is_not(None)).order_by(table.c[layer.name_field], table.c.id)
    return connection.execute(found.limit(count)).all()


def counts(connection: Connection, layer_id: str, feature_ids: Sequence[UUID] | None = None,
           as_of: datetime | None = None) -> dict[UUID, int]:
    """How many photos each feature has, of those that have any; of the whole layer with None."""
    found = select(_P.feature_id, func.count()).where(_P.layer == layer_id, there(as_of)).group_by(_P.feature_id)
    if feature_ids is not None:
        found = found.where(_P.feature_id.in_(feature_ids))
    return {row[0]: row[1] for row in connection.execute(found)}


def weight(connection: Connection, layer: Layer, table: Table, query: Query) -> tuple[int, int]:
    """How many photos the features that answer a query have, and their bytes in all."""
    ids = select(table.c.id).where(*sql.conditions(layer, table, query))
    found = select(func.count(), func.coalesce(func.sum(_P.bytes), 0)).where(
        _P.layer == layer.id, there(query.as_of), _P.feature_id.in_(ids))
    row = connection.execute(found).one()
    return int(row[0]), int(row[1])


def one(connection: Connection, photo_id: UUID) -> Row | None:
    """A photo by its id, wherever it belongs and also when it was removed."""
    found = select(*_TOLD).select_from(_WITH_FIRST).where(_P.id == photo_id)
    return connection.execute(found).mappings().one_or_none()


def distance_m(layer: Layer, table: Table, feature_id: UUID, place: tuple[float, float]) -> Any:
    """Metres on the ellipsoid from a place (lon, lat) to a feature; NULL for one that lies nowhere."""
    point = cast(func.ST_SetSRID(func.ST_MakePoint(*place), 4326), Geography)
    return select(func.ST_Distance(cast(shown(layer, table), Geography), point)).where(
        table.c.id == feature_id).scalar_subquery()


def add(connection: Connection, values: Mapping[str, Any], place: tuple[float, float] | None, distance: Any) -> bool:
    """A line for a photo; `place` is longitude and latitude. False when the id is taken."""
    point = func.ST_SetSRID(func.ST_MakePoint(*place), 4326) if place else None
    statement = insert(PHOTOS).values(**values, place=point, distance_m=distance)
    return connection.execute(statement.on_conflict_do_nothing(index_elements=[_P.id]).returning(
        _P.id)).one_or_none() is not None


def remove(connection: Connection, photo_id: UUID, values: Mapping[str, Any]) -> bool:
    """Mark a photo as removed now; False when it was before."""
    statement = update(PHOTOS).where(_P.id == photo_id, _P.removed_at.is_(None)).values(
        removed_at=func.now(), **values).returning(_P.id)
    return connection.execute(statement).one_or_none() is not None


def hold_files(connection: Connection) -> None:
    """Until the end of the transaction nobody sweeps the folder of photos."""
    connection.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": _FILES_LOCK})


def close_files(connection: Connection) -> bool:
    """Until the end of the transaction nobody adds a photo; False when somebody just does."""
    return bool(connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _FILES_LOCK}).scalar_one())


def known(connection: Connection, digests: Sequence[str]) -> set[str]:
    """Which of the digests a line names, also one of a removed photo."""
    return set(connection.execute(select(_P.sha256).where(_P.sha256.in_(digests))).scalars())


def digests(connection: Connection) -> Iterator[tuple[str, int]]:
    """Every digest with its number of bytes, each once."""
    found = select(_P.sha256, func.max(_P.bytes)).group_by(_P.sha256).order_by(_P.sha256)
    for row in connection.execution_options(yield_per=1000).execute(found):
        yield row[0], row[1]
