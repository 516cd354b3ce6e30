"""The collections and their features over HTTP, on the real database."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import Role


def sign(**more: Any) -> dict[str, Any]:
    """A rooftop sign with what is required."""
    properties = {"sign_no": f"T-{uuid4().hex[:12]}", "sign_kind": "01", "area_m2": 12.5} | more
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [113.38, 31.69]}, "properties": properties}


def test_collections_name_the_five_mission_layers(admin: Role) -> None:
    found = admin.get("/collections").json["collections"]
    ids = {collection["id"] for collection in found}
    assert {"illegal_builds", "rooftop_signs", "vendor_points", "waste_sites", "truck_routes"} <= ids


def test_schema_carries_titles_units_and_codes(admin: Role) -> None:
    schema = admin.get("/collections/rooftop_signs/schema?lang=zh").json
    assert schema["properties"]["area_m2"]["x-unit"] == "m²"
    assert "07" in schema["properties"]["status"]["enum"]


def test_a_created_sign_is_found_and_counted(admin: Role) -> None:
    created = admin.post("/collections/rooftop_signs/items", json=sign(sign_no="A-1"))
    assert created.status_code == 201, created.json
    assert created.headers["ETag"] == '"1"'
    found = admin.get(f"/collections/rooftop_signs/items/{created.json['id']}")
    assert found.json["properties"]["area_m2"] == 12.5
    listed = admin.get("/collections/rooftop_signs/items?sign_no=A-1").json
    assert listed["numberMatched"] == 1
    assert listed["features"][0]["id"] == created.json["id"]


@pytest.mark.parametrize("crs", ["EPSG:4547", "http://www.opengis.net/def/crs/EPSG/0/4547"])
def test_coordinates_come_in_the_axis_order_of_the_system(admin: Role, crs: str) -> None:
    created = admin.post("/collections/rooftop_signs/items", json=sign())
    found = admin.get(f"/collections/rooftop_signs/items/{created.json['id']}", query_string={"crs": crs})
    north, east = found.json["geometry"]["coordinates"]
    assert (north, east) == pytest.approx((3507645.44, 441217.48), abs=0.01)
    assert found.headers["Content-Crs"] == "<http://www.opengis.net/def/crs/EPSG/0/4547>"
