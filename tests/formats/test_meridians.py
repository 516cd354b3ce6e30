"""Projections about a meridian of a city's own: named by a file, recognised, read exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import pytest

from gisapp.errors import Problem
from gisapp.formats.frames import likely_crs, named_crs, parse_frame, rarer_readings, readings
from gisapp.formats.systems import words_of_prj

LON, LAT = 113.38, 31.69
_BASES = {"cgcs2000": ("GCS_China_Geodetic_Coordinate_System_2000", "D_China_2000", "CGCS2000", 6378137.0,
                       298.257222101),
          "wgs84": ("GCS_WGS_1984", "D_WGS_1984", "WGS_1984", 6378137.0, 298.257223563),
          "xian": ("GCS_Xian_1980", "D_Xian_1980", "Xian_1980", 6378140.0, 298.257),
          "unknown": ("GCS_Unknown", "D_Unknown", "S_GRS80", 6378137.0, 298.257222101)}


def esri(base: str, lon: float, east: float = 500_000.0, north: float = 0.0, method: str = "Gauss_Kruger",
         unit: str = 'UNIT["Meter",1.0]') -> str:
    """A system as ArcGIS writes it beside a shapefile."""
    gcs, datum, spheroid, axis, flattening = _BASES[base]
    return (f'PROJCS["Local",GEOGCS["{gcs}",DATUM["{datum}",SPHEROID["{spheroid}",{axis},{flattening}]],'
            f'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["{method}"],'
            f'PARAMETER["False_Easting",{east}],PARAMETER["False_Northing",{north}],PARAMETER["Central_Meridian",{lon}],'
            f'PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],{unit}]')


@pytest.mark.parametrize(("base", "lon", "more", "name"), [
    ("cgcs2000", 113.5, {}, "TM:113.5"), ("wgs84", 113.25, {"method": "Transverse_Mercator"}, "TM:113.25"),
    ("cgcs2000", 114, {"east": 40_000.0}, "TM:114,40000,0,1"),
    ("cgcs2000", 113.3666666667, {"north": -3_000_000.0}, "TM:113.366666667,500000,-3000000,1"),
    ("cgcs2000", 114, {}, "EPSG:4547"), ("cgcs2000", 114, {"east": 38_500_000.0}, "EPSG:4526")])
def test_a_meridian_that_a_file_names_is_read_as_proj_reads_it(
        base: str, lon: float, more: dict[str, Any], name: str) -> None:
    words = esri(base, lon, **more)
    assert named_crs(words)[0] == name
    given = pyproj.Transformer.from_crs(4490, pyproj.CRS(words), always_xy=True).transform(LON, LAT)
    stored = parse_frame(name).to_stored(np.array([given]))
    assert np.abs(stored - [[LON, LAT]]).max() < 1e-9


@pytest.mark.parametrize("base", ["xian", "unknown"])
def test_of_another_datum_only_the_projection_is_taken_as_a_proposal(base: str) -> None:
    words = esri(base, 113.5)
    assert named_crs(words)[0] is None and likely_crs(words) == "TM:113.5"
    tried = [frame.name for frame in readings(488_000, 3_507_000, None, parse_frame("TM:113.5"))]
    assert tried[0] == "TM:113.5" and "TM:113.5@GCJ-02" in tried


@pytest.mark.parametrize("words", [
    esri("cgcs2000", 113.5, unit='UNIT["Kilometer",1000.0]'), esri("xian", 114), "EPSG:4326", "nonsense", "",
    'LOCAL_CS["Unknown",LOCAL_DATUM["Unknown",0],UNIT["Meter",1.0]]'])
def test_what_is_no_such_projection_is_none(words: str) -> None:
    assert likely_crs(words) is None


@pytest.mark.parametrize(("text", "name"), [
    ("TM:113.5", "TM:113.5"), ("TM:113°30′", "TM:113.5"), ("TM: 113.5 ,500000,0,1", "TM:113.5"),
    ("TM:113.5,500000,-3e6,0.9996@swapped", "TM:113.5,500000,-3000000,0.9996@swapped"),
    ("TM:113.5@GCJ-02", "TM:113.5@GCJ-02")])
def test_a_meridian_can_be_given(text: str, name: str) -> None:
    assert parse_frame(text).name == name and parse_frame(name) == parse_frame(text)


@pytest.mark.parametrize("text", ["TM:", "TM:x", "TM:113.5,500000", "TM:1000", "TM:nan", "TM:113.5,inf,0,1",
                                  "TM:113.5,0,0,2", "TM:113.5 +nadgrids=/etc/passwd", "TM:113.5,500000,0,1,7"])
def test_what_is_no_meridian_is_a_problem(text: str) -> None:
    with pytest.raises(Problem, match="crs_unsupported"):
        parse_frame(text)


@pytest.mark.parametrize("words", ["+init=/etc/passwd:4326", "+proj=longlat +nadgrids=/etc/passwd", " +init=epsg:4326",
                                   "init=/etc/passwd:4326", " proj=longlat nadgrids=/etc/passwd", "x init=epsg:4326"])
def test_no_file_is_opened_for_a_system(words: str, recwarn: pytest.WarningsRecorder) -> None:
    assert named_crs(words) == (None, words) and likely_crs(words) is None and not recwarn.list


def test_half_degrees_are_tried_without_those_of_the_menu() -> None:
    names = [frame.name for frame in rarer_readings(488_000, 3_507_000)]
    assert "TM:113.5" in names and "TM:114" not in names and len(names) < 130
    assert "TM:113.5@swapped" in [frame.name for frame in rarer_readings(3_507_000, 488_000)]
    assert rarer_readings(113.4, 31.7) == []


@pytest.mark.parametrize(("content", "name"), [
    (esri("cgcs2000", 114).encode("utf-16"), "EPSG:4547"), (esri("cgcs2000", 114).encode("utf-16-le"), "EPSG:4547"),
    (b"EPSG:4547\r\n", "EPSG:4547"), (b"4547", "EPSG:4547"),
    (b"+proj=tmerc +lat_0=0 +lon_0=113.5 +k=1 +x_0=500000 +y_0=0 +datum=WGS84 +units=m +no_defs", "TM:113.5"),
    ("未知坐标系".encode("gbk"), None), (b"Unknown", None), (b"", None), (b"http://127.0.0.1:1/x.prj", None),
    (b"+proj=longlat +nadgrids=/etc/passwd", None), (b"+init=/etc/passwd:4326", None), (b"+proj=pipeline +step", None)],
    ids=range(12))
def test_odd_prj_files(tmp_path: Path, content: bytes, name: str | None) -> None:
    path = tmp_path / "a.prj"
    path.write_bytes(content)
    assert named_crs(words_of_prj(path))[0] == name
