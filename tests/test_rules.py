"""Topology rules by name, on the real database: what they refuse, what they let pass, two writers at once."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from gisapp import changes
from gisapp.crs import CRS84
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.marking.check import check
from gisapp.permissions import SYSTEM
from tests.conftest import Role
from tests.test_writes import created

STREETS = "/collections/streets/items"
TERRITORIES = "/collections/squadron_territories/items"
CM = 9e-8  # degrees, about a centimetre


def box(west: float, south: float, width: float = .01, height: float = .01) -> dict[str, Any]:
    east, north = west + width, south + height
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def area(shape: dict[str, Any], **more: Any) -> dict[str, Any]:
    code = uuid4().hex[:8]
    return {"type": "Feature", "geometry": shape, "properties": {"code": code, "name": f"{code}街道"} | more}


def test_areas_that_share_a_border_are_fine(admin: Role) -> None:
    for shape in (box(113.0, 31.0), box(113.01, 31.0), box(113.0, 31.01), box(112.99 + CM, 31.0)):
        created(admin, STREETS, area(shape))  # the last one reaches a centimetre over: that is rounding


def test_an_overlap_is_refused_with_its_place_and_the_other(admin: Role) -> None:
    made = created(admin, STREETS, area(box(114.0, 31.0), name="城东街道（虚构）"))
    answer = admin.post(STREETS, json=area(box(114.008, 31.0)))
    assert (answer.status_code, answer.json["code"], answer.json["rule"]) == (422, "rule_broken", "no_overlap")
    assert answer.json["other"] == made["id"]
    assert "城东街道" in answer.json["zh"]
    lon, lat = answer.json["point"]["coordinates"]
    assert 114.008 < lon < 114.01
    assert 31.0 < lat < 31.01


def test_an_area_may_change_where_it_overlaps_nobody(admin: Role) -> None:
    made = created(admin, STREETS, area(box(115.0, 31.0)))
    created(admin, STREETS, area(box(115.01, 31.0)))
    address = f"{STREETS}/{made['id']}"
    wide = admin.patch(address, json={"geometry": box(115.0, 31.0, .02)}, headers={"If-Match": '"1"'})
    assert wide.status_code == 422
    narrow = admin.patch(address, json={"geometry": box(115.0, 31.0, .005)}, headers={"If-Match": '"1"'})
    assert narrow.status_code == 200


def test_a_check_names_what_would_break(admin: Role) -> None:
    created(admin, STREETS, area(box(116.0, 31.0)))
    found = admin.post("/collections/streets/check", json=area(box(116.002, 31.0))).json
    assert (found["ok"], [one["rule"] for one in found["rules"]]) == (False, ["no_overlap"])
    assert found["rules"][0]["point"]["type"] == "Point"
    assert found["duplicates"] == []  # where all touch, a neighbour is no duplicate
    assert admin.post(f"{STREETS}?duplicates=refuse", json=area(box(116.01, 31.0))).status_code == 201


def test_of_writers_at_once_only_one_gets_the_ground(admin: Role) -> None:
    codes: list[int] = []

    def take(number: int) -> None:
        codes.append(admin.post(STREETS, json=area(box(117.0 + number / 1000, 31.0))).status_code)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [201, 422, 422, 422, 422, 422]


def test_batches_that_cross_do_not_lock_each_other_out(admin: Role) -> None:
    made = [created(admin, STREETS, area(box(118.0 + number / 100, 31.0))) for number in range(4)]
    codes: list[int] = []

    def rename(order: list[dict[str, Any]]) -> None:
        ids = [{"id": one["id"], "version": 1} for one in order]
        body = {"ids": ids, "properties": {"name": "新"}}
        codes.append(admin.post("/collections/streets/batch", json=body).status_code)

    def widen(one: dict[str, Any]) -> None:
        codes.append(admin.patch(f"{STREETS}/{one['id']}", json={"properties": {"name": "旧"}},
                                 headers={"If-Match": "*"}).status_code)

    threads = [threading.Thread(target=rename, args=(made,)), threading.Thread(target=rename, args=(made[::-1],)),
               *(threading.Thread(target=widen, args=(one,)) for one in made)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(codes) == {200}


@pytest.fixture(scope="module")
def bound(house: House, admin: Role) -> House:
    """A house whose waste sites have to lie inside their squadron's territory; one such territory."""
    created(admin, TERRITORIES, area(box(113.0, 33.0, .1, .1), code="ZD-7"))
    layers = house.catalogue.layers
    site = replace(layers["waste_sites"], rules=("inside_territory",))
    return replace(house, catalogue=replace(house.catalogue, layers=layers | {"waste_sites": site}))


def site(house: House, shape: dict[str, Any]) -> dict[str, Any]:
    layer = house.layer("waste_sites")
    values: dict[str, Any] = {}
    for field in layer.fields:
        if field.required:
            codes = house.catalogue.codelists[field.codelist].codes if field.codelist else []
            values[field.id] = codes[0].id if codes else 1 if field.type in ("number", "integer") else uuid4().hex[:12]
    return {"type": "Feature", "geometry": shape, "properties": values}


def stored(house: House, shape: dict[str, Any]) -> UUID:
    return changes.create(house, SYSTEM, "waste_sites", site(house, shape)).id


@pytest.mark.parametrize("shape", [box(113.01, 33.01), box(113.0, 33.0), box(113.09 + CM, 33.0)])
def test_inside_the_territory_is_fine(bound: House, shape: dict[str, Any]) -> None:
    assert stored(bound, shape)


@pytest.mark.parametrize("shape", [box(113.09, 33.0, .011), box(120.0, 33.0)])
def test_beyond_the_territory_is_refused_with_the_place(bound: House, shape: dict[str, Any]) -> None:
    with pytest.raises(Problem) as caught:
        stored(bound, shape)
    assert (caught.value.code, caught.value.more["rule"]) == ("rule_broken", "inside_territory")
    lon, _ = caught.value.more["point"]["coordinates"]
    assert lon > 113.1
    found = check(bound, SYSTEM, "waste_sites", {"type": "Feature", "geometry": shape}, CRS84)
    assert [one["rule"] for one in found["rules"]] == ["inside_territory"]
