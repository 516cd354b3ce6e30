"""What the files of an upload are: told by their content, gathered into datasets, or refused with what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gisapp.errors import Problem
from gisapp.formats.advice import advice, keeps_company
from gisapp.formats.archive import Loose, Upload, extension, shown, stem, unpacked, unreadable
from gisapp.formats.encoding import wide_encoding
from gisapp.formats.json_heads import rewritten
from gisapp.formats.kml_split import MOST_BYTES, TooLarge, split
from gisapp.formats.markup import checked_xml
from gisapp.formats.shapefile_parts import SIDECARS, gathered, without_shapes

#: By what is told of a format: our short name of it and the ending that its reader looks for.
_TABLES = {"csv": "csv", "tsv": "csv", "txt": "csv", "dat": "csv"}
#: Kinds that often lie about beside the data; their tables count only where there is nothing else.
_TABLE_FORMATS = ("csv", "xlsx")
_MAGIC = ((b"SQLite format 3\x00", "gpkg"), (b"fgb\x03fgb", "fgb"), (b"PAR1", "parquet"),
          (b"AutoCAD Binary DXF", "dxf"), (b"PK", "xlsx"))
_GDB_MEMBER = re.compile(
    r"(?:a[0-9a-f]{8}\.(?:gdbtable|gdbtablx|gdbindexes|atx|spx|freelist|horizon|[A-Za-z0-9_]{1,40}\.(?:atx|spx))"
    r"|gdb|timestamps)", re.IGNORECASE)
#: How a list of features begins; and what of Esri's and of D3's is JSON and no GeoJSON.
_FEATURES = re.compile(rb'\[\s*(?:\{[^{}\[\]]*"type"\s*:\s*"Feature"|\{\s*"(?:properties|geometry|id)")')
_ESRI = re.compile(rb'"(?:geometryType|spatialReference|fieldAliases|objectIdFieldName)"\s*:|'
                   rb'"features"\s*:\s*\[\s*\{\s*"(?:attributes"|geometry"\s*:\s*\{\s*"(?:x|rings|paths|points)")')
_TOPOLOGY = re.compile(rb'"type"\s*:\s*"Topology"')
_DXF = re.compile(rb"\A(?:\s*999\r?\n[^\n]*\n)*\s*0\r?\n\s*SECTION")

#: What SQLite calls the log of a database that is open elsewhere.
_LOG, _LOGGED = "-wal", b"\2\2"
_SHEETS = ("xls", "xlsx", "et")
_READERS = {"csv": "tables", "xlsx": "tables", "parquet": "parquet"}
#: What its reader holds in memory as a whole, at seven times its size; larger ones are read in parts.
_WHOLE, _MOST_WHOLE_MB = ("kml",), 20
#: GDAL holds this as a tree, at fifty times its size.
_MOST_ESRI_MB = 5


@dataclass
class Dataset:
    """One thing to open: `path` is ours, `title` is the name as given. `missing` sidecars are noted."""

    title: str
    format: str
    path: Path
    missing: list[str] = field(default_factory=list)

    @property
    def reader(self) -> str:
        """The module of `gisapp.formats.reading` that reads it."""
        parted = self.format == "kml" and self.path.is_dir()
        return "kml_parts" if parted else _READERS.get(self.format, "ogr")


def datasets(uploads: list[Upload], folder: Path, limit_mb: int) -> tuple[list[Dataset], list[str]]:
    """What can be opened among the uploads, and the names of what was passed over.

    Files come to lie in `folder`. Problems: `file_unsupported`, `archive_refused`, `upload_too_large`,
    `file_unreadable`.
    """
    loose = unpacked(uploads, folder, limit_mb)
    found: list[Dataset] = []
    passed: list[Loose] = []
    shapefiles, rest = gathered(loose)
    found += [_shapefile(files, folder, number) for number, files in enumerate(shapefiles)]
    rest = list(_geodatabases(rest, folder, found))
    tables: list[tuple[Loose, str]] = []
    names = [file.name for file in rest]
    logs = {file.name.lower(): file for file in rest if file.name.lower().endswith(_LOG)}
    for file in [one for one in rest if one.name.lower() not in logs]:
        kind = _kind(file, names)
        if kind in _TABLE_FORMATS:
            tables.append((file, kind))
        elif kind is None:
            passed.append(file)
        else:
            found.append(_single(file, kind, folder, len(found)))
            _with_log(found[-1], logs.pop(f"{file.name.lower()}{_LOG}", None))
    passed += logs.values()
    for file, kind in _chosen_tables(tables, found, passed):
        found.append(_single(file, kind, folder, len(found)))
    if not found:
        raise _nothing_found(loose)
    return found, [shown(file.name) for file in passed]


def _with_log(dataset: Dataset, log: Loose | None) -> None:
    """Lay the log beside its GeoPackage: what a program had not yet written into that stands in it. Noted as missing
    where the file was open in a program and its log is not there."""
    if log is not None:
        log.path.rename(dataset.path.with_name(f"{dataset.path.name}{_LOG}"))
    elif dataset.format == "gpkg":
        with dataset.path.open("rb") as file:
            dataset.missing += ["wal"] if file.read(20)[18:] == _LOGGED else []


def _chosen_tables(tables: list[tuple[Loose, str]], found: list[Dataset],
                   passed: list[Loose]) -> list[tuple[Loose, str]]:
    """Tables count where nothing else holds shapes; among tables, plain texts where there is no better."""
    better = [(file, kind) for file, kind in tables if extension(file.name) not in ("txt", "dat")]
    chosen = [] if found else better or tables
    passed += [file for file, kind in tables if (file, kind) not in chosen]
    return chosen


def _shapefile(files: dict[str, Loose], folder: Path, number: int) -> Dataset:
    for ending, file in files.items():
        file.path.rename(folder / f"d{number}.{ending}")
    missing = [ending for ending in SIDECARS if ending not in files]
    return Dataset(title(files["shp"].name), "shp", folder / f"d{number}.shp", missing)


def _geodatabases(loose: list[Loose], folder: Path, found: list[Dataset]) -> Iterator[Loose]:
    """Gathers the tables of file geodatabases, which are folders; hands on all others."""
    groups: dict[str, list[Loose]] = {}
    for file in loose:
        parent, _, name = file.name.rpartition("/")
        if _GDB_MEMBER.fullmatch(name):
            groups.setdefault(parent, []).append(file)
        elif not (parent.lower().endswith(".gdb") and name.lower().endswith(".lock")):
            yield file
    for parent, files in groups.items():
        if not any(file.name.lower().endswith(".gdbtable") for file in files):
            yield from files
            continue
        target = folder / f"d{len(found)}.gdb"
        target.mkdir()
        for file in files:
            # The pattern above lets through letters, digits and dots only.
            file.path.rename(target / file.name.rpartition("/")[2].lower())
        found.append(Dataset(title(parent) or "gdb", "gdb", target))


def _kind(file: Loose, beside: list[str]) -> str | None:
    """The format of a file by its first bytes; None for what is passed over. `beside` are the names of all files.
    Problem `file_unsupported` for what was surely meant as data and cannot be read."""
    start = file.start(4096)
    text, ending = _plain(start), extension(file.name)
    kind = next((kind for magic, kind in _MAGIC if start.startswith(magic)), None)
    if kind and ending != "udbx":
        return kind
    if keeps_company(ending, start):
        return None
    if not file.packed:
        _refuse_with_advice(file, start)
    if _DXF.match(start) or (ending == "dxf" and text):
        return "dxf"
    if text.startswith(b"<") or (ending in ("kml", "gpx") and start.startswith((b"\xff\xfe", b"\xfe\xff"))):
        return checked_xml(file, wanted=ending in ("kml", "gpx"), beside=beside)
    if text.startswith(b"[") and ending in ("json", "geojson") and _FEATURES.match(text):
        return _collected(file, start)
    if text.startswith((b"{", b"\x1e")) and (ending not in _TABLES or b'"type"' in text):
        if b'"FeatureCollection"' not in text and (_ESRI.search(text) or _TOPOLOGY.search(text)):
            return _of_others(file, text)
        return "ndjson" if _is_lines(text, ending) else "geojson"
    if ending in _SHEETS and text and b"\x00" not in start:
        return "csv"  # exports of many a system have text under the name of a workbook
    if ending in ("gpkg", "fgb", "parquet", "xlsx", "geojson", "kml", "gpx") or (ending == "json" and not file.packed):
        raise unreadable(file.name, "内容与扩展名不符，请重新导出",
                         "its content is not what its name says; export it again")
    wide = start.startswith((b"\xff\xfe", b"\xfe\xff")) or wide_encoding(start)
    return _TABLES.get(ending) if wide or b"\x00" not in start else None


def _collected(file: Loose, start: bytes) -> str:
    """A GeoJSON of nothing but a list of features, as web maps keep it, written anew as the collection that it is."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise unreadable(file.name, "UTF-16，请改用 UTF-8", "UTF-16; send it in UTF-8")
    rewritten(file.path, b'{"type":"FeatureCollection","features":', b"", b"}")
    return "geojson"


def _plain(start: bytes) -> bytes:
    """How a text begins, in UTF-8, without marks of its encoding and space."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        start = start.decode("utf-16", "ignore").encode()
    return start.removeprefix(b"\xef\xbb\xbf").lstrip()


def _is_lines(text: bytes, ending: str) -> bool:
    """One feature a line: each begins with RS, or the next line begins a new object."""
    if text.startswith(b"\x1e") or ending in ("ndjson", "jsonl", "geojsonl", "geojsons", "geojsonseq"):
        return True
    first, _, rest = text.partition(b"\n")
    return first.rstrip().endswith(b"}") and rest.lstrip().startswith(b"{")


def _of_others(file: Loose, text: bytes) -> str:
    """Esri's own kind of JSON, which its driver holds as a whole; TopoJSON is refused."""
    esri = not _TOPOLOGY.search(text)
    if esri and file.path.stat().st_size <= _MOST_ESRI_MB * 2**20:
        return "esrijson"
    name = "Esri JSON" if esri else "TopoJSON"
    zh, en = (f"（超过 {_MOST_ESRI_MB} MB）", f" of more than {_MOST_ESRI_MB} MB") if esri else ("", "")
    raise _unsupported(file, f" {name}{zh}", "请导出为 GeoJSON 或 Shapefile",
                       f"{name}{en}; export it as GeoJSON or shapefile")


def _refuse_with_advice(file: Loose, start: bytes) -> None:
    said = advice(extension(file.name), start)
    if said:
        raise _unsupported(file, *said)


def _unsupported(file: Loose, what: str, zh: str, en: str) -> Problem:
    return Problem("file_unsupported", reason=f"{shown(file.name)} 是{what}，{zh} / {shown(file.name)} is {en}")


def _nothing_found(loose: list[Loose]) -> Problem:
    for file in loose:
        _refuse_with_advice(file, file.start())
    lacking = without_shapes(loose)
    if lacking:
        return Problem("file_unsupported", reason=" / ".join(lacking))
    names = ", ".join(shown(file.name) for file in loose[:5]) or "-"
    return Problem("file_unsupported", reason=(
        f"没有找到可读的数据：Shapefile、GeoPackage、GeoJSON、KML、GPX、CSV、XLSX、FlatGeobuf、GeoParquet、FileGDB、DXF"
        f"；请导出为其中一种再提交（{names}） / no shapefile, GeoPackage, GeoJSON, KML, GPX, CSV, XLSX, FlatGeobuf, "
        f"GeoParquet, file geodatabase or DXF in it; export it as one of these ({names})"))


def _single(file: Loose, kind: str, folder: Path, number: int) -> Dataset:
    path = folder / f"d{number}.{kind}"
    if kind in _WHOLE and file.path.stat().st_size > _MOST_WHOLE_MB * 2**20:
        path.mkdir()
        _split(file, path)
    else:
        file.path.rename(path)
    return Dataset(title(file.name), kind, path)


def _split(file: Loose, folder: Path) -> None:
    """What is read as a whole, in parts of a size that can be."""
    try:
        split(file.path, folder)
    except TooLarge as error:
        raise Problem("file_unsupported", reason=(
            f"{shown(file.name)}：KML 中有一个要素超过 {MOST_BYTES >> 20} MB，请改用 GeoPackage 或 Shapefile / "
            f"one feature of the KML has more than {MOST_BYTES >> 20} MB; send it as GeoPackage or shapefile"
            )) from error
    file.path.unlink()


def title(name: str) -> str:
    """The given name without its folder and ending, fit to be shown."""
    return shown(stem(name).rpartition("/")[2])
