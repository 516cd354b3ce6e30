"""Who gets through where: every route, every method, every kind of account, on the real application.

The two tables are written by hand and on purpose not taken from gisapp.permissions. A route or method without
a line here fails, and so does a line without a route: whoever adds an address says who may use it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from gisapp.accounts import people
from gisapp.errors import PROBLEMS
from gisapp.house import House
from gisapp.permissions import SYSTEM
from tests.browser_client import PAGE, Browser
from tests.conftest import Role

ROLES = ("viewer", "inspector", "reviewer", "exporter", "admin")
OTHERS = ("stranger", "disabled", "newcomer")
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")

WHO_MAY = {
    "read": ROLES,
    "own_account": ROLES,
    "create": ("inspector", "reviewer", "admin"),
    "update": ("inspector", "reviewer", "admin"),
    "delete": ("reviewer", "admin"),
    "export": ("reviewer", "exporter", "admin"),
    "import": ("reviewer", "admin"),
    "manage_receivers": ("reviewer", "admin"),
    "manage_accounts": ("admin",),
}
# Open to a newcomer, who must change the first password before anything else.
BEFORE_CHANGE = {"/account/password", "/sign-out", "/session"}


class Things:
    """Makes what a request needs to be about: features anew for every cell, one account for all."""

    def __init__(self, app: Flask, admin: Role) -> None:
        self.house: House = app.extensions["gisapp"]
        self.admin = admin
        self.asset = app.extensions["gisapp.static"][1]
        self.account = str(people.make(self.house, SYSTEM, "walked-over", "viewer")[0].id)

    def sign(self) -> dict[str, Any]:
        return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [113.38, 31.69]},
                "properties": {"sign_no": uuid4().hex[:16], "sign_kind": "01", "area_m2": 12.5}}

    def feature(self) -> str:
        made = self.admin.post("/collections/rooftop_signs/items", json=self.sign())
        assert made.status_code == 201, made.json
        return str(made.json["id"])


Make = Callable[[Things], tuple[str, dict[str, Any]]]


@dataclass(frozen=True)
class Line:
    """One method of a rule: which act it takes, an example, and how it answers those who may."""

    method: str
    rule: str
    act: str
    example: Make
    fine: tuple[int, ...] = (200,)


def at(path: str, **more: Any) -> Make:
    return lambda things: (path, more)


def on_feature(tail: str = "", **more: Any) -> Make:
    return lambda things: (f"/collections/rooftop_signs/items/{things.feature()}{tail}", more)


def on_account(tail: str = "", **form: str) -> Make:
    return lambda things: (f"/admin/accounts/{things.account}{tail}", {"data": form} if form else {})


ITEMS = "/collections/<layer_id>/items"
ITEM = ITEMS + "/<feature_id>"
PHOTOS = ITEM + "/attachments"
TILES = "/collections/<layer_id>/tiles"
IMPORT = "/imports/<import_id>"
JOB = "/jobs/<job_id>"
RECEIVER, DELIVERY = "/receivers/<receiver_id>", "/deliveries/<delivery_id>"
ACCOUNT = "/admin/accounts/<account_id>"
QUESTION = "/questions/<question_id>"
V1 = {"If-Match": '"1"'}
S = "/collections/rooftop_signs"

LINES = (
    Line("GET", "/healthz", "open", at("/healthz")),
    Line("GET", "/assets/<version>/<path:name>", "open", lambda t: (f"/assets/{t.asset}/css/app.css", {})),
    Line("GET", "/sign-in", "sign-in", at("/sign-in")),
    Line("POST", "/sign-in", "sign-in", at("/sign-in")),
    Line("POST", "/sign-out", "own_account", at("/sign-out"), (303,)),
    Line("GET", "/session", "own_account", at("/session")),
    Line("GET", "/account", "own_account", at("/account")),
    Line("GET", "/account/password", "own_account", at("/account/password")),
    Line("POST", "/account/password", "own_account", at("/account/password"), (422,)),
    Line("POST", "/account/language", "own_account", at("/account/language", data={"language": "zh"}), (303,)),
    Line("POST", "/account/tokens", "own_account", at("/account/tokens", data={"name": "walk", "days": "1"})),
    Line("POST", "/account/tokens/<token_id>/revoke", "own_account", at(f"/account/tokens/{uuid4()}/revoke"), (404,)),
    Line("GET", "/admin/accounts", "manage_accounts", at("/admin/accounts")),
    Line("POST", "/admin/accounts", "manage_accounts", lambda t: (
        "/admin/accounts", {"data": {"username": uuid4().hex, "role": "viewer"}})),
    Line("GET", ACCOUNT, "manage_accounts", on_account()),
    Line("POST", ACCOUNT + "/role", "manage_accounts", on_account("/role", role="exporter"), (303,)),
    Line("POST", ACCOUNT + "/squadron", "manage_accounts", on_account("/squadron", squadron_code=""), (303,)),
    Line("POST", ACCOUNT + "/disable", "manage_accounts", on_account("/disable"), (303,)),
    Line("POST", ACCOUNT + "/enable", "manage_accounts", on_account("/enable"), (303,)),
    Line("POST", ACCOUNT + "/reset", "manage_accounts", on_account("/reset")),
    Line("GET", "/admin/log", "manage_accounts", at("/admin/log")),
    Line("GET", "/", "read", at("/?f=json")),
    Line("GET", "/print", "read", at("/print?layers=rooftop_signs")),
    Line("GET", "/print.pdf", "read", at("/print.pdf?layers=rooftop_signs&lon=113.38&lat=31.69&scale=1000")),
    Line("GET", "/print.png", "read", at("/print.png?layers=rooftop_signs&lon=113.38&lat=31.69&scale=1000&dpi=72")),
    Line("GET", "/map/export", "export", at("/map/export?layers=rooftop_signs")),
    Line("GET", "/conformance", "read", at("/conformance")),
    Line("GET", "/collections", "read", at("/collections")),
    Line("GET", "/collections/<layer_id>", "read", at(S)),
    Line("GET", "/collections/<layer_id>/schema", "read", at(S + "/schema")),
    Line("GET", "/collections/<layer_id>/queryables", "read", at(S + "/queryables")),
    Line("GET", "/functions", "read", at("/functions")),
    Line("GET", "/ask", "read", at("/ask")),
    Line("POST", "/ask", "read", at("/ask", data={"layer": "rooftop_signs", "name": "walk"}), (303,)),
    Line("GET", "/questions", "read", at("/questions")),
    Line("POST", "/questions", "read", at("/questions", json={"name": "walk", "layer": "rooftop_signs"}), (201,)),
    Line("GET", QUESTION, "read", at("/questions/vendors_near_gates")),
    Line("PUT", QUESTION, "read", at(
        f"/questions/{uuid4()}", json={"name": "walk", "layer": "rooftop_signs"}, headers=V1), (404,)),
    Line("DELETE", QUESTION, "read", at(f"/questions/{uuid4()}", headers=V1), (404,)),
    Line("POST", QUESTION + "/runs", "read", at("/questions/vendors_near_gates/runs")),
    Line("GET", "/ask/answer", "read", at("/ask/answer?layer=rooftop_signs")),
    Line("POST", "/ask/area", "read", at("/ask/area", data={}), (400, 422)),
    Line("GET", "/ask/area/<area_id>", "read", at(f"/ask/area/{uuid4()}"), (404,)),
    Line("GET", "/ask/chart", "read", at("/ask/chart?layer=rooftop_signs")),
    Line("POST", "/ask/batch", "update", at("/ask/batch", data={"question": "layer=rooftop_signs"}), (400,)),
    Line("GET", "/q/<question_id>", "read", at("/q/vendors_near_gates"), (303,)),
    Line("GET", ITEMS, "read", at(S + "/items")),
    Line("GET", ITEMS, "export", at(S + "/items?f=geojson")),
    Line("GET", ITEMS, "export", at(S + "/items?f=shp")),
    Line("GET", "/collections/<layer_id>/stream", "export", at(S + "/stream")),
    Line("POST", ITEMS, "create", lambda t: (S + "/items", {"json": t.sign()}), (201,)),
    Line("GET", ITEM, "read", on_feature()),
    Line("PUT", ITEM, "update", lambda t: (f"{S}/items/{t.feature()}", {"json": t.sign(), "headers": V1}), (200, 204)),
    Line("PATCH", ITEM, "update", lambda t: (
        f"{S}/items/{t.feature()}", {"json": {"properties": {"area_m2": 2}}, "headers": V1}), (200, 204)),
    Line("DELETE", ITEM, "delete", on_feature(headers=V1), (200, 204)),
    Line("GET", ITEM + "/history", "read", on_feature("/history")),
    Line("POST", ITEM + "/restore", "update", on_feature("/restore", json={"version": 1}, headers=V1)),
    Line("GET", PHOTOS, "read", on_feature("/attachments")),
    Line("POST", PHOTOS, "update", on_feature("/attachments", data={}, content_type="multipart/form-data"), (400,)),
    Line("GET", PHOTOS + "/<photo_id>", "read", on_feature(f"/attachments/{uuid4()}"), (404,)),
    Line("DELETE", PHOTOS + "/<photo_id>", "update", on_feature(f"/attachments/{uuid4()}"), (404,)),
    Line("POST", PHOTOS + "/<photo_id>/restore", "update", on_feature(f"/attachments/{uuid4()}/restore"), (404,)),
    Line("GET", PHOTOS + "/<photo_id>/thumbnail", "read", on_feature(f"/attachments/{uuid4()}/thumbnail"), (404,)),
    Line("GET", "/panel/<layer_id>/<feature_id>/photos", "read", lambda t: (
        f"/panel/rooftop_signs/{t.feature()}/photos", {})),
    Line("POST", "/panel/<layer_id>/<feature_id>/photos", "update", lambda t: (
        f"/panel/rooftop_signs/{t.feature()}/photos", {"data": {}}), (400,)),
    Line("POST", "/panel/<layer_id>/<feature_id>/photos/<photo_id>/restore", "update", lambda t: (
        f"/panel/rooftop_signs/{t.feature()}/photos/{uuid4()}/restore", {}), (404,)),
    Line("POST", "/panel/<layer_id>/<feature_id>/photos/<photo_id>/remove", "update", lambda t: (
        f"/panel/rooftop_signs/{t.feature()}/photos/{uuid4()}/remove", {}), (404,)),
    Line("GET", "/collections/<layer_id>/changes", "read", at(S + "/changes?from=2024-01-01&limit=1")),
    Line("GET", "/statistics", "read", at("/statistics?layer=rooftop_signs")),
    Line("GET", "/collections/<layer_id>/statistics", "read", at(S + "/statistics?group_by=status")),
    Line("GET", "/collections/<layer_id>/near", "read", at(S + "/near?lon=113.38&lat=31.69")),
    Line("POST", "/collections/<layer_id>/check", "create", lambda t: (S + "/check", {"json": t.sign()})),
    Line("POST", "/collections/<layer_id>/batch", "update", at(S + "/batch", json={}), (422,)),
    Line("POST", "/collections/<layer_id>/undo", "update", at(S + "/undo", json={"request": "none"}), (404,)),
    Line("POST", "/collections/<layer_id>/merge", "delete", at(S + "/merge", json={}), (422,)),
    Line("POST", ITEM + "/split", "update", on_feature("/split", json={}, headers=V1), (422,)),
    Line("GET", "/styles", "read", at("/styles")),
    Line("GET", "/styles/<style_id>", "read", at("/styles/light")),
    Line("GET", "/collections/<layer_id>/styles", "read", at(S + "/styles")),
    Line("GET", "/collections/<layer_id>/styles/<style_id>", "read", at(S + "/styles/dark")),
    Line("GET", TILES, "read", at(S + "/tiles")),
    Line("GET", TILES + "/WebMercatorQuad", "read", at(S + "/tiles/WebMercatorQuad")),
    Line("GET", TILES + "/WebMercatorQuad/<matrix>/<row>/<column>", "read",
         at(S + "/tiles/WebMercatorQuad/14/6690/13351"), (200, 204)),
    Line("GET", "/tileMatrixSets", "read", at("/tileMatrixSets")),
    Line("GET", "/tileMatrixSets/<name>", "read", at("/tileMatrixSets/WebMercatorQuad")),
    Line("GET", "/map", "read", at("/map")),
    Line("GET", "/map/stock", "read", at("/map/stock")),
    Line("GET", "/map/filter", "read", at("/map/filter")),
    Line("GET", "/basemaps/<name>.pmtiles", "read", at("/basemaps/none.pmtiles"), (404,)),
    Line("GET", "/map/times", "read", at("/map/times")),
    Line("GET", "/map/times/<layer_id>", "read", at("/map/times/rooftop_signs?field=removed_at")),
    Line("GET", "/search", "read", at("/search?q=GG")),
    Line("GET", "/map/construct/<layer_id>", "create", at("/map/construct/rooftop_signs")),
    Line("POST", "/map/construct/<layer_id>", "create", at(
        "/map/construct/rooftop_signs", json={"kind": "Point", "points": "113.38, 31.69"})),
    Line("GET", "/map/picks/<layer_id>", "update", at("/map/picks/rooftop_signs")),
    Line("GET", "/list/<layer_id>", "read", at("/list/rooftop_signs")),
    Line("GET", "/identify", "read", at("/identify?lon=113.38&lat=31.69&zoom=15&layers=rooftop_signs")),
    Line("GET", "/panel/<layer_id>/<feature_id>", "read", lambda t: (f"/panel/rooftop_signs/{t.feature()}", {})),
    Line("GET", "/panel/<layer_id>/<feature_id>/history", "read", lambda t: (
        f"/panel/rooftop_signs/{t.feature()}/history", {})),
    Line("POST", "/panel/<layer_id>/<feature_id>/restore", "update", lambda t: (
        f"/panel/rooftop_signs/{t.feature()}/restore", {"data": {"version": "1", "expected": "1"}}), (303,)),
    Line("GET", "/presence/<layer_id>/<feature_id>", "read", lambda t: (
        f"/presence/rooftop_signs/{t.feature()}", {})),
    Line("POST", "/presence/<layer_id>/<feature_id>", "read", lambda t: (
        f"/presence/rooftop_signs/{t.feature()}", {"json": {"act": "view"}})),
    Line("GET", "/exports", "export", at("/exports?layer=rooftop_signs")),
    Line("GET", "/jobs", "own_account", at("/jobs")),
    Line("POST", "/jobs", "export", at("/jobs", json={"layer": "rooftop_signs", "f": "geojson"}), (202,)),
    Line("GET", "/receivers", "export", at("/receivers")),
    Line("POST", "/receivers", "manage_receivers", lambda t: (
        "/receivers", {"data": {"name": uuid4().hex, "format": "shp"}}), (303,)),
    Line("GET", RECEIVER, "export", at(f"/receivers/{uuid4()}"), (404,)),
    Line("POST", RECEIVER, "manage_receivers", at(f"/receivers/{uuid4()}", data={"name": "x"}), (404,)),
    Line("GET", "/deliveries", "export", at("/deliveries")),
    Line("GET", DELIVERY, "export", at(f"/deliveries/{uuid4()}"), (404,)),
    Line("GET", DELIVERY + "/ids", "export", at(f"/deliveries/{uuid4()}/ids"), (404,)),
    Line("POST", DELIVERY + "/again", "export", at(f"/deliveries/{uuid4()}/again"), (404,)),
    Line("POST", DELIVERY + "/links", "export", at(f"/deliveries/{uuid4()}/links", data={"days": "1"}), (404,)),
    Line("POST", DELIVERY + "/links/<link_id>/revoke", "export", at(f"/deliveries/{uuid4()}/links/{uuid4()}/revoke"),
         (404,)),
    Line("GET", "/d/<token>", "open", at("/d/nothing"), (404, 200)),
    Line("GET", JOB, "own_account", at(f"/jobs/{uuid4()}"), (404,)),
    Line("DELETE", JOB, "own_account", at(f"/jobs/{uuid4()}"), (404,)),
    Line("POST", JOB + "/cancel", "own_account", at(f"/jobs/{uuid4()}/cancel"), (404,)),
    Line("POST", JOB + "/retry", "own_account", at(f"/jobs/{uuid4()}/retry"), (404,)),
    Line("GET", JOB + "/file", "own_account", at(f"/jobs/{uuid4()}/file"), (404,)),
    Line("DELETE", JOB + "/file", "own_account", at(f"/jobs/{uuid4()}/file"), (404,)),
    Line("POST", JOB + "/file/remove", "own_account", at(f"/jobs/{uuid4()}/file/remove"), (404,)),
    Line("GET", "/api", "read", at("/api")),
    Line("GET", "/forms/<layer_id>", "create", at("/forms/rooftop_signs")),
    Line("POST", "/forms/<layer_id>", "create", lambda t: ("/forms/rooftop_signs", {"data": {"id": str(uuid4())}}),
         (422,)),
    Line("GET", "/forms/<layer_id>/<feature_id>", "update", lambda t: (f"/forms/rooftop_signs/{t.feature()}", {})),
    Line("POST", "/forms/<layer_id>/<feature_id>", "update", lambda t: (
        f"/forms/rooftop_signs/{t.feature()}", {"data": {"version": "1"}}), (303,)),
    Line("GET", "/imports", "import", at("/imports")),
    Line("POST", "/imports", "import", lambda t: ("/imports", {"data": {
        "layer": "rooftop_signs", "file": (BytesIO(json.dumps(
            {"type": "FeatureCollection", "features": [t.sign()]}).encode()), "signs.geojson")}}), (201,)),
    Line("GET", IMPORT, "import", at(f"/imports/{uuid4()}"), (404,)),
    Line("POST", IMPORT + "/commit", "import", at(f"/imports/{uuid4()}/commit", json={}), (404,)),
    Line("POST", IMPORT + "/check", "import", at(f"/imports/{uuid4()}/check", json={}), (404,)),
    Line("POST", IMPORT + "/near", "import", at(f"/imports/{uuid4()}/near", json={"lines": [], "act": "skip"}), (404,)),
    Line("POST", IMPORT + "/undo", "import", at(f"/imports/{uuid4()}/undo", json={}), (404,)),
    Line("GET", IMPORT + "/preview", "import", at(f"/imports/{uuid4()}/preview"), (404,)),
    Line("GET", IMPORT + "/rows", "import", at(f"/imports/{uuid4()}/rows"), (404,)),
    Line("GET", IMPORT + "/shapes", "import", at(f"/imports/{uuid4()}/shapes"), (404,)),
    Line("GET", IMPORT + "/report.csv", "import", at(f"/imports/{uuid4()}/report.csv"), (404,)),
    Line("POST", IMPORT + "/discard", "import", at(f"/imports/{uuid4()}/discard"), (404,)),
    Line("DELETE", IMPORT, "import", at(f"/imports/{uuid4()}"), (404,)),
)


@pytest.fixture(scope="module")
def walkers(app: Flask, roles: dict[str, Role], house: House) -> dict[str, Any]:
    """A client for every kind of account, and one without any."""
    disabled, password = people.make(house, SYSTEM, "walk-disabled", "admin")
    _, first = people.make(house, SYSTEM, "walk-newcomer", "admin")
    people.disable(house.db, SYSTEM, str(disabled.id))
    return {**roles, "stranger": app.test_client(use_cookies=False),
            "disabled": Role(app, "walk-disabled", password), "newcomer": Role(app, "walk-newcomer", first)}


@pytest.fixture(scope="module")
def things(app: Flask, admin: Role) -> Things:
    return Things(app, admin)


def served(app: Flask) -> set[tuple[str, str]]:
    """Every (method, rule) that the application answers, without what Flask adds by itself."""
    return {(method, rule.rule) for rule in app.url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}


def ask(client: Any, method: str, path: str, **request: Any) -> Any:
    """The whole answer to a program; files behind it are closed."""
    request["headers"] = {"Accept": "application/json"} | dict(request.get("headers", {}))
    if isinstance(client, Role):
        return client.open(method, path, buffered=True, **request)
    return client.open(path, method=method, buffered=True, **request)


def expected(line: Line, who: str, method: str) -> tuple[tuple[int, ...], str | None]:
    """Statuses, and the code of the problem."""
    if line.act == "open":
        return line.fine, None
    if line.act == "sign-in":
        if method == "POST":
            return (403,), "csrf_failed"
        return ((200,) if who in ("stranger", "disabled") or method == "OPTIONS" else (303,)), None
    if who == "stranger":
        return (401,), "sign_in_required"
    if who == "disabled":
        return (401,), "account_disabled"
    if who == "newcomer" and line.rule not in BEFORE_CHANGE:
        return (403,), "password_change_required"
    # OPTIONS tells only which methods there are.
    if who != "newcomer" and method != "OPTIONS" and who not in WHO_MAY[line.act]:
        return (403,), "act_not_allowed"
    return ((200,) if method == "OPTIONS" else line.fine), None


def test_every_route_has_a_line_and_every_line_a_route(app: Flask) -> None:
    written = {(line.method, line.rule) for line in LINES}
    assert served(app) - written == set(), "routes without an expectation"
    assert written - served(app) == set(), "expectations without a route"
    assert {line.act for line in LINES} - {"open", "sign-in"} <= set(WHO_MAY)


@pytest.mark.parametrize("who", [*ROLES, *OTHERS])
@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.method} {line.rule} {line.act}")
def test_route_by_account(walkers: dict[str, Any], things: Things, line: Line, who: str) -> None:
    methods = [line.method] + (["HEAD", "OPTIONS"] if line.method == "GET" else [])
    for method in methods:
        path, request = line.example(things)
        answer = ask(walkers[who], method, path, **request)
        statuses, code = expected(line, who, method)
        assert answer.status_code in statuses, (method, path, answer.status_code, answer.text[:300])
        if code and method != "HEAD":
            assert answer.json["code"] == code
            assert answer.status_code == PROBLEMS[code].status


@pytest.mark.parametrize("who", [*ROLES, *OTHERS])
def test_methods_that_a_route_does_not_take(app: Flask, walkers: dict[str, Any], things: Things, who: str) -> None:
    taken = served(app)
    for rule, line in {line.rule: line for line in LINES}.items():
        path = line.example(things)[0]
        for method in UNSAFE:
            if (method, rule) in taken:
                continue
            answer = ask(walkers[who], method, path)
            assert answer.status_code == 405, (method, path, answer.status_code)


@pytest.mark.parametrize("line", [line for line in LINES if line.method in UNSAFE],
                         ids=lambda line: f"{line.method} {line.rule}")
def test_an_administrators_browser_changes_nothing_without_the_token(
        app: Flask, accounts: dict[str, dict[str, str]], things: Things, line: Line) -> None:
    browser = Browser(app)
    browser.sign_in("admin", accounts["admin"]["password"])
    path, request = line.example(things)
    answer = ask(browser.client, line.method, path, **request)
    assert (answer.status_code, answer.json["code"]) == (403, "csrf_failed")


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("inspector", 403), ("exporter", 200), ("reviewer", 200)])
def test_the_page_of_hand_over_is_for_those_who_take_or_bring_files(
        walkers: dict[str, Any], who: str, status: int) -> None:
    """Programs ask the same address for the list of imports, which is for importers only."""
    assert walkers[who].get("/imports", headers=PAGE).status_code == status


def test_personal_data_is_left_out_for_those_who_may_not_see_it(walkers: dict[str, Any], things: Things) -> None:
    house = things.house
    for layer in house.catalogue.layers.values():
        personal = {field.id for field in layer.fields if field.personal}
        for who in ROLES:
            document = walkers[who].get(f"/collections/{layer.id}/schema").json
            shown = personal & set(document["properties"])
            assert shown == (personal if who in ("inspector", "reviewer", "admin") else set()), (layer.id, who)
