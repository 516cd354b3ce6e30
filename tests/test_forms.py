"""Features by form, on the real database: new, changed, changed by two, wrong, sent twice; and the inputs alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import given, settings as hypothesis_settings, strategies as st
from sqlalchemy import text
from werkzeug.datastructures import MultiDict

from gisapp import edits, form_shapes
from gisapp.accounts import people
from gisapp.catalogue import load_catalogue
from gisapp.cluster import Cluster
from gisapp.config import ROOT, Settings
from gisapp.edits import Edition
from gisapp.form_inputs import Drawing
from gisapp.forms import Form, at_clock, to_text, to_value
from gisapp.house import House
from gisapp.layers import Field
from gisapp.permissions import SYSTEM
from gisapp.rules import RULES
from gisapp.schema import ValueFault, check_value
from gisapp.words import Words
from tests.browser_client import Browser
from tests.conftest import Role, copy_database, fresh_settings
from tests.form_page import FormPage
from tests.samples import add_squadron, fill
from tests.test_api import sign

CATALOGUE = load_catalogue(ROOT / "layers", RULES)
MISSION = [layer.id for layer in CATALOGUE.layers.values() if layer.states]
SHANGHAI = ZoneInfo("Asia/Shanghai")
SIGNS, SIGN_ITEMS = "/forms/rooftop_signs", "/collections/rooftop_signs/items"
BUILDS, BUILD_ITEMS = "/forms/illegal_builds", "/collections/illegal_builds/items"
RING = [[113.38, 31.69], [113.381, 31.69], [113.381, 31.691], [113.38, 31.691], [113.38, 31.69]]
BOW_TIE = [[113.38, 31.69], [113.381, 31.691], [113.381, 31.69], [113.38, 31.691], [113.38, 31.69]]
OUTLINE = json.dumps({"type": "Polygon", "coordinates": [RING]})
SHAPES = {
    "MultiPolygon": OUTLINE,
    "MultiLineString": json.dumps({"type": "LineString", "coordinates": RING[:3]}),
    "MultiPoint": json.dumps({"type": "MultiPoint", "coordinates": RING[:2]}),
}


@pytest.fixture(scope="module")
def settings(cluster: Cluster, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Nobody asks about duplicates here: everything is put at one place. tests/test_form_consent.py does."""
    copy_database(cluster, migrated, "test_forms")
    return fresh_settings(cluster, "test_forms", tmp_path_factory.mktemp("forms"), duplicate_metres=0)


def send(client: Role, path: str, fields: Any, **more: str) -> Any:
    """The answer to a form with some fields changed."""
    sent: MultiDict[str, str] = MultiDict(fields)
    for name, value in more.items():
        sent[name.replace("__", "-")] = value
    return client.post(path, data=sent, headers={"Accept": "text/html"})


def show(client: Role, path: str) -> FormPage:
    answer = client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text[:500]
    return FormPage(answer.text)


def new_sign(client: Role, **more: Any) -> str:
    answer = client.post(SIGN_ITEMS, json=sign(**more))
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def stored(client: Role, layer: str, feature_id: str) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(f"/collections/{layer}/items/{feature_id}").json
    return answer


def minimal(form: FormPage, layer_id: str) -> dict[str, str]:
    """The least that a layer's form can be saved with."""
    layer, fields = CATALOGUE.layers[layer_id], {}
    for one in layer.fields:
        if not one.required:
            continue
        name = f"f-{one.id}"
        match one.type:
            case "text":
                fields[name] = uuid4().hex[:min(12, one.max_length or 12)]
            case "integer" | "number":
                fields[name] = "1"
            case "date":
                fields[name] = "2024-11-13"
            case "datetime":
                fields[name] = "2024-11-13T08:30"
            case "boolean":
                fields[name] = "true"
            case _:
                fields[name] = next(code for code in form.options[name] if code)
    return fields | minimal_place(layer_id)


def minimal_place(layer_id: str) -> dict[str, str]:
    layer = CATALOGUE.layers[layer_id]
    slot = next((slot for slot in form_shapes.slots(layer) if slot.kind == "place"), None)
    if slot is not None:
        return dict(zip(slot.names, ("113.3805", "31.6905"), strict=True))
    return {"f-geom": SHAPES[layer.geometry]}


@pytest.mark.parametrize("layer_id", list(CATALOGUE.layers))
def test_every_layer_has_a_form_in_both_languages(admin: Role, layer_id: str) -> None:
    layer = CATALOGUE.layers[layer_id]
    for language in ("zh", "en"):
        page = admin.get(f"/forms/{layer_id}?lang={language}").text
        for field in layer.fields:
            assert f'name="f-{field.id}"' in page
            assert field.title.get(language) in page.replace("&#39;", "'").replace("&amp;", "&")


@pytest.mark.parametrize("layer_id", MISSION)
def test_the_least_record_of_a_mission_layer_is_saved(roles: dict[str, Role], layer_id: str) -> None:
    form = show(roles["inspector"], f"/forms/{layer_id}")
    answer = send(roles["inspector"], f"/forms/{layer_id}", dict(form.fields) | minimal(form, layer_id))
    assert (answer.status_code, answer.location) == (303, f"/panel/{layer_id}/{form.fields['id']}"), answer.text
    page = roles["inspector"].get(answer.location, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "<html" in page.text
    feature = stored(roles["inspector"], layer_id, form.fields["id"])
    assert feature["properties"]["status"] == CATALOGUE.layers[layer_id].states[0].id


@pytest.mark.parametrize("layer_id", list(CATALOGUE.layers))
def test_a_form_saved_as_it_is_changes_nothing(admin: Role, house: House, layer_id: str) -> None:
    for row in fill(house, layer_id, 6):
        before = stored(admin, layer_id, str(row["id"]))
        path = f"/forms/{layer_id}/{row['id']}"
        answer = admin.post(path, data=show(admin, path).fields)
        assert answer.status_code == 303, answer.text
        assert stored(admin, layer_id, str(row["id"])) == before


@pytest.mark.parametrize("layer_id", list(CATALOGUE.layers))
def test_a_form_filled_with_a_record_makes_the_same_record(admin: Role, house: House, layer_id: str) -> None:
    """Values to inputs to values, through the page: a copy has the same properties and the same geometry."""
    layer = CATALOGUE.layers[layer_id]
    for row in house.db and _rows(house, layer_id):
        copied = show(admin, f"/forms/{layer_id}/{row}")
        fresh = show(admin, f"/forms/{layer_id}")
        sent = MultiDict((name, value) for name, value in copied.fields.items(multi=True) if name != "version")
        sent["id"] = fresh.fields["id"]
        for field in layer.fields:
            if field.unique:
                sent[f"f-{field.id}"] = uuid4().hex[:min(12, field.max_length or 12)]
        one = stored(admin, layer_id, row)
        if layer.rules:  # two may not lie on one place
            admin.delete(f"/collections/{layer_id}/items/{row}", headers={"If-Match": "*"})
        answer = admin.post(f"/forms/{layer_id}", data=sent)
        assert answer.status_code == 303, answer.text
        other = stored(admin, layer_id, sent["id"])
        names = [f.id for f in layer.writable_fields if not f.unique]
        assert {n: one["properties"][n] for n in names} == {n: other["properties"][n] for n in names}
        assert one["geometry"] == other["geometry"]


def _rows(house: House, layer_id: str) -> list[str]:
    with house.db.read() as connection:
        found = connection.execute(text(f"SELECT id::text FROM layers.{layer_id} ORDER BY id LIMIT 6"))
        return [row.id for row in found]


def test_an_edit_changes_only_what_was_changed(admin: Role) -> None:
    number = new_sign(admin, remark="before", found_at="2024-11-13T08:30:12.345678+08:00")
    form = show(admin, f"{SIGNS}/{number}")
    assert form.kinds["f-found_at"] == "datetime-local"
    assert form.fields["f-found_at"] == "2024-11-13T08:30:12"
    assert send(admin, f"{SIGNS}/{number}", form.fields, f__remark="after").status_code == 303
    after = stored(admin, "rooftop_signs", number)["properties"]
    assert (after["remark"], after["version"]) == ("after", 2)
    assert after["found_at"].startswith("2024-11-13T00:30:12.345678")


def test_nothing_changed_makes_no_version(admin: Role) -> None:
    number = new_sign(admin)
    assert send(admin, f"{SIGNS}/{number}", show(admin, f"{SIGNS}/{number}").fields).status_code == 303
    assert stored(admin, "rooftop_signs", number)["properties"]["version"] == 1


def test_times_are_those_of_the_office(admin: Role) -> None:
    form = show(admin, SIGNS)
    sent = dict(form.fields) | minimal(form, "rooftop_signs") | {"f-found_at": "2024-11-13T08:30"}
    assert send(admin, SIGNS, sent).status_code == 303
    found = stored(admin, "rooftop_signs", form.fields["id"])["properties"]["found_at"]
    assert datetime.fromisoformat(found) == datetime(2024, 11, 13, 0, 30, tzinfo=UTC)


def test_sent_twice_it_is_one_record(admin: Role, house: House) -> None:
    form = show(admin, SIGNS)
    sent = dict(form.fields) | minimal(form, "rooftop_signs")
    assert [send(admin, SIGNS, sent).status_code for _ in range(2)] == [303, 303]
    with house.db.read() as connection:
        count = connection.execute(text("SELECT count(*) FROM layers.rooftop_signs WHERE sign_no = :no"),
                                   {"no": sent["f-sign_no"]}).scalar()
    assert count == 1
    other = send(admin, SIGNS, sent, f__remark="typed after going back")
    assert other.status_code == 409
    assert f'href="{SIGNS}/{form.fields["id"]}"' in other.text
    assert "typed after going back" in other.text


@pytest.mark.parametrize(("name", "value", "zh", "en"), [
    ("f-sign_no", "", "必填", "is required"),
    ("f-sign_no", "x" * 500, "最多", "at most"),
    ("f-area_m2", "much", "应为数字", "wants a number"),
    ("f-area_m2", "１２", "应为数字", "wants a number"),
    ("f-area_m2", "-1", "不能小于", "may not be below"),
    ("f-area_m2", "1.23456789", "位小数", "decimals"),
    ("f-found_at", "yesterday", "应为时间", "wants a time"),
    ("f-sign_kind", "no-such", "不是代码表中的值", "is not in the code list"),
    ("f-geom-lat", "", "经度和纬度都要填写", "wants longitude and latitude"),
    ("f-geom-lon", "113,38", "经度和纬度都要填写", "wants longitude and latitude"),
    ("f-geom-lon", "1_1", "经度和纬度都要填写", "wants longitude and latitude"),
])
def test_a_wrong_value_is_shown_at_its_field(admin: Role, name: str, value: str, zh: str, en: str) -> None:
    form = show(admin, SIGNS)
    sent = dict(form.fields) | minimal(form, "rooftop_signs") | {name: value, "f-remark": "<b>kept</b>"}
    for language, words in (("zh", zh), ("en", en)):
        answer = send(admin, f"{SIGNS}?lang={language}", sent)
        assert answer.status_code == 422
        assert answer.text.count(words) >= 2
        assert 'aria-invalid="true"' in answer.text
        assert "&lt;b&gt;kept&lt;/b&gt;" in answer.text
        again = FormPage(answer.text)
        assert again.fields["id"] == form.fields["id"]
        assert again.fields[name] == ("" if name == "f-sign_kind" else value)


@pytest.mark.parametrize(("given", "zh", "en"), [
    ("not json", "不是有效的 GeoJSON", "is not valid GeoJSON"),
    ("[1, 2]", "应为一个 GeoJSON 几何", "wants one GeoJSON geometry"),
    ('{"type": "Point", "coordinates": [113.38, 31.69]}', "点请填写在", "give a point as"),
    ('{"type": "Polygon", "coordinates": [[NaN]]}', "不是有效的 GeoJSON", "is not valid GeoJSON"),
])
def test_text_that_is_no_geometry_is_refused_at_its_field(admin: Role, given: str, zh: str, en: str) -> None:
    form = show(admin, BUILDS)
    sent = dict(form.fields) | minimal(form, "illegal_builds") | {"f-geom": given}
    for language, words in (("zh", zh), ("en", en)):
        answer = send(admin, f"{BUILDS}?lang={language}", sent)
        assert answer.status_code == 422
        assert words in answer.text
        assert FormPage(answer.text).fields["f-geom"] == given


@pytest.mark.parametrize(("geometry", "status", "zh", "en"), [
    (json.dumps({"type": "Polygon", "coordinates": [BOW_TIE]}), 422, "几何无效", "The geometry is not valid"),
    ('{"type": "LineString", "coordinates": [[113, 31], [114, 31]]}', 422, "几何类型是", "The geometry is a"),
    (OUTLINE.replace("113.38,", "1130,"), 422, "坐标超出", "outside the valid range"),
    ('{"type": "Polygon", "coordinates": "x"}', 400, "GeoJSON 要素", "GeoJSON feature"),
])
def test_other_problems_are_told_above_the_form(admin: Role, geometry: str, status: int, zh: str, en: str) -> None:
    form = show(admin, BUILDS)
    sent = dict(form.fields) | minimal(form, "illegal_builds") | {"f-geom": geometry, "f-remark": "kept"}
    for language, words in (("zh", zh), ("en", en)):
        answer = send(admin, f"{BUILDS}?lang={language}", sent)
        assert answer.status_code == status
        assert words in answer.text
        assert FormPage(answer.text).fields["f-remark"] == "kept"


def test_a_number_that_another_feature_has_is_told_with_its_title(admin: Role) -> None:
    taken = stored(admin, "rooftop_signs", new_sign(admin))["properties"]["sign_no"]
    form = show(admin, SIGNS)
    sent = dict(form.fields) | minimal(form, "rooftop_signs") | {"f-sign_no": taken}
    answer = send(admin, f"{SIGNS}?lang=en", sent)
    assert answer.status_code == 409
    title = CATALOGUE.layers["rooftop_signs"].field("sign_no").title.en
    assert f"The value of field “{title}” is already used" in answer.text


def test_states_on_offer_are_the_present_one_and_those_that_follow(roles: dict[str, Role]) -> None:
    form = show(roles["inspector"], BUILDS)
    layer = CATALOGUE.layers["illegal_builds"]
    assert form.options["f-status"] == [state.id for state in layer.states]
    assert send(roles["inspector"], BUILDS, dict(form.fields) | minimal(form, "illegal_builds")).status_code == 303
    path = f"{BUILDS}/{form.fields['id']}"
    edit = show(roles["inspector"], path)
    assert edit.options["f-status"] == ["01", "02", "10"]
    assert show(roles["reviewer"], path).options["f-status"] == [state.id for state in layer.states]
    answer = send(roles["inspector"], f"{path}?lang=en", edit.fields, f__status="11")
    assert answer.status_code == 422
    assert "“Case closed” cannot follow “Suspected”" in answer.text
    assert send(roles["inspector"], path, edit.fields, f__status="02").status_code == 303


def test_a_build_begins_as_a_point_and_gets_its_outline(admin: Role) -> None:
    form = show(admin, f"{BUILDS}?lon=113.3801&lat=31.6902")
    assert (form.fields["f-mark_point-lon"], form.fields["f-mark_point-lat"]) == ("113.3801", "31.6902")
    filled = dict(form.fields) | {"f-case_no": uuid4().hex[:12], "f-build_type": "01"}
    assert send(admin, BUILDS, filled).status_code == 303
    path = f"{BUILDS}/{form.fields['id']}"
    edit = show(admin, path)
    assert edit.fields["f-geom"] == ""
    assert send(admin, path, edit.fields, f__geom=OUTLINE).status_code == 303
    measured = stored(admin, "illegal_builds", form.fields["id"])
    assert measured["geometry"]["type"] == "MultiPolygon"
    assert measured["properties"]["mark_point"]["coordinates"] == [113.3801, 31.6902]
    edit = show(admin, path)
    moved = {"f__mark_point-lon": "113.3802"}
    assert send(admin, path, edit.fields, **moved).status_code == 303
    assert send(admin, path, show(admin, path).fields, f__geom="").status_code == 303
    last = stored(admin, "illegal_builds", form.fields["id"])
    assert last["geometry"] == {"type": "Point", "coordinates": [113.3802, 31.6902]}
    gone = dict(show(admin, path).fields) | {"f-mark_point-lon": "", "f-mark_point-lat": ""}
    answer = send(admin, path, gone)
    assert answer.status_code == 422
    assert "缺少几何" in answer.text


def test_a_geometry_too_long_for_a_page_stays_as_it_is(admin: Role) -> None:
    many = [[113.38 + n * 1e-6, 31.69 + (n % 7) * 1e-6] for n in range(4000)]
    feature = {"type": "Feature", "properties": {"route_no": uuid4().hex[:12]},
               "geometry": {"type": "LineString", "coordinates": many}}
    form = show(admin, "/forms/truck_routes")
    sent = dict(form.fields) | minimal(form, "truck_routes") | {"f-geom": json.dumps(feature)}
    assert send(admin, "/forms/truck_routes", sent).status_code == 303
    path = f"/forms/truck_routes/{form.fields['id']}"
    page = admin.get(f"{path}?lang=en").text
    assert "has 4000 vertices" in page
    assert send(admin, path, FormPage(page).fields, f__remark="longer").status_code == 303
    assert len(stored(admin, "truck_routes", form.fields["id"])["geometry"]["coordinates"][0]) == 4000


def test_a_retired_code_stays_until_another_is_chosen() -> None:
    layer, old, other = CATALOGUE.layers["rooftop_signs"], "01", "02"
    codelist = CATALOGUE.codelists[layer.field("sign_kind").codelist or ""]
    codes = tuple(replace(code, retired=code.id == old) for code in codelist.codes)
    catalogue = replace(CATALOGUE, codelists=CATALOGUE.codelists | {codelist.id: replace(codelist, codes=codes)})
    form = Form(layer, catalogue, SHANGHAI)

    def options(kind: str) -> list[str]:
        feature = sign(sign_kind=kind)
        found = {one.id: one for one in Drawing(form, "zh", stored=feature).inputs(form.texts(feature))}
        return [option.id for option in found["sign_kind"].options]

    assert old in options(old)
    assert old not in options(other)
    edition = Edition(1, sign(sign_kind=old))
    texts = form.texts(edition.feature)
    assert edits.patch(form, edition, texts | {"remark": "new"}) == (
        {"type": "Feature", "properties": {"remark": "new"}}, [])
    assert edits.patch(form, Edition(1, sign(sign_kind=other)), {"sign_kind": old})[1][0]["code"] == "code_retired"


def test_a_geometry_of_a_megabyte_can_be_pasted(admin: Role) -> None:
    many = [[113.38 + n * 1e-6, 31.69 + (n % 7) * 1e-6] for n in range(30_000)]
    form = show(admin, "/forms/truck_routes")
    line = json.dumps({"type": "LineString", "coordinates": many})
    assert len(line) > 900_000
    sent = dict(form.fields) | minimal(form, "truck_routes") | {"f-geom": line}
    assert send(admin, "/forms/truck_routes", sent).status_code == 303


# --- two people ---------------------------------------------------------------------------------------------

def test_a_stale_form_shows_both_sides_and_loses_nothing(roles: dict[str, Role]) -> None:
    number = new_sign(roles["admin"], remark="at first", width_m=2, address="old street")
    path = f"{SIGNS}/{number}"
    mine, theirs = show(roles["inspector"], path).fields, show(roles["reviewer"], path).fields
    assert send(roles["reviewer"], path, theirs, f__remark="theirs <b>", f__width_m="3").status_code == 303
    answer = send(roles["inspector"], f"{path}?lang=en", mine, f__remark="mine", f__address="new street")
    assert answer.status_code == 412
    assert "reviewer changed this record meanwhile" in answer.text
    assert "theirs &lt;b&gt;" in answer.text
    form = FormPage(answer.text)
    assert form.fields["version"] == "2"
    assert form.fields.getlist("conflict") == ["remark"]
    assert (form.fields["f-remark"], form.fields["f-address"]) == ("mine", "new street")
    assert Decimal(form.fields["f-width_m"]) == 3
    undecided = send(roles["inspector"], path, form.fields)
    assert undecided.status_code == 422
    assert "请选择保留哪一个值" in undecided.text
    assert FormPage(undecided.text).fields["f-remark"] == "mine"
    assert send(roles["inspector"], path, form.fields, choice__remark="mine").status_code == 303
    after = stored(roles["inspector"], "rooftop_signs", number)["properties"]
    assert (after["remark"], after["width_m"], after["address"], after["version"]) == ("mine", 3, "new street", 3)


def test_the_stored_value_may_be_chosen(roles: dict[str, Role]) -> None:
    number = new_sign(roles["admin"], remark="at first")
    path = f"{SIGNS}/{number}"
    mine = show(roles["inspector"], path).fields
    send(roles["reviewer"], path, show(roles["reviewer"], path).fields, f__remark="theirs")
    form = FormPage(send(roles["inspector"], path, mine, f__remark="mine", f__address="also mine").text)
    assert send(roles["inspector"], path, form.fields, choice__remark="stored").status_code == 303
    after = stored(roles["inspector"], "rooftop_signs", number)["properties"]
    assert (after["remark"], after["address"]) == ("theirs", "also mine")


def test_a_moved_place_clashes_too(roles: dict[str, Role]) -> None:
    number = new_sign(roles["admin"])
    path = f"{SIGNS}/{number}"
    mine = show(roles["inspector"], path).fields
    send(roles["reviewer"], path, show(roles["reviewer"], path).fields, **{"f__geom-lon": "113.39"})
    form = FormPage(send(roles["inspector"], path, mine, **{"f__geom-lon": "113.40"}).text)
    assert form.fields.getlist("conflict") == ["geom"]
    assert form.fields["f-geom-lon"] == "113.40"
    assert send(roles["inspector"], path, form.fields, choice__geom="mine").status_code == 303
    assert stored(roles["admin"], "rooftop_signs", number)["geometry"]["coordinates"][0] == 113.4


@pytest.mark.parametrize("version", ["", "x", "-1", "１", "1" * 12])
def test_a_version_that_is_none_is_refused(admin: Role, version: str) -> None:
    number = new_sign(admin)
    fields = show(admin, f"{SIGNS}/{number}").fields
    assert send(admin, f"{SIGNS}/{number}", fields, version=version).status_code == 400


def test_a_version_that_never_was_counts_as_stale(admin: Role) -> None:
    number = new_sign(admin, remark="there")
    fields = show(admin, f"{SIGNS}/{number}").fields
    answer = send(admin, f"{SIGNS}/{number}", fields, version="77", f__remark="typed")
    assert answer.status_code == 412
    assert FormPage(answer.text).fields.getlist("conflict") == ["remark"]


# --- who --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("role", "status"), [
    ("viewer", 403), ("exporter", 403), ("inspector", 200), ("reviewer", 200), ("admin", 200)])
def test_roles_see_and_send_forms_as_the_table_says(roles: dict[str, Role], role: str, status: int) -> None:
    number = new_sign(roles["admin"])
    for path in (SIGNS, f"{SIGNS}/{number}"):
        assert roles[role].get(path).status_code == status
        sent = show(roles["admin"], path).fields
        assert roles[role].post(path, data=sent).status_code == (403 if status == 403 else {
            SIGNS: 422}.get(path, 303))
    panel = roles[role].get(f"/panel/rooftop_signs/{number}").text
    items = roles[role].get(f"{SIGN_ITEMS}?f=html").text
    assert (f'href="{SIGNS}/{number}"' in panel) == (status == 200)
    assert (f'href="{SIGNS}"' in items) == (status == 200)
    assert (f'href="{SIGNS}"' in roles[role].get("/map").text) == (status == 200)


def test_a_squadron_has_forms_of_its_own_territory_only(roles: dict[str, Role], owner: House) -> None:
    number = new_sign(roles["admin"])
    with owner.db.read() as connection:
        account = people.find_by_name(connection, "inspector")
    assert account is not None
    form = show(roles["inspector"], SIGNS)
    add_squadron(owner, "Z1")
    people.set_squadron(owner, SYSTEM, str(account.id), "Z1")
    try:
        elsewhere = roles["inspector"].get(f"{SIGNS}/{number}", headers={"Accept": "text/html"})
        panel = roles["inspector"].get(f"/panel/rooftop_signs/{number}?lang=en").text
        sent = dict(form.fields) | minimal(form, "rooftop_signs") | {"f-remark": "kept"}
        answer = send(roles["inspector"], f"{SIGNS}?lang=en", sent)
    finally:
        people.set_squadron(owner, SYSTEM, str(account.id), None)
    assert elsewhere.status_code == 403
    assert "It lies outside your territory" in panel
    for offered in (f'href="{SIGNS}/{number}"', 'data-act="state"', 'data-act="split"', 'data-act="pick"'):
        assert offered not in panel
    assert answer.status_code == 403
    assert "outside your territory (Z1)" in answer.text
    assert FormPage(answer.text).fields["f-remark"] == "kept"


def test_a_browser_sends_the_form_with_its_token_only(app: Flask, accounts: dict[str, dict[str, str]]) -> None:
    browser = Browser(app)
    browser.sign_in("inspector", accounts["inspector"]["password"])
    form = FormPage(browser.get(SIGNS).text)
    sent = dict(form.fields) | minimal(form, "rooftop_signs")
    assert browser.post(SIGNS, data=sent | {"csrf_token": ""}).status_code == 403
    answer = browser.post(SIGNS, data=sent)
    assert answer.status_code == 303
    assert "记录已保存" in browser.get(answer.location).text
    assert Browser(app).get(SIGNS).location == f"/sign-in?next={SIGNS.replace('/', '%2F')}"


@pytest.mark.parametrize(("path", "status"), [
    ("/forms/nowhere", 404), ("/forms/rooftop_signs/x", 400),
    ("/forms/rooftop_signs/00000000-0000-4000-8000-000000000000", 404)])
def test_what_is_not_there_has_no_form(admin: Role, path: str, status: int) -> None:
    assert admin.get(path).status_code == status
    assert admin.post(path, data={"version": "1", "id": "x"}).status_code == status


def test_a_new_form_needs_its_number(admin: Role) -> None:
    assert admin.post(SIGNS, data={"id": "no number"}).status_code == 400


# --- values → inputs → values ----------------------------------------------------------------------------

ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "UTC"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=40)
CODELIST = CATALOGUE.codelists["vendor_facilities"]


def a_field(kind: str, **more: Any) -> Field:
    return Field("value", Words("值", "Value"), kind, "V", **more)


VALUES = st.one_of(
    st.tuples(st.just(a_field("text", max_length=99)), TEXTS.filter(str.strip)),
    st.tuples(st.just(a_field("integer")), st.integers(-2**63 + 1, 2**63 - 1)),
    st.tuples(st.just(a_field("number", decimals=2)), st.decimals(-10**12, 10**12, places=2).map(float)),
    st.tuples(st.just(a_field("number")), st.floats(-1e14, 1e14)),
    st.tuples(st.just(a_field("boolean")), st.booleans()),
    st.tuples(st.just(a_field("date")), st.dates().map(date.isoformat)),
    st.tuples(st.just(a_field("datetime")), st.datetimes(
        datetime(1000, 1, 1), datetime(9999, 12, 30), timezones=st.just(UTC)).map(
            lambda moment: moment.replace(microsecond=0).isoformat())),
    st.tuples(st.just(a_field("code", codelist=CODELIST.id)), st.sampled_from(list(CODELIST.by_id))),
    st.tuples(st.just(a_field("codes", codelist=CODELIST.id)), st.lists(
        st.sampled_from(list(CODELIST.by_id)), min_size=1, unique=True)),
)


@given(VALUES, st.sampled_from(ZONES))
@hypothesis_settings(deadline=None, max_examples=400)
def test_a_value_comes_back_from_its_input(given: tuple[Field, Any], zone: str) -> None:
    field, value = given
    codes = CODELIST if field.codelist else None
    back = to_value(field, to_text(field, value, ZoneInfo(zone)), ZoneInfo(zone))
    expected = check_value(field, codes, value)
    if field.type == "text":
        expected = expected.replace("\r\n", "\n").replace("\r", "\n")
    assert check_value(field, codes, back) == expected


@given(st.text(max_size=30), st.sampled_from(["integer", "number", "date", "datetime", "boolean", "code"]))
@hypothesis_settings(deadline=None, max_examples=400)
def test_any_text_is_a_value_or_a_fault(typed: str, kind: str) -> None:
    field = a_field(kind, codelist=CODELIST.id if kind == "code" else None)
    try:
        check_value(field, CODELIST if kind == "code" else None, to_value(field, typed, SHANGHAI))
    except ValueFault as fault:
        assert fault.zh
        assert fault.en


@given(st.text(max_size=60) | st.just('{"type": "Polygon", "coordinates": []}'), st.booleans())
@hypothesis_settings(deadline=None, max_examples=200)
def test_any_text_is_a_geometry_or_a_fault(typed: str, place: bool) -> None:
    layer = CATALOGUE.layers["rooftop_signs" if place else "illegal_builds"]
    slot = next(slot for slot in form_shapes.slots(layer) if (slot.kind == "place") == place)
    try:
        shape = slot.shape((typed, typed) if place else typed)
    except ValueFault:
        return
    assert shape is None or "coordinates" in shape


SIDES = st.fixed_dictionaries({
    "remark": st.sampled_from([None, "a", "b"]), "address": st.sampled_from([None, "c", "d"]),
    "width_m": st.sampled_from([None, 1.0, 2.5])})


@given(SIDES, SIDES, SIDES)
@hypothesis_settings(deadline=None, max_examples=200)
def test_two_changes_are_put_together_field_by_field(base: Any, now: Any, typed: Any) -> None:
    """What only one side changed is kept; what both changed differently is asked for; nothing else is."""
    form = Form(CATALOGUE.layers["rooftop_signs"], CATALOGUE, SHANGHAI)
    first, second, mine = ({"geometry": None, "properties": side} for side in (base, now, typed))
    made = edits.clash(form, Edition(1, first), Edition(2, second), form.texts(mine))
    wanted = form.texts({"geometry": None, "properties": {
        name: typed[name] if typed[name] != base[name] else now[name] for name in base}})
    assert made.texts == wanted
    assert made.both == {n for n in base if len({str(side[n]) for side in (base, now, typed)}) == 3}
    assert made.theirs == {name for name in base if now[name] != base[name]}


def test_a_time_the_clocks_never_showed_or_showed_twice_is_asked_for() -> None:
    berlin, field = ZoneInfo("Europe/Berlin"), a_field("datetime")
    with pytest.raises(ValueFault, match="skipped"):
        to_value(field, "2024-03-31T02:30", berlin)
    with pytest.raises(ValueFault, match="twice"):
        to_value(field, "2024-10-27T02:30", berlin)
    assert to_value(field, "2024-10-27T02:30+01:00", berlin) == "2024-10-27T01:30:00+00:00"
    assert to_text(field, "2024-10-27T01:30:00+00:00", berlin) == "2024-10-27T02:30:00+01:00"
    assert at_clock(datetime(2024, 7, 1, 12), berlin).utcoffset() is not None
