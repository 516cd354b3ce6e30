"""The formats, by the short names that `f=` takes. One module for each file format; this registry only names them.

The modules need GDAL and Arrow and are imported in the child process that writes the file (gisapp.exports),
never in a web worker.
"""

from __future__ import annotations

from dataclasses import dataclass

from gisapp.words import Words

_NOTHING = Words("", "")


@dataclass(frozen=True)
class Format:
    """One way out. `module` writes it; without a module the API answers it itself.

    `driver` is GDAL's name where the format can be read back in; `encodings` lists what a reader may choose,
    the first being the default. `exact_texts` is false where a text may have to be cut or replaced; `cannot` says
    what else the format does not hold. `geometries` are the kinds that it takes, empty for all; `local_zone` says
    that its own system is the local 3-degree zone; `always_packed` that it is several files and so always a zip.
    """

    name: str
    title: Words
    media_type: str
    extension: str
    module: str = ""
    driver: str = ""
    encodings: tuple[str, ...] = ("UTF-8",)
    exact_texts: bool = True
    cannot: Words = _NOTHING
    geometries: tuple[str, ...] = ()
    lonlat_only: bool = False
    local_zone: bool = False
    always_packed: bool = False

    @property
    def is_file(self) -> bool:
        return bool(self.module)


FORMATS: dict[str, Format] = {item.name: item for item in (
    Format("json", Words("JSON", "JSON"), "application/geo+json", "json"),
    Format("html", Words("网页", "Web page"), "text/html", "html"),
    Format("shp", Words("Shapefile（zip）", "Shapefile (zip)"), "application/zip", "zip",
           "gisapp.formats.shp", "ESRI Shapefile", ("GBK", "UTF-8"), exact_texts=False, always_packed=True,
           cannot=Words(
               "字段名最长 10 字节；文字最长 254 字节，首尾空格不保存，空文字与空值不分；时间为文字，到秒；"
               "一个文件一种几何，过大时分为编号的几部分；选 GBK 时其外的字符以 〓 代替",
               "field names have 10 bytes; texts 254 bytes, no spaces at their ends, empty being no value; times "
               "are texts to the second; one kind of geometry a file, numbered parts where it is too large; with GBK, "
               "other characters become 〓")),
    Format("gpkg", Words("GeoPackage", "GeoPackage"), "application/geopackage+sqlite3", "gpkg",
           "gisapp.formats.gpkg", "GPKG"),
    Format("geojson", Words("GeoJSON 文件", "GeoJSON file"), "application/geo+json", "geojson",
           "gisapp.formats.geojson", "GeoJSON"),
)}

FILE_FORMATS: dict[str, Format] = {name: item for name, item in FORMATS.items() if item.is_file}
