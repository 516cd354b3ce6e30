"""Fields of KML by other makers: names that the driver would spoil come as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from gisapp.formats.mapping import suggest
from gisapp.formats.markup import shown_name
from gisapp.layers import Catalogue
from tests.formats.test_reading import opened, rows_of
from tests.formats.test_round_trip import job, rows_of as sample_rows, written as exported

NAMES = ["设施编号", "设施类型", "a & b", "plain", "面积 (㎡)", "'quoted'", "x" * 100]


def written(names: list[str]) -> bytes:
    def attribute(name: str) -> str:
        return name.replace("&", "&amp;").replace('"', "&quot;").replace(">", "&gt;")

    placemarks = "".join(
        "<Placemark><name>p</name><ExtendedData>" + "".join(
            f'<Data  name="{attribute(name)}" ><displayName>d</displayName><value>{row}-{n}</value></Data>'
            for n, name in enumerate(names)) + "</ExtendedData><Point><coordinates>113.38,31.69</coordinates></Point>"
        "</Placemark>" for row in range(3))
    return f'<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>{placemarks}</Document></kml>' \
        .encode()


def test_names_of_plain_data_stay_apart_and_readable(tmp_path: Path) -> None:
    [source] = opened(tmp_path, ("a.kml", written(NAMES)))
    assert [name for name in source.fields if name in NAMES] == NAMES
    for number, row in enumerate(rows_of(source)):
        assert [row[name] for name in NAMES] == [f"{number}-{n}" for n in range(len(NAMES))]


def test_a_name_beyond_all_measure_is_left_as_it_is(tmp_path: Path) -> None:
    [source] = opened(tmp_path, ("a.kml", written(["名" * 20_000, "设施编号"])))
    assert "设施编号" in source.fields and source.count == 3


def test_the_id_among_the_data_comes_before_the_placemarks_own(tmp_path: Path, catalogue: Catalogue) -> None:
    data = '<ExtendedData><Data name="id_"><value>7d1</value></Data></ExtendedData>'
    file = (f'<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark id="f-7d1">{data}'
            "<Point><coordinates>113.38,31.69</coordinates></Point></Placemark></Document></kml>")
    [source] = opened(tmp_path, ("a.kml", file.encode()))
    found = suggest(catalogue.layers["vendor_points"], source.fields)
    assert (found["id_"], found["id"]) == ("id", None)
    assert [(row["id_"], row["id"]) for row in rows_of(source)] == [("7d1", "f-7d1")]


@pytest.mark.parametrize("name", ["hex_zz", "hex_ff", "plain", "hex_"])
def test_other_names_are_shown_as_they_are(name: str) -> None:
    assert shown_name(name) in (name, "")


@pytest.mark.parametrize("kind", ["kml", "gpx"])
def test_a_field_called_as_the_label_is_not_the_label(tmp_path: Path, catalogue: Catalogue, kind: str) -> None:
    """What names a route in Google Earth is its number; its name is another field, and comes back as such."""
    order = job("truck_routes", tmp_path)
    rows = [row | {"name": f"第{number}条路线"} for number, row in enumerate(sample_rows("truck_routes"))]
    with order.book:
        path = next(iter(exported(order, rows, kind)))
    [source, *_] = opened(tmp_path, path)
    mapping = suggest(catalogue.layers["truck_routes"], source.fields)
    targets = {target: column for column, target in mapping.items() if target}
    meant = {str(row["id"]): (row["route_no"], row["name"]) for row in rows}
    found = {row[targets["id"]]: (row[targets["route_no"]], row[targets["name"]]) for row in rows_of(source)}
    assert found and all(meant[key] == pair for key, pair in found.items())
