"""Layers from Python, out of the database and through the API; docs/notebook.md is run as it stands."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

import gisapp
from gisapp.config import ROOT, Settings
from gisapp.house import House
from gisapp.notebook import Refused
from tests.browser_client import Browser, first_match
from tests.conftest import Role

S = "/collections/rooftop_signs"


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:  # type: ignore[override]
        """Say nothing."""


@pytest.fixture(scope="module", autouse=True)
def _signs(admin: Role) -> None:
    for n in range(12):
        sign = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [113.38 + n / 1000, 31.69]},
                "properties": {"sign_no": f"笔记-{n:02}", "sign_kind": "01", "area_m2": n + 0.5}}
        assert admin.post(f"{S}/items", json=sign).status_code == 201


@pytest.fixture(scope="module")
def server(app: Flask) -> Iterator[str]:
    made = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture(scope="module")
def token(app: Flask, accounts: dict[str, dict[str, str]]) -> str:
    browser = Browser(app)
    browser.sign_in("admin", accounts["admin"]["password"])
    page = browser.submit("/account/tokens", form="/account", name="notebook", days="1").text
    return first_match(r"(gisapp_[A-Za-z0-9_\-]{20,})", page)


@pytest.fixture(params=["database", "server"])
def where(request: pytest.FixtureRequest, settings: Settings, server: str, token: str) -> dict[str, Any]:
    return {"settings": settings} if request.param == "database" else {"server": server, "token": token}


def test_a_layer_is_a_frame_with_its_system_and_types(where: dict[str, Any]) -> None:
    frame = gisapp.read("rooftop_signs", **where)
    assert len(frame) == 12
    assert frame.crs == "EPSG:4326"
    assert str(frame.dtypes["area_m2"]) == "double[pyarrow]"
    assert frame["area_m2"].sum() == sum(n + 0.5 for n in range(12))
    assert frame.geometry.x.min() == pytest.approx(113.38)
    assert frame.index.name == "id"


def test_the_same_filter_gives_the_same_from_both(settings: Settings, server: str, token: str) -> None:
    asked = {"filter": "sign_no LIKE '笔记-0%' AND area_m2 > 3", "crs": "EPSG:4547"}
    ours = gisapp.read("rooftop_signs", settings=settings, **asked)
    theirs = gisapp.read("rooftop_signs", server=server, token=token, **asked)
    assert sorted(ours["sign_no"]) == sorted(theirs["sign_no"]) == [f"笔记-{n:02}" for n in range(3, 10)]
    assert ours.crs == theirs.crs == "EPSG:4547"
    assert ours.geom_equals(theirs.reindex(ours.index)).all()
    assert 440_000 < ours.geometry.x.min() < 442_000


def test_codes_by_title_and_boxes_and_limits(where: dict[str, Any]) -> None:
    assert set(gisapp.read("rooftop_signs", titles="en", **where)["status"]) != \
        set(gisapp.read("rooftop_signs", **where)["status"])
    assert len(gisapp.read("rooftop_signs", limit=5, **where)) == 5
    box = gisapp.read("rooftop_signs", bbox=(113.3795, 31.68, 113.3825, 31.70), **where)
    assert len(box) == 3
    assert len(gisapp.read("rooftop_signs", sign_no="笔记-03", **where)) == 1
    assert len(gisapp.read("truck_routes", **where)) == 0


def test_what_cannot_be_is_refused_with_its_code(where: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        gisapp.read("rooftop_signs", filter="nothing = 1", **where)
    assert caught.value.code == "filter_invalid"
    with pytest.raises(Refused) as caught:
        gisapp.read("no_layer", **where)
    assert caught.value.code == "layer_unknown"


def test_a_stranger_reads_nothing(server: str) -> None:
    with pytest.raises(Refused) as caught:
        gisapp.read("rooftop_signs", server=server)
    assert caught.value.code == "sign_in_required"


def test_the_map_has_the_features_in_the_colours_of_their_states(where: dict[str, Any], house: House) -> None:
    made = gisapp.explore("rooftop_signs", filter="area_m2 < 5", **where)
    page = made.get_root().render()
    assert page.count('"sign_no"') >= 5
    state = house.layer("rooftop_signs").states[0]
    assert state.colour in page
    assert json.dumps(state.title.zh) in page
    assert gisapp.explore("truck_routes", **where).get_root().render()
    assert set(re.findall(r"""(?:src|href)=["'](\w+):""", page)) == {"data"}  # nothing from another host


def test_the_page_of_the_documentation_runs(settings: Settings, server: str, token: str,
                                            monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    page = (ROOT / "docs" / "notebook.md").read_text("utf-8")
    cells = re.findall(r"```python\n(.*?)```", page, re.S)
    assert len(cells) >= 4
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    monkeypatch.setattr(Settings, "from_env", classmethod(lambda cls, *_: settings))
    for cell in cells:
        exec(cell.replace("https://map.example", server).replace("gisapp_…", token), names)  # noqa: S102
    assert names["builds"].crs == "EPSG:4547"
    assert (tmp_path / "builds.html").exists()
