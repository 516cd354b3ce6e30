"""One filter, one answer: every question of a corpus gives the same features as items, pages, tiles, count, list,
stock of the map, file, stream, past moment, difference between two moments, click, statistics, a saved question's
collection and the groups that statistics make by it."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import mapbox_vector_tile
import pytest
import shapely

from gisapp import features
from gisapp.hand_over import exports
from gisapp.house import House
from gisapp.params import parse
from gisapp.permissions import SYSTEM
from tests.conftest import Role
from tests.samples import sample_rows, store

LAYERS = ("illegal_builds", "vendor_points", "truck_routes", "school_gates", "control_lines")
SOON = (datetime.now(UTC) + timedelta(days=1)).isoformat()

Args = dict[str, str]
CORPUS: tuple[tuple[str, Args], ...] = (
    ("vendor_points", {"bbox": "113.38,31.68,113.41,31.71"}),
    ("vendor_points", {"bbox": "31.68,113.38,31.71,113.41", "bbox-crs": "EPSG:4326"}),
    ("vendor_points", {"datetime": "2000-01-01/.."}),
    ("vendor_points", {"status": "01,02"}),
    ("vendor_points", {"kind": "01", "status": "02"}),
    ("vendor_points", {"q": "样本 1"}),
    ("vendor_points", {"filter": "status IN ('01', '02') AND NOT kind = '03'"}),
    ("vendor_points", {"filter": "stalls_cap + 1 > 1 OR stalls_cap IS NULL"}),
    ("vendor_points", {"filter": "casei(name) LIKE casei('1%') AND accenti(name) <> 'é'"}),
    ("vendor_points", {"filter": "A_OVERLAPS(categories, ('02'))"}),
    ("vendor_points", {"filter": "T_DURING(season_from, INTERVAL('2024-11-15', '2024-12-05'))"}),
    ("vendor_points", {
        "filter": "S_INTERSECTS(geom, POLYGON((113.36 31.66, 113.42 31.68, 113.4 31.7, 113.36 31.66)))"}),
    ("vendor_points", {"filter": json.dumps({"op": "s_within", "args": [
        {"property": "geometry"}, {"bbox": [113.38, 31.68, 113.41, 31.71]}]}), "filter-lang": "cql2-json"}),
    ("vendor_points", {"filter": "S_INTERSECTS(geom, BBOX(31.68,113.38,31.71,113.41))", "filter-crs": "EPSG:4326"}),
    ("vendor_points", {"filter": "near('school_gates', 400)"}),
    ("vendor_points", {"filter": "near('school_gates', 800, guard_post = true) AND status = '02'",
                       "bbox": "113.36,31.66,113.44,31.74"}),
    ("vendor_points", {"filter": "near('truck_routes', 300) AND NOT near('vendor_points', 100)"}),
    ("vendor_points", {"filter": "count_within('school_gates', 1500) BETWEEN 2 AND 5"}),
    ("vendor_points", {"filter": "distance('school_gates') < 300"}),
    ("vendor_points", {"filter": "nearest('school_gates', 2)"}),
    ("vendor_points", {"filter": "inside('control_lines')"}),
    ("vendor_points", {"filter": "around(POINT(113.40 31.69), 1500)"}),
    ("vendor_points", {"filter": "open_days('1')"}),
    ("vendor_points", {"filter": "open_now(TIMESTAMP('2026-11-23T12:00:00+08:00'))"}),
    ("vendor_points", {"sortby": "-name", "filter": "kind > '02'"}),
    ("illegal_builds", {"filter": "overlaps('control_lines')"}),
    ("illegal_builds", {"filter": "overlap_share('control_lines') > 0.3"}),
    ("illegal_builds", {"filter": "illegal_area_m2 >= 0 AND inside('control_lines')", "status": "01,02,03,04,05,06"}),
    ("illegal_builds", {"filter": "S_INTERSECTS(geometry, BBOX(113.38, 31.68, 113.41, 31.71))"}),
    ("illegal_builds", {"filter": "geom_area_m2 > 90000"}),
    ("truck_routes", {"filter": "crosses('control_lines')"}),
    ("truck_routes", {"filter": "near('school_gates', 100) AND geom_length_m > 0"}),
    ("truck_routes", {"filter": "open_now(TIMESTAMP('2026-11-23T23:00:00+08:00'))"}),
)


@pytest.fixture(scope="module")
def town(house: House) -> dict[str, list[dict[str, Any]]]:
    """A few dozen features of each layer, spread over a few kilometres."""
    made = {}
    for seed, layer_id in enumerate(LAYERS):
        draw, layer = random.Random(seed), house.layer(layer_id)
        rows = sample_rows(house, layer_id, 60)
        for row in rows:
            dx, dy = draw.uniform(-0.1, 0.06), draw.uniform(-0.03, 0.03)
            for name in ("geom", *([layer.second_geometry.id] if layer.second_geometry else [])):
                row[name] = _moved(row[name], dx, dy, 12 if layer_id == "control_lines" else 3)
        store(house, layer_id, rows)
        made[layer_id] = rows
    return made


def _moved(wkb: bytes | None, dx: float, dy: float, larger: float) -> bytes | None:
    if wkb is None:
        return None
    shape = shapely.from_wkb(wkb)
    shape = shapely.affinity.scale(shapely.affinity.translate(shape, dx, dy), larger, larger)
    return bytes(shapely.to_wkb(shapely.set_srid(shape, 4326), include_srid=True))


def address(path: str, args: Args, **more: str) -> str:
    return path + "?" + "&".join(f"{name}={quote(value)}" for name, value in (args | more).items())


def good(answer: Any) -> Any:
    assert answer.status_code in (200, 204), (answer.status_code, answer.data[:500])
    return answer


def items(admin: Role, layer: str, args: Args, **more: str) -> set[str]:
    answer = good(admin.get(address(f"/collections/{layer}/items", args, limit="10000", **more))).json
    found = [feature["id"] for feature in answer["features"]]
    assert len(found) == len(set(found)) == answer["numberMatched"]
    return set(found)


def pages(admin: Role, layer: str, args: Args) -> set[str]:
    found, following = [], address(f"/collections/{layer}/items", args, limit="7")
    while following:
        answer = good(admin.get(following)).json
        found += [feature["id"] for feature in answer["features"]]
        following = next((link["href"] for link in answer["links"] if link["rel"] == "next"), "")
    assert len(found) == len(set(found))
    return set(found)


def tiles(admin: Role, layer: str, args: Args, **more: str) -> set[str]:
    found: set[str] = set()
    args = {name: value for name, value in args.items() if name != "sortby"}
    for row in range(1666, 1669):  # zoom 12 around the town
        for column in range(3336, 3341):
            path = f"/collections/{layer}/tiles/WebMercatorQuad/12/{row}/{column}"
            answer = good(admin.get(address(path, args, **more)))
            parts = mapbox_vector_tile.decode(answer.data) if answer.data else {}
            found |= {feature["properties"]["id"] for part in parts.values() for feature in part["features"]}
    return found


def listed(admin: Role, layer: str, args: Args) -> set[str]:
    page = good(admin.get(address(f"/list/{layer}", args, limit="1000"))).get_data(as_text=True)
    return set(re.findall(rf'"/panel/{layer}/([0-9a-f-]{{36}})"', page))


def filed(house: House, layer: str, args: Args) -> set[str]:
    query = parse({name: [value] for name, value in args.items()}, house.layer(layer), house.catalogue).without_page()
    return {str(row.id) for batch in features.stream(house, SYSTEM, layer, query, 4326, []) for row in batch}


def streamed(admin: Role, layer: str, args: Args) -> set[str]:
    answer = good(admin.get(address(f"/collections/{layer}/stream", args)))
    found = [json.loads(line)["id"] for line in answer.data.splitlines()]
    assert len(found) == len(set(found))
    return set(found)


def kept(admin: Role, layer: str, args: Args) -> str:
    """A saved question; its id."""
    answer = admin.post("/questions", json={"name": "corpus", "layer": layer, "query": args, "as_layer": True})
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def changed(admin: Role, layer: str, args: Args) -> set[str]:
    args = {name: value for name, value in args.items() if name != "sortby"}
    path = address(f"/collections/{layer}/changes", args, limit="10000", **{"from": "2001-01-01"})
    answer = good(admin.get(path)).json
    assert {feature["properties"]["change"] for feature in answer["features"]} <= {"added"}
    return {feature["id"] for feature in answer["features"]}


def on_map(args: Args, layer: str) -> Args:
    """The same question as the map asks it."""
    return {name if name == "datetime" else f"{layer}.{name}": value for name, value in args.items()}


CONSUMERS: dict[str, Callable[[Role, House, str, Args], set[str]]] = {
    "pages": lambda admin, house, layer, args: pages(admin, layer, args),
    "tiles": lambda admin, house, layer, args: tiles(admin, layer, args),
    "list": lambda admin, house, layer, args: listed(admin, layer, args),
    "stream": lambda admin, house, layer, args: streamed(admin, layer, args),
    "question's collection": lambda admin, house, layer, args: items(admin, f"q-{kept(admin, layer, args)}", {}),
    "file": lambda admin, house, layer, args: filed(house, layer, args),
    "changes": lambda admin, house, layer, args: changed(admin, layer, args),
    "as_of": lambda admin, house, layer, args: items(admin, layer, args, as_of=SOON),
    "tiles as_of": lambda admin, house, layer, args: tiles(admin, layer, args, as_of=SOON),
}


@pytest.mark.parametrize("number", range(len(CORPUS)))
def test_every_consumer_gives_the_same_features(admin: Role, house: House, town: Any, number: int) -> None:
    layer, args = CORPUS[number]
    expected = items(admin, layer, args)
    assert len(expected) > 0, "a question that finds nothing proves nothing"
    answers = {name: consumer(admin, house, layer, args) for name, consumer in CONSUMERS.items()}
    assert answers == dict.fromkeys(CONSUMERS, expected)
    stock = good(admin.get(address("/map/stock", on_map(args, layer)))).json["counts"][layer]
    assert stock == str(len(expected))
    assert counted(admin, layer, args) == {"statistics": len(expected), "by question": len(expected),
                                           "all": len(town[layer])}


def counted(admin: Role, layer: str, args: Args) -> dict[str, int]:
    """How many answer by statistics, and by the groups of the saved question."""
    path = f"/collections/{layer}/statistics"
    asked = {name: value for name, value in args.items() if name != "sortby"}
    name = f"question.{kept(admin, layer, args)}"
    groups = good(admin.get(address(path, {"group_by": name}))).json["groups"]
    return {"statistics": good(admin.get(address(path, asked))).json["numberMatched"],
            "by question": sum(group["count"] for group in groups if group["key"][name] != "rest"),
            "all": sum(group["count"] for group in groups)}


def test_the_corpus_tells_features_apart(admin: Role, town: Any) -> None:
    some = [number for number, (layer, args) in enumerate(CORPUS) if len(items(admin, layer, args)) < len(town[layer])]
    assert len(some) > len(CORPUS) * 0.8


def test_click_finds_what_the_filter_leaves(admin: Role, town: Any) -> None:
    row = next(row for row in town["vendor_points"])
    place = shapely.from_wkb(row["geom"])
    here = {"lon": str(place.x), "lat": str(place.y), "zoom": "18", "layers": "vendor_points", "f": "json"}
    for condition, there in (("around(POINT({x} {y}), 50)", True), ("NOT around(POINT({x} {y}), 50)", False)):
        written = condition.format(x=place.x, y=place.y)
        hits = good(admin.get(address("/identify", here | {"vendor_points.filter": written}))).json
        assert (str(row["id"]) in json.dumps(hits)) is there


@pytest.mark.parametrize("path", [
    "/collections/vendor_points/tiles/WebMercatorQuad/12/1667/3338", "/list/vendor_points",
    "/collections/vendor_points/changes?from=2024-01-01", "/collections/vendor_points/items?f=geojson"])
def test_computed_columns_are_refused_where_they_have_no_place(admin: Role, town: Any, path: str) -> None:
    answer = admin.get(path + ("&" if "?" in path else "?") + "compute=" + quote("distance('school_gates')"))
    assert answer.status_code == 400


def test_file_holds_the_same_and_says_the_question(admin: Role, house: House, town: Any) -> None:
    args = {"filter": "near('school_gates', 400)"}
    handed = exports.hand_over(house, SYSTEM, "vendor_points", "geojson", {"filter": [args["filter"]]}, "en")
    written = json.loads(handed.file.read())
    handed.file.close()
    assert {feature["id"] for feature in written["features"]} == items(admin, "vendor_points", args)
    assert "400 m" in written["question"]
