"""The question builder: rows to CQL2 and back, and the page that shows them with their answer."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest

from gisapp.asking.reading import sheet_of
from gisapp.asking.rows import BARE, OPERATORS, RELATIONS, Group, Row, Sheet, kind_of, write
from gisapp.asking.words import filter_in_words
from gisapp.example_questions import examples
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import parse
from tests.conftest import Role

_VALUES = {"text": "a'b%\\c_",
           "code": "01", "codes": "01", "number": "2.5", "date": "2024-01-31", "moment": "2024-01-31"}


def row_of(layer: Layer, name: str, op: str) -> Row:
    value = "30" if op in ("last", "next") else _VALUES.get(kind_of(layer, name), "")
    return Row(name, op, () if op in BARE else (value,), value if op == "between" else "")


def test_every_operator_of_every_field_is_written_read_back_and_understood(house: House) -> None:
    layers = house.catalogue.layers
    for layer in layers.values():
        for one in layer.all_fields:
            for op in OPERATORS[kind_of(layer, one.id)]:
                sheet = Sheet((Group("all", (row_of(layer, one.id, op),)),))
                text = write(sheet, layer, layers)
                assert parse({"filter": [text]}, layer, house.catalogue).filter, text
                assert sheet_of(text, layer, house.catalogue) == sheet, text


@pytest.mark.parametrize("sheet", [
    Sheet((Group("all", (Row("area_m2", "ge", ("3",)), Row("status", "in", ("01", "02")))),
           Group("any", (Row("sign_no", "has", ("A",)), Row("@near", "", (), "", "school_gates", "50")))), "and"),
    Sheet((Group("none", (Row("area_m2", "ge", ("3",)), Row("status", "in", ("01",)))),), "and", "street", "420001"),
    Sheet((Group("any", (Row("area_m2", "ge", ("3",)), Row("status", "in", ("01",)))),)),
    Sheet((Group("all", (Row("area_m2", "ge", ("3",)), Row("status", "notin", ("01",)))),
           Group("all", (Row("area_m2", "lt", ("1",)), Row("status", "empty")))), "or", "circle", "113.38,31.69,300"),
    Sheet((Group("all", (Row("@near", "", (), "", "illegal_builds", "60", "", (
        Row("status", "in", ("01",)), Row("geom_area_m2", "ge", ("20",)))),)),)),
    Sheet((Group("all", (Row("@overlaps", "", (), "", "blocks", "", "", (
        Row("land_use", "in", ("01",)), Row("geom_area_m2", "ge", ("20",))), "any"),)),)),
    Sheet((Group("all", (Row("@count_within", "", (), "", "roads", "60", "2", (Row("road_class", "in", ("02",)),)),)),),
          "and", "box", "113.3,31.6,113.4,31.7"),
    Sheet((Group("all", (Row("area_m2", "ge", ("3",)),)),), "and", "shape", "113.3,31.6,113.4,31.6,113.35,31.7"),
    Sheet((Group("all", (Row("area_m2", "ge", ("3",)),)),), "and", "shape", "113,31.6,114,31.6,114,32,113.5,33,113,32"),
    *(Sheet((Group("all", (Row(f"@{name}", "", (), "", "control_lines", "10" if RELATIONS[name] else "",
                               "1" if name == "count_within" else ""),)),)) for name in RELATIONS)])
def test_groups_areas_and_relations_come_back_from_their_text(house: House, sheet: Sheet) -> None:
    layer = house.catalogue.layers["rooftop_signs"]
    text = write(sheet, layer, house.catalogue.layers)
    assert parse({"filter": [text]}, layer, house.catalogue).filter
    read = sheet_of(text, layer, house.catalogue)
    assert read is not None, text
    assert write(read, layer, house.catalogue.layers).count("(") == text.count("(")
    assert (read.area, read.place, read.join) == (sheet.area, sheet.place, sheet.join)


@pytest.mark.parametrize(("text", "zh", "en"), [
    ("status IN ('01', '02') AND area_m2 >= 3", "状态为合法在用或到期未续，且广告面积不小于 3 m²", None),
    ("near('school_gates', 200)", "距学校出入口不超过 200 米", "within 200 m of School gates"),
    ("NOT (sign_no IS NULL OR area_m2 < 2)", "不是（设施编号为空或广告面积小于 2 m²）", None),
    ("area_m2 < building_floors", "条件 area_m2 < building_floors", "where area_m2 < building_floors"),
    ("around(POINT(113.38 31.69), 50) AND area_m2 > 1", "距点 113.38, 31.69 不超过 50 米，且",
     "within 50 m of the point"),
])
def test_a_filter_is_told_in_words(house: House, text: str, zh: str, en: str | None) -> None:
    layer = house.catalogue.layers["rooftop_signs"]
    given = parse({"filter": [text]}, layer, house.catalogue).filter
    assert given
    told = {language: filter_in_words(layer, house.catalogue, given, language) for language in ("zh", "en")}
    assert zh in told["zh"]
    assert (en or "") in told["en"]


@pytest.mark.parametrize("one", examples(), ids=lambda one: one.id)
def test_the_words_of_what_ships_hold_no_code(house: House, one: Any) -> None:
    layer = house.catalogue.layers[one.layer]
    given = parse({"filter": [one.filter]}, layer, house.catalogue).filter
    assert given
    sheet = sheet_of(one.filter, layer, house.catalogue)
    for language in ("zh", "en"):
        told = filter_in_words(layer, house.catalogue, given, language)
        assert told
        assert sheet is None or not re.search(r"[a-z]+_[a-z0-9]+|\{|\bNone\b", told), told


def test_moments_are_told_in_words_and_in_the_houses_time(house: House) -> None:
    layer = house.layer("rooftop_signs")
    text = ("updated_at >= TIMESTAMP('2026-11-22T12:00:00.123456Z') AND updated_at <= TIMESTAMP('2026-11-22T12:00:05Z')"
            " AND updated_by = 'o''x'")
    given = parse({"filter": [text]}, layer, house.catalogue).filter
    assert given
    zh = filter_in_words(layer, house.catalogue, given, "zh", ZoneInfo("Asia/Shanghai"))
    en = filter_in_words(layer, house.catalogue, given, "en")
    assert "2026-11-22 20:00:00" in zh and "2026-11-22 12:00:05 UTC" in en and zh.endswith("o'x")
    assert "TIMESTAMP" not in zh + en and "updated_at" not in zh + en
    other = parse({"filter": [f"{text} OR status = '01'"]}, layer, house.catalogue).filter
    assert other
    assert filter_in_words(layer, house.catalogue, other, "en").startswith("where ")


def test_unfilled_rows_say_nothing(house: House) -> None:
    layer = house.catalogue.layers["rooftop_signs"]
    rows = (Row(), Row("status", "in"), Row("area_m2", "ge", ("x",)), Row("@near", "", (), "", "roads"),
            Row("nothing", "eq"))
    assert write(Sheet((Group("all", rows),), "and", "circle", "1,x"), layer, house.catalogue.layers) == ""


def test_a_text_that_rows_cannot_say_stays_text(house: House) -> None:
    layer = house.catalogue.layers["vendor_points"]
    for text in ("stalls_used >= stalls_cap", "open_now()", "NOT (status = '04' AND stalls_cap > 3)"):
        assert sheet_of(text, layer, house.catalogue) is None


def ask(**words: str) -> str:
    return f"/ask?{urlencode(words)}"


@pytest.mark.parametrize("one", examples(), ids=lambda one: one.id)
def test_every_question_that_ships_opens_on_the_page(admin: Role, one: object) -> None:
    answer = admin.get(f"/q/{one.id}", follow_redirects=True)  # type: ignore[attr-defined]
    assert answer.status_code == 200
    assert "data-matched" in answer.text


def test_an_edited_text_wins_over_the_rows_and_rows_over_an_untouched_text(admin: Role) -> None:
    rows = {"layer": "rooftop_signs", "g0.kind": "all", "g0.0.field": "area_m2", "g0.0.op": "ge", "g0.0.v": "5"}
    assert "area_m2 &gt;= 5</textarea>" in admin.get(ask(**rows, filter="", wrote="")).text
    edited = admin.get(ask(**rows, filter="area_m2 < 7", wrote="area_m2 >= 5")).text
    assert "area_m2 &lt; 7</textarea>" in edited
    assert 'value="7"' in edited
    kept = admin.get(ask(**rows, filter="area_m2 < building_floors", wrote="area_m2 >= 5")).text
    assert "area_m2 &lt; building_floors</textarea>" in kept
    assert 'name="g0.0.field"' not in kept


@pytest.mark.parametrize("words", [{"filter": "nothing = 1"}, {"filter": "area_m2 >"}, {"as_of": "never"}])
def test_a_wrong_text_is_shown_with_what_to_do(admin: Role, words: dict[str, str]) -> None:
    answer = admin.get(ask(layer="rooftop_signs", **words))
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize(("text", "within", "wanted"), [
    ("area_m2 > 3", "shape:113.3,31.6,113.4,31.6,113.35,31.7",
     "S_INTERSECTS(geometry, POLYGON((113.3 31.6, 113.4 31.6, 113.35 31.7, 113.3 31.6))) AND area_m2 > 3"),
    ("area_m2 > 3 AND around(POINT(113 31), 20)", "box:113,31,114,32",
     "S_INTERSECTS(geometry, POLYGON((113 31, 114 31, 114 32, 113 32, 113 31))) AND area_m2 > 3"),
    ("area_m2 > 3 AND around(POINT(113 31), 20)", "", "area_m2 > 3"),
    ("area_m2 < building_floors", "circle:113.3,31.6,50",
     "(area_m2 < building_floors) AND around(POINT(113.3 31.6), 50)"),
    ("area_m2 > 3", "circle:x", "area_m2 > 3"), ("area_m2 > 3", "shape:1,2,3", "area_m2 > 3")])
def test_the_map_puts_another_area_into_the_question(admin: Role, text: str, within: str, wanted: str) -> None:
    answer = admin.get(ask(layer="rooftop_signs", filter=text, within=within))
    assert answer.status_code == 200
    assert f">{wanted.replace('>', '&gt;').replace('<', '&lt;')}</textarea>" in answer.text


def test_conditions_on_the_other_layer_are_added_and_taken_away(admin: Role) -> None:
    rows = {"layer": "rooftop_signs", "wrote": "", "filter": "", "g0.kind": "all", "g0.0.field": "@near",
            "g0.0.layer": "illegal_builds", "g0.0.metres": "60", "g0.0.i.0.field": "status", "g0.0.i.0.op": "in",
            "g0.0.i.0.v": "01"}
    one = "near(&#39;illegal_builds&#39;, 60, status IN (&#39;01&#39;))</textarea>"
    assert one in admin.get(ask(**rows)).text
    more = admin.get(ask(**rows, do="inner.0.0")).text
    assert 'name="g0.0.i.1.field"' in more
    assert one in more
    both = rows | {"g0.0.i.1.field": "geom_area_m2", "g0.0.i.1.op": "ge", "g0.0.i.1.v": "20", "g0.0.i.kind": "any"}
    assert "status IN (&#39;01&#39;) OR geom_area_m2 &gt;= 20)</textarea>" in admin.get(ask(**both)).text
    assert one in admin.get(ask(**both, do="less.0.0.1")).text


def test_a_maps_filter_becomes_a_question(admin: Role) -> None:
    answer = admin.get(ask(layer="rooftop_signs", status="01,02", removed_at="2025-01-01/..", district_code="420001",
                           filter="area_m2 > 3", within="box:113,31,114,32"))
    assert answer.status_code == 200
    for part in ("status IN (&#39;01&#39;, &#39;02&#39;)", "removed_at &gt;= &#39;2025-01-01&#39;", "area_m2 &gt; 3",
                 "district_code = &#39;420001&#39;", "POLYGON((113 31, 114 31"):
        assert part in answer.text
    assert 'name="g0.0.field"' in answer.text


def test_masked_fields_are_not_offered_nor_asked(roles: dict[str, Role]) -> None:
    assert "party_phone" not in roles["viewer"].get(ask(layer="illegal_builds")).text
    assert "party_phone" in roles["inspector"].get(ask(layer="illegal_builds")).text
    answer = roles["viewer"].get(ask(layer="illegal_builds", filter="party_phone = '1'"))
    assert answer.status_code == 403
