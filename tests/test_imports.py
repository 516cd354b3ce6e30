"""Files taken in: real ones, our own hand-overs, wrong ones and hostile ones."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy import delete, select

from gisapp.changes import writing
from gisapp.house import House
from gisapp.permissions import SYSTEM
from tests.conftest import Role
from tests.samples import fill, sample_rows

MISSION = ("illegal_builds", "rooftop_signs", "vendor_points", "waste_sites", "truck_routes")
Files = dict[str, bytes]


def send(role: Role, layer_id: str, files: Files) -> Any:
    """The answer to an upload."""
    data = {"layer": layer_id, "file": [(io.BytesIO(content), name) for name, content in files.items()]}
    return role.post("/imports", data=data, content_type="multipart/form-data")


def taken_in(role: Role, layer_id: str, files: Files, **choices: Any) -> dict[str, Any]:
    """The result of an upload and its commit."""
    sent = send(role, layer_id, files)
    assert sent.status_code == 201, sent.json
    done = role.post(f"/imports/{sent.json['id']}/commit", json=choices)
    assert done.status_code == 200, done.json
    return dict(done.json)


def zipped(members: Files) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def stored(house: House, layer_id: str) -> dict[str, dict[str, Any]]:
    """All rows of a layer by id, geometries as shapes."""
    table = house.tables.layers[layer_id]
    names = [c.name for c in table.columns if c.name != "geom_3857"]
    with house.db.read() as connection:
        rows = connection.execute(select(*(table.c[name] for name in names))).mappings().all()
    return {str(row["id"]): {k: shapely.from_wkb(v.data) if hasattr(v, "data") and k != "id" else v
                             for k, v in row.items()} for row in rows}


def emptied(house: House, layer_id: str) -> None:
    with writing(house, SYSTEM, house.layer(layer_id)) as connection:
        connection.execute(delete(house.tables.layers[layer_id]))


def geojson(*features: dict[str, Any]) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(features)}).encode()


def sign(number: str = "S-1", geometry: Any = None, **more: Any) -> dict[str, Any]:
    properties = {"sign_no": number, "sign_kind": "01", "area_m2": 12.5} | more
    return {"type": "Feature", "properties": properties,
            "geometry": geometry or {"type": "Point", "coordinates": [113.38, 31.69]}}


@pytest.fixture
def shanghai(shared: Path) -> Files:
    """The 17 districts: GBK, language byte 0x4D, no .cpg, a Chinese file name."""
    return {file.name: file.read_bytes() for file in (shared / "data/shanghai/districts_gbk_shp").iterdir()}


def test_real_gbk_districts_go_in_and_come_out_unharmed(admin: Role, house: House, shanghai: Files) -> None:
    sent = send(admin, "districts", {"上海.zip": zipped(shanghai)})
    assert sent.status_code == 201, sent.json
    found = sent.json["layers"][0]
    assert (found["name"], found["count"], found["crs"], found["encoding"], found["encoding_from"]) == (
        "区县界_area", 17, "EPSG:4326", "GBK", "language")
    assert found["mapping"]["NAME"] == "name"
    mapping = {"NAME": "name", "ADMINCODE": "code"}
    done = admin.post(f"/imports/{sent.json['id']}/commit", json={"mapping": mapping})
    assert done.status_code == 200, done.json
    assert done.json["accepted"] == 17 and done.json["refused"] == []
    rows = stored(house, "districts").values()
    assert {"崇明县", "黄浦区", "浦东新区"} <= {row["name"] for row in rows}
