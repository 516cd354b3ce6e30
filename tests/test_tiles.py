"""Vector tiles on the real database: what is in them, when they are made anew, who gets which."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from uuid import uuid4

import mapbox_vector_tile
import pytest
from sqlalchemy import text

from gisapp import tile_drawing, tile_shelf, tiles
from gisapp.house import House
from gisapp.sql.tiles import Address
from tests.conftest import Role
from tests.samples import run

#: The middle of the demo's part of the world, and the tile of zoom 14 around it.
LON, LAT = 113.38, 31.675
Z14 = Address(14, 13352, 6670)
PATH = "/collections/{layer}/tiles/WebMercatorQuad/{a.z}/{a.y}/{a.x}"


def path(layer: str, address: Address) -> str:
    return PATH.format(layer=layer, a=address)


def parent(address: Address, z: int) -> Address:
    """The tile of zoom z around, or at the upper left of, the tile."""
    up = address.z - z
    return Address(z, address.x >> up, address.y >> up) if up >= 0 else Address(
        z, address.x << -up, address.y << -up)


def decoded(response: Any) -> list[dict[str, Any]]:
    """The features of a tile's one layer, y downwards."""
    if response.status_code == 204:
        return []
    assert response.status_code == 200, response.data[:300]
    assert response.content_type == "application/vnd.mapbox-vector-tile"
    made = mapbox_vector_tile.decode(response.data, default_options={"y_coord_down": True})
    assert len(made) == 1
    return list(next(iter(made.values()))["features"])


def fetch(client: Role, layer: str, address: Address, **query: Any) -> list[dict[str, Any]]:
    return decoded(client.get(path(layer, address), query_string=query))


def properties(client: Role, layer: str, address: Address, **query: Any) -> list[dict[str, Any]]:
    return [one["properties"] for one in fetch(client, layer, address, **query)]


def add_signs(owner: House, count: int, *, status: str = "01", spread: float = 0.01, kind: str = "01") -> None:
    """Signs on a grid inside the tile of zoom 14, `spread` degrees wide."""
    run(owner, """
        INSERT INTO layers.rooftop_signs (sign_no, sign_kind, area_m2, status, geom)
        SELECT gen_random_uuid()::text::varchar(30), :kind, 10, :status, ST_SetSRID(ST_MakePoint(
               :lon + :spread * (n % 100) / 100, :lat + :spread * (n / 100) / 100), 4326)
          FROM generate_series(0, :count - 1) AS n""",
        kind=kind, status=status, lon=LON, lat=LAT, spread=spread, count=count)


def add_build(owner: House, lon: float, lat: float, size: float = 0.0002) -> str:
    key = str(uuid4())
    run(owner, """
        INSERT INTO layers.illegal_builds (id, case_no, build_type, geom)
        VALUES (:id, :no, (SELECT min(code) FROM codes.build_type), ST_Multi(ST_MakeEnvelope(
                :lon, :lat, :lon + :size, :lat + :size, 4326)))""",
        id=key, no=key[:30], lon=lon, lat=lat, size=size)
    return key


@pytest.fixture(autouse=True)
def _plans_follow_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "PLAN_KEEP_S", 0)


@pytest.fixture
def empty(owner: House) -> Iterator[None]:
    """Layers without features, before and after."""
    def clear() -> None:
        for layer in ("rooftop_signs", "illegal_builds", "truck_routes"):
            run(owner, f"DELETE FROM layers.{layer}")
    clear()
    yield
    clear()


@pytest.mark.usefixtures("empty")
def test_a_feature_travels_with_what_the_map_draws_by(admin: Role, owner: House) -> None:
    key = add_build(owner, LON, LAT)
    [one] = fetch(admin, "illegal_builds", Z14)
    assert one["properties"] == {"id": key, "status": "01", "label": key[:30]}
    ring = one["geometry"]["coordinates"][0]
    assert len(ring) == 5
    assert all(0 <= value <= 4096 for point in ring for value in point)


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("z", [10, 12, 13, 14, 16, 18])
def test_outer_rings_wind_as_the_format_wants(admin: Role, owner: House, z: int) -> None:
    add_build(owner, LON, LAT, 0.01)
    at = _tile_of(LON + 0.005, LAT + 0.005, z)
    ring = fetch(admin, "illegal_builds", at)[0]["geometry"]["coordinates"][0]
    doubled = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))
    assert doubled > 0  # clockwise on a screen, y downwards


def _tile_of(lon: float, lat: float, z: int) -> Address:
    x = (lon + 180) / 360 * 2 ** z
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2 ** z
    return Address(z, int(x), int(y))


@pytest.mark.usefixtures("empty")
def test_shifting_and_clipping_put_a_corner_on_the_same_unit(admin: Role, owner: House) -> None:
    add_build(owner, LON, LAT)
    shifted = fetch(admin, "illegal_builds", Z14)[0]["geometry"]["coordinates"][0]
    # ST_AsMVTGeom is what everybody else's tiles are made with.
    [(drawn,)] = run(owner, """
        SELECT ST_AsText(ST_Envelope(ST_AsMVTGeom(geom_3857, ST_TileEnvelope(14, :x, :y)::box2d)))
          FROM layers.illegal_builds""", x=Z14.x, y=Z14.y)
    corners = {tuple(map(float, pair.split())) for pair in drawn.split("((")[1].rstrip(")").split(",")}
    assert {tuple(map(float, point)) for point in shifted} == corners


@pytest.mark.usefixtures("empty")
def test_a_tile_follows_every_kind_of_write(admin: Role, owner: House) -> None:
    address = parent(Z14, 14)
    assert fetch(admin, "illegal_builds", address) == []
    key = add_build(owner, LON, LAT)
    assert len(fetch(admin, "illegal_builds", address)) == 1
    run(owner, "UPDATE layers.illegal_builds SET status = '02' WHERE id = :id", id=key)
    assert properties(admin, "illegal_builds", address)[0]["status"] == "02"
    run(owner, "UPDATE layers.illegal_builds SET geom = ST_Translate(geom, 0.5, 0) WHERE id = :id", id=key)
    assert fetch(admin, "illegal_builds", address) == []
    assert len(fetch(admin, "illegal_builds", _tile_of(LON + 0.5001, LAT + 0.0001, 14))) == 1
    run(owner, "DELETE FROM layers.illegal_builds")
    assert fetch(admin, "illegal_builds", _tile_of(LON + 0.5001, LAT + 0.0001, 14)) == []


@pytest.mark.usefixtures("empty")
def test_a_write_that_is_rolled_back_changes_nothing(admin: Role, owner: House) -> None:
    add_build(owner, LON, LAT)
    etag = admin.get(path("illegal_builds", Z14)).headers["ETag"]
    with owner.db.engine.connect() as connection:
        connection.execute(text("DELETE FROM layers.illegal_builds"))
        assert admin.get(path("illegal_builds", Z14)).headers["ETag"] == etag
        connection.rollback()
    assert len(fetch(admin, "illegal_builds", Z14)) == 1


@pytest.mark.usefixtures("empty")
def test_an_unchanged_tile_is_not_sent_again(admin: Role, owner: House) -> None:
    add_build(owner, LON, LAT)
    first = admin.get(path("illegal_builds", Z14))
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = admin.get(path("illegal_builds", Z14), headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    add_build(owner, LON + 0.001, LAT)
    changed = admin.get(path("illegal_builds", Z14), headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


@pytest.mark.usefixtures("empty")
def test_a_finished_tile_is_read_back_and_equal(admin: Role, owner: House, house: House) -> None:
    add_build(owner, LON, LAT)
    made = admin.get(path("illegal_builds", Z14)).data
    tiles.settle(house)
    run(owner, "UPDATE gisapp.stored_tiles SET body = :body", body=gzip.compress(b"stored"))
    assert admin.get(path("illegal_builds", Z14)).data == b"stored"
    run(owner, "UPDATE layers.illegal_builds SET synthetic = true")
    assert admin.get(path("illegal_builds", Z14)).data == made


@pytest.mark.usefixtures("empty")
def test_a_tile_is_sent_packed_to_who_takes_it(admin: Role, owner: House) -> None:
    add_build(owner, LON, LAT)
    plain = admin.get(path("illegal_builds", Z14))
    packed = admin.get(path("illegal_builds", Z14), headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert "Accept-Encoding" in packed.headers["Vary"]
    refused = admin.get(path("illegal_builds", Z14), headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers


@pytest.mark.usefixtures("empty")
def test_a_few_signs_are_points_at_every_zoom(admin: Role, owner: House) -> None:
    add_signs(owner, 145)
    for z in (0, 5, 9, 12, 13, 14):
        assert len([p for p in properties(admin, "rooftop_signs", parent(Z14, z)) if "id" in p]) == 145


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("z", [0, 4, 6, 9, 11, 12])
def test_many_signs_are_counted_below_the_detail_zoom(admin: Role, owner: House, z: int) -> None:
    add_signs(owner, tiles.CONFETTI + 100)
    found = properties(admin, "rooftop_signs", parent(Z14, z))
    assert all(set(one) == {"count"} for one in found)
    assert sum(one["count"] for one in found) == tiles.CONFETTI + 100


@pytest.mark.usefixtures("empty")
def test_from_the_detail_zoom_on_there_are_features(admin: Role, owner: House) -> None:
    add_signs(owner, tiles.CONFETTI + 100)
    found = properties(admin, "rooftop_signs", Z14)
    assert len(found) == tiles.CONFETTI + 100
    assert all(set(one) == {"status"} for one in found)


@pytest.mark.usefixtures("empty")
def test_a_crowded_tile_counts_what_it_does_not_draw(
        admin: Role, owner: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_drawing, "MOST_POINTS", 50)
    add_signs(owner, 300, spread=0.0001)
    add_signs(owner, 40, spread=0.015)
    found = properties(admin, "rooftop_signs", Z14)
    drawn = [one for one in found if "count" not in one]
    assert 0 < len(drawn) <= 50
    assert len(drawn) + sum(one.get("count", 0) for one in found) == 340


@pytest.mark.usefixtures("empty")
def test_crowded_lines_keep_the_longest(admin: Role, owner: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_drawing, "MOST_LINES", 5)
    monkeypatch.setattr(tile_drawing, "MOST_LINES_DRAWN", 5)
    run(owner, """
        INSERT INTO layers.truck_routes (route_no, name, leg, geom)
        SELECT 'R' || n, 'P' || n, (SELECT min(code) FROM codes.route_leg),
               ST_Multi(ST_SetSRID(ST_MakeLine(ST_MakePoint(:lon, :lat),
                   ST_MakePoint(:lon + 0.0001 * n, :lat + 0.00001 * n)), 4326)) FROM generate_series(1, 12) AS n
        """, lon=LON, lat=LAT)
    found = properties(admin, "truck_routes", Z14)
    assert len([one for one in found if "count" not in one]) == 5
    assert max(one.get("count", 0) for one in found) == 12


@pytest.mark.usefixtures("empty")
def test_a_crowded_tile_of_areas_draws_the_large_ones_over_counts(
        admin: Role, owner: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in range(60):
        add_build(owner, LON + 0.0003 * (place % 8), LAT + 0.0003 * (place // 8), 0.00005 + 0.0000025 * place)
    with owner.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE layers.illegal_builds"))
    monkeypatch.setattr(tile_drawing, "MOST", 30)
    found = fetch(admin, "illegal_builds", Z14)
    assert sum(one["properties"].get("count", 0) for one in found) == 60
    drawn = [one for one in found if "count" not in one["properties"]]
    assert 0 < len(drawn) <= 30
    assert {one["properties"]["status"] for one in drawn} == {"01"}
    widths = [max(x for x, _ in ring) - min(x for x, _ in ring) for one in drawn
              for ring in one["geometry"]["coordinates"][:1]]
    assert min(widths) >= 20  # the smallest of all is 9 units wide, the middle one 23, the largest 36


ROUTE = """
    INSERT INTO layers.truck_routes (route_no, name, leg, geom)
    VALUES ('R1', 'P1', (SELECT min(code) FROM codes.route_leg), ST_Multi(ST_SetSRID(ST_MakeLine(ARRAY(
        SELECT ST_MakePoint(:lon + 0.0001 * n, :lat + 0.00002 * (n % 5)) FROM generate_series(0, 99) AS n)), 4326)))"""


@pytest.mark.usefixtures("empty")
def test_a_line_is_kept_in_pieces_of_its_own_direction(owner: House) -> None:
    run(owner, ROUTE, lon=LON, lat=LAT)
    pieces = run(owner, "SELECT ST_NPoints(piece), ST_X(ST_StartPoint(piece)), ST_X(ST_EndPoint(piece))"
                        " FROM tiles.truck_routes ORDER BY 2")
    assert [count for count, _, _ in pieces] == [32, 32, 32, 7]
    assert all(start < end for _, start, end in pieces)
    assert [end for _, _, end in pieces[:-1]] == [start for _, start, _ in pieces[1:]]
    run(owner, "UPDATE layers.truck_routes SET geom = ST_Reverse(geom)")
    assert run(owner, "SELECT bool_and(ST_X(ST_StartPoint(piece)) > ST_X(ST_EndPoint(piece))), count(*)"
                      " FROM tiles.truck_routes") == [(True, 4)]
    run(owner, "SELECT gisapp.rebuild_tiles('truck_routes')")
    assert run(owner, "SELECT count(*) FROM tiles.truck_routes") == [(4,)]
    run(owner, "DELETE FROM layers.truck_routes")
    assert run(owner, "SELECT count(*) FROM tiles.truck_routes") == [(0,)]


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("z", [9, 12, 14, 16, 18, 20])
def test_a_line_shows_wherever_it_passes(admin: Role, owner: House, z: int) -> None:
    run(owner, ROUTE, lon=LON, lat=LAT)
    key = str(run(owner, "SELECT id FROM layers.truck_routes")[0][0])
    for step in (0, 31, 50, 98):
        [one] = fetch(admin, "truck_routes", _tile_of(LON + 0.0001 * step, LAT + 0.00002 * (step % 5), z))
        assert one["properties"]["id"] == key
    assert fetch(admin, "truck_routes", _tile_of(LON, LAT + 0.5, z)) == [] or z < 10
    assert fetch(admin, "truck_routes", Z14, name="P2") == []


SLANT = """
    INSERT INTO layers.truck_routes (route_no, name, leg, geom)
    VALUES ('R2', 'P2', (SELECT min(code) FROM codes.route_leg), ST_Multi(ST_SetSRID(ST_MakeLine(
        ST_MakePoint(:lon, :lat), ST_MakePoint(:lon + 0.02, :lat + 0.02)), 4326)))"""


@pytest.mark.usefixtures("empty")
def test_a_slanting_line_is_in_no_tile_that_only_its_box_covers(admin: Role, owner: House) -> None:
    """A feature without geometry makes the browser throw the whole tile away."""
    run(owner, SLANT, lon=LON, lat=LAT)
    assert admin.get(path("truck_routes", _tile_of(LON + 0.018, LAT + 0.002, 18))).status_code == 204
    [one] = fetch(admin, "truck_routes", _tile_of(LON + 0.01, LAT + 0.01, 18))
    assert one["geometry"]["coordinates"]


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("z", [9, 11, 12, 13, 14])
@pytest.mark.parametrize("asked", [{"status": "02"}, {"sign_kind": "02"}, {"status": "02", "sign_kind": "02"},
                                   {"ids": str(uuid4())}, {"area_m2": "10"}, {"status": "01,02"},
                                   {"status": "02,07", "sign_kind": "01,02,03"}, {"district_code": ",420101"},
                                   {"status": "02,", "street_code": "", "sign_kind": "02,01"}])
def test_a_filter_means_the_same_in_every_picture(admin: Role, owner: House, monkeypatch: pytest.MonkeyPatch,
                                                  z: int, asked: dict[str, str]) -> None:
    monkeypatch.setattr(tiles, "CONFETTI", 20)
    add_signs(owner, 40, status="01", kind="01")
    add_signs(owner, 30, status="02", kind="01")
    add_signs(owner, 25, status="02", kind="02")
    wanted = admin.get("/collections/rooftop_signs/items", query_string=asked | {"limit": "1"}).json["numberMatched"]
    found = properties(admin, "rooftop_signs", parent(Z14, z), **asked)
    assert sum(one.get("count", 1) for one in found) == wanted
    if z < owner.catalogue.layers["rooftop_signs"].detail_zoom and wanted > 20:
        assert all("id" not in one for one in found)


@pytest.mark.usefixtures("empty")
def test_a_filter_on_personal_data_is_refused_to_who_may_not_see_it(roles: dict[str, Role]) -> None:
    answer = roles["viewer"].get(path("rooftop_signs", Z14), query_string={"owner": "someone"})
    assert (answer.status_code, answer.json["code"]) == (403, "field_masked")


@pytest.mark.usefixtures("empty")
def test_readers_of_other_rights_do_not_share_a_stored_tile(
        roles: dict[str, Role], owner: House, monkeypatch: pytest.MonkeyPatch) -> None:
    add_signs(owner, 3)
    run(owner, "UPDATE layers.rooftop_signs SET owner = 'Somebody'")
    layer = owner.catalogue.layers["rooftop_signs"]
    monkeypatch.setattr(tiles, "visible_names", lambda actor, _: (
        [f.id for f in layer.all_fields] if actor.role == "admin" else ["status"]))
    seen = properties(roles["admin"], "rooftop_signs", Z14)
    assert all("label" in one for one in seen)
    assert all("label" not in one for one in properties(roles["viewer"], "rooftop_signs", Z14))
    assert properties(roles["admin"], "rooftop_signs", Z14) == seen


@pytest.mark.parametrize(("matrix", "row", "column", "status", "code"), [
    ("14", "99999", "1", 404, "tile_outside"),
    ("23", "0", "0", 404, "tile_outside"),
    ("999999999", "0", "0", 404, "tile_outside"),
    ("1", "2", "0", 404, "tile_outside"),
    ("-1", "0", "0", 400, "parameter_invalid"),
    ("14", "a", "0", 400, "parameter_invalid"),
    ("14", "0", "1.5", 400, "parameter_invalid"),
    ("99999999999999999999", "0", "0", 400, "parameter_invalid"),
    ("%00", "0", "0", 400, "parameter_invalid"),
])
def test_a_wrong_address_has_a_stable_code(
        admin: Role, matrix: str, row: str, column: str, status: int, code: str) -> None:
    answer = admin.get(f"/collections/rooftop_signs/tiles/WebMercatorQuad/{matrix}/{row}/{column}")
    assert (answer.status_code, answer.json["code"]) == (status, code)


@pytest.mark.parametrize(("query", "status", "code"), [
    ({"f": "png"}, 400, "format_unknown"),
    ({"nonsense": "1"}, 400, "parameter_unknown"),
    ({"area_m2": "many"}, 400, "parameter_invalid"),
])
def test_a_wrong_question_has_a_stable_code(admin: Role, query: dict[str, str], status: int, code: str) -> None:
    answer = admin.get(path("rooftop_signs", Z14), query_string=query)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_an_unknown_layer_or_matrix_set_is_not_found(admin: Role) -> None:
    assert admin.get(path("nothing", Z14)).json["code"] == "layer_unknown"
    assert admin.get("/collections/rooftop_signs/tiles/Other/0/0/0").status_code == 404


@pytest.mark.usefixtures("empty")
def test_tile_sets_are_described(admin: Role, owner: House) -> None:
    add_signs(owner, 2)
    [one] = admin.get("/collections/rooftop_signs/tiles").json["tilesets"]
    assert one["tileMatrixSetURI"].endswith("/WebMercatorQuad")
    made = admin.get("/collections/rooftop_signs/tiles/WebMercatorQuad?f=tilejson").json
    assert made["tiles"][0].endswith("/collections/rooftop_signs/tiles/WebMercatorQuad/{z}/{y}/{x}")
    assert made["bounds"][0] == pytest.approx(LON)
    box = admin.get("/collections/rooftop_signs/tiles/WebMercatorQuad").json["boundingBox"]
    assert box["lowerLeft"] == pytest.approx([LON, LAT])
    matrices = admin.get("/tileMatrixSets/WebMercatorQuad").json["tileMatrices"]
    assert matrices[0]["scaleDenominator"] == pytest.approx(559082264.0287178)
    assert admin.get("/tileMatrixSets/Other").status_code == 404
    assert admin.get("/tileMatrixSets").json["tileMatrixSets"][0]["id"] == "WebMercatorQuad"


@pytest.mark.usefixtures("empty")
def test_old_tiles_go_when_the_store_is_full(
        admin: Role, owner: House, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_shelf, "TIDY_EVERY", 1)
    monkeypatch.setattr(tile_shelf, "STORE_BYTES", 1)
    add_signs(owner, 3)
    for z in range(8, 20):
        admin.get(path("rooftop_signs", _tile_of(LON + 0.00001, LAT + 0.00001, z)))
    tiles.settle(house)
    assert run(owner, "SELECT count(*) < 8 FROM gisapp.stored_tiles") == [(True,)]


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("most", [4000, 1])
def test_other_attributes_travel_when_asked_for(
        admin: Role, roles: dict[str, Role], owner: House, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(tile_drawing, "MOST_POINTS", most)
    add_signs(owner, 3, spread=0.1)
    asked = ",".join(field.id for field in owner.catalogue.layers["rooftop_signs"].all_fields)
    drawn = [one for one in properties(admin, "rooftop_signs", Z14, properties=asked) if "count" not in one]
    assert len(drawn) == min(most, 3)
    assert {"area_m2": 10.0, "version": 1, "synthetic": False}.items() <= drawn[0].items()
    assert drawn[0]["created_at"][:2] == "20"
    answer = roles["viewer"].get(path("rooftop_signs", Z14), query_string={"properties": "owner"})
    assert (answer.status_code, answer.json["code"]) == (403, "field_masked")
