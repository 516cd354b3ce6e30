"""The one place that writes with GDAL: Arrow batches in, one layer of a file out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyogrio
from pyogrio.raw import write_arrow

from gisapp.formats.columns import GEOMETRY
from gisapp.formats.spool import Part

# A file that is lost with the machine is made again: SQLite need not wait for the disk.
pyogrio.set_gdal_config_options({"OGR_SQLITE_SYNCHRONOUS": "OFF"})


def write_layer(path: Path, driver: str, part: Part, schema: pa.Schema, batches: Iterator[pa.RecordBatch],
                system: str, *, encoding: str | None = None, append: bool = False,
                options: dict[str, str] | None = None) -> None:
    """Write the batches as layer `part.name`; coordinates as they come, easting first; `system`
    is an EPSG name or WKT.

    `options` are GDAL's for the layer. Nothing to write still gives a valid file with all columns.
    """
    feed = _Feed(batches)
    try:
        write_arrow(pa.RecordBatchReader.from_batches(schema, feed), path, layer=part.name, driver=driver,
                    geometry_name=GEOMETRY, geometry_type=part.geometry, append=append,
                    crs=system, layer_options=options or {}, encoding=encoding)
    except (RuntimeError, pyogrio.errors.DataSourceError):
        if feed.error is not None:
            raise feed.error from None
        raise


class _Feed:
    """Hands batches to C and keeps an exception that C would swallow."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self.error: Exception | None = None

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> pa.RecordBatch:
        try:
            return next(self._batches)
        except StopIteration:
            raise
        except Exception as error:
            self.error = error
            raise


def write_table(path: Path, name: str, table: pa.Table) -> None:
    """Add a table without geometry to a GeoPackage."""
    write_arrow(table, path, layer=name, driver="GPKG", append=True)
