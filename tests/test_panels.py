"""What a person reads of a feature."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from gisapp import features, panels
from gisapp.catalogue import load_catalogue
from gisapp.config import ROOT
from gisapp.demo import load_demo
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.params import Query
from gisapp.permissions import Actor
from gisapp.rules import RULES
from tests.conftest import Role

CATALOGUE = load_catalogue(ROOT / "layers", RULES)
INSPECTOR, VIEWER = Actor("1", "inspector", "inspector"), Actor("2", "viewer", "viewer")


@pytest.fixture(scope="module")
def town(owner: House) -> House:
    load_demo(owner)
    return owner


def _first(house: House, layer: str, **equals: Any) -> dict[str, Any]:
    query = Query(limit=1, equals=tuple(equals.items()))
    feature: dict[str, Any] = json.loads(features.list_features(house, INSPECTOR, layer, query).features[0])
    return feature


@pytest.mark.parametrize("layer", list(CATALOGUE.layers))
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_layer_has_a_card_without_raw_codes(town: House, layer: str, language: str) -> None:
    feature = _first(town, layer)
    card = panels.card(town, INSPECTOR, layer, feature["id"], language)
    texts = {fact.title: fact.text for fact in card.facts}
    for field in CATALOGUE.layers[layer].fields:
        value = feature["properties"].get(field.id)
        if value in (None, "", []) or field.id == CATALOGUE.layers[layer].name_field:
            continue
        text = texts[field.title.get(language)]
        if field.type == "code":
            assert text == CATALOGUE.codelists[field.codelist or ""].by_id[value].title.get(language)


def test_state_territories_and_size_stand_apart(town: House) -> None:
    build = _first(town, "illegal_builds")
    card = panels.card(town, INSPECTOR, "illegal_builds", build["id"], "zh")
    assert card.state is not None
    assert card.state.colour
    assert card.synthetic
    assert [fact.title for fact in card.place] == ["区县", "街道", "社区", "单元网格", "执法中队"]
    street = build["properties"]["street_code"]
    assert card.place[1].text.endswith(f"({street})")
    assert not card.place[1].text.startswith("(")
    assert [fact.text.endswith("m²") for fact in card.sizes] in ([True], [])


def test_personal_fields_are_left_out_for_a_viewer(town: House) -> None:
    build = _first(town, "illegal_builds")
    personal = {field.title.en for field in CATALOGUE.layers["illegal_builds"].fields if field.personal}
    seen = {fact.title for fact in panels.card(town, INSPECTOR, "illegal_builds", build["id"], "en").facts}
    masked = {fact.title for fact in panels.card(town, VIEWER, "illegal_builds", build["id"], "en").facts}
    assert personal & seen
    assert not personal & masked


def test_what_is_not_there_is_a_problem(town: House) -> None:
    with pytest.raises(Problem, match="feature_unknown"):
        panels.card(town, VIEWER, "rooftop_signs", uuid4(), "en")


@pytest.mark.parametrize(("field", "value", "zh", "en"), [
    ("found_at", "2024-11-13T22:30:00+00:00", "2024-11-14 06:30", "2024-11-14 06:30"),
    ("illegal_area_m2", 12073.5, "12\u2009073.50\u00a0m²", "12\u2009073.50\u00a0m²"),
    ("synthetic", True, "是", "Yes"),
])
def test_values_in_words(field: str, value: Any, zh: str, en: str) -> None:
    declared = CATALOGUE.layers["illegal_builds"].field(field)
    for language, text in (("zh", zh), ("en", en)):
        writer = panels.Writer(CATALOGUE.codelists, language, ZoneInfo("Asia/Shanghai"))
        assert writer.text(declared, value) == text


def test_several_codes_are_listed_by_title() -> None:
    layer, declared = next((layer, one) for layer in CATALOGUE.layers.values() for one in layer.fields
                           if one.type == "codes")
    codes = CATALOGUE.codelists[declared.codelist or ""].codes[:2]
    writer = panels.Writer(CATALOGUE.codelists, "en", ZoneInfo("UTC"))
    assert layer.has_field(declared.id)
    assert writer.text(declared, [code.id for code in codes]) == ", ".join(code.title.en for code in codes)


@pytest.mark.parametrize(("language", "said"), [
    ("zh", "您的角色（浏览者）不能执行此操作：导出文件"),
    ("en", "Your role (Viewer) does not include this: take files out")])
def test_what_a_role_may_not_do_is_said_in_words(roles: dict[str, Role], language: str, said: str) -> None:
    asked = f"/print.pdf?layers=rooftop_signs&atlas=rooftop_signs&lang={language}"
    page = roles["viewer"].get(asked, headers={"Accept": "text/html"})
    assert page.status_code == 403
    assert said in page.text
    told = roles["viewer"].get(asked).json
    assert said in told["detail"]
    assert (told["code"], told["role"], told["act"]) == ("act_not_allowed", "viewer", "export")
