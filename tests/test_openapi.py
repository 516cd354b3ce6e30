"""`/api` against what the house really does: every path a route, every route a path, every reference there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from gisapp.errors import PROBLEMS
from gisapp.house import House
from gisapp.openapi import MEDIA_TYPE
from gisapp.openapi.parameters import COMMON
from gisapp.params import COMMON as KNOWN, known_names
from gisapp.schema import check
from tests.conftest import Role

METHODS = {"get", "post", "put", "patch", "delete"}
#: Pages and what only they ask for; not part of the API.
PAGES = ("/receivers", "/deliveries", "/d/",
         "/map", "/ask", "/q/", "/list", "/panel", "/sign-", "/session", "/account", "/admin", "/forms", "/exports",
         "/print", "/statistics",
         "/assets", "/basemaps", "/sw.js", "/favicon.ico", "/robots.txt")
#: What only a form of a page sends.
FORMS = {("/imports/{}/discard", "post"), ("/jobs/{}/cancel", "post"), ("/jobs/{}/file/remove", "post")}


@pytest.fixture(scope="module")
def document(admin: Role) -> dict[str, Any]:
    answer = admin.get("/api?f=json&lang=en")
    assert answer.status_code == 200
    assert answer.content_type == MEDIA_TYPE
    found: dict[str, Any] = json.loads(answer.get_data())
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method, operation."""
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield path, method, item[method]


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a JSON document."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


def resolve(document: dict[str, Any], reference: str) -> Any:
    """What a local reference points at; KeyError when it is not there."""
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def shape(path: str, layers: list[str]) -> str:
    """A path or rule with every variable part as {}."""
    for layer in layers:
        path = path.replace(f"/collections/{layer}", "/collections/{}")
    return re.sub(r"\{[^}]*\}|<[^>]*>", "{}", path)


def test_it_is_openapi_3_0_with_what_that_must_have(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.0.3"
    assert {"title", "version"} <= document["info"].keys()
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    for _path, _method, operation in operations(document):
        assert all("description" in resolve(document, r["$ref"]) if "$ref" in r else "description" in r
                   for r in operation["responses"].values())
        assert "requestBody" not in operation or operation["requestBody"]["content"]


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    references = [node["$ref"] for node in nodes(document) if isinstance(node.get("$ref"), str)]
    assert references
    for reference in references:
        assert reference.startswith("#/")
        assert resolve(document, reference)


def test_variables_of_a_path_are_its_path_parameters(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        entries = [*document["paths"][path].get("parameters", []), *operation.get("parameters", [])]
        known = [resolve(document, e["$ref"]) if "$ref" in e else e for e in entries]
        assert {e["name"] for e in known if e["in"] == "path"} == set(re.findall(r"\{(\w+)\}", path))
        names = [(e["name"], e["in"]) for e in known]
        assert len(names) == len(set(names)), path


def test_every_path_is_a_route_and_every_route_a_path(app: Flask, house: House, document: dict[str, Any]) -> None:
    layers = sorted(house.catalogue.layers, key=len, reverse=True)
    described = {(shape(path, layers), method) for path, method, _ in operations(document)}
    rules = [rule for rule in app.url_map.iter_rules() if not rule.rule.startswith(PAGES)]
    served = {(shape(rule.rule, layers), method.lower()) for rule in rules
              for method in rule.methods or () if method not in ("HEAD", "OPTIONS")} - FORMS
    assert described == served


def test_items_take_every_parameter_that_is_parsed(house: House, document: dict[str, Any]) -> None:
    assert set(COMMON) == set(KNOWN)
    for layer in house.catalogue.layers.values():
        entries = document["paths"][f"/collections/{layer.id}/items"]["get"]["parameters"]
        names = {(resolve(document, e["$ref"]) if "$ref" in e else e)["name"] for e in entries}
        assert names == set(known_names(layer))


def test_every_status_of_a_problem_has_its_response(document: dict[str, Any]) -> None:
    for code, kind in PROBLEMS.items():
        assert code in document["components"]["responses"][f"Problem{kind.status}"]["description"]


def test_what_the_body_requires_is_what_a_create_requires(house: House, document: dict[str, Any]) -> None:
    for layer in house.catalogue.layers.values():
        _, faults = check(layer, house.catalogue, {})
        properties = document["components"]["schemas"][f"{layer.id}.new"]["properties"]["properties"]
        required = properties["allOf"][1]["required"] if "allOf" in properties else []
        assert sorted(required) == sorted(fault["field"] for fault in faults)


def test_personal_fields_are_left_out_for_those_without_the_right(house: House, roles: dict[str, Role],
                                                                  document: dict[str, Any]) -> None:
    personal = {field.id for layer in house.catalogue.layers.values() for field in layer.fields if field.personal}
    texts = {role: roles[role].get("/api?f=json").get_data(as_text=True) for role in roles}
    assert personal
    for name in personal:
        assert f'"{name}"' in json.dumps(document)
        assert f'"{name}"' not in texts["viewer"]
        assert f'"{name}"' not in texts["exporter"]


@pytest.mark.parametrize(("language", "title"), [("zh", "城管一张图接口"), ("en", "Enforcement map API")])
def test_people_get_a_page_with_nothing_from_elsewhere(admin: Role, language: str, title: str) -> None:
    answer = admin.get(f"/api?f=html&lang={language}")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert title in page
    assert "/collections/illegal_builds/items" in page
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)


def test_the_landing_page_leads_to_it(admin: Role) -> None:
    links = {link["rel"]: link for link in admin.get("/?f=json").json["links"]}
    assert links["service-desc"]["type"] == MEDIA_TYPE
    assert links["service-desc"]["href"].endswith("/api?f=json")
    assert links["service-doc"]["href"].endswith("/api?f=html")


def test_an_unknown_format_is_refused(admin: Role) -> None:
    answer = admin.get("/api?f=yaml")
    assert (answer.status_code, answer.json["code"]) == (400, "format_unknown")


def test_a_real_feature_has_the_properties_that_are_described(admin: Role, document: dict[str, Any]) -> None:
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [113.38, 31.69]},
               "properties": {"sign_no": "O-1", "sign_kind": "01", "area_m2": 4.73}}
    made = admin.post("/collections/rooftop_signs/items", json=feature)
    assert made.status_code == 201, made.json
    described = document["components"]["schemas"]["rooftop_signs.properties"]["properties"]
    assert made.json["properties"].keys() == described.keys()
    empty = {name for name, value in made.json["properties"].items() if value is None}
    assert {name for name in empty if not described[name].get("nullable")} == set()
