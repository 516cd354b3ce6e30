"""The layers' drawing as MapLibre style documents."""

from __future__ import annotations

from typing import Any

import pytest

from gisapp.house import House
from tests.conftest import Role

SHAPES = {"fill", "line", "circle", "symbol", "background"}


@pytest.mark.parametrize("style", ["light", "dark"])
def test_the_whole_map_has_every_layer_with_our_tiles(admin: Role, house: House, style: str) -> None:
    answer = admin.get(f"/styles/{style}")
    assert answer.mimetype == "application/vnd.mapbox.style+json"
    document: dict[str, Any] = answer.json
    assert document["version"] == 8
    assert set(document["sources"]) == set(house.catalogue.layers)
    for name, source in document["sources"].items():
        assert source["tiles"] == [f"http://localhost/collections/{name}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}"]
    ids = [layer["id"] for layer in document["layers"]]
    assert len(ids) == len(set(ids))
    assert {layer["type"] for layer in document["layers"]} <= SHAPES
    assert all(layer["source-layer"] == layer["source"] for layer in document["layers"][1:])


def test_states_have_the_colours_of_the_layer_file(admin: Role, house: House) -> None:
    for layer in house.catalogue.layers.values():
        if not layer.states:
            continue
        document = admin.get(f"/collections/{layer.id}/styles/light?lang=en").json
        found = [value for one in document["layers"] for value in one["paint"].values()
                 if isinstance(value, list) and value[:2] == ["match", ["get", layer.style.colour_by]]]
        assert found, layer.id
        pairs = dict(zip(found[0][2:-1:2], found[0][3:-1:2], strict=True))
        if layer.style.colour_by == "status":
            assert pairs == {state.id: state.colour for state in layer.states}
        legend = document["layers"][1]["metadata"]["gisapp:legend"]
        assert [entry["value"] for entry in legend] == list(pairs)


def test_counts_and_single_features_are_never_drawn_by_the_same_layer(admin: Role) -> None:
    for layer in admin.get("/styles/light").json["layers"][1:]:
        counted = layer["filter"] == ["has", "count"]
        assert counted or layer["filter"][1] == ["!", ["has", "count"]]
        assert counted == layer["id"].endswith("-counts")


def test_styles_are_listed_and_unknown_ones_refused(admin: Role) -> None:
    assert [one["id"] for one in admin.get("/styles").json["styles"]] == ["light", "dark"]
    assert [one["id"] for one in admin.get("/collections/truck_routes/styles").json["styles"]] == ["light", "dark"]
    assert admin.get("/styles/none").status_code == 404
    assert admin.get("/collections/none/styles/light").json["code"] == "layer_unknown"
