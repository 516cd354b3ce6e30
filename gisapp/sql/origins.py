"""Coordinates as a file had them, kept beside features whose datum was shifted when they were imported."""

from __future__ import annotations

from uuid import UUID

from geoalchemy2 import Geometry
from sqlalchemy import Column, Connection, MetaData, RowMapping, Table, Text, Uuid, func, select

from gisapp.sql.imports import IMPORTS

ORIGINS = Table("origins", MetaData(), Column("import_id", Uuid), Column("layer", Text), Column("feature_id", Uuid),
                Column("frame", Text), Column("geom", Geometry), schema="gisapp")


def newest(connection: Connection, layer_id: str, feature_id: UUID) -> RowMapping | None:
    """What the last such import gave for the feature: `frame` (how the file was read), `x` and `y` of the middle in
    that frame (longitude or easting first), number of `vertices`; None where nothing was shifted."""
    c, middle = ORIGINS.c, func.ST_Centroid(ORIGINS.c.geom)
    statement = select(c.frame, func.ST_X(middle).label("x"), func.ST_Y(middle).label("y"),
                       func.ST_NPoints(c.geom).label("vertices"))
    statement = statement.outerjoin_from(ORIGINS, IMPORTS, IMPORTS.c.id == c.import_id).where(
        c.layer == layer_id, c.feature_id == feature_id)
    return connection.execute(statement.order_by(IMPORTS.c.created_at.desc().nulls_last()).limit(1)).mappings().first()
