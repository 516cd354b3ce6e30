"""Statistics against the count of the items, against pandas and geopandas, and against who may ask what."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import quote

import geopandas
import pandas
import pytest
import shapely

from gisapp.house import House
from tests.conftest import Role
from tests.samples import fill

BUILDS, SIGNS, ROUTES = "illegal_builds", "rooftop_signs", "truck_routes"


def _filter(text: str) -> str:
    return f"filter={quote(text)}"


#: Questions in every way that items can be asked.
QUESTIONS = (
    "", "status=01", "status=01,02,", "bbox=113.37,31.68,113.40,31.70", "datetime=2024-11-14/..", "q=1",
    _filter("geom_area_m2 > 100"), _filter("status IN ('01','03') OR found_at IS NULL"),
    _filter("near('rooftop_signs', 300)"), _filter("S_INTERSECTS(geometry, BBOX(113.37,31.68,113.385,31.70))"),
    "as_of=2100-01-01", "as_of=2000-01-01", "found_at=2024-11-13/2024-11-15", "status=02&synthetic=true")
GROUPS = ("status", "build_type", "found_at.day", "found_at.month", "created_at.year", "synthetic", "street_code",
          "hexagon.200", "status,found_at.week", "district_code,synthetic,build_type")


@pytest.fixture(scope="module", autouse=True)
def _filled(house: House) -> None:
    for layer, count in ((BUILDS, 60), (SIGNS, 30), (ROUTES, 12)):
        fill(house, layer, count)


def ask(client: Role, layer: str = BUILDS, query: str = "", status: int = 200) -> Any:
    answer = client.get(f"/collections/{layer}/statistics?{query}")
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.json


def matched(client: Role, layer: str, query: str) -> int:
    answer = client.get(f"/collections/{layer}/items?f=json&limit=1&{query}")
    assert answer.status_code == 200, answer.json
    return int(answer.json["numberMatched"])


def frame(client: Role, layer: str, query: str = "") -> geopandas.GeoDataFrame:
    """The features as an independent reader has them, one row each."""
    features = client.get(f"/collections/{layer}/items?f=json&limit=1000&{query}").json["features"]
    rows = [one["properties"] | {"geometry": shapely.geometry.shape(
        one["geometry"] or one["properties"]["mark_point"])} for one in features]
    return geopandas.GeoDataFrame(rows, geometry="geometry", crs="EPSG:4326")


@pytest.mark.parametrize("question", QUESTIONS)
def test_numbers_equal_the_count(admin: Role, question: str) -> None:
    count = matched(admin, BUILDS, question)
    for group in GROUPS:
        found = ask(admin, BUILDS, f"group_by={group}&sum=geom_area_m2&{question}")
        assert found["numberMatched"] == found["total"]["count"] == count
        assert sum(one["count"] for one in found["groups"]) == count, group
        assert sum(one["sum"]["geom_area_m2"] or 0 for one in found["groups"]) == pytest.approx(
            found["total"]["sum"]["geom_area_m2"] or 0)
        assert found["numberOfGroups"] == len(found["groups"])


@pytest.mark.parametrize("question", [one for one in QUESTIONS if not one.startswith("status")])
def test_each_group_is_a_question_of_its_own(admin: Role, question: str) -> None:
    for one in ask(admin, BUILDS, f"group_by=status&{question}")["groups"]:
        assert one["count"] == matched(admin, BUILDS, f"status={one['key']['status']}&{question}")


def test_sums_by_state_and_month_are_those_of_pandas(admin: Role) -> None:
    table = frame(admin, BUILDS)
    found_at = pandas.to_datetime(table["found_at"], utc=True).dt.tz_convert("Asia/Shanghai")
    table["month"] = found_at.dt.strftime("%Y-%m").fillna("-")
    table["geom_area_m2"] = pandas.to_numeric(table["geom_area_m2"])
    wanted = table.groupby(["status", "month"], dropna=False).agg(n=("status", "size"), s=("geom_area_m2", "sum"))
    groups = ask(admin, BUILDS, "group_by=status,found_at.month&sum=geom_area_m2")["groups"]
    assert len(groups) == len(wanted)
    for one in groups:
        row = wanted.loc[(one["key"]["status"], one["key"]["found_at.month"] or "-")]
        assert one["count"] == row["n"]
        assert (one["sum"]["geom_area_m2"] or 0) == pytest.approx(row["s"])


def test_hexagons_hold_what_geopandas_finds_in_them(admin: Role) -> None:
    table = frame(admin, SIGNS)
    for one in ask(admin, SIGNS, "group_by=hexagon.150")["groups"]:
        hexagon = shapely.geometry.shape(one["geometry"])
        assert one["count"] == table.within(hexagon).sum()
        flat = geopandas.GeoSeries([hexagon], crs="EPSG:4326").to_crs("EPSG:4547")
        assert flat.area.iloc[0] == pytest.approx(1.5 * 3 ** 0.5 * 150 ** 2, rel=1e-4)


def test_the_office_clock_makes_the_days(admin: Role) -> None:
    table = frame(admin, BUILDS)
    days = pandas.to_datetime(table["found_at"], utc=True).dt.tz_convert("Asia/Shanghai").dt.strftime("%Y-%m-%d")
    found = ask(admin, BUILDS, "group_by=found_at.day")
    assert {one["key"]["found_at.day"]: one["count"] for one in found["groups"] if one["key"]["found_at.day"]} == (
        days.value_counts().to_dict())
    assert found["groups"][-1]["key"]["found_at.day"] is None
    assert found["groups"][-1]["title"]["found_at.day"] == "（空）"


def test_stock_is_what_came_less_what_left(admin: Role) -> None:
    found = ask(admin, SIGNS, "group_by=created_at.month&until=removed_at")
    table = frame(admin, SIGNS)
    assert found["trend"][-1]["stock"] == len(table) - table["removed_at"].notna().sum()
    assert min(one["stock"] for one in found["trend"]) >= 0
    assert sum(one["came"] for one in found["trend"]) == len(table)
    periods = [one["period"] for one in found["trend"]]
    assert periods == [str(one) for one in pandas.period_range(periods[0], periods[-1], freq="M")]


def test_a_feature_counts_for_each_of_its_codes(admin: Role, house: House) -> None:
    layer = next(one for one in house.catalogue.layers.values() if any(f.type == "codes" for f in one.fields))
    field = next(f.id for f in layer.fields if f.type == "codes")
    fill(house, layer.id, 12) if layer.id not in (BUILDS, SIGNS, ROUTES) else None
    table = frame(admin, layer.id)
    wanted = table[field].explode().value_counts(dropna=False).to_dict()
    for one in ask(admin, layer.id, f"group_by={field}")["groups"]:
        value = one["key"][field]
        assert one["count"] == (wanted[value] if value else table[field].isna().sum())


def test_retired_codes_and_no_value_are_shown_as_such(admin: Role, owner: House) -> None:
    from sqlalchemy import text

    with owner.db.engine.begin() as connection:
        connection.execute(text("UPDATE codes.build_type SET retired = true WHERE code = '01'"))
    try:
        groups = ask(admin, BUILDS, "group_by=build_type&lang=en")["groups"]
        assert [one["key"]["build_type"] for one in groups if one.get("retired") == ["build_type"]] == ["01"]
        rows = list(csv.reader(io.StringIO(
            admin.get(f"/collections/{BUILDS}/statistics?group_by=build_type&f=csv&lang=en").get_data(as_text=True))))
        assert rows[1][1].endswith("(retired)")
    finally:
        with owner.db.engine.begin() as connection:
            connection.execute(text("UPDATE codes.build_type SET retired = false WHERE code = '01'"))


def test_ranking_and_limit(admin: Role) -> None:
    every = ask(admin, BUILDS, "group_by=status&sum=geom_area_m2&sortby=-geom_area_m2")
    areas = [one["sum"]["geom_area_m2"] for one in every["groups"]]
    assert areas == sorted(areas, key=lambda one: -(one or 0))
    top = ask(admin, BUILDS, "group_by=status&sum=geom_area_m2&sortby=-geom_area_m2&limit=3")
    assert top["groups"] == every["groups"][:3]
    assert top["numberOfGroups"] == every["numberOfGroups"]
    assert top["total"] == every["total"]


def test_csv_opens_in_a_spreadsheet_and_runs_nothing(admin: Role, owner: House) -> None:
    from sqlalchemy import text

    with owner.db.engine.begin() as connection:
        connection.execute(text("SELECT set_config('gisapp.user', '=1+1', true)"))
        connection.execute(text("UPDATE layers.rooftop_signs SET sign_text = 'x' WHERE sign_kind = '01'"))
    answer = admin.get(f"/collections/{SIGNS}/statistics?group_by=updated_by&sum=area_m2&f=csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    body = answer.get_data()
    assert body.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
    assert rows[0][-2:] == ["数量", next(one for one in rows[0] if "m²" in one)]
    assert "'=1+1" in {row[0] for row in rows}
    assert rows[-1][0] == "合计"
    assert int(rows[-1][-2]) == sum(int(row[-2]) for row in rows[1:-1])


@pytest.mark.parametrize(("query", "status", "code"), [
    ("group_by=no_such", 400, "group_unknown"), ("group_by=case_no", 400, "group_unknown"),
    ("group_by=found_at.century", 400, "group_unknown"), ("group_by=status.month", 400, "group_unknown"),
    ("sum=status", 400, "sum_unknown"), ("sum=nothing", 400, "sum_unknown"), ("sum=version", 400, "sum_unknown"),
    ("group_by=hexagon.1", 400, "parameter_invalid"), ("group_by=hexagon.x", 400, "parameter_invalid"),
    ("group_by=hexagon.20,hexagon.30", 400, "parameter_invalid"),
    ("group_by=status,build_type,synthetic,street_code", 400, "parameter_invalid"),
    ("group_by=status&sortby=area", 400, "parameter_invalid"), ("group_by=status&limit=0", 400, "parameter_invalid"),
    ("group_by=status&until=found_at", 400, "parameter_invalid"), ("group_by=found_at&until=x", 400, "group_unknown"),
    ("group_by=status&group_by=status", 400, "parameter_repeated"), ("nonsense=1", 400, "parameter_unknown"),
    ("after=x", 400, "parameter_unknown"), ("filter=nonsense", 400, "filter_invalid"), ("f=shp", 400, "format_unknown"),
])
def test_what_cannot_be_asked_is_refused(admin: Role, query: str, status: int, code: str) -> None:
    assert ask(admin, BUILDS, query, status)["code"] == code


def test_an_unknown_layer_is_not_there(admin: Role) -> None:
    assert ask(admin, "no_such_layer", "group_by=status", 404)["code"] == "layer_unknown"


def test_a_masked_field_is_neither_grouped_nor_filtered(roles: dict[str, Role]) -> None:
    for query in ("group_by=party_name", "sum=party_phone", "party_name=x", _filter("party_name = 'x'")):
        assert ask(roles["viewer"], BUILDS, query, 403)["code"] == "field_masked"
        assert ask(roles["exporter"], BUILDS, query, 403)["code"] == "field_masked"
    assert ask(roles["inspector"], BUILDS, "group_by=party_name", 400)["code"] == "group_unknown"


def test_too_many_groups_are_refused(admin: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gisapp.statistics.MOST_GROUPS", 3)
    assert ask(admin, BUILDS, "group_by=status", 422)["code"] == "statistics_too_many"
    assert len(ask(admin, BUILDS, "group_by=status&limit=2")["groups"]) == 2


def test_without_groups_there_is_the_total(admin: Role) -> None:
    found = ask(admin, ROUTES, "sum=geom_length_m")
    assert found["groups"] == []
    assert found["total"]["count"] == matched(admin, ROUTES, "")
    assert found["total"]["sum"]["geom_length_m"] == pytest.approx(
        pandas.to_numeric(frame(admin, ROUTES)["geom_length_m"]).sum())
