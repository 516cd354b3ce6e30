"""Clients that know nothing of us: GDAL, OWSLib and QGIS against the served application."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from flask import Flask, request
from owslib.ogcapi.features import Features
from owslib.util import Authentication
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.conftest import Role

SIGNS = 23


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: object) -> None:  # type: ignore[override]
        """Say nothing."""


@dataclass
class Served:
    url: str
    username: str
    password: str
    asked: list[str] = field(default_factory=list)

    def queries(self) -> list[dict[str, list[str]]]:
        """The questions of the items since the last look."""
        found = [parse_qs(urlsplit(path).query) for path in self.asked if "/items?" in path]
        self.asked.clear()
        return found


@pytest.fixture(scope="module")
def served(app: Flask, admin: Role, accounts: dict[str, dict[str, str]]) -> Iterator[Served]:
    for n in range(SIGNS):
        sign = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [113.38 + n / 1000, 31.69]},
                "properties": {"sign_no": f"楼顶-{n:02}", "sign_kind": "01" if n % 2 else "02", "area_m2": n + 0.5}}
        assert admin.post("/collections/rooftop_signs/items", json=sign).status_code == 201
    account = accounts["admin"]
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    made = Served(f"http://127.0.0.1:{server.server_port}", account["username"], account["password"])
    app.before_request_funcs.setdefault(None, []).insert(0, lambda: made.asked.append(request.full_path))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


# --- GDAL ----------------------------------------------------------------------------------------------------

# In a process of its own: GDAL holds the interpreter while it waits for the server, which is in this one.
_GDAL = """
import json, sys, pyogrio
source, user, more = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
pyogrio.set_gdal_config_options({"GDAL_HTTP_USERPWD": user, "GDAL_HTTP_TIMEOUT": "20"})
if more is None:
    print(json.dumps([name for name, _ in pyogrio.list_layers(source)]))
else:
    more = {key: tuple(value) if key == "bbox" else value for key, value in more.items()}
    collection = more.pop("collection", "rooftop_signs")
    print(json.dumps(sorted(pyogrio.raw.read(source, layer=collection, columns=["sign_no"], **more)[3][0])))
"""


def gdal(served: Served, more: dict[str, Any] | None) -> list[str]:
    """Names of the layers, or (with arguments) the sign numbers that GDAL reads."""
    ran = subprocess.run([sys.executable, "-c", _GDAL, f"OAPIF:{served.url}/", f"{served.username}:{served.password}",
                          json.dumps(more)], capture_output=True, text=True, check=False, timeout=600)
    assert ran.returncode == 0, ran.stderr
    found: list[str] = json.loads(ran.stdout)
    return found


def read(served: Served, **more: Any) -> list[str]:
    return gdal(served, more)


def test_gdal_lists_the_collections(served: Served, admin: Role) -> None:
    ids = [one["id"] for one in admin.get("/collections").json["collections"]]
    assert sorted(gdal(served, None)) == sorted(ids)


def test_gdal_takes_a_whole_collection_page_by_page(admin: Role, served: Served) -> None:
    served.queries()
    names = read(served, PAGE_SIZE="5")
    assert len(names) == admin.get("/collections/rooftop_signs/items").json["numberMatched"] == SIGNS
    assert names[3] == "楼顶-03"
    assert sum("after" in one for one in served.queries()) >= 4


def test_gdal_filters_by_attribute_and_box_on_the_server(served: Served) -> None:
    served.queries()
    assert read(served, where="sign_no = '楼顶-07'") == ["楼顶-07"]
    assert any("filter" in one or "sign_no" in one for one in served.queries())
    assert read(served, bbox=(113.3795, 31.68, 113.3825, 31.70)) == ["楼顶-00", "楼顶-01", "楼顶-02"]
    assert any("bbox" in one for one in served.queries())


# --- a saved question as a collection ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def question(served: Served, admin: Role) -> Iterator[str]:
    """The collection of the signs with even numbers."""
    answer = admin.post("/questions", json={
        "name": "双号楼顶牌", "layer": "rooftop_signs", "query": {"filter": "sign_kind = '02'"}, "as_layer": True})
    assert answer.status_code == 201
    yield f"q-{answer.json['id']}"
    admin.delete(f"/questions/{answer.json['id']}", headers={"If-Match": f'"{answer.json["version"]}"'})


def test_gdal_reads_a_question_as_a_layer(served: Served, question: str) -> None:
    assert question in gdal(served, None)
    assert read(served, collection=question, PAGE_SIZE="5") == [f"楼顶-{n:02}" for n in range(0, SIGNS, 2)]
    assert read(served, collection=question, where="sign_no = '楼顶-04'") == ["楼顶-04"]
    assert read(served, collection=question, where="sign_no = '楼顶-07'") == []


def test_owslib_reads_a_question_as_a_collection(served: Served, question: str, admin: Role) -> None:
    service = Features(served.url, auth=Authentication(served.username, served.password))
    assert question in service.feature_collections()
    told = service.collection(question)
    assert (told["id"], told["title"]) == (question, "双号楼顶牌")
    assert "sign_no" in service.collection_queryables(question)["properties"]
    page = service.collection_items(question, limit=5)
    assert (len(page["features"]), page["numberMatched"]) == (5, (SIGNS + 1) // 2)
    item = service.collection_item(question, page["features"][0]["id"])
    assert item["properties"]["sign_kind"] == "02"
    [other] = admin.get("/collections/rooftop_signs/items?sign_no=楼顶-01").json["features"]
    assert admin.get(f"/collections/{question}/items/{other['id']}").status_code == 404


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="no ogrinfo here")
def test_ogrinfo_sums_a_collection_up(served: Served) -> None:
    told = subprocess.run(
        ["ogrinfo", "-so", f"OAPIF:{served.url}/", "rooftop_signs", "--config", "GDAL_HTTP_USERPWD",
         f"{served.username}:{served.password}"], capture_output=True, text=True, check=True, timeout=600).stdout
    assert f"Feature Count: {SIGNS}" in told
    assert "sign_no: String" in told


# --- OWSLib --------------------------------------------------------------------------------------------------

@pytest.fixture
def features(served: Served) -> Features:
    return Features(served.url, auth=Authentication(username=served.username, password=served.password))


def test_owslib_reads_what_there_is(features: Features) -> None:
    assert "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/create-replace-delete" in \
        features.conformance()["conformsTo"]
    assert "rooftop_signs" in features.feature_collections()
    assert features.collection("rooftop_signs")["extent"]["spatial"]["bbox"]
    assert "sign_no" in features.collection_queryables("rooftop_signs")["properties"]
    assert features.collection_schema("rooftop_signs")["type"] == "object"


def test_owslib_asks_by_box_attribute_and_cql(features: Features) -> None:
    def ask(**more: Any) -> list[str]:
        return sorted(one["properties"]["sign_no"] for one in features.collection_items(
            "rooftop_signs", limit=100, **more)["features"])

    assert len(ask()) == SIGNS
    assert ask(bbox=[113.3795, 31.68, 113.3825, 31.70]) == ["楼顶-00", "楼顶-01", "楼顶-02"]
    assert ask(sign_no="楼顶-05") == ["楼顶-05"]
    assert ask(filter="sign_no LIKE '楼顶-1%' AND area_m2 > 17") == ["楼顶-17", "楼顶-18", "楼顶-19"]


def test_owslib_creates_replaces_and_deletes(features: Features) -> None:
    number = str(uuid4())
    sign = {"type": "Feature", "id": number, "geometry": {"type": "Point", "coordinates": [113.5, 31.7]},
            "properties": {"sign_no": "新牌-1", "sign_kind": "01", "area_m2": 1}}
    features.headers["Content-Type"] = "application/geo+json"
    assert features.collection_item_create("rooftop_signs", json.dumps(sign))
    assert features.collection_item("rooftop_signs", number)["properties"]["sign_no"] == "新牌-1"
    sign["properties"] |= {"area_m2": 2}  # type: ignore[operator]
    # The standard's optimistic locking: which version is replaced or deleted has to be said.
    features.headers["If-Match"] = '"1"'
    assert features.collection_item_update("rooftop_signs", number, json.dumps(sign))
    del features.headers["If-Match"]
    assert features.collection_item("rooftop_signs", number)["properties"]["area_m2"] == 2
    features.headers["If-Match"] = '"2"'
    features.collection_item_delete("rooftop_signs", number)
    del features.headers["If-Match"]
    with pytest.raises(RuntimeError, match="feature_unknown"):
        features.collection_item("rooftop_signs", number)


# --- QGIS ----------------------------------------------------------------------------------------------------

def python_with_qgis() -> str | None:
    """A Python that can import QGIS; Debian's is the system's own."""
    for python in ("/usr/bin/python3", shutil.which("python3")):
        tried = [python or "false", "-c", "import qgis.core"]
        if subprocess.run(tried, capture_output=True, check=False).returncode == 0:
            return python
    return None


def test_qgis_opens_counts_and_filters(served: Served, tmp_path: Path) -> None:
    python = python_with_qgis()
    if python is None:
        pytest.skip("QGIS is not here (Debian: python3-qgis)")
    ran = subprocess.run(
        [python, str(Path(__file__).parent / "qgis_client.py"), served.url, served.username, served.password,
         "rooftop_signs", "\"sign_no\" = '楼顶-11'"], capture_output=True, text=True, check=False, timeout=600,
        cwd=tmp_path, env={"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path), "PATH": "/usr/bin:/bin",
                           "LANG": "C.UTF-8"})
    found = json.loads(ran.stdout.splitlines()[-1]) if ran.stdout.strip() else ran.stderr
    assert isinstance(found, dict), found
    assert (found["valid"], found["count"], found["all"]) == (True, SIGNS, SIGNS)
    assert {"sign_no", "area_m2", "status"} <= set(found["fields"])
    assert found["filtered"] == ["楼顶-11"]
    assert found["boxed"] == ["楼顶-00", "楼顶-01", "楼顶-02"]
