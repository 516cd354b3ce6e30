"""The CRS menu against the EPSG database and the measured places of the domain report."""

import pyproj
import pytest

from gisapp.crs import CRS84, MENU, local_zone, parse_crs
from gisapp.errors import Problem

# place, lon, lat, zone, without prefix, with prefix, easting, northing (without prefix, m)
PLACES = [
    ("Suizhou", 113.38, 31.69, 38, 4547, 4526, 441217.48, 3507645.44),
    ("Huangdao", 120.05, 35.96, 40, 4549, 4528, 504510.46, 3981105.48),
    ("Jiange", 105.46, 32.03, 35, 4544, 4523, 543452.89, 3545271.56),
    ("Changji", 87.30, 44.01, 29, 4538, 4517, 524057.82, 4874977.25),
    ("Hailing", 119.92, 32.49, 40, 4549, 4528, 492481.03, 3596191.90),
]


@pytest.mark.parametrize("text", [
    "EPSG:4547", "epsg:4547", "4547", " EPSG:4547 ", "[EPSG:4547]", "urn:ogc:def:crs:EPSG::4547",
    "urn:ogc:def:crs:EPSG:9.9.1:4547",
    "http://www.opengis.net/def/crs/EPSG/0/4547", "https://www.opengis.net/def/crs/EPSG/0/4547",
])
def test_every_spelling_names_the_same_system(text):
    assert parse_crs(text) is MENU[4547]


@pytest.mark.parametrize("text", [
    "OGC:CRS84", "CRS84", "[OGC:CRS84]", "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
    "urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84",
])
def test_crs84(text):
    assert parse_crs(text) is CRS84
    assert CRS84.srid == 0 and CRS84.database_srid == 4326 and not CRS84.axis_swapped


@pytest.mark.parametrize("text", [
    "", "EPSG:", "EPSG:2383", "EPSG:999999", "EPSG:4547;drop", "EPSG:04547", "EPSG:4547\n4547", "[EPSG:4547",
    "EPSG:４５４７", "http://www.opengis.net/def/crs/EPSG/0/", "+proj=longlat", "x" * 5000,
])
def test_outside_the_menu_is_refused(text):
    with pytest.raises(Problem) as caught:
        parse_crs(text)
    assert caught.value.code == "crs_unsupported" and len(caught.value.sentence("en")) < 400


def test_the_uri_of_each_entry_parses_back():
    assert all(parse_crs(crs.uri) is crs and parse_crs(crs.name) is crs for crs in MENU.values())


def test_axis_order_is_that_of_the_epsg_database():
    for srid, crs in MENU.items():
        if srid:
            entry = pyproj.CRS.from_epsg(srid)
            assert crs.axis_swapped == (entry.axis_info[0].direction == "north"), srid
            assert crs.projected == entry.is_projected, srid


def test_titles_name_the_zone_and_meridian_of_the_epsg_database():
    for srid in range(4491, 4555):
        name = pyproj.CRS.from_epsg(srid).name
        number = name.split("zone ")[-1] if "zone" in name else name.split("CM ")[-1].rstrip("E")
        assert f" {number}" in MENU[srid].title.zh and f" {number}" in MENU[srid].title.en, name
        assert ("prefix" in MENU[srid].title.en) and ("六" in MENU[srid].title.zh) == (srid <= 4512)


@pytest.mark.parametrize(("place", "lon", "lat", "zone", "plain", "prefix", "east", "north"), PLACES)
def test_local_zone(place, lon, lat, zone, plain, prefix, east, north):
    with_prefix, without = local_zone(lon)
    assert (with_prefix.srid, without.srid) == (prefix, plain), place
    for srid, offset in ((plain, 0), (prefix, zone * 1_000_000)):
        x, y = pyproj.Transformer.from_crs(4490, srid, always_xy=True).transform(lon, lat)
        assert (x, y) == pytest.approx((east + offset, north), abs=0.006)


@pytest.mark.parametrize("lon", [0.0, 73.4, 136.6, -113.0])
def test_no_zone_outside_the_series(lon):
    with pytest.raises(Problem):
        local_zone(lon)
