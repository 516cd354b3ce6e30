"""Drawings made a batch at a time: every part of every shape, what has no room, and a proof that sees a change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyogrio
import pytest
import shapely

from gisapp.formats import drawing, dxf, dxf_proof, dxf_reading
from gisapp.formats.drawing import layer_names, objects
from gisapp.formats.dxf_proof import prove_drawing
from gisapp.formats.dxf_texts import values_of
from gisapp.formats.job import NotFaithful
from gisapp.formats.noting import Noting
from gisapp.formats.sheet import Sheet
from gisapp.layers import SecondGeometry
from gisapp.words import Words
from tests.formats.test_faithful import job as signs, spool_of
from tests.formats.test_round_trip import job, rows_of, spool, written

RING, HOLE = [(113.0, 31.0), (113.2, 31.0), (113.2, 31.2), (113.0, 31.0)], [(113.1, 31.02), (113.15, 31.02),
                                                                          (113.15, 31.05), (113.1, 31.02)]
AREA = shapely.MultiPolygon([shapely.Polygon(RING, [HOLE]), shapely.box(114, 31, 114.1, 31.1)])
LINES = shapely.MultiLineString([[(113, 31), (113.1, 31.1), (113.2, 31)], [(113, 32), (113.1, 32)]])
Found = list[tuple[str, list[tuple[float, float]], dict[str, str]]]


def read(path: Path) -> Found:
    """Layer, vertices and data of each object, as GDAL reads them."""
    meta, _, shapes, columns = pyogrio.raw.read(path, INCLUDE_RAW_CODE_VALUES="YES")
    told = dict(zip(meta["fields"], columns, strict=True))
    return [(layer, list(shape.coords), values_of(line[5:] for line in raw if line.startswith("1000 ")))
            for layer, shape, raw in zip(told["Layer"], shapely.from_wkb(shapes), told["RawCodeValues"], strict=True)]


@pytest.mark.parametrize("at_once", [1, 1 << 22])
def test_every_part_is_an_object_in_the_order_of_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                          at_once: int) -> None:
    monkeypatch.setattr(drawing, "_AT_ONCE", at_once)
    order = job("waste_sites", tmp_path)
    order = replace(order, layer=replace(order.layer, second_geometry=SecondGeometry(
        "more", "MultiLineString", Words("线", "lines"))))
    name = order.layer.name_field
    rows = [row | {"geom": shapely.to_wkb(shape), "more": second and shapely.to_wkb(second), name: label}
            for row, (shape, second, label) in zip(rows_of("waste_sites"), (
                (AREA, LINES, "甲 \n乙"), (shapely.box(0, 0, 1, 1), None, ""), (AREA, None, "丙")), strict=False)]
    with order.book:
        found = read(written(order, rows, "dxf")[0])
    first, plain, last = (str(row["id"]) for row in rows)
    areas = [("WASTE_SITES", RING), ("WASTE_SITES_HOLES", HOLE),
             ("WASTE_SITES", list(shapely.box(114, 31, 114.1, 31.1).exterior.coords))]
    lines = [("WASTE_SITES_MORE", list(line.coords)) for line in LINES.geoms]
    assert [(layer, points, data["id"]) for layer, points, data in found if layer != "WASTE_SITES_TEXT"] == [
        *((*one, first) for one in areas + lines),
        ("WASTE_SITES", list(shapely.box(0, 0, 1, 1).exterior.coords), plain), *((*one, last) for one in areas)]
    labelled = [(data, points) for layer, points, data in found if layer == "WASTE_SITES_TEXT"]
    assert [data for data, _ in labelled] == [{"id": first}, {"id": last}]
    assert all(AREA.contains(shapely.Point(points[0])) for _, points in labelled)
    assert [len(data) > 5 for _, _, data in found[:3]] == [True, False, False]
    assert "甲 乙".encode("gbk") in (tmp_path / "waste_sites.dxf").read_bytes()
    assert order.book.counts == {"split": 2}


def test_what_an_entity_has_no_room_for_is_told(catalogue) -> None:
    with signs(catalogue) as order:
        path = dxf.write(order, spool_of(order, ["违" * 9000, "违" * 7000])).files[0]
        found = [data for layer, _, data in read(path) if layer == "ROOFTOP_SIGNS"]
        assert order.book.counts == {"no_room": 1}
    assert [data.get("remark") for data in found] == [None, "违" * 7000]
    assert all("version" in data for data in found)  # what comes after it has room again


@pytest.mark.parametrize("change", [
    lambda raw: raw.replace(b" 10\r\n113", b" 10\r\n112", 1),
    lambda raw: raw.replace(b"TRUCK_ROUTES", b"TRUCK_ROUTE", 9),
    lambda raw: raw.replace(b"SEQEND", b"VERTEX", 1),
    lambda raw: raw.replace(b" 66\r\n1\r\n 70\r\n0", b" 66\r\n1\r\n 70\r\n1", 1),
    lambda raw: raw.replace(b"version=3", b"version=4", 1), lambda raw: raw.replace(b"id=", b"ix=", 1),
    lambda raw: raw[:raw.rfind(b"  0\r\nPOLYLINE")] + b"  0\r\nENDSEC\r\n  0\r\nEOF\r\n"])
@pytest.mark.parametrize("most", [0, 20 * 2**20])
def test_the_proof_of_a_drawing_sees_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int,
                                              change: Callable[[bytes], bytes]) -> None:
    monkeypatch.setattr(dxf_proof, "MOST_FOR_GDAL", most)
    monkeypatch.setattr(dxf_reading, "_CHUNK", 700)
    order = job("truck_routes", tmp_path)
    rows = rows_of("truck_routes")
    with order.book:
        path = written(order, rows, "dxf")[0]
        sheet = Sheet(order, spool(order, rows), "words")
        prove_drawing(path, layer_names(order), lambda: objects(sheet, Noting(None, "")))
        before = path.read_bytes()
        path.write_bytes(change(before))
        assert path.read_bytes() != before
        with pytest.raises(NotFaithful):
            prove_drawing(path, layer_names(order), lambda: objects(sheet, Noting(None, "")))
