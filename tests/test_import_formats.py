"""What one office exports the other imports: every format out and in again, ids, values and places unharmed."""

from __future__ import annotations

from typing import Any

import pytest
import shapely

from tests.samples import fill
from tests.test_imports import emptied, stored, taken_in

ENDINGS = {"shp": "zip", "ndjson": "ndjson", "fgb": "fgb", "parquet": "parquet", "kml": "kml", "csv": "csv",
           "xlsx": "xlsx", "gpx": "gpx"}


@pytest.mark.parametrize(("layer_id", "kind"), [
    ("rooftop_signs", "ndjson"), ("rooftop_signs", "csv"), ("rooftop_signs", "xlsx"), ("truck_routes", "kml"),
    ("waste_sites", "fgb"), ("waste_sites", "parquet"), ("waste_sites", "csv"), ("vendor_points", "gpx"),
    ("illegal_builds", "csv"),
])
def test_a_layer_goes_out_and_in_again(admin: Any, house: Any, layer_id: str, kind: str) -> None:
    emptied(house, layer_id)
    fill(house, layer_id, 5)
    before = stored(house, layer_id)
    query = {"f": kind, "personal-reason": "round trip of a test"}
    exported = admin.get(f"/collections/{layer_id}/items", query_string=query)
    assert exported.status_code == 200, exported.json
    packed = exported.data.startswith(b"PK") and kind != "xlsx"
    emptied(house, layer_id)
    told = {"crs": "EPSG:4490"} if kind in ("csv", "xlsx") else {}  # all others name their system
    result = taken_in(admin, layer_id, {f"file.{'zip' if packed else ENDINGS[kind]}": exported.data}, **told)
    assert (result["accepted"], result["refused"]) == (5, [])
    after = stored(house, layer_id)
    assert after.keys() == before.keys()
    layer = house.layer(layer_id)
    for key, row in before.items():
        for field in layer.writable_fields:
            assert after[key][field.id] == row[field.id], field.id
        for name in ("geom", *([layer.second_geometry.id] if layer.second_geometry and kind != "gpx" else [])):
            assert (after[key][name] is None) == (row[name] is None), name
            if row[name] is not None:
                assert shapely.hausdorff_distance(after[key][name], row[name]) < 1e-7, name
