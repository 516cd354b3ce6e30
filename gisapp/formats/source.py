"""What lies in an uploaded file: its layers, fields, CRS and encoding, read by GDAL with three drivers only.

Runs in the child process (`gisapp.formats.intake`); the paths are ours, never the sender's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyogrio
import pyproj
from pyogrio.raw import open_arrow

from gisapp.crs import MENU
from gisapp.errors import Problem
from gisapp.formats.archive import Dataset
from gisapp.formats.encoding import decode, find_encoding
from gisapp.formats.mapping import suggest
from gisapp.layers import Layer

DRIVERS = frozenset({"ESRI Shapefile", "GPKG", "GeoJSON"})
_SAMPLES = 5
_BATCH = 4096
#: Maps each byte to one character and back, so that texts are decoded here, strictly, row by row.
_BYTES = "ISO-8859-1"


@dataclass
class Source:
    """One layer of an upload, as it is shown to the person who sent it."""

    name: str
    dataset: Dataset
    gdal_layer: str
    geometry: str
    count: int
    fields: list[str]
    types: list[str]
    crs: str | None
    crs_found: str
    crs_candidates: list[str]
    encoding: str
    encoding_from: str

    def public(self) -> dict[str, Any]:
        """All but where it lies."""
        shown = asdict(self)
        shown["missing"] = shown.pop("dataset")["missing"]
        shown.pop("gdal_layer")
        return shown


def allow_drivers() -> None:
    """Leave GDAL the drivers that imports need; anything else in a file's name or content opens nothing."""
    from pyogrio._ogr import _register_drivers

    skipped = [name for name in pyogrio.list_drivers() if name not in DRIVERS]
    pyogrio.set_gdal_config_options({"GDAL_SKIP": ",".join(skipped), "SHAPE_RESTORE_SHX": True,
                                     "OGR_SQLITE_ALLOW_EXTERNAL_ACCESS": False})
    _register_drivers()
    if set(pyogrio.list_drivers()) != DRIVERS:
        raise RuntimeError("GDAL kept drivers that were to be left out")


def sources(datasets: list[Dataset], encoding: str | None) -> list[Source]:
    """Every layer with geometry. `encoding` overrides what shapefiles say. Problem `file_unreadable`."""
    found: list[Source] = []
    for dataset in datasets:
        for layer in _gdal_layers(dataset):
            found.append(_describe(dataset, layer, encoding, {source.name for source in found}))
    if not found:
        raise Problem("file_unreadable", reason="没有带几何的图层 / no layer with geometry")
    return found


def _gdal_layers(dataset: Dataset) -> list[str]:
    try:
        return [name for name, kind in pyogrio.list_layers(dataset.path) if kind is not None][:50]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise unreadable(dataset, error) from error


def unreadable(dataset: Dataset, error: Exception) -> Problem:
    """`file_unreadable` with GDAL's words, without our paths."""
    words = str(error).replace(str(dataset.path.parent), "").replace(os.sep + dataset.path.name, dataset.title)
    return Problem("file_unreadable", reason=f"{dataset.title}: {words[:300]}")


def _describe(dataset: Dataset, gdal_layer: str, encoding: str | None, taken: set[str]) -> Source:
    chosen, known_from = _encoding(dataset, encoding)
    try:
        info = pyogrio.read_info(dataset.path, layer=gdal_layer, force_feature_count=True, force_total_bounds=True,
                                 encoding=_BYTES if _is_shapefile(dataset) else None, **_options(dataset))
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, UnicodeDecodeError) as error:
        raise unreadable(dataset, error) from error
    crs, words = _menu_crs(info["crs"])
    title = dataset.title if _is_shapefile(dataset) or dataset.driver == "GeoJSON" else gdal_layer
    return Source(
        name=_free(title, taken), dataset=dataset, gdal_layer=gdal_layer, geometry=str(info["geometry_type"]),
        count=int(info["features"]), fields=[_text(name, dataset, chosen) for name in info["fields"]],
        types=[str(kind).removeprefix("OFT") for kind in info["ogr_types"]], crs=crs, crs_found=words,
        crs_candidates=[] if crs else candidates(info["total_bounds"]), encoding=chosen, encoding_from=known_from)


def _options(dataset: Dataset) -> dict[str, str]:
    """GDAL takes any text that looks like a date for one and writes it anew; here texts stay as they are."""
    return {"DATE_AS_STRING": "YES"} if dataset.driver == "GeoJSON" else {}


def _is_shapefile(dataset: Dataset) -> bool:
    return dataset.driver == "ESRI Shapefile"


def _encoding(dataset: Dataset, wanted: str | None) -> tuple[str, str]:
    if not _is_shapefile(dataset):
        return "UTF-8", "format"
    if wanted:
        return wanted, "chosen"
    return find_encoding(dataset.path.with_suffix(".dbf"), dataset.path.with_suffix(".cpg"))


def _text(raw: str, dataset: Dataset, encoding: str) -> str:
    """A name as it was meant; one that cannot be decoded shows its bytes."""
    if not _is_shapefile(dataset):
        return raw
    try:
        return decode(raw.encode(_BYTES), encoding)
    except UnicodeDecodeError:
        return raw


def _free(title: str, taken: set[str]) -> str:
    names = (title, *(f"{title} ({number})" for number in range(2, 1000)))
    return next(name for name in names if name not in taken)


def _menu_crs(given: str | None) -> tuple[str | None, str]:
    """The menu's name of a CRS as GDAL tells it, and how it is called; None when it is missing or foreign."""
    if not given:
        return None, ""
    try:
        crs = pyproj.CRS.from_user_input(given).to_2d()
        code = crs.to_epsg(min_confidence=60)
    except pyproj.exceptions.CRSError:
        return None, given[:80]
    return (MENU[code].name if code in MENU else None), crs.name


def candidates(bounds: Any) -> list[str]:
    """Systems of the menu in which coordinates of this size would lie in China, the likeliest first."""
    if bounds is None:
        return []
    west, south, east, north = (float(number) for number in bounds)
    if 73 <= west <= east <= 136 and 3 <= south <= north <= 54:
        return ["EPSG:4490", "EPSG:4326"]
    if 25_000_000 <= west <= east < 46_000_000 and 0 < south <= north < 6_000_000:
        return [f"EPSG:{4488 + int(west // 1_000_000)}"]
    if 13_000_000 <= west <= east < 24_000_000 and 0 < south <= north < 6_000_000:
        return [f"EPSG:{4478 + int(west // 1_000_000)}"]
    if 100_000 <= west <= east <= 900_000 and 0 < south <= north < 6_000_000:
        return [f"EPSG:{code}" for code in range(4534, 4555)]
    if 8_000_000 <= west <= east <= 15_100_000 and 300_000 <= south <= north <= 7_200_000:
        return ["EPSG:3857"]
    return []


def batches(source: Source) -> Iterator[tuple[list[list[Any]], Any]]:
    """Columns of Python values in the order of `fields`, and the column of WKB, batch by batch.

    A text that is not in the source's encoding comes as `BrokenText`.
    """
    shapefile = _is_shapefile(source.dataset)
    try:
        with open_arrow(source.dataset.path, layer=source.gdal_layer, batch_size=_BATCH, use_pyarrow=True,
                        encoding=_BYTES if shapefile else None, **_options(source.dataset)) as (meta, reader):
            geometry = meta["geometry_name"] or "wkb_geometry"
            for batch in reader:
                place = batch.schema.names.index(geometry)
                columns = [_values(batch.column(n), source) for n in range(batch.num_columns) if n != place]
                yield columns, batch.column(place).to_numpy(zero_copy_only=False)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, RuntimeError, pa.ArrowException) as error:
        raise unreadable(source.dataset, error) from error


class BrokenText(str):
    """A text whose bytes are not in the encoding that was chosen; shown with marks in their place."""


def _values(column: Any, source: Source) -> list[Any]:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        kind = pa.large_binary() if pa.types.is_large_string(column.type) else pa.binary()
        return [_decoded(raw, source) for raw in column.cast(kind).to_pylist()]
    values: list[Any] = column.to_pylist()
    return values


def _decoded(raw: bytes | None, source: Source) -> str | None:
    if raw is None:
        return None
    try:
        if _is_shapefile(source.dataset):
            return decode(raw.decode("utf-8").encode(_BYTES), source.encoding)
        return raw.decode("utf-8")
    except UnicodeError:
        return BrokenText(raw.decode("utf-8", "replace"))


def sample(source: Source) -> list[list[Any]]:
    """The first rows as they would be read, for a person to see whether the encoding is right."""
    for columns, _ in batches(source):
        rows = [list(row[:_SAMPLES]) for row in columns]
        return [[_short(value) for value in row] for row in zip(*rows, strict=True)]
    return []


def _short(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float) else str(value)[:80]


def role(layer: Layer, source: Source) -> str:
    """`rows` for features, `second` for a table that only adds a second geometry by id, `skip` for neither."""
    mapped = {target for target in suggest(layer, source.fields).values() if target}
    second = layer.second_geometry
    if second is not None and _fits(source.geometry, second.geometry) and mapped == {"id"}:
        return "second"
    wanted = [layer.geometry] + ([second.geometry] if second is not None and second.stands_in else [])
    return "rows" if any(_fits(source.geometry, kind) for kind in wanted) else "skip"


def _fits(given: str, wanted: str) -> bool:
    plain = given.replace(" ", "").removesuffix("ZM").removesuffix("Z").removesuffix("M").removeprefix("2.5D")
    return plain in (wanted, wanted.removeprefix("Multi"), "Unknown", "GeometryCollection")
