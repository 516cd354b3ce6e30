"""Where a feature lies: assigned when it is written, and anew when boundaries change."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from gisapp.house import House
from gisapp.permissions import SYSTEM, Actor
from gisapp.territories import reassign
from tests.conftest import Role
from tests.test_api import sign
from tests.test_writes import BUILDS, SIGNS, build


def area(west: float, east: float) -> dict[str, Any]:
    ring = [[west, 31.6], [east, 31.6], [east, 31.8], [west, 31.8], [west, 31.6]]
    return {"type": "MultiPolygon", "coordinates": [[ring]]}


def territory(code: str, west: float, east: float) -> dict[str, Any]:
    return {"type": "Feature", "geometry": area(west, east), "properties": {"code": code, "name": f"{code}（虚构）"}}


@pytest.fixture(scope="module")
def streets(admin: Role) -> dict[str, str]:
    """Two streets side by side, meeting at 113.4 E; code → id."""
    made = {}
    for code, west, east in (("421303001", 113.3, 113.4), ("421303002", 113.4, 113.5)):
        answer = admin.post("/collections/streets/items", json=territory(code, west, east))
        assert answer.status_code == 201, answer.json
        made[code] = answer.json["id"]
    return made


def street_of(feature: dict[str, Any]) -> Any:
    return feature["properties"]["street_code"]


@pytest.mark.parametrize(("lon", "code"), [
    (113.35, "421303001"), (113.45, "421303002"), (113.4, "421303001"), (113.3, "421303001"), (113.9, None)])
def test_a_feature_belongs_to_the_street_it_stands_in(admin: Role, streets: Any, lon: float, code: str | None) -> None:
    one = admin.post(SIGNS, json=sign() | {"geometry": {"type": "Point", "coordinates": [lon, 31.7]}})
    assert street_of(one.json) == code


def test_a_client_cannot_choose_the_street(admin: Role, streets: Any) -> None:
    one = admin.post(SIGNS, json=sign(street_code="421303002")).json
    assert street_of(one) == "421303001"


def test_the_codes_follow_a_move_and_an_unmeasured_build(admin: Role, streets: Any) -> None:
    one = admin.post(BUILDS, json=build() | {"geometry": {"type": "Point", "coordinates": [113.35, 31.7]}}).json
    assert street_of(one) == "421303001"
    moved = admin.patch(f"{BUILDS}/{one['id']}", headers={"If-Match": '"1"'},
                        json={"geometry": {"type": "Point", "coordinates": [113.45, 31.7]}})
    assert street_of(moved.json) == "421303002"


def test_new_boundaries_reassign_just_what_lies_elsewhere(admin: Role, owner: House, streets: dict[str, str]) -> None:
    stays, moves = (admin.post(SIGNS, json=sign() | {"geometry": {"type": "Point", "coordinates": [lon, 31.75]}}).json
                    for lon in (113.32, 113.39))
    for code, bounds in (("421303001", (113.3, 113.38)), ("421303002", (113.38, 113.5))):
        address = f"/collections/streets/items/{streets[code]}"
        changed = admin.patch(address, json={"geometry": area(*bounds)}, headers={"If-Match": "*"})
        assert changed.status_code == 200, changed.json
    assert street_of(admin.get(f"{SIGNS}/{moves['id']}").json) == "421303001"
    changed_counts = reassign(owner, SYSTEM)
    assert changed_counts["rooftop_signs"] >= 1
    after = admin.get(f"{SIGNS}/{moves['id']}").json
    assert (street_of(after), after["properties"]["version"]) == ("421303002", 2)
    unmoved = admin.get(f"{SIGNS}/{stays['id']}").json
    assert (street_of(unmoved), unmoved["properties"]["version"]) == ("421303001", 1)
    assert reassign(owner, SYSTEM) == dict.fromkeys(changed_counts, 0)


def test_only_an_admin_reassigns(house: House) -> None:
    with pytest.raises(Exception, match="act_not_allowed"):
        reassign(house, Actor("1", "r", "reviewer"))


def test_an_inspector_of_a_squadron_writes_in_its_territory_only(
        admin: Role, owner: House, roles: dict[str, Role]) -> None:
    squadron = territory("ZD-1", 113.3, 113.35) | {}
    made = admin.post("/collections/squadron_territories/items", json=squadron)
    assert made.status_code == 201, made.json
    with owner.db.engine.begin() as connection:
        connection.execute(text("UPDATE gisapp.accounts SET squadron_code = 'ZD-1' WHERE role = 'inspector'"))
    inside, outside = ({"type": "Point", "coordinates": [lon, 31.7]} for lon in (113.32, 113.45))
    one = roles["inspector"].post(SIGNS, json=sign() | {"geometry": inside})
    assert one.status_code == 201
    refused = roles["inspector"].post(SIGNS, json=sign(sign_no="OUT") | {"geometry": outside})
    assert (refused.status_code, refused.json["code"]) == (403, "outside_territory")
    asked = {name: roles["inspector"].post("/collections/rooftop_signs/check", json=sign(sign_no=name) | {
        "geometry": place}).json for name, place in (("IN", inside), ("OUT", outside))}
    assert asked["IN"]["ok"] and not asked["OUT"]["ok"]
    assert [one["code"] for one in asked["OUT"]["rules"]] == ["outside_territory"]
    assert admin.get(f"{SIGNS}?sign_no=OUT").json["numberMatched"] == 0
    away = roles["inspector"].patch(f"{SIGNS}/{one.json['id']}", json={"geometry": outside},
                                    headers={"If-Match": '"1"'})
    assert away.status_code == 403
