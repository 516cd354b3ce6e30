"""Links in a KMZ: those to files inside are followed, all others are refused, and no parser is left to follow any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gisapp.errors import Problem
from gisapp.formats.archive import Loose
from gisapp.formats.markup import checked_xml
from tests.formats.hostile import kml, zipped
from tests.formats.test_reading import opened, rows_of, written

_PLACE = "<Placemark><name>甲</name><Point><coordinates>113.38,31.69</coordinates></Point></Placemark>"


def link(address: str, more: str = "") -> bytes:
    return kml(f"<NetworkLink><name>内</name><Link><href>{address}</href></Link></NetworkLink >{more}")


@pytest.mark.parametrize("address", ["layers/甲.kml", "./layers/甲.kml", "layers/%E7%94%B2.kml", "layers\\甲.kml",
                                     "doc/../layers/甲.kml#x", " layers/甲.kml?y=1\n"])
def test_a_link_inside_is_followed(tmp_path: Path, address: str) -> None:
    packed = zipped({"doc.kml": link(address), "layers/甲.kml": kml(_PLACE)})
    [source] = opened(tmp_path, ("a.kmz", packed))
    assert source.name == "甲" and rows_of(source)[0]["Name"] == "甲"


def test_what_stands_beside_links_is_kept_once(tmp_path: Path) -> None:
    root = link("layers/b.kml", "<NetworkLink/><NetworkLink><Link/></NetworkLink>" + _PLACE)
    found = opened(tmp_path, ("a.kmz", zipped({"doc.kml": root, "layers/b.kml": kml(_PLACE * 2)})))
    assert sorted(source.count for source in found) == [1, 2]


@pytest.mark.parametrize("address", [
    "http://127.0.0.1:1/x.kml", "HTTPS://example.org", "file:///etc/passwd", "/etc/passwd", "//host/x.kml",
    "../../etc/passwd", "layers/c.kml", "C:\\x.kml", "%2Fetc%2Fpasswd", "\\\\host\\x.kml"])
def test_a_link_out_of_the_archive_is_refused_by_its_address(tmp_path: Path, address: str) -> None:
    packed = zipped({"doc.kml": link(address), "layers/b.kml": kml(_PLACE)})
    with pytest.raises(Problem) as told:
        opened(tmp_path, ("a.kmz", packed))
    assert told.value.code == "file_unreadable" and address[:8] in told.value.params["reason"]


def test_a_kml_alone_may_not_link_to_what_was_not_sent(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="file_unreadable"):
        opened(tmp_path, ("a.kml", link("b.kml", _PLACE)))


def test_no_link_is_left_for_a_parser(tmp_path: Path) -> None:
    file = Loose("doc.kml", tmp_path / "x")
    file.path.write_bytes(link("b.kml", _PLACE + "<NetworkLink><Url><href>b.kml</href></Url></NetworkLink>"))
    assert checked_xml(file, wanted=True, beside=["b.kml"]) == "kml"
    assert b"NetworkLink" not in file.path.read_bytes() and "甲".encode() in file.path.read_bytes()


def test_names_that_gdal_spelt_in_bytes_are_known(tmp_path: Path) -> None:
    packed = zipped({"doc.kml": link("layers/层1.kml"), "layers/0xE50xB10x821.kml": kml(_PLACE)})
    assert opened(tmp_path, ("a.kmz", packed))[0].count == 1


def test_layers_that_gdal_writes_into_a_kmz_come_in(tmp_path: Path) -> None:
    path = tmp_path / "a.kmz"
    for number in range(2):
        more: dict[str, Any] = {"append": True} if number else {}
        written(path, "LIBKML", layer=f"l{number}", **more)
    assert sorted(source.count for source in opened(tmp_path, path)) == [6, 6]
