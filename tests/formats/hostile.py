"""Files that mean harm, or that programs choke on; made here, none is kept."""

from __future__ import annotations

import io
import json
import sqlite3
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

Files = dict[str, bytes]
_MB = 2**20


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def zeros(name: str, size: int, **more: bytes) -> bytes:
    """A zip whose member unpacks to `size` zeros."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for other, content in more.items():
            archive.writestr(other.replace("__", "/"), content)
        with archive.open(name, "w", force_zip64=True) as member:
            for _ in range(size // _MB):
                member.write(bytes(_MB))
    return packed.getvalue()


# --------------------------------------------------------------------------------------------------- KML and GPX

_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
_PLACEMARK = "<Placemark><name>x</name><Point><coordinates>113.38,31.69</coordinates></Point></Placemark>"


def kml(inner: str, before: str = "") -> bytes:
    return (f'<?xml version="1.0" encoding="UTF-8"?>{before}<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
            f"{inner}</Document></kml>").encode()


def _xml() -> Iterator[tuple[str, Files]]:
    laughs = kml("<Placemark><name>&l9;</name></Placemark>", f'<!DOCTYPE k [<!ENTITY l0 "ha">{_LAUGHS}]>')
    passwd = kml("<Placemark><name>&e;</name></Placemark>", '<!DOCTYPE k [<!ENTITY e SYSTEM "file:///etc/passwd">]>')
    link = kml("<NetworkLink><Link><href>http://127.0.0.1:1/x.kml</href></Link></NetworkLink>" + _PLACEMARK)
    yield "kml laughs", {"a.kml": laughs}
    yield "kml external entity", {"a.kml": passwd}
    yield "kml external entity in UTF-16", {"a.kml": passwd.decode().replace("UTF-8", "UTF-16").encode("utf-16")}
    yield "kml doctype only", {"a.kml": kml(_PLACEMARK, '<!DOCTYPE kml SYSTEM "http://127.0.0.1:1/k.dtd">')}
    yield "kml network link", {"a.kml": link}
    yield "kmz network link", {"a.kmz": zipped({"doc.kml": link})}
    yield "kml deep", {"a.kml": kml("<Folder>" * 50_000 + "</Folder>" * 50_000)}
    yield "kml broken", {"a.kml": kml("<Placemark>")[:-30]}
    yield "kml null bytes", {"a.kml": kml("\x00")}
    yield "kml not kml", {"a.kml": b"<html><body/></html>"}
    yield "kmz bomb", {"a.kmz": zeros("doc.kml", 90 * _MB)}
    yield "gpx laughs", {"a.gpx": f'<!DOCTYPE g [<!ENTITY l0 "ha">{_LAUGHS}]><gpx>&l9;</gpx>'.encode()}
    yield "vrt", {"a.vrt": b"<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>/etc/passwd</SrcDataSource>"
                           b"</OGRVRTLayer></OGRVRTDataSource>"}
    yield "vrt called kml", {"a.kml": b"<OGRVRTDataSource><OGRVRTLayer name='x'/></OGRVRTDataSource>"}
    yield "gml", {"a.gml": b'<gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml"/>'}


# ------------------------------------------------------------------------------------------------------- tables

_BOOK = {"[Content_Types].xml": b"<Types/>", "_rels/.rels": b"""<?xml version="1.0"?><Relationships
 xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Target="xl/workbook.xml"
 Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>""",
         "xl/workbook.xml": b"""<?xml version="1.0"?><workbook
 xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
 xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>
 <sheet name="s" sheetId="1" r:id="rId1"/></sheets></workbook>""",
         "xl/_rels/workbook.xml.rels": b"""<?xml version="1.0"?><Relationships
 xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Target="worksheets/s.xml"
 Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"/></Relationships>"""}
_SHEET = ('<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData>'
          "</worksheet>")


def book(rows: str, before: str = "", **more: bytes) -> bytes:
    """A workbook with one sheet of these rows."""
    return zipped(_BOOK | {"xl/worksheets/s.xml": (before + _SHEET.format(rows)).encode()} | more)


def _tables() -> Iterator[tuple[str, Files]]:
    head = b"name,lon,lat\n"
    cell = '<row r="1"><c r="A1" t="str"><v>a</v></c></row>'
    far = cell + '<row r="1048576"><c r="XFD1048576" t="str"><v>b</v></c></row>'
    yield "xlsx far cell", {"a.xlsx": book(far)}
    yield "xlsx entity", {"a.xlsx": book(cell, f'<!DOCTYPE k [<!ENTITY l0 "ha">{_LAUGHS}]>')}
    yield "xlsx bomb", {"a.xlsx": zeros("xl/worksheets/s.xml", 120 * _MB, **{
        name.replace("/", "__"): content for name, content in _BOOK.items()})}
    yield "xlsx bomb below the ratio", {"a.xlsx": zipped(_BOOK | {
        "xl/worksheets/s.xml": _SHEET.format(cell).encode(),
        "xl/sharedStrings.xml": b"<sst>" + b"<si><t>x</t></si>" * (60 * _MB // 17)})}
    yield "xlsx cut", {"a.xlsx": book(cell)[:-40]}
    yield "xlsx empty sheet", {"a.xlsx": book("")}
    yield "xlsx no sheet", {"a.xlsx": zipped({"xl/workbook.xml": _BOOK["xl/workbook.xml"]})}
    yield "xlsx in a zip, with a bomb", {"a.zip": zipped({"b.xlsx": zeros("xl/workbook.xml", 120 * _MB)})}
    yield "xls", {"a.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000)}
    yield "csv empty", {"a.csv": b""}
    yield "csv heading only", {"a.csv": head}
    yield "csv without places", {"a.csv": b"name,kind\nx,y\n"}
    yield "csv one endless line", {"a.csv": b"x" * (30 * _MB)}
    yield "csv unclosed quote", {"a.csv": head + b'"' + b"x,1,2\n" * 2_000_000}
    yield "csv wide", {"a.csv": b",".join(b"c%d" % n for n in range(200_000)) + b"\n" + b"," * 199_999}
    yield "csv noise", {"a.csv": bytes(range(256)) * 4000}
    yield "csv nul bytes", {"a.csv": head.replace(b",", b"\x00,") + b"x\x00,113.3\x00,31.6\n"}
    yield "csv impossible places", {"a.csv": head + b"a,nan,31\nb,1e308,31\nc,inf,inf\nd,-1e999,5\ne,113.38,31.69\n"}
    yield "csv formulas", {"a.csv": head + b"\"=cmd|' /C calc'!A0\",113.38,31.69\n@SUM(1),113.38,31.69\n"}
    yield "csv nested wkt", {"a.csv": b'name,wkt\nx,"' + b"GEOMETRYCOLLECTION(" * 30_000 + b"POINT(1 2)"
                             + b")" * 30_000 + b'"\n'}
    yield "csv wrong wkt", {"a.csv": b'name,wkt\nx,"POLYGON((1 2"\ny,"POINT(113 31)"\nz,"POINT(q w)"\n'}
    yield "csv wkt of a million", {"a.csv": b'name,wkt\nx,"LINESTRING(' + b",".join(
        b"113.%06d 31.%06d" % (n, n) for n in range(1_000_000)) + b')"\n'}


# ---------------------------------------------------------------------------------------------------- binary files

def _sql(script: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.gpkg"
        link = sqlite3.connect(path)
        link.executescript(script)
        link.commit()
        link.close()
        return path.read_bytes()


_GPKG = """
PRAGMA application_id = 1196444487;
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER PRIMARY KEY, organization TEXT,
  organization_coordsys_id INTEGER, definition TEXT, description TEXT);
INSERT INTO gpkg_spatial_ref_sys VALUES ('WGS 84', 4326, 'EPSG', 4326, 'GEOGCS["WGS 84"]', '');
CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT, identifier TEXT, description TEXT,
  last_change DATETIME, min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER);
CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, geometry_type_name TEXT, srs_id INTEGER,
  z TINYINT, m TINYINT);
INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES ('t', 'features', 't', 4326);
INSERT INTO gpkg_geometry_columns VALUES ('t', 'geom', 'POINT', 4326, 0, 0);
"""
_ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n AS fid, NULL AS geom FROM c"


def _binary() -> Iterator[tuple[str, Files]]:
    yield "gpkg noise", {"a.gpkg": b"SQLite format 3\x00" + b"\xff" * 8192}
    yield "gpkg endless view", {"a.gpkg": _sql(_GPKG + f"CREATE VIEW t AS {_ENDLESS};")}
    yield "gpkg huge blobs", {"a.gpkg": _sql(
        _GPKG + f"CREATE VIEW t AS {_ENDLESS.replace('NULL AS geom', 'zeroblob(500000000) AS geom')};")}
    yield "gpkg wrong shapes", {"a.gpkg": _sql(
        _GPKG + "CREATE TABLE t (fid INTEGER PRIMARY KEY, geom BLOB, name TEXT);"
        "INSERT INTO t VALUES (1, x'47500001e6100000ffffffffff', 'a'), (2, x'00', 'b'), (3, 'text', 'c'),"
        " (4, NULL, 'd');")}
    yield "gpkg attached file", {"a.gpkg": _sql(
        _GPKG + "CREATE VIEW t AS SELECT 1 AS fid, load_extension('x') AS geom;")}
    yield "gpkg no layers", {"a.gpkg": _sql("CREATE TABLE x (a);")}
    yield "fgb noise", {"a.fgb": b"fgb\x03fgb\x00" + b"\xff" * 5000}
    yield "fgb huge header", {"a.fgb": b"fgb\x03fgb\x00" + struct.pack("<I", 2**31 - 1) + bytes(100)}
    yield "parquet noise", {"a.parquet": b"PAR1" + b"\xff" * 5000 + struct.pack("<I", 4000) + b"PAR1"}
    yield "parquet cut", {"a.parquet": b"PAR1" + bytes(50)}
    yield "parquet of a ten million nothings", {"a.parquet": _nothings()}
    yield "gdb noise", {"a.zip": zipped({f"x.gdb/a0000000{n}.{e}": b"\xff" * 3000 for n in range(1, 8)
                                         for e in ("gdbtable", "gdbtablx")} | {"x.gdb/gdb": b"\x05"})}
    yield "gdb with a path", {"a.zip": zipped({"x.gdb/../../a00000001.gdbtable": b"x"})}
    yield "dxf noise", {"a.dxf": b"  0\nSECTION\n  2\nENTITIES\n" + b"\xff\n" * 5000}
    yield "dxf laughs", {"a.dxf": _laughing_dxf()}
    yield "dwg", {"a.dwg": b"AC1032" + bytes(500)}
    yield "mdb", {"a.mdb": b"\x00\x01\x00\x00Standard Jet DB\x00" + bytes(500)}


def _nothings() -> bytes:
    """A Parquet of a few bytes that claims ten million rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    geo = {"primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB", "geometry_types": []}}}
    table = pa.table({"geometry": pa.nulls(10_000_000, pa.binary())}).replace_schema_metadata({"geo": json.dumps(geo)})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def _laughing_dxf() -> bytes:
    """Blocks that hold ten of the block before."""
    lines = ["  0", "SECTION", "  2", "HEADER", "  0", "ENDSEC", "  0", "SECTION", "  2", "BLOCKS"]
    for level in range(12):
        lines += ["0", "BLOCK", "8", "0", "2", f"B{level}", "10", "0", "20", "0"]
        lines += (["0", "POINT", "8", "0", "10", "1", "20", "1"] if level == 0 else
                  ["0", "INSERT", "8", "0", "2", f"B{level - 1}", "10", "0", "20", "0"] * 10)
        lines += ["0", "ENDBLK", "8", "0"]
    lines += ["0", "ENDSEC", "0", "SECTION", "2", "ENTITIES", "0", "INSERT", "8", "0", "2", "B11", "10", "0", "20", "0",
              "0", "ENDSEC", "0", "EOF"]
    return "\n".join(lines).encode()


# ----------------------------------------------------------------------------------------------------- shapefiles

def shp(records: bytes, kind: int = 5, length: int | None = None) -> bytes:
    """A .shp of these records; `length` is what the header says, in 16-bit words."""
    words = (100 + len(records)) // 2 if length is None else length
    return struct.pack(">7i", 9994, 0, 0, 0, 0, 0, words) + struct.pack("<2i8d", 1000, kind, *[0.0] * 8) + records


def dbf(records: int = 1, width: int = 10, name: bytes = b"NAME", count: int | None = None) -> bytes:
    """A .dbf with one text; `count` is what the header says."""
    head = struct.pack("<4BIHH20x", 3, 124, 1, 1, records if count is None else count, 65, width + 1)
    field = name.ljust(11, b"\x00") + b"C" + bytes(4) + bytes([width, 0]) + bytes(14)
    return head + field + b"\r" + (b" " + b"x" * width) * records + b"\x1a"


def _record(body: bytes, number: int = 1, length: int | None = None) -> bytes:
    return struct.pack(">2i", number, len(body) // 2 if length is None else length) + body


def _shapefiles() -> Iterator[tuple[str, Files]]:
    polygon = struct.pack("<i4d2i", 5, 0, 0, 1, 1, 2**30, 2**30) + bytes(64)
    yield "shp million parts", {"a.shp": shp(_record(polygon)), "a.dbf": dbf()}
    yield "shp record beyond the end", {"a.shp": shp(_record(bytes(44), length=2**30)), "a.dbf": dbf()}
    yield "shp length lies", {"a.shp": shp(b"", length=2**31 - 1), "a.dbf": dbf(0)}
    yield "shp index lies", {"a.shp": shp(_record(bytes(4))), "a.dbf": dbf(),
                             "a.shx": shp(struct.pack(">2i", 2**30, 2**30) * 100)}
    yield "shp nulls", {"a.shp": shp(_record(bytes(4)) + _record(bytes(4), 2)), "a.dbf": dbf(2)}
    yield "shp not finite", {"a.shp": shp(b"".join(_record(struct.pack("<i2d", 1, x, y), n) for n, (x, y) in enumerate(
        [(float("nan"), 1), (float("inf"), 2), (1e308, -1e308), (113.38, 31.69)], 1)), 1), "a.dbf": dbf(4)}
    yield "dbf billions", {"a.shp": shp(_record(bytes(4))), "a.dbf": dbf(count=2**32 - 1)}
    yield "dbf no fields", {"a.shp": shp(_record(bytes(4))), "a.dbf": dbf()[:32] + b"\r"}
    yield "dbf empty", {"a.shp": shp(_record(bytes(4))), "a.dbf": b""}
    yield "prj of megabytes", {"a.shp": shp(_record(bytes(4))), "a.dbf": dbf(), "a.prj": b"GEOGCS[" * 3_000_000}
    yield "prj address", {"a.shp": shp(_record(bytes(4))), "a.dbf": dbf(), "a.prj": b"http://127.0.0.1:1/x.prj"}
    yield "cpg of megabytes", {"a.shp": shp(_record(bytes(4))), "a.dbf": dbf(), "a.cpg": b"X" * (20 * _MB)}


# -------------------------------------------------------------------------------------------------------- GeoJSON

def _feature(geometry: str) -> str:
    return f'{{"type":"Feature","properties":{{"a":1}},"geometry":{geometry}}}'


def collection(*geometries: str, more: str = "") -> bytes:
    return f'{{"type":"FeatureCollection",{more}"features":[{",".join(map(_feature, geometries))}]}}'.encode()


def _geojson() -> Iterator[tuple[str, Files]]:
    point = '{"type":"Point","coordinates":[113.38,31.69]}'
    ring = ",".join(f"[{113 + n * 1e-9:.10f},{31 + (n % 2) * 1e-9:.10f}]" for n in range(1_000_000))
    yield "geojson deep", {"a.geojson": b'{"a": ' * 200_000}
    yield "geojson deep coordinates", {"a.geojson": collection(
        '{"type":"Polygon","coordinates":' + "[" * 100_000 + "]" * 100_000 + "}")}
    yield "geojson cut", {"a.geojson": collection(point)[:-20]}
    yield "geojson not numbers", {"a.geojson": collection(
        '{"type":"Point","coordinates":[NaN,31]}', '{"type":"Point","coordinates":["x",null]}',
        '{"type":"Point","coordinates":[1e308,31]}', '{"type":"Point","coordinates":[]}', "null", point)}
    yield "geojson million vertices", {
        "a.geojson": collection(f'{{"type":"LineString","coordinates":[{ring}]}}', point)}
    yield "geojson crs link", {"a.geojson": collection(
        point, more='"crs":{"type":"link","properties":{"href":"http://127.0.0.1:1/x","type":"proj4"}},')}
    yield "geojson crs file", {"a.geojson": collection(
        point, more='"crs":{"type":"name","properties":{"name":"/etc/passwd"}},')}
    yield "geojson many keys", {"a.geojson": json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "geometry": None, "properties": {f"k{n}": n for n in range(20_000)}}]}).encode()}
    yield "geojson one huge text", {"a.geojson": json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "geometry": None, "properties": {"k": "x" * (40 * _MB)}}]}).encode()}
    yield "geojson noise", {"a.geojson": b"{" + b"\xff\xfe" * 100_000}
    yield "geojson array", {"a.geojson": b"[1, 2, 3]"}
    yield "ndjson noise", {"a.ndjson": b'{"type":"Feature"}\n' + b"{{{\n" * 10_000}
    yield "topojson", {"a.json": b'{"type":"Topology","objects":{},"arcs":[]}'}
    yield "vsi name", {"/vsicurl/http://127.0.0.1:1/a.geojson": collection(point)}


# ------------------------------------------------------------------------------------- found by a second look

def _entry(name: bytes, data: bytes, size: int, more: bytes = b"") -> bytes:
    """A line of a zip's directory, which points to the file at its beginning."""
    return struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 45, 45, 0, 8, 0, 0, zlib.crc32(bytes(_MB)), len(data), size,
                       len(name), len(more), 0, 0, 0, 0, 0) + name + more


def _lying_zips() -> Iterator[tuple[str, Files]]:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(bytes(_MB)) + packer.flush()
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 0, zlib.crc32(bytes(_MB)), len(data), _MB, 5, 0)

    def whole(count: int, directory: bytes, offset: int | None = None) -> Files:
        start = len(local) + 5 + len(data) if offset is None else offset
        return {"a.zip": local + b"a.csv" + data + directory + struct.pack(
            "<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(directory), start, 0)}

    yield "zip of one file 900 times", whole(900, b"".join(_entry(b"%04d.csv" % n, data, _MB) for n in range(900)))
    yield "zip that lies of a small size", whole(1, _entry(b"a.csv", data, 100))
    yield "zip64 lies", whole(1, _entry(b"a.csv", data, 2**32 - 1, struct.pack("<2H2Q", 1, 16, 2**62, 10)))
    end = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 2**40, 2**40, 2**40, 0)
    yield "zip64 of many", whole(0xFFFF, end + struct.pack("<4sIQI", b"PK\x06\x07", 0, len(local), 1), 2**32 - 1)


def _second_look() -> Iterator[tuple[str, Files]]:
    yield from _lying_zips()
    links = "".join(f"<NetworkLink><Link><href>x{n}.kml</href></Link></NetworkLink>" for n in range(5_000))
    yield "kmz of links", {"a.kmz": zipped({"doc.kml": kml(links), "x0.kml": kml(_PLACEMARK)})}
    yield "kml xinclude", {"a.kml": kml('<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>')}
    yield "csv line of 40 MB", {"a.csv": b"name,lon,lat\n" + b"x" * (40 * _MB)}
    yield "csv endless row of pairs", {"a.csv": b'name,wkt\nx,"' + b"113.381234,31.691234;" * 210_000 + b'"\n'}
    yield "csv deep json", {"a.csv": b'name,geom\nx,"{""coordinates"":' + b'{""a"":' * 100_000 + b'"\n'}
    yield "csv labels", {"a.csv": b"name,pos\n" + (b'x,"' + b"lon:" * 20_000 + b'"\n') * 5}
    yield "xlsx far cell in small letters", {"a.xlsx": book('<row r="2"><c r="xfd1048576"><v>1</v></c></row>')}
    yield "ndjson record of 60 MB", {"a.ndjson": b'{"type":"Feature","properties":{"a":"' + b"x" * (60 * _MB)
                                     + b'"},"geometry":null}\n'}
    yield "gpkg virtual table", {"a.gpkg": _sql(
        _GPKG + "CREATE TABLE t (fid INTEGER PRIMARY KEY, geom BLOB); PRAGMA writable_schema = 1;"
        "INSERT INTO sqlite_master VALUES ('table', 'v', 'v', 0,"
        " 'CREATE VIRTUAL TABLE v USING VirtualOGR(''/etc/passwd'')');")}
    yield "dxf hatch lies", {"a.dxf": b"0\nSECTION\n2\nENTITIES\n0\nHATCH\n8\n0\n91\n2000000000\n92\n2\n72\n0\n"
                                      b"73\n1\n93\n2000000000\n0\nENDSEC\n0\nEOF\n"}


MAKERS: tuple[Callable[[], Iterator[tuple[str, Files]]], ...] = (
    _xml, _tables, _binary, _shapefiles, _geojson, _second_look)
