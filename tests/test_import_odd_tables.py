"""Tables whose cells, rows or shapes are not what their header says: nothing is guessed, nothing lost in silence."""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import Any

import pytest

from gisapp.formats.dbf_survey import survey
from tests.conftest import Role
from tests.dbase import Text, shapefile, shapes, table
from tests.test_imports import emptied, geojson, send, stored

SIGN = [("GGBH", "C", 20, 0), ("GGLX", "C", 20, 0)]


def odd(kind: str, width: int, decimals: int, *cells: Text) -> bool:
    """Whether a column of these cells is one that GDAL may not read by its type."""
    path = odd.folder / "a.dbf"  # type: ignore[attr-defined]
    path.write_bytes(table([("A", "C", 3, 0), ("B", kind, width, decimals)], [["x", cell] for cell in cells]))
    return survey(path).odd == (1,)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> None:
    odd.folder = tmp_path  # type: ignore[attr-defined]


@pytest.mark.parametrize(("decimals", "cell"), [
    (2, "12.50"), (2, "-12.5"), (2, "+.5"), (2, "5."), (2, "1.5e3"), (2, ""), (2, "*" * 10), (2, b"\0" * 10), (0, "12"),
    (0, "-3"), (0, "7."), (0, "7.00"), (2, b"12.5      "), (2, "0"),
])
def test_plain_numbers_are_left_to_gdal(decimals: int, cell: Text) -> None:
    assert not odd("N", 10, decimals, "1", cell)


@pytest.mark.parametrize(("decimals", "cell"), [
    (2, "1,234.5"), (2, "12.5m"), (2, "-"), (2, "nan"), (2, "1.2.3"), (2, "1 2"), (2, "1-2"), (2, "12,5"), (0, "3.7"),
    (0, "1e3"), (2, "."), (2, "0x1f"), (2, "１２".encode("gbk")), (2, "1**"),
])
def test_cells_that_gdal_would_cut_short_are_found(decimals: int, cell: Text) -> None:
    assert odd("N", 10, decimals, "1", cell)
    assert odd("F", 10, decimals or 3, "1", cell) == (cell not in ("3.7", "1e3"))


@pytest.mark.parametrize("cell", ["2024-1-2", "20240230", "20230229", "20241301", "20240100", "2024", "0000001 "])
def test_days_that_are_none_are_found(cell: str) -> None:
    assert odd("D", 8, 0, "20240229", cell)
    assert not odd("D", 8, 0, "20240229", "", "00000000", "19000228", "20000229", b"\0" * 8)


def test_every_cell_of_a_column_counts_wherever_it_stands() -> None:
    cells = [f"{n}.5" for n in range(3000)]
    assert not odd("N", 12, 2, *cells)
    cells[random.Random(3).randrange(3000)] = "1,5"
    assert odd("N", 12, 2, *cells)


def taken(role: Role, house: Any, files: dict[str, bytes], **choices: Any) -> tuple[dict[str, Any], list[Any]]:
    """The counts of a check and its reasons, then the rows that entered, by number."""
    emptied(house, "rooftop_signs")
    sent = send(role, "rooftop_signs", files)
    assert sent.status_code == 201, sent.json
    found = role.post(f"/imports/{sent.json['id']}/check", json={"crs": "EPSG:4326", **choices}).json
    done = role.post(f"/imports/{sent.json['id']}/commit", json={"crs": "EPSG:4326", "accept": "valid", **choices})
    assert done.status_code == 200, done.json
    rows = {row["sign_no"]: row for row in stored(house, "rooftop_signs").values()}
    return {"sent": sent.json, **found}, [rows.get(f"s{n}") for n in range(9)]


def test_odd_cells_are_refused_by_themselves_and_never_cut_short(admin: Role, house: Any) -> None:
    fields = [*SIGN, ("MJ", "N", 12, 2), ("JZCS", "N", 5, 0), ("JCRQ", "D", 8, 0)]
    cells = [["1,234.5", "3", "20240102"], ["12,5", "3", "20240102"], ["12.5m", "3", "20240102"],
             ["1.5", "3.7", "20240102"], ["1.5", "3", "20240230"], ["1.5", "3", "2024-1-2"],
             ["*" * 12, "*" * 5, "00000000"], ["nan", "3", ""]]
    found, rows = taken(admin, house, shapefile(fields, [[f"s{n}", "01", *row] for n, row in enumerate(cells)]))
    assert [row is not None for row in rows[:8]] == [True, False, False, False, False, True, True, False]
    assert found["counts"]["refused"] == 5
    assert float(rows[0]["area_m2"]) == 1234.5
    assert rows[5]["safety_check_at"].isoformat() == "2024-01-02"
    assert (rows[6]["area_m2"], rows[6]["building_floors"], rows[6]["safety_check_at"]) == (None, None, None)


def test_signs_of_full_width_are_as_good_as_plain_ones(admin: Role, house: Any) -> None:
    fields = [*SIGN, ("面积（㎡）", "C", 20, 0), ("JCRQ", "C", 30, 0)]
    mapping = {"GGBH": "sign_no", "GGLX": "sign_kind", "面积（㎡）": "area_m2", "JCRQ": "safety_check_at"}
    rows = [["s0", "０１", "１２．５", "２０２４年１月２日"], ["s1", "01　", "1_000", "2024.1.2"],
            ["s2", "01", "1", "2024-01-02 to 2024-03-01"], ["s3", "01", "1", "2024年1月2日 8时30分"]]
    _, found = taken(admin, house, shapefile(fields, rows), mapping=mapping)
    assert found[0]["sign_kind"] == "01" and float(found[0]["area_m2"]) == 12.5
    assert {found[n]["safety_check_at"].isoformat() for n in (0, 3)} == {"2024-01-02"}
    assert found[1] is None and found[2] is None


@pytest.mark.parametrize(("shapes_there", "rows_there", "entered"), [(4, 2, 2), (2, 4, 2), (3, 1, 1)])
def test_rows_without_their_other_half_are_refused_one_by_one(admin, house, shapes_there, rows_there, entered) -> None:
    rows = [[f"s{n}", "01"] for n in range(rows_there)]
    found, there = taken(admin, house, shapefile(SIGN, rows, count=shapes_there))
    lost = max(shapes_there, rows_there) - entered
    assert found["sent"]["layers"][0]["count"] == entered + lost
    assert (found["counts"]["accepted"], found["counts"]["refused"]) == (entered, lost)
    assert sum(row is not None for row in there) == entered
    assert {reason["code"] for reason in found["reasons"]} == {"row_unreadable"}


def test_a_table_cut_short_loses_no_row_in_silence(admin: Role, house: Any) -> None:
    files = shapefile(SIGN, [[f"s{n}", "01"] for n in range(4)])
    files["a.dbf"] = files["a.dbf"][:-60]
    found, _ = taken(admin, house, files)
    assert (found["counts"]["accepted"], found["counts"]["refused"]) == (2, 2)


def test_rows_marked_as_deleted_stay_out_and_are_told_of(admin: Role, house: Any) -> None:
    found, there = taken(admin, house, shapefile(SIGN, [[f"s{n}", "01"] for n in range(4)], deleted=(1,)))
    assert [row is not None for row in there[:4]] == [True, False, True, True]
    assert (found["counts"]["accepted"], found["counts"]["refused"]) == (3, 0)
    assert [note["code"] for note in found["sent"]["layers"][0]["notes"]] == ["rows_deleted"]


def test_a_field_without_a_name_keeps_the_others_readable(admin: Role, house: Any) -> None:
    fields = [("", "C", 6, 0), *SIGN, ("地址", "C", 30, 0)]
    found, there = taken(admin, house, shapefile(fields, [["空", "s0", "01", "中山路"]]))
    assert found["sent"]["layers"][0]["fields"][1:] == ["GGBH", "GGLX", "地址"]
    assert there[0]["address"] == "中山路"


def test_names_tell_the_encoding_where_all_cells_are_plain(admin: Role, house: Any) -> None:
    fields = [("设施编号", "C", 20, 0), ("设施类型", "C", 20, 0), ("广告面积", "N", 12, 2)]
    found, there = taken(admin, house, shapefile(fields, [["s0", "01", "12.50"]]))
    assert found["sent"]["layers"][0]["fields"] == ["设施编号", "设施类型", "广告面积"]
    assert found["counts"]["accepted"] == 1 and there[0] is not None and float(there[0]["area_m2"]) == 12.5


def test_several_points_in_one_row_are_refused_and_a_lone_one_enters(admin: Role, house: Any) -> None:
    def many(*places: tuple[float, float]) -> bytes:
        return struct.pack("<I4dI", 8, 113, 31, 114, 32, len(places)) + b"".join(struct.pack("<dd", *p) for p in places)

    shp, shx = shapes(8, [many((113.38, 31.69)), many((113.38, 31.69), (113.39, 31.69))])
    rows = [["s0", "01"], ["s1", "01"]]
    found, there = taken(admin, house, {"a.shp": shp, "a.shx": shx, "a.dbf": table(SIGN, rows)})
    assert there[0] is not None and there[1] is None
    assert [reason["code"] for reason in found["reasons"]] == ["geometry_type"]


@pytest.mark.parametrize("start", ["", "sep=,\n", "2024年台账,,,\n制表：张三,,,\n", "\n\n2024年台账\n"])
def test_a_heading_is_found_below_what_people_put_above_it(admin: Role, start: str) -> None:
    text = start + "设施编号,设施类型,经度,纬度\ns0,01,113.38,31.69\ns1,01,113.39,31.69\n"
    sent = send(admin, "rooftop_signs", {"a.csv": text.encode("gbk")}).json["layers"][0]
    assert (sent["fields"], sent["count"]) == (["设施编号", "设施类型", "经度", "纬度"], 2)


def test_a_quotation_mark_that_is_never_closed_swallows_no_rows(admin: Role) -> None:
    text = '设施编号,设施类型,经度,纬度,备注\ns0,01,113.38,31.69,"abc\ns1,01,113.39,31.69,x\n'
    sent = send(admin, "rooftop_signs", {"a.csv": text.encode()})
    assert (sent.status_code, sent.json["code"]) == (422, "file_unreadable")
    closed = send(admin, "rooftop_signs", {"a.csv": text.replace("abc\n", 'a"" ,\nbc"\n').encode()})
    assert closed.json["layers"][0]["count"] == 2


def test_second_shapes_without_their_feature_stand_in_the_report(admin: Role, house: Any) -> None:
    emptied(house, "illegal_builds")
    lone = "00000000-0000-4000-8000-000000000001"
    area = {"type": "Polygon", "coordinates": [[[113.38, 31.69], [113.381, 31.69], [113.381, 31.691], [113.38, 31.69]]]}
    build = {"case_no": "R-1", "address": "中山路", "build_type": "01", "build_area_m2": 1, "illegal_area_m2": 1,
             "build_state": "01", "stock_flag": "01"}
    point = {"type": "Point", "coordinates": [113.38, 31.69]}
    mark = {"type": "Feature", "properties": {"id": lone}, "geometry": point}
    files = {"a.geojson": geojson({"type": "Feature", "properties": build, "geometry": area}),
             "b.geojson": geojson(mark)}
    sent = send(admin, "illegal_builds", files).json
    assert [source["role"] for source in sent["layers"]] == ["rows", "second"]
    checked = admin.post(f"/imports/{sent['id']}/check", json={}).json
    assert checked["counts"]["refused"] == 1, checked
    for _ in range(2):
        told = admin.get(f"/imports/{sent['id']}/report.csv").get_data(as_text=True)
        assert [line for line in told.splitlines() if lone in line and "拒绝,refused" in line], told
        admin.post(f"/imports/{sent['id']}/commit", json={"accept": "valid"})


@pytest.mark.parametrize(("lon", "lat"), [
    ("113,38", "31,69"), ("E113°22.8′", "N31°41.4'"), ("113度22.8分", "31度41.4分"), ("113.38°", "31.69°")])
def test_degrees_are_read_as_people_write_them(admin: Role, house: Any, lon: str, lat: str) -> None:
    text = f"设施编号;设施类型;经度;纬度\ns0;01;{lon};{lat}\n"
    _, rows = taken(admin, house, {"a.csv": text.encode()})
    assert (rows[0]["geom"].x, rows[0]["geom"].y) == pytest.approx((113.38, 31.69))


def test_the_system_that_wkt_names_is_believed_and_another_one_refused(admin: Role, house: Any) -> None:
    text = ("设施编号,设施类型,geom\ns0,01,SRID=4547;POINT(441217.48 3507645.44)\n"
            "s1,01,SRID=4547;POINT(441317.48 3507645.44)\n" + "s2,01,POINT(441417.48 3507645.44)\n")
    sent = send(admin, "rooftop_signs", {"a.csv": text.encode()}).json["layers"][0]
    assert sent["crs"] == "EPSG:4547"
    filler = "".join(f"f{n},01,SRID=4547;POINT(44{n:04} 3507645.44)\n" for n in range(1000, 1250))
    mixed = text + filler + "s3,01,SRID=4326;POINT(113.38 31.69)\n"
    found, rows = taken(admin, house, {"a.csv": mixed.encode()}, crs="EPSG:4547")
    assert rows[0]["geom"].x == pytest.approx(113.38, abs=1e-6) and rows[2] is not None and rows[3] is None
    assert [reason["code"] for reason in found["reasons"]] == ["geometry_unreadable"]
