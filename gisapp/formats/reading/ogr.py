"""Layers read by GDAL, with the few drivers named here and no way out of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyogrio
from pyogrio.raw import open_arrow

from gisapp.errors import DISK_FULL, Problem
from gisapp.formats import json_heads
from gisapp.formats.archive import unreadable as told
from gisapp.formats.dbf import prepared
from gisapp.formats.encoding import decode_cut, find_encoding, find_text_encoding, likeliest, transcode
from gisapp.formats.kinds import Dataset
from gisapp.formats.markup import shown_name
from gisapp.formats.reading import records
from gisapp.formats.reading.headings import unique
from gisapp.formats.source import Source, unreadable
from gisapp.formats.systems import words_of_prj

#: GDAL's driver for each of our short names.
DRIVERS = {"shp": "ESRI Shapefile", "gpkg": "GPKG", "geojson": "GeoJSON", "ndjson": "GeoJSONSeq", "fgb": "FlatGeobuf",
           "gdb": "OpenFileGDB", "kml": "LIBKML", "gpx": "GPX", "dxf": "DXF", "esrijson": "ESRIJSON"}
_JSON = ("geojson", "ndjson", "esrijson")
_MAX_LAYERS = 50
#: Of a GeoJSON feature as the driver holds it, which is by the whole: some 500 000 vertices.
MAX_FEATURE_MB = 100
#: So many lines with other than ASCII tell the encoding of a drawing.
_TEXTS = 5000
#: Drawings in binary from AutoCAD 2007 (AC1021) on are in UTF-8.
_VERSION = re.compile(rb"\$ACADVER\x00.{1,2}AC(\d{4})", re.DOTALL)
FAULTS = (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError,
           pyogrio.errors.GeometryError, pyogrio.errors.FieldError, RuntimeError, ValueError, IndexError,
           OSError, pa.ArrowException)
#: What LIBKML adds to every layer and nobody sent.
_KML_OWN = ("altitudeMode", "tessellate", "extrude", "visibility", "drawOrder", "icon", "snippet")
#: The same tracks once more, point by point.
_GPX_POINTS = ("route_points", "track_points")


def allow_drivers() -> None:
    """Leave GDAL the drivers that imports need; anything else in a file's name or content opens nothing."""
    from pyogrio._ogr import _register_drivers

    wanted = set(DRIVERS.values())
    skipped = [name for name in pyogrio.list_drivers() if name not in wanted]
    pyogrio.set_gdal_config_options({
        "GDAL_SKIP": ",".join(skipped), "SHAPE_RESTORE_SHX": True, "OGR_SQLITE_ALLOW_EXTERNAL_ACCESS": False,
        "LIBKML_EXTERNAL_STYLE": False, "LIBKML_RESOLVE_STYLE": False, "CPL_CURL_VERBOSE": False,
        "GDAL_DISABLE_READDIR_ON_OPEN": "YES", "OGR_GEOJSON_MAX_OBJ_SIZE": MAX_FEATURE_MB})
    _register_drivers()
    if not set(pyogrio.list_drivers()) <= wanted:
        raise RuntimeError("GDAL kept drivers that were to be left out")


def describe(dataset: Dataset, encoding: str | None) -> list[Source]:
    """The layers with shapes of a file. Problem `file_unreadable`."""
    if dataset.format in _JSON:
        given, _ = find_text_encoding(dataset.path)
        if given != "UTF-8":
            transcode(dataset.path, given)
        records.without_mark(dataset.path)
        if dataset.format == "geojson":
            json_heads.with_type(dataset.path)
    try:
        with _told_encoding(dataset, _encoding(dataset, encoding)[0] if dataset.format == "dxf" else ""):
            found = [_layer(dataset, name, encoding) for name in _layers(dataset)]
            if dataset.format == "ndjson":
                found = [_whole(dataset, source) for source in found]
    except FAULTS as error:
        raise said(dataset, error) from error
    return [source for source in found if source.geometry != "None" and (source.count or dataset.format != "gpx")]


def _whole(dataset: Dataset, source: Source) -> Source:
    """The source with a row for each of its records, whether GDAL takes it for a feature or not."""
    count, alike = records.count(dataset.path)
    if (count, alike) == (source.count, True):
        return source
    wrong = records.mended(dataset.path)
    if len(wrong) == count:
        raise told(dataset.title, "没有一条记录是 GeoJSON 要素", "none of its records is a GeoJSON feature")
    made = _layer(dataset, None, None)
    made.count = max(made.count, records.count(dataset.path)[0])
    made.notes = [records.note(wrong)] if wrong else []
    return made


@contextmanager
def _told_encoding(dataset: Dataset, encoding: str) -> Iterator[None]:
    """Tell GDAL the encoding of a drawing for as long as it is read: the setting holds for the whole process."""
    if dataset.format != "dxf":
        yield
        return
    pyogrio.set_gdal_config_options({"DXF_ENCODING": {"GBK": "GB18030"}.get(encoding, encoding)})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"DXF_ENCODING": None})


def _layers(dataset: Dataset) -> list[str | None]:
    """The layers by name; None for the one layer of formats that hold no more: opening may read the whole file."""
    if dataset.format in (*_JSON, "fgb"):
        return [None]
    return [name for name, kind in pyogrio.list_layers(dataset.path)
            if kind is not None and not (dataset.format == "gpx" and name in _GPX_POINTS)][:_MAX_LAYERS]


def _layer(dataset: Dataset, part: str | None, encoding: str | None) -> Source:
    chosen, known_from = _encoding(dataset, encoding)
    names, rows, gone = prepared(dataset.path.with_suffix(".dbf")) if dataset.format == "shp" else (None, 0, 0)
    info = pyogrio.read_info(dataset.path, layer=part, force_feature_count=True, force_total_bounds=True,
                             encoding="UTF-8" if names else None, **_options(dataset))
    given = [_name(raw, chosen) for raw in names or []] or [
        # GDAL puts this before what stands in a GPX file's extensions.
        shown_name(str(name)).removeprefix("ogr_" if dataset.format == "gpx" else "") for name in info["fields"]]
    # A KML without a name has that of its file, which is ours.
    nameless = part in (None, dataset.path.stem) or dataset.format in ("shp", "dxf")
    title = dataset.title if nameless else str(part)
    kept = own_columns(dataset, [str(name) for name in info["fields"]])
    return Source(
        name=title, dataset=dataset, part=str(info["layer_name"]), geometry=str(info["geometry_type"]),
        count=max(int(info["features"]), rows) - gone,
        fields=unique([given[n] for n in kept]),
        types=[str(info["ogr_types"][n]).removeprefix("OFT") for n in kept],
        crs_words=_system(dataset, str(info["crs"] or "")), bounds=_bounds(info["total_bounds"]),
        encoding=chosen, encoding_from=known_from, raw_encoding=chosen, notes=_gone(gone))


def _system(dataset: Dataset, found: str) -> str:
    """What a file says of its system: GDAL's answer, but what stands in a .prj where it makes nothing of that, and in
    the old `crs` member of a GeoJSON, for which it would take WGS 84."""
    if dataset.format == "shp" and not found:
        return words_of_prj(dataset.path.with_suffix(".prj"))
    if dataset.format == "geojson" and found == "EPSG:4326":
        return json_heads.named_system(dataset.path) or found
    return found


def _gone(rows: int) -> list[dict[str, str]]:
    """What is to be said of rows that the table has marked as deleted."""
    return [{"code": "rows_deleted", "zh": f"属性表中有 {rows} 行已标记删除，不读取",
             "en": f"{rows} rows are marked as deleted in the table and not read"}] if rows else []


def _bounds(given: Any) -> tuple[float, float, float, float] | None:
    if given is None:
        return None
    west, south, east, north = (float(number) for number in given)
    return west, south, east, north


def own_columns(dataset: Dataset, names: list[str]) -> list[int]:
    """Which of GDAL's columns are the file's own, in which order: the id and label of a placemark or waypoint come
    last, behind the field of that name that a file of ours has among its data (`name_`, in GPX `ogr_name`)."""
    kept = [n for n, name in enumerate(names) if dataset.format != "kml" or name not in _KML_OWN]
    given = {name.lower() for name in names}
    among = {"kml": "{}_", "gpx": "ogr_{}"}.get(dataset.format)
    if among is None:
        return kept
    return sorted(kept, key=lambda n: names[n] == "id" or among.format(names[n].lower()) in given)


def _options(dataset: Dataset) -> dict[str, str]:
    """GDAL takes any text that looks like a date for one and writes it anew; here texts stay as they are."""
    return {"DATE_AS_STRING": "YES"} if dataset.format in ("geojson", "ndjson") else {}


def _encoding(dataset: Dataset, wanted: str | None) -> tuple[str, str]:
    if dataset.format not in ("shp", "dxf"):
        return "UTF-8", "format"
    if wanted:
        return wanted, "chosen"
    if dataset.format == "dxf":
        return _drawing_encoding(dataset.path)
    return find_encoding(dataset.path.with_suffix(".dbf"), dataset.path.with_suffix(".cpg"))


def _drawing_encoding(path: Path) -> tuple[str, str]:
    """Of a DXF's texts. Its header often names another code page than its texts are in; they are looked at."""
    texts: list[bytes] = []
    with path.open("rb") as file:
        start = file.read(4096)
        file.seek(0)
        if start.startswith(b"AutoCAD Binary DXF"):
            version = _VERSION.search(start)
            return ("UTF-8" if version and version[1] >= b"1021" else "GBK"), "format"
        for line in file:
            if not line.isascii():
                texts.append(line.strip())
                if len(texts) == _TEXTS:
                    break
    return (likeliest(texts)[0], "detected") if texts else ("UTF-8", "plain")


def _name(raw: bytes, encoding: str) -> str:
    """A field's name as it was meant, without half a character at its end; broken ones show marks."""
    try:
        return decode_cut(raw, encoding)[0]
    except UnicodeDecodeError:
        return raw.decode("ascii", "replace")


def arrow(source: Source, size: int) -> Iterator[tuple[list[pa.Array], pa.Array]]:
    """The columns and WKB of a layer, batch by batch. Problem `file_unreadable` where GDAL gives up."""
    dataset = source.dataset
    shapefile = dataset.format == "shp"
    try:
        with _told_encoding(dataset, source.encoding), open_arrow(
                dataset.path, layer=source.part, batch_size=size, use_pyarrow=True, datetime_as_string=True,
                encoding="UTF-8" if shapefile else None, **_options(dataset)) as (meta, reader):
            geometry = meta["geometry_name"] or "wkb_geometry"
            for batch in reader:
                place = batch.schema.names.index(geometry)
                names = [name for n, name in enumerate(batch.schema.names) if n != place]
                columns = [batch.column(n) for n in range(batch.num_columns) if n != place]
                kept = [columns[n] for n in own_columns(dataset, names)]
                yield [_raw(column) if shapefile or not _is_sound(column) else column for column in kept], wkb(
                    batch.column(place))
    except FAULTS as error:
        raise said(dataset, error) from error


def said(dataset: Dataset, error: Exception) -> Problem:
    """What GDAL complains of; where it talks of its own settings, what that means to the sender. A full disk is no
    fault of the file: that OSError goes on."""
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        raise error
    if "OGR_GEOJSON_MAX_OBJ_SIZE" in str(error) or "Too many characters" in str(error):
        return told(dataset.title, "有一个要素过大（约 50 万个顶点以上），请简化或拆分几何",
                    "one feature is too large (above some 500 000 vertices); simplify or split its geometry")
    if "gpkg_contents" in str(error):
        return told(dataset.title, "是 SQLite 数据库，不是 GeoPackage；请导出为 Shapefile 或 GeoPackage",
                    "an SQLite database and no GeoPackage; export it as shapefile or GeoPackage")
    if "not recognized as being" in str(error):  # what follows is advice on GDAL's drivers
        return told(dataset.title, f"内容与 {dataset.format} 不符，或已损坏；请重新导出",
                    f"its content is not {dataset.format}, or it is damaged; export it again")
    if "restore .shx" in str(error) or "SHAPE_RESTORE_SHX" in str(error):
        return told(dataset.title, ".shp 已损坏或不完整，请重新导出",
                    "its .shp is damaged or cut short; export it again")
    if isinstance(error, IndexError):
        return told(dataset.title, "没有图层", "no layer in it")
    return unreadable(dataset, error)


def _is_sound(column: pa.Array) -> bool:
    """Whether texts are what they say: GDAL hands on bytes that are no UTF-8, and one of them would stop the reader."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return True
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _raw(column: pa.Array) -> pa.Array:
    """Texts as the bytes that stand in the .dbf: told that they are UTF-8, GDAL does not touch them."""
    if pa.types.is_large_string(column.type):
        return column.cast(pa.large_binary())
    return column.cast(pa.binary()) if pa.types.is_string(column.type) else column


def wkb(column: pa.Array) -> pa.Array:
    return column.storage if isinstance(column, pa.ExtensionArray) else column
