"""Files that cannot be read here: what they are, and what to send instead."""

from __future__ import annotations

import re

#: What it is and what to do, in Chinese; both in English.
Advice = tuple[str, str, str]
_EXPORT = "请导出为 Shapefile 或 GeoPackage"
_OUT = "export it as shapefile or GeoPackage"
_IMAGE = ("影像", "请提交矢量数据", "an image; send vector data")

#: By how a file begins.
_BEGINNINGS: tuple[tuple[bytes, Advice], ...] = (
    (b"AC10", ("DWG 图形", "请另存为 DXF", "a DWG drawing; save it as DXF")),
    (b"\xd0\xcf\x11\xe0", ("旧版 Office 文件（.xls）", "请另存为 .xlsx",
                           "an old Office file (.xls); save it as .xlsx")),
    (b"\x00\x01\x00\x00Standard", ("Access 数据库", _EXPORT, f"an Access database; {_OUT}")),
    (b"%PDF", ("PDF", "请提交数据文件", "a PDF; send the data itself")),
    (b"WMAP", ("MapGIS 文件", _EXPORT, f"a MapGIS file; {_OUT}")),
    *((magic, _IMAGE) for magic in (b"II*\x00", b"MM\x00*", b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM")),
)
_PROJECT = ("工程或样式文件，不含数据", "请提交其中引用的数据",
            "a project or style and holds no data; send the data that it shows")
#: By the ending of its name, which goes before how it begins.
_ENDINGS: dict[str, Advice] = {
    "tab": ("MapInfo 表", _EXPORT, f"a MapInfo table; {_OUT}"),
    "mif": ("MapInfo 交换文件", _EXPORT, f"a MapInfo file; {_OUT}"),
    "gml": ("GML", "请导出为 GeoPackage 或 GeoJSON", "GML; export it as GeoPackage or GeoJSON"),
    "ods": ("ODS 表格", "请另存为 .xlsx", "an ODS table; save it as .xlsx"),
    "dgn": ("DGN 图形", "请另存为 DXF", "a DGN drawing; save it as DXF"),
    "osm": ("OpenStreetMap 数据", _EXPORT, f"OpenStreetMap data; {_OUT}"),
    **dict.fromkeys(("udb", "udd", "udbx"), ("超图（SuperMap）数据源", _EXPORT, f"a SuperMap source; {_OUT}")),
    **dict.fromkeys(("wp", "wt", "wl"), ("MapGIS 文件", _EXPORT, f"a MapGIS file; {_OUT}")),
    **dict.fromkeys(("mxd", "aprx", "lyr", "lyrx", "qgs", "qgz", "qlr", "qml", "sld", "smwu"), _PROJECT),
}
_PAGE = ("另存为 .xls 的网页", "请用表格软件打开后另存为 .xlsx",
         "a web page saved as .xls; open it and save it as .xlsx")
_MARKUP = re.compile(rb"\s*<(?:html|!doctype html|table|meta|\?xml|\?mso|style)", re.IGNORECASE)


def advice(ending: str, start: bytes) -> Advice | None:
    """What to say of a file with this ending that begins so; None where nothing is known of it."""
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    if ending in ("xls", "xlsx", "et") and _MARKUP.match(start.removeprefix(b"\xef\xbb\xbf")):
        return _PAGE
    return next((said for magic, said in _BEGINNINGS if start.startswith(magic)), None)


def keeps_company(ending: str, start: bytes) -> bool:
    """Whether it is what lies beside data without being any: a style, a picture."""
    return advice(ending, start) in (_PROJECT, _IMAGE)
