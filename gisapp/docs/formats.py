"""docs/formats.md: the formats by their short names, and the systems of coordinates."""

from __future__ import annotations

from gisapp.crs import CRS84, MENU, Crs
from gisapp.docs.markdown import MADE, code, table
from gisapp.formats import FORMATS, Format

_ABOUT = """# Formats and systems of coordinates · 格式与坐标系

{made}

`f=` takes the short name: `/collections/rooftop_signs/items?f=shp`. A file holds every feature that the question
matches, not one page of them. Each file is read back before it is handed over; one that does not read back as it was
written is withheld (`export_not_faithful`). Without `f=`, an `Accept` that names the media type of a file, and none of
JSON or HTML before it, chooses that file; a zip is asked for by its short name.

`f=` 取短名称；不给 `f=` 时按 `Accept` 中的 Media type 选择（zip 除外）。文件包含符合条件的全部要素，而不是一页。
文件交付前会读回核对，不一致则不交付。

"""
_PACK = """
## The pack · 交付包

A shapefile always, any other format with `pack=yes`, and several layers (`layers=`) come as one zip: the data,
`README.txt` (question, count, system, date, who made it, SHA-256 of every file), `fields.csv` (short name, full name,
titles, type, unit, code list), `codes.csv`, and `report.csv`: a line for each value that was cut, rounded, replaced,
split or left out, with the feature's id. The header `Gisapp-Losses` counts them; the page shows them before the
download. A file without a pack has no room for the list: there the header alone tells, and `pack=yes` brings it.

`datum=GCJ-02` or `BD-09` shifts longitude and latitude for use on a map of that datum; file name, readme and `.prj`
say so. A feature with a vertex outside the mainland (a coarse outline; Hong Kong, Macau and Taiwan are outside) is left
out and listed. Personal fields are left out; a role that may read them takes them along with `personal-reason=`, which
is logged. `booleans=` is `words`, `numbers` or `logical`; `geometry-as=` is `wkt` or `lonlat` in CSV and XLSX.

Shapefile 及加 `pack=yes` 的其他格式、`layers=` 指定的多个图层，都是一个 zip：
数据、说明、字段表、代码表、逐条报告和校验值。
GCJ-02、BD-09 只在指明时换算，仅限大陆范围。个人信息字段默认不含，须有权限并说明理由。

CSV texts that a spreadsheet would run get an apostrophe before them; a text that begins with apostrophes and such a
sign gets one more, so that taking one away always gives the text back.
"""
_SHAPEFILE = """
## Shapefile

- One zip holds `.shp`, `.shx`, `.dbf`, `.prj`, `.cpg`. A second geometry is a second shapefile. Over 2 GB or 70 million
  points it goes on in numbered parts.
- Texts are GBK (default) or UTF-8 (`encoding=`); the language byte of the `.dbf` agrees with the `.cpg`.
- Field names are the short names of [layers.md](layers.md). Beside each code stands a column ending in `_M` with the
  code's title. Dates are dates; times are texts in the time zone of the installation.
- A DBF text holds 254 bytes. What does not fit is cut on a character's border and listed in `report.csv`; the header
  `Gisapp-Losses` counts it.

## Coordinates in files and in answers

Files are written easting (longitude) first. Answers of the API follow the order that EPSG defines for the system:
latitude first for EPSG:4326 and EPSG:4490, northing first for the Gauss–Krüger systems, longitude first for
OGC:CRS84. Without `crs=`, GeoJSON is in OGC:CRS84; a shapefile or GeoPackage is in EPSG:4490.

CGCS2000 is taken as equal to WGS 84: PROJ's transformation between EPSG:4326 and EPSG:4490 changes no number. Whoever
needs survey accuracy between the two must transform with a local model before import or after export.

文件一律东（经度）在前；接口返回按 EPSG 规定的轴序。不给 `crs=` 时，GeoJSON 为 OGC:CRS84，Shapefile 与 GeoPackage 为
EPSG:4490。CGCS2000 与 WGS 84 视为相同：PROJ 在两者之间不改变坐标值；需要测量精度时请自行转换。

## Systems of coordinates · 坐标系

"""


def page() -> str:
    """The page: formats, the shapefile, the menu of systems."""
    headings = ("Short name · 短名称", "Format · 格式", "Media type", "Encodings · 编码", "Does not hold · 不能保存")
    return (_ABOUT.format(made=MADE) + table(headings, map(_format, FORMATS.values())) + _PACK + _SHAPEFILE
            + table(("Name · 名称", "System · 坐标系", "Axis order in answers · 轴序"), map(_system, MENU.values())))


def _format(kind: Format) -> tuple[str, ...]:
    title = kind.title.en if kind.title.en == kind.title.zh else f"{kind.title.en} · {kind.title.zh}"
    cannot = f"{kind.cannot.en}<br>{kind.cannot.zh}" if kind.cannot.en else ""
    return code(kind.name), title, code(kind.media_type), ", ".join(kind.encodings), cannot


def _system(crs: Crs) -> tuple[str, ...]:
    if crs is CRS84 or not crs.axis_swapped:
        order = "lon, lat" if not crs.projected else "east, north"
    else:
        order = "north, east" if crs.projected else "lat, lon"
    return code(crs.name), f"{crs.title.en} · {crs.title.zh}", order
