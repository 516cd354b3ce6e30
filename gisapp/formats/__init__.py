"""The formats, by the short names that `f=` takes. One module for each file format; this registry only names them.

The modules need GDAL and Arrow and are imported in the child process that writes the file (gisapp.hand_over.exports),
never in a web worker.
"""

from __future__ import annotations

from dataclasses import dataclass

from gisapp.words import Words

_NOTHING = Words("", "")


@dataclass(frozen=True)
class Format:
    """One way out. `module` writes it; without a module the API answers it itself.

    `encodings` lists what a reader may choose, the first being the default; `cannot` says what the format does not
    hold. `geometries` are the kinds that it takes, empty for all; `local_zone` says that its own system is the local
    3-degree zone; `always_packed` that it is several files and so always a zip, `photos` that photos go along.
    Times are told in steps of `time_us` microseconds.
    """

    name: str
    title: Words
    media_type: str
    extension: str
    module: str = ""
    encodings: tuple[str, ...] = ("UTF-8",)
    cannot: Words = _NOTHING
    geometries: tuple[str, ...] = ()
    lonlat_only: bool = False
    local_zone: bool = False
    always_packed: bool = False
    photos: bool = False
    time_us: int = 1

    @property
    def is_file(self) -> bool:
        return bool(self.module)

    def holds(self, geometry: str) -> bool:
        """Whether the format takes layers of this kind of geometry."""
        return not self.geometries or geometry in self.geometries


FORMATS: dict[str, Format] = {item.name: item for item in (
    Format("json", Words("JSON", "JSON"), "application/geo+json", "json"),
    Format("html", Words("网页", "Web page"), "text/html", "html"),
    Format("shp", Words("Shapefile（zip）", "Shapefile (zip)"), "application/zip", "zip",
           "gisapp.formats.shp", ("GBK", "UTF-8"), always_packed=True,
           time_us=1_000_000, cannot=Words(
               "字段名最长 10 字节；文字最长 254 字节，首尾空格不保存，空文字与空值不分；时间为文字，到秒；"
               "一个文件一种几何，过大时分为编号的几部分；选 GBK 时其外的字符以 〓 代替",
               "field names have 10 bytes; texts 254 bytes, no spaces at their ends, empty being no value; times "
               "are texts to the second; one kind of geometry a file, numbered parts where it is too large; with GBK, "
               "other characters become 〓")),
    Format("gpkg", Words("GeoPackage", "GeoPackage"), "application/geopackage+sqlite3", "gpkg",
           "gisapp.formats.gpkg", time_us=1_000, cannot=Words("时间到毫秒", "times are to the millisecond")),
    Format("geojson", Words("GeoJSON 文件", "GeoJSON file"), "application/geo+json", "geojson",
           "gisapp.formats.geojson", cannot=Words(
               "字段类型和代码名称不在文件内；标准只认经纬度，其他坐标系用旧的 crs 成员注明",
               "field types and titles of codes are not in the file; the standard knows longitude and latitude only, "
               "other systems are named in the old crs member")),
    Format("ndjson", Words("NDJSON（每行一个要素）", "NDJSON (a feature a line)"), "application/x-ndjson", "ndjson",
           "gisapp.formats.ndjson", lonlat_only=True, cannot=Words(
               "字段类型和代码名称不在文件内；只有经纬度",
               "field types and titles of codes are not in the file; longitude and latitude only")),
    Format("fgb", Words("FlatGeobuf", "FlatGeobuf"), "application/vnd.flatgeobuf", "fgb",
           "gisapp.formats.fgb", time_us=1_000, cannot=Words(
               "行的顺序按空间索引；第二几何写成 WKT 文字；时间到毫秒",
               "rows follow the spatial index; a second geometry is a WKT text; times are to the millisecond")),
    Format("parquet", Words("GeoParquet", "GeoParquet"), "application/vnd.apache.parquet", "parquet",
           "gisapp.formats.parquet", time_us=1_000, cannot=Words("时间到毫秒", "times are to the millisecond")),
    Format("kml", Words("KML", "KML"), "application/vnd.google-earth.kml+xml", "kml", "gisapp.formats.kml",
           lonlat_only=True, time_us=1_000_000, cannot=Words(
               "只有经纬度；时间为文字，到秒；XML 不允许的控制字符以 〓 代替，文字首尾空白不保存；"
               "第二几何写成 WKT 文字；与 KML 自有项同名的字段名后加下划线（id_）",
               "longitude and latitude only; times are texts to the second; control characters that XML lacks become "
               "〓, spaces at the ends of texts are dropped; a second geometry is a WKT text; fields called as "
               "something of KML's own have a line below after their name (id_)")),
    Format("gpx", Words("GPX（点、线）", "GPX (points, lines)"), "application/gpx+xml", "gpx", "gisapp.formats.gpx",
           geometries=("Point", "MultiPoint", "MultiLineString"), lonlat_only=True, time_us=1_000_000, cannot=Words(
               "只有点和线，只有经纬度；最多 70 个字段，不含代码名称；一个要素多个点时拆开；时间为文字，到秒；"
               "XML 不允许的控制字符以 〓 代替，文字首尾空白不保存",
               "points and lines only, longitude and latitude only; 70 fields at most, without titles of codes; "
               "several points of a feature become several waypoints; times are texts to the second; control "
               "characters that XML lacks become 〓, spaces at the ends of texts are dropped")),
    Format("dxf", Words("DXF（CAD）", "DXF (CAD)"), "image/vnd.dxf", "dxf", "gisapp.formats.dxf", ("GBK",),
           local_zone=True, time_us=1_000_000, cannot=Words(
               "没有坐标系和字段表：属性写在扩展数据（GISAPP）中，每个要素最多约 16 KB，不含代码名称；面为闭合多段线，"
               "洞在另一图层；多部分要素拆开；默认用当地三度带",
               "no CRS and no table: attributes are extended data (GISAPP), about 16 KB a feature, without titles of "
               "codes; areas are closed polylines with holes on another layer; features of several parts are split, "
               "the local 3-degree zone by default")),
    Format("csv", Words("CSV", "CSV"), "text/csv", "csv", "gisapp.formats.csv", time_us=1_000_000, cannot=Words(
        "没有字段类型和坐标系；空文字与空值不分；时间到秒；像公式的文字前加单引号；选经纬度两列时线和面只留其上一点",
        "no field types and no CRS; an empty text is no value; times are to the second; texts like formulas get an "
        "apostrophe before them; as two columns, a line or area is told by a point on it")),
    Format("xlsx", Words("Excel（xlsx）", "Excel (xlsx)"),
           "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", "gisapp.formats.xlsx",
           time_us=1_000_000, cannot=Words(
               "没有坐标系；单元格最长 32767 个字符，超长的几何留空；数值到 15 位；时间到秒；空文字与空值不分；"
               "每表 1048576 行，多的另起一表",
               "no CRS; a cell has 32 767 characters, a geometry beyond that is left empty; numbers have 15 digits; "
               "times are to the second; an empty text is no value; 1 048 576 rows a sheet, more go on another")),
    Format("archive", Words("照片归档（GeoPackage 与照片，zip）", "Archive with photos (GeoPackage, zip)"),
           "application/zip", "zip", "gisapp.formats.gpkg", always_packed=True, photos=True, time_us=1_000,
           cannot=Words(
               "时间到毫秒；未写明个人信息理由时，含拍摄位置等信息的照片只给出不含这些信息的图片",
               "times are to the millisecond; without a reason for personal data, photos that tell a place or a "
               "device go along as pictures without it")),
)}

FILE_FORMATS: dict[str, Format] = {name: item for name, item in FORMATS.items() if item.is_file}
