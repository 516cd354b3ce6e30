"""Drawing rules and legends come out of the layer files, whole."""

from __future__ import annotations

import json
import re

import pytest

from gisapp import style
from gisapp.catalogue import load_catalogue
from gisapp.config import ROOT
from gisapp.rules import RULES

CATALOGUE = load_catalogue(ROOT / "layers", RULES)
LAYERS = CATALOGUE.layers
NAMES = list(LAYERS)


@pytest.mark.parametrize("name", NAMES)
def test_rules_are_json_with_good_colours(name: str) -> None:
    rules = json.loads(json.dumps(style.paint(LAYERS[name], CATALOGUE.codelists)))
    assert rules["id"] == name
    assert rules["shape"] in ("point", "line", "area")
    found = [rules["colour"], rules["stroke"], *rules["colours"].values(), *rules.get("dark", {}).get("colours", {})]
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in found if colour.startswith("#"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_legend_has_every_value_that_is_in_use(name: str, language: str) -> None:
    layer = LAYERS[name]
    entries = style.legend(layer, CATALOGUE.codelists, language)
    if layer.style.colour_by == "status":
        assert [one["value"] for one in entries] == [state.id for state in layer.states]
        assert [one["title"] for one in entries] == [state.title.get(language) for state in layer.states]
        assert [one["colour"] for one in entries] == [state.colour for state in layer.states]
    elif layer.style.colour_by is None:
        assert entries == []
    else:
        assert all(one["title"] and one["colour"] for one in entries)


def test_reference_lies_under_mission_and_areas_under_points() -> None:
    order = [layer.id for layer in style.drawing_order(list(LAYERS.values()))]
    assert order.index("roads") < order.index("illegal_builds") < order.index("truck_routes")
    assert order.index("buildings") < order.index("roads") < order.index("school_gates") < order.index("waste_sites")
    assert order.index("blocks") < order.index("buildings")
    assert sorted(order) == sorted(NAMES)


@pytest.mark.parametrize(("light", "least", "most"), [
    ("#eaeef1", 0.10, 0.20),  # the ground itself
    ("#ffffff", 0.20, 0.35),  # what is lighter than the ground stands out on the dark one too
    ("#3b4656", 0.50, 0.70),  # what is much darker becomes much lighter
])
def test_night_keeps_the_distance_from_the_ground(light: str, least: float, most: float) -> None:
    red, green, blue = (int(style.night(light)[at:at + 2], 16) / 255 for at in (1, 3, 5))
    assert least <= (max(red, green, blue) + min(red, green, blue)) / 2 <= most


def test_only_reference_layers_change_their_colours_at_night() -> None:
    for layer in LAYERS.values():
        assert ("dark" in style.paint(layer, CATALOGUE.codelists)) is style.is_reference(layer)
