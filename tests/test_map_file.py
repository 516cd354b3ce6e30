"""The map as one HTML file: what is in it, what is not, and who may have it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gisapp import map_file
from gisapp.cli import gisapp, layers as cli_layers
from gisapp.house import House
from tests.conftest import Role
from tests.samples import fill, sample_rows, store

LAYERS = "rooftop_signs,streets,roads"
JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def filled(house: House) -> list[dict[str, Any]]:
    fill(house, "streets", 2)
    fill(house, "roads", 3)
    return fill(house, "rooftop_signs", 6)


def saved(role: Role, **query: str) -> str:
    answer = role.get("/map/export", query_string={"layers": LAYERS} | query)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:800]
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Cache-Control"] == "no-store"
    return str(answer.get_data(as_text=True))


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert found
    data: dict[str, Any] = json.loads(found.group(1))
    return data


def signs(page: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = next(
        layer["features"] for layer in data_of(page)["layers"] if layer["rules"]["id"] == "rooftop_signs")
    return found


def test_the_file_needs_nothing_from_outside(admin: Role, filled: Any) -> None:
    page = saved(admin)
    markup = re.sub(r"<(script|style)[^>]*>.*?</\1>", "", page, flags=re.S)
    assert not re.search(r"\b(src|href)=", markup)
    assert "sourceMappingURL" not in page
    assert not re.search(r"url\((?!data:|\)|#)", "".join(re.findall(r"<style>(.*?)</style>", page, re.S)))
    assert "default-src 'none'" in page
    assert "'unsafe-inline'" not in page


def test_the_file_carries_the_selection(admin: Role, house: House, filled: list[dict[str, Any]]) -> None:
    state = filled[0]["status"]
    page = saved(admin, **{"rooftop_signs.status": state, "bbox": "113.37,31.68,113.40,31.70"})
    assert {one["properties"]["status"] for one in signs(page)} == {state}
    title = house.layer("rooftop_signs").state(state)
    assert title is not None
    assert title.title.zh in "".join(data_of(page)["question"]["zh"])
    assert [layer["rules"]["id"] for layer in data_of(page)["layers"]] == ["streets", "roads", "rooftop_signs"]


def test_the_file_shows_another_day(admin: Role, filled: Any) -> None:
    assert signs(saved(admin, as_of="2020-01-01")) == []
    assert len(signs(saved(admin, as_of="2099-01-01"))) == len(filled)


def test_personal_data_and_colleagues_stay_here(roles: dict[str, Role], house: House) -> None:
    personal = [field.id for field in house.layer("illegal_builds").fields if field.personal]
    store(house, "illegal_builds", [row | dict.fromkeys(personal, "8642097531")
                                    for row in sample_rows(house, "illegal_builds", 3)])
    page = saved(roles["admin"], layers="illegal_builds")
    assert "8642097531" not in page
    names = {name for layer in data_of(page)["layers"] for one in layer["features"] for name in one["properties"]}
    assert names.isdisjoint({*personal, "created_by", "updated_by"})
    for role in ("exporter", "admin"):
        for asked in ({f"illegal_builds.{personal[0]}": "x"}, {"illegal_builds.filter": f"{personal[0]}='x'"}):
            refused = roles[role].get("/map/export", query_string={"layers": "illegal_builds"} | asked, headers=JSON)
            assert (refused.status_code, refused.json["code"]) == (403, "field_masked")


def test_words_of_users_cannot_leave_their_place(admin: Role, house: House) -> None:
    bad = "</script><script>alert(1)</script>"
    rows = sample_rows(house, "vendor_points", 1)
    store(house, "vendor_points", [row | {"name": bad} for row in rows])
    page = saved(admin, layers="vendor_points")
    assert bad not in page
    assert data_of(page)["layers"][0]["features"][0]["properties"]["name"] == bad


@pytest.mark.parametrize("role", ["viewer", "inspector"])
def test_who_may_not_export_gets_no_file(roles: dict[str, Role], role: str, filled: Any) -> None:
    answer = roles[role].get(f"/map/export?layers={LAYERS}", headers=JSON)
    assert (answer.status_code, answer.json["code"]) == (403, "act_not_allowed")


def test_too_much_is_refused_and_dense_ground_left_out(
        admin: Role, filled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_file, "MOST_GROUND", 2)
    page = saved(admin)
    assert data_of(page)["missing"]["zh"] == "道路"
    monkeypatch.setattr(map_file, "MOST", 2)
    answer = admin.get(f"/map/export?layers={LAYERS}", headers=JSON)
    assert (answer.status_code, answer.json["code"]) == (422, "map_file_too_many")
    monkeypatch.setattr(map_file, "MOST", 100)
    monkeypatch.setattr(map_file, "MOST_BYTES", 1000)
    answer = admin.get(f"/map/export?layers={LAYERS}", headers=JSON)
    assert (answer.status_code, answer.json["code"]) == (422, "map_file_too_large")


def test_a_file_is_noted_in_the_access_log(admin: Role, filled: Any) -> None:
    saved(admin)
    assert "html" in admin.get("/admin/log?lang=en").get_data(as_text=True)


def test_the_command_writes_the_same(
        owner: House, filled: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from contextlib import nullcontext

    monkeypatch.setattr(cli_layers, "owner_house", lambda: nullcontext(owner))
    target = tmp_path / "map.html"
    done = CliRunner().invoke(gisapp, ["map", "export", str(target), "--layers", LAYERS, "--lang", "en",
                                       "--filter", f"rooftop_signs.status={filled[0]['status']}"])
    assert done.exit_code == 0, done.output
    page = target.read_text("utf-8")
    assert '<html lang="en">' in page
    assert {one["properties"]["status"] for one in signs(page)} == {filled[0]["status"]}
    wrong = CliRunner().invoke(gisapp, ["map", "export", str(target), "--layers", "nowhere"])
    assert wrong.exit_code != 0
