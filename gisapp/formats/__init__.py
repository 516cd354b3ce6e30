"""The formats, by the short names that `f=` takes. One module for each file format; this registry only names them.

The modules need GDAL and Arrow and are imported in the child process that writes the file (gisapp.exports),
never in a web worker.
"""

from __future__ import annotations

from dataclasses import dataclass

from gisapp.words import Words


@dataclass(frozen=True)
class Format:
    """One way out. `module` writes it; without a module the API answers it itself.

    `driver` is GDAL's name where the format can be read back in; `encodings` lists what a reader may choose,
    the first being the default. `exact_texts` is false where a text may have to be cut or replaced.
    """

    name: str
    title: Words
    media_type: str
    extension: str
    module: str = ""
    driver: str = ""
    encodings: tuple[str, ...] = ("UTF-8",)
    exact_texts: bool = True

    @property
    def is_file(self) -> bool:
        return bool(self.module)


FORMATS: dict[str, Format] = {item.name: item for item in (
    Format("json", Words("JSON", "JSON"), "application/geo+json", "json"),
    Format("html", Words("网页", "Web page"), "text/html", "html"),
    Format("shp", Words("Shapefile（zip）", "Shapefile (zip)"), "application/zip", "zip",
           "gisapp.formats.shp", "ESRI Shapefile", ("GBK", "UTF-8"), exact_texts=False),
    Format("gpkg", Words("GeoPackage", "GeoPackage"), "application/geopackage+sqlite3", "gpkg",
           "gisapp.formats.gpkg", "GPKG"),
    Format("geojson", Words("GeoJSON 文件", "GeoJSON file"), "application/geo+json", "geojson",
           "gisapp.formats.geojson", "GeoJSON"),
)}

FILE_FORMATS: dict[str, Format] = {name: item for name, item in FORMATS.items() if item.is_file}
