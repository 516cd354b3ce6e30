"""The map page's own addresses."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from gisapp.demo import load_demo
from gisapp.house import House

CLICK = "lon=113.38&lat=31.69&zoom=16"


@pytest.fixture(scope="module")
def town(owner: House) -> House:
    load_demo(owner)
    return owner


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_names_every_layer(town: House, admin: Any, language: str) -> None:
    page = admin.get(f"/map?lang={language}")
    assert page.status_code == 200
    for layer in town.catalogue.layers.values():
        assert layer.title.get(language) in page.text


def test_every_inline_script_has_the_nonce_and_nothing_has_a_style(admin: Any) -> None:
    page = admin.get("/map")
    nonce = page.headers["Content-Security-Policy"].split("'nonce-")[1].split("'")[0]
    from_files = page.text.count("<script src=") + page.text.count('<script type="module" src=')
    assert page.text.count("<script") == from_files + 1
    assert f'<script type="module" nonce="{nonce}">' in page.text
    assert " style=" not in page.text
    assert "<style" not in page.text
    assert " onclick=" not in page.text


def test_static_files_are_kept_for_long_and_by_version(admin: Any, app: Flask) -> None:
    _, version = app.extensions["gisapp.static"]
    with app.test_client().get(f"/assets/{version}/css/app.css") as good:
        assert good.status_code == 200
        assert "immutable" in good.headers["Cache-Control"]
    assert app.test_client().get("/assets/000000000000/css/app.css").status_code == 404
    assert app.test_client().get(f"/assets/{version}/../../pyproject.toml").status_code == 404


def test_stock_counts_each_layer(town: House, admin: Any) -> None:
    stock = admin.get("/map/stock").json
    assert stock["synthetic"] is True
    assert set(stock["counts"]) == set(town.catalogue.layers)
    assert stock["counts"]["rooftop_signs"] == "145"


@pytest.mark.parametrize("click", [
    "", "lon=1", "lon=x&lat=1&zoom=1", "lon=nan&lat=1&zoom=1", "lon=181&lat=0&zoom=1", "lon=0&lat=91&zoom=1",
    "lon=0&lat=0&zoom=-1", "lon=0&lat=0&zoom=99", "lon=inf&lat=0&zoom=3",
])
def test_a_senseless_click_is_a_400(admin: Any, click: str) -> None:
    answer = admin.get(f"/identify?{click}&layers=roads")
    assert answer.status_code == 400
    assert answer.json["code"] == "parameter_invalid"


@pytest.mark.parametrize(("path", "code"), [
    (f"/identify?{CLICK}&layers=nothing", "layer_unknown"),
    ("/panel/nothing/7c9e6679-7425-40de-944b-e07fc1f90ae7", "layer_unknown"),
    ("/panel/roads/7c9e6679-7425-40de-944b-e07fc1f90ae7", "feature_unknown"),
    ("/panel/roads/1", "id_invalid"),
])
def test_unknown_layers_and_features_are_problems(admin: Any, path: str, code: str) -> None:
    assert admin.get(path, headers={"HX-Request": "true"}).json["code"] == code


def test_a_click_answers_with_a_list(town: House, admin: Any) -> None:
    answer = admin.get(f"/identify?{CLICK}&layers=districts,streets,blocks&lang=en")
    assert answer.status_code == 200
    assert "What lies here" in answer.text
    assert "Sub-districts" in answer.text
    assert admin.get(f"/identify?{CLICK}&layers=&lang=en").text.count("Nothing here") == 1


@pytest.mark.parametrize(("language", "title"), [("zh", "找不到"), ("en", "Not found")])
def test_a_person_gets_an_error_page_with_the_code(app: Flask, language: str, title: str) -> None:
    answer = app.test_client().get(f"/nowhere?lang={language}", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert title in answer.text
    assert "not_found" in answer.text
    assert answer.mimetype == "text/html"


def test_a_failure_of_the_service_is_named_on_its_page_and_in_the_log(
        admin: Any, app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setitem(app.view_functions, "api.conformance", fail)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    answer = admin.get("/conformance?lang=en", headers={"Accept": "text/html"})
    assert answer.status_code == 500
    number = re.search(r"Request: <code>([^<]+)</code>", answer.text)
    assert number
    assert number[1] in caplog.text
    assert "Try again" in answer.text


def test_a_reason_is_said_in_the_readers_language_only(admin: Any) -> None:
    for language, said, unsaid in (("zh", "应为", "wants"), ("en", "wants", "应为")):
        answer = admin.get(f"/collections/rooftop_signs/items?limit=abc&lang={language}",
                           headers={"Accept": "text/html"})
        assert answer.status_code == 400
        assert said in answer.text
        assert unsaid not in answer.text


def test_a_chosen_language_is_remembered(app: Flask) -> None:
    client = app.test_client()
    assert "Sign in" in client.get("/sign-in?lang=en", headers={"Accept": "text/html"}).text
    assert "Sign in" in client.get("/sign-in", headers={"Accept": "text/html"}).text
    assert "登录" in client.get("/sign-in?lang=zh", headers={"Accept": "text/html"}).text


@pytest.mark.parametrize(("path", "above"), [
    ("/deliveries/0b2f7c0e-0000-4000-8000-000000000000/links?lang=en",
     "/deliveries/0b2f7c0e-0000-4000-8000-000000000000?lang=en"),
    ("/imports/0b2f7c0e-0000-4000-8000-000000000000/commit", "/imports/0b2f7c0e-0000-4000-8000-000000000000"),
    ("/panel/rooftop_signs/0b2f7c0e-0000-4000-8000-000000000000/restore?lang=fr",
     "/panel/rooftop_signs/0b2f7c0e-0000-4000-8000-000000000000")])
def test_the_answer_to_a_form_loaded_again_is_the_page_it_belongs_to(admin: Any, path: str, above: str) -> None:
    answer = admin.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (answer.status_code, answer.headers["Location"]) == (303, above)
    for accepted in ("*/*", "application/json"):
        assert admin.get(path, headers={"Accept": accepted}).status_code == 405


def test_there_is_no_page_above_the_first(admin: Any) -> None:
    assert admin.get("/sign-out", headers={"Accept": "text/html"}).status_code == 405
