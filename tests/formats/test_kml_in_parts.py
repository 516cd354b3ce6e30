"""A large KML is read part by part, and what is found is what one reading of the whole finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gisapp.errors import Problem
from gisapp.formats import kinds, kml_split, source as files
from gisapp.formats.kml_split import split
from tests.formats.test_reading import opened, rows_of

HEAD = ('<?xml version="1.0" encoding="UTF-8"?>\n<!-- <Placemark> --><kml xmlns="http://www.opengis.net/kml/2.2"'
        ' xmlns:gx="http://www.google.com/kml/ext/2.2">')
SCHEMA = ('<Schema name="s" id="s"><SimpleField name="a" type="string"/><SimpleField name="n" type="double"/></Schema>')


def _mark(number: int, *fields: str, shape: str = "") -> str:
    data = "".join(f'<Data name="{name}"><value>{name} {number}</value></Data>' for name in fields)
    typed = (f'<SchemaData schemaUrl="#s"><SimpleData name="a">甲&amp;{number}</SimpleData>'
             f'<SimpleData name="n">{number}.5</SimpleData></SchemaData>' if number % 3 == 0 else "")
    place = shape or f"<Point><coordinates>{113 + number / 1000},31.5</coordinates></Point>"
    data = "" if typed else data  # of both in one folder the reader of the whole drops the untyped ones
    return (f'<Placemark id="p{number}" ><name>第{number}个 &lt;b&gt;</name><description><![CDATA[</Placemark><b>'
            f"{number}</b><Placemark>]]></description><ExtendedData>{data}{typed}</ExtendedData>{place}</Placemark >")


AREA = ("<MultiGeometry><Polygon><outerBoundaryIs><LinearRing><coordinates>113,31 114,31 114,32 113,31</coordinates>"
        "</LinearRing></outerBoundaryIs></Polygon><Polygon><outerBoundaryIs><LinearRing><coordinates>115,31 116,31 "
        "116,32 115,31</coordinates></LinearRing></outerBoundaryIs></Polygon></MultiGeometry>")
TRACK = ("<gx:Track><when>2026-01-01T00:00:00Z</when><when>2026-01-01T00:01:00Z</when>"
         "<gx:coord>113 31 0</gx:coord><gx:coord>114 32 0</gx:coord></gx:Track>")
FILES = {
    "folders": f"{HEAD}<Document><name>文件 &amp; 夹</name>{SCHEMA}{_mark(0, 'k')}<Folder><name>F</name>"
               f"{''.join(_mark(n, f'k{n % 4}') for n in range(1, 30))}<Folder><name><![CDATA[G <1>]]></name>"
               f"{_mark(30, 'k')}</Folder>{_mark(31)}</Folder><Folder><name>F</name>{_mark(32, '名称')}</Folder>"
               "<Folder/></Document></kml>",
    "one": f"{HEAD}<Document><Style id='c'><IconStyle><color>ff0000ff</color></IconStyle></Style><name>一</name>"
           f"{''.join(_mark(n, '名称', '类型') for n in range(40))}</Document></kml>",
    "shapes": f"{HEAD}<Document><name>x</name><!-- <Folder> -->"
              f"{''.join(_mark(n, shape=('', AREA, TRACK)[n % 3]) for n in range(30))}</Document></kml>",
    "bare": f"{HEAD}<Folder><name>夹</name>{_mark(1, 'k')}</Folder></kml>",
    "prefixed": ('<k:kml xmlns:k="http://www.opengis.net/kml/2.2"><k:Document><k:name>带前缀</k:name>'
                 + "".join(f"<k:Placemark><k:name>{n}</k:name><k:Point><k:coordinates>113,{n}</k:coordinates></k:Point>"
                           "</k:Placemark>" for n in range(20)) + "</k:Document></k:kml>"),
    "latin": ('<?xml version="1.0" encoding="ISO-8859-1"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
              "<name>é</name>" + "".join(f"<Placemark><name>é{n}</name><Point><coordinates>113,{n}</coordinates>"
                                         "</Point></Placemark>" for n in range(9)) + "</Document></kml>"),
}


def _found(folder: Path, text: str, encoding: str) -> list[tuple[str, int, list[dict[str, Any]]]]:
    folder.mkdir()
    found = opened(folder, ("给出的.kml", text.encode(encoding)))
    return [(source.name, source.count, [_there(row) for row in rows_of(source)]) for source in found if source.count]


def _there(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None and value == value}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("size", [1, 3000])
def test_parts_hold_what_the_whole_holds(tmp_path: Path, monkeypatch, name: str, size: int) -> None:
    encoding = "latin-1" if name == "latin" else "utf-8"
    whole = _found(tmp_path / "whole", FILES[name], encoding)
    monkeypatch.setattr(kinds, "_MOST_WHOLE_MB", 0)
    monkeypatch.setattr(kml_split, "PART_BYTES", size)
    assert _found(tmp_path / "parts", FILES[name], encoding) == whole
    assert whole


def test_the_parts_are_read_once(tmp_path: Path, monkeypatch) -> None:
    """Afterwards their rows lie there, and the text of the file no more."""
    monkeypatch.setattr(kinds, "_MOST_WHOLE_MB", 0)
    monkeypatch.setattr(kml_split, "PART_BYTES", 3000)
    [source] = opened(tmp_path, ("x.kml", FILES["one"].encode()))
    endings = {path.suffix for path in source.dataset.path.iterdir()}
    assert endings == {".arrow", ".name"}
    [again] = files.sources([source.dataset], None)
    assert [row["Name"] for row in rows_of(again)] == [f"第{n}个 <b>" for n in range(40)]
    assert len(list(source.dataset.path.glob("*.arrow"))) > 3


def test_a_feature_that_is_too_large_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(kinds, "_MOST_WHOLE_MB", 0)
    monkeypatch.setattr(kml_split, "MOST_BYTES", 400)
    with pytest.raises(Problem, match="file_unsupported"):
        opened(tmp_path, ("x.kml", FILES["shapes"].encode()))


def test_fields_that_take_a_part_of_their_own_are_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(kml_split, "MOST_SCHEMA_BYTES", 100)
    path = tmp_path / "x.kml"
    path.write_text(FILES["folders"], "utf-8")
    with pytest.raises(kml_split.TooLarge):
        split(path, tmp_path)


@pytest.mark.parametrize("inner", ["<NetworkLink><Link><href>http://example.org/x.kml</href></Link></NetworkLink>",
                                   "&x;"])
def test_a_large_file_is_looked_through_like_a_small_one(tmp_path: Path, monkeypatch, inner: str) -> None:
    monkeypatch.setattr(kinds, "_MOST_WHOLE_MB", 0)
    text = FILES["one"].replace("</Document>", f"{inner}</Document>")
    if inner == "&x;":
        text = text.replace("<kml", '<!DOCTYPE kml [<!ENTITY x "y">]><kml')
    with pytest.raises(Problem, match="file_unreadable"):
        opened(tmp_path, ("x.kml", text.encode()))
