"""Very many rows enter a layer as a set: no other outcome than that of single writes, and nobody waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import text

from gisapp.house import House
from tests.conftest import Role
from tests.test_import_desk import SIGNS, checked, committed, district
from tests.test_imports import emptied, sign, stored

POINTS = "vendor_points"
TABLE = f"layers.{SIGNS}"
#: What differs from write to write, whatever the road.
_OWN = ("id", "sign_no", "history_id", "created_at", "updated_at", "valid_from", "valid_to", "request_id")


@pytest.fixture(autouse=True)
def _many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gisapp.sql.take_in.MANY", 1)


@pytest.fixture
def link(owner: House) -> Iterator[psycopg.Connection[Any]]:
    with owner.db.raw() as driver:
        yield driver
        driver.rollback()


def _rows(link: psycopg.Connection[Any], statement: str, *values: Any) -> list[Any]:
    found = link.execute(statement, values).fetchall()
    link.commit()
    return found


def _counts(link: psycopg.Connection[Any], name: str) -> list[Any]:
    """Counts of the layer as a reader sums them."""
    more = ", status, kind" if name == "tile_facets" else ""
    columns = f"zoom, tile_x, tile_y, cell, district_code{more}"
    return _rows(link, f"SELECT {columns}, sum(n) FROM gisapp.{name} WHERE layer = '{SIGNS}' GROUP BY {columns}"
                       f" HAVING sum(n) <> 0 ORDER BY {columns}")


def _told(link: psycopg.Connection[Any], table: str, number: str) -> dict[str, Any]:
    """The row of that number as it was entered, by what does not depend on when that was."""
    [(found,)] = _rows(link, f"SELECT to_jsonb(t) FROM layers.{table} AS t WHERE sign_no = %s AND version = 1"
                             f"{'' if table == SIGNS else ' AND operation = $$insert$$'}", number)
    return {name: value for name, value in found.items() if name not in _OWN}


def _is_set(link: psycopg.Connection[Any]) -> bool:
    return bool(_rows(link, f"SELECT gisapp.may_enter_as_set('{TABLE}'::regclass)")[0][0])


@pytest.fixture
def watched(link: psycopg.Connection[Any]) -> Iterator[None]:
    """A trigger on the layer that nobody knows of; it counts in a table."""
    link.execute("CREATE TABLE staging.seen (number text);"
                 "CREATE FUNCTION staging.see() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN"
                 " INSERT INTO staging.seen VALUES (NEW.sign_no); RETURN NEW; END $$;"
                 f"CREATE TRIGGER z9_foreign AFTER INSERT ON {TABLE} FOR EACH ROW EXECUTE FUNCTION staging.see()")
    link.commit()
    yield
    link.rollback()
    link.execute("DROP FUNCTION staging.see CASCADE; DROP TABLE staging.seen")
    link.commit()


def test_a_set_is_written_as_single_rows_are(
        admin: Role, house: House, link: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows, history and the counts behind tiles are the same by both roads, and those that a recount finds."""
    emptied(house, "districts")
    committed(admin, checked(admin, "districts", district("421399", 113.0, 114.0))[0])
    place = {"type": "Point", "coordinates": [113.5, 31.25]}
    found = []
    for most, number in ((10**9, "W-1"), (1, "W-2")):
        monkeypatch.setattr("gisapp.sql.take_in.MANY", most)
        emptied(house, SIGNS)
        committed(admin, checked(admin, SIGNS, sign(number, geometry=place))[0])
        found.append([_told(link, SIGNS, number), _told(link, f"{SIGNS}_history", number),
                      _counts(link, "tile_counts"), _counts(link, "tile_facets")])
    assert _is_set(link)
    assert found[0] == found[1] and found[0][0]["district_code"] == "421399" and len(found[0][2]) == 7
    _rows(link, f"SELECT gisapp.rebuild_tiles('{SIGNS}')")
    assert [_counts(link, "tile_counts"), _counts(link, "tile_facets")] == found[1][2:]


@pytest.mark.parametrize("road", ["set", "triggers"])
def test_very_many_deleted_features_come_back_as_single_ones_do(
        admin: Role, house: House, link: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch,
        request: pytest.FixtureRequest, road: str) -> None:
    """Undone: content, version, day and author of the first entry, territory, history and counts are the same."""
    if road == "triggers":
        request.getfixturevalue("watched")
    emptied(house, "districts")
    committed(admin, checked(admin, "districts", district("421399", 113.0, 114.0))[0])
    place = {"type": "Point", "coordinates": [113.5, 31.25]}
    found = []
    for most in (10**9, 1):
        monkeypatch.setattr("gisapp.sql.take_in.MANY", most)
        emptied(house, SIGNS)
        committed(admin, checked(admin, SIGNS, sign("B-1", place, remark="旧"), sign("B-2"))[0])
        first = _rows(link, f"SELECT sign_no, created_at, created_by FROM {TABLE} ORDER BY 1")
        done = committed(admin, checked(admin, SIGNS, sign("B-3", place), mode="replace", key="sign_no",
                                        territory={"level": "all"})[0])
        assert (done["inserted"], done["deleted"]) == (1, 2)
        assert admin.post(f"/imports/{done['id']}/undo").json["brought_back"] == 2
        assert _rows(link, f"SELECT sign_no, created_at, created_by FROM {TABLE} ORDER BY 1") == first
        own = ", ".join(f"'{name}'" for name in {*_OWN} - {"sign_no"})
        plain = [_rows(link, f"SELECT to_jsonb(t) - ARRAY[{own}] FROM layers.{name} AS t"
                             f" WHERE id IN (SELECT id FROM {TABLE}) ORDER BY sign_no, {order}")
                 for name, order in ((SIGNS, "version"), (f"{SIGNS}_history", "history_id"))]
        found.append([*plain, _counts(link, "tile_counts"), _counts(link, "tile_facets")])
    assert found[0] == found[1]
    [kept] = [row for (row,) in found[1][0] if row["sign_no"] == "B-1"]
    assert (kept["version"], kept["district_code"], kept["remark"]) == (2, "421399", "旧")
    assert not _rows(link, "SELECT FROM pg_class WHERE relnamespace = 'staging'::regnamespace AND relname ~ '^[a-z]_'")


def test_very_many_are_counted_as_single_ones_are_and_gone_again(
        admin: Role, house: House, link: psycopg.Connection[Any]) -> None:
    """From a thousand rows on, counts are summed zoom by zoom: on entering, and when triggers see the rows leave."""
    emptied(house, SIGNS)
    link.execute(f"SELECT gisapp.rebuild_tiles('{SIGNS}')")
    link.commit()
    rows = [sign(f"T-{n}", {"type": "Point", "coordinates": [113.3 + n % 37 * 0.003, 31.4 + n % 31 * 0.007]},
                 sign_kind=("01", "02")[n % 2]) for n in range(1100)]
    done = committed(admin, checked(admin, SIGNS, *rows)[0])
    assert done["inserted"] == 1100
    found = [_counts(link, "tile_counts"), _counts(link, "tile_facets")]
    _rows(link, f"SELECT gisapp.rebuild_tiles('{SIGNS}')")
    assert found == [_counts(link, "tile_counts"), _counts(link, "tile_facets")]
    assert {sum(row[-1] for row in found[1] if row[0] == zoom) for zoom in (6, 8, 10, 12)} == {1100}
    assert admin.post(f"/imports/{done['id']}/undo").json["removed"] == 1100
    assert [_counts(link, "tile_counts"), _counts(link, "tile_facets")] == [[], []]


@pytest.mark.parametrize("road", ["set", "triggers"])
def test_the_territory_is_that_of_each_place_also_where_squares_are_settled(
        admin: Role, house: House, link: psycopg.Connection[Any], request: pytest.FixtureRequest, road: str) -> None:
    """Forty rows each inside of a district, on both sides of a border and on it, and outside of all."""
    if road == "triggers":
        request.getfixturevalue("watched")
    emptied(house, SIGNS)
    emptied(house, "districts")
    committed(admin, checked(admin, "districts", district("421398", 113.0, 113.5), district("421399", 113.5, 114.0))[0])
    middles = {"in": (113.25, 31.25), "on": (113.5, 31.25), "out": (115.1, 31.25), "edge": (113.25, 31.5)}
    rows = [sign(f"{name}-{n}", {"type": "Point", "coordinates": [lon + (n - 20) * 1e-5, lat + (n - 20) * 1e-5]})
            for name, (lon, lat) in middles.items() for n in range(40)]
    number, _ = checked(admin, SIGNS, *rows)
    link.execute("SELECT gisapp.settle_squares(%s, %s::regclass)", [_stage(number), TABLE])
    known = link.execute("SELECT DISTINCT district_code_known, district_code FROM pg_temp.settled").fetchall()
    link.rollback()
    assert {(True, "421398"), (True, None)} <= set(known) and any(not one[0] for one in known)
    committed(admin, number)
    found = _rows(link, f"SELECT sign_no, district_code, (gisapp.territory(geom)).district_code FROM {TABLE}")
    assert len(found) == 160 and all(code == expected for _, code, expected in found)
    codes = {number: code for number, code, _ in found}
    assert (codes["in-0"], codes["on-0"], codes["on-20"], codes["on-39"], codes["out-5"], codes["edge-39"]) == (
        "421398", "421398", "421398", "421399", None, None)


def test_tiles_of_the_place_are_new_and_triggers_work_again(
        admin: Role, house: House, link: psycopg.Connection[Any]) -> None:
    emptied(house, SIGNS)
    asked = f"SELECT coalesce(sum(weight), 0) FROM gisapp.layer_changes WHERE layer = '{SIGNS}'"
    before = _rows(link, asked)[0][0]
    done = committed(admin, checked(admin, SIGNS, sign("R-1"), sign("R-2"))[0])
    assert _rows(link, asked)[0][0] > before
    made = admin.post(f"/collections/{SIGNS}/items", json=sign("R-3"), headers={"Content-Type": "application/geo+json"})
    assert made.status_code == 201, made.json
    assert _rows(link, f"SELECT count(*) FROM {TABLE}_history WHERE sign_no = 'R-3' AND operation = 'insert'") == [(1,)]
    assert admin.post(f"/imports/{done['id']}/undo").json["removed"] == 2
    assert [row["sign_no"] for row in stored(house, SIGNS).values()] == ["R-3"]


def test_an_unknown_trigger_is_not_passed_over(
        admin: Role, house: House, link: psycopg.Connection[Any], watched: None) -> None:
    emptied(house, SIGNS)
    assert not _is_set(link)
    committed(admin, checked(admin, SIGNS, sign("U-1"), sign("U-2"))[0])
    assert sorted(_rows(link, "SELECT number FROM staging.seen")) == [("U-1",), ("U-2",)]
    assert _rows(link, f"SELECT count(*) FROM pg_trigger WHERE tgrelid = '{TABLE}'::regclass AND tgenabled = 'D'"
                 ) == [(0,)]


@pytest.mark.parametrize("road", ["set", "triggers"])
def test_what_comes_back_goes_on_counting(
        admin: Role, house: House, link: psycopg.Connection[Any], request: pytest.FixtureRequest, road: str) -> None:
    """An ETag never means two contents, and first entries keep their day and author."""
    if road == "triggers":
        request.getfixturevalue("watched")
    emptied(house, SIGNS)
    feature = sign("C-1") | {"id": str(uuid4())}
    committed(admin, checked(admin, SIGNS, feature)[0])
    [first] = stored(house, SIGNS).values()
    emptied(house, SIGNS)
    committed(admin, checked(admin, SIGNS, feature)[0])
    [again] = stored(house, SIGNS).values()
    assert _is_set(link) == (road == "set")
    assert again["id"] == first["id"] and again["version"] > first["version"]
    assert (again["created_at"], again["created_by"]) == (first["created_at"], first["created_by"])
    assert again["updated_at"] > first["updated_at"]


# ---------------------------------------------------------------- codes

def _stage(number: str) -> str:
    return f"staging.i_{number.replace('-', '')}"


@pytest.mark.parametrize("layer, feature, change", [
    (SIGNS, sign("F-1"), "sign_kind = 'no such'"), (SIGNS, sign("F-2", status="01"), "status = '99'"),
    (POINTS, None, "categories = ARRAY['no such']"), (POINTS, None, "categories = ARRAY[NULL]::text[]")])
def test_no_code_enters_that_is_not_of_its_list(
        admin: Role, house: House, link: psycopg.Connection[Any], layer: str, feature: dict[str, Any] | None,
        change: str) -> None:
    """Whatever becomes of the stage after the check, the database proves each row when it enters."""
    emptied(house, layer)
    number, found = checked(admin, layer, feature or _point(link))
    assert found["counts"]["insert"] == 1, found
    link.execute(f"UPDATE {_stage(number)} SET {change}")
    link.commit()
    answer = admin.post(f"/imports/{number}/commit", json={})
    assert (answer.status_code, answer.json["code"]) == (422, "properties_invalid")
    field = answer.json["errors"][0]["field"]
    assert field in (change.split(" ")[0], "fk_status", "b3_codes")
    assert stored(house, layer) == {}


def _point(link: psycopg.Connection[Any]) -> dict[str, Any]:
    [(kind, category)] = _rows(link, "SELECT (SELECT min(code) FROM codes.vendor_kind), min(code)"
                                     " FROM codes.vendor_categories")
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [113.5, 31.5]},
            "properties": {"point_no": "V-1", "name": "点", "kind": kind, "categories": [category]}}


def test_a_code_that_goes_between_check_and_commit_is_noticed(
        admin: Role, house: House, link: psycopg.Connection[Any]) -> None:
    emptied(house, SIGNS)
    link.execute("INSERT INTO codes.sign_kind (code, title_zh, title_en, sort) VALUES ('zz', '临', 'tmp', 999)")
    link.commit()
    number, _ = checked(admin, SIGNS, sign("G-1"))
    link.execute(f"UPDATE {_stage(number)} SET sign_kind = 'zz'")
    link.execute("DELETE FROM codes.sign_kind WHERE code = 'zz'")
    link.commit()
    assert admin.post(f"/imports/{number}/commit", json={}).json["code"] == "properties_invalid"
    assert stored(house, SIGNS) == {}


# ---------------------------------------------------------------- beside others

def test_others_write_while_a_set_enters_and_no_code_goes(
        admin: Role, house: House, owner: House, link: psycopg.Connection[Any]) -> None:
    """The import's transaction is open: an inspector saves at once; a code that it uses cannot be deleted."""
    emptied(house, SIGNS)
    number, _ = checked(admin, SIGNS, sign("O-1"))
    with house.db.raw() as entering:
        entering.execute("SELECT gisapp.take_in(%s, %s, %s)", [UUID(number), SIGNS, ["sign_no", "sign_kind", "area_m2",
                                                                                    "geom"]])
        assert entering.execute("SHOW session_replication_role").fetchone() == ("origin",)
        with house.db.raw() as beside:
            beside.execute("SET lock_timeout = '2s'")
            beside.execute(f"UPDATE {TABLE} SET remark = 'x'")
            beside.execute(f"INSERT INTO {TABLE} (sign_no, sign_kind, geom) SELECT 'O-2', sign_kind, geom"
                           f" FROM {_stage(number)}")
            beside.commit()
        link.execute("SET LOCAL lock_timeout = '300ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            link.execute("DELETE FROM codes.sign_kind WHERE code = '01'")
        link.rollback()
        entering.commit()
    assert sorted(row["sign_no"] for row in stored(house, SIGNS).values()) == ["O-1", "O-2"]


def test_what_fails_leaves_nothing_at_rest(house: House, admin: Role, link: psycopg.Connection[Any]) -> None:
    emptied(house, SIGNS)
    number, _ = checked(admin, SIGNS, sign("E-1"), sign("E-2"))
    link.execute(f"UPDATE {_stage(number)} SET sign_no = 'E-1'")
    link.commit()
    with house.db.raw() as entering:
        entering.execute("SAVEPOINT before")
        with pytest.raises(psycopg.errors.UniqueViolation):
            entering.execute("SELECT gisapp.take_in(%s, %s, %s)",
                             [UUID(number), SIGNS, ["sign_no", "sign_kind", "geom"]])
        entering.execute("ROLLBACK TO before")
        assert entering.execute("SHOW session_replication_role").fetchone() == ("origin",)
    assert stored(house, SIGNS) == {}


@pytest.mark.parametrize("statement", [
    "SET session_replication_role = replica",
    f"SELECT gisapp.prove_ready('00000000-0000-0000-0000-000000000000', '{TABLE}'::regclass, 0)",
    f"SELECT gisapp.ready_sql('00000000-0000-0000-0000-000000000000', '{SIGNS}', '{{sign_no}}')",
    f"SELECT gisapp.enter_by_triggers('{TABLE}', '{SIGNS}', '{{sign_no}}')"])
def test_the_application_has_none_of_these_powers(house: House, statement: str) -> None:
    with house.db.raw() as link, pytest.raises(psycopg.errors.InsufficientPrivilege):
        link.execute(statement)


# ---------------------------------------------------------------- near records

@pytest.mark.parametrize("lat", [0.0, 31.69, 60.0])
@pytest.mark.parametrize("metres, meets", [(14.9, True), (15.1, False)])
@pytest.mark.parametrize("north", [True, False])
def test_near_is_near_on_the_ellipsoid(
        admin: Role, house: House, link: psycopg.Connection[Any], lat: float, metres: float, meets: bool,
        north: bool) -> None:
    """On the border of the distance the map's plane is not asked, in whichever direction the neighbour lies."""
    emptied(house, SIGNS)
    assert house.settings.duplicate_metres == 15
    committed(admin, checked(admin, SIGNS, sign("N-1", geometry={"type": "Point", "coordinates": [113.5, lat]}))[0])
    [(lon, away)] = _rows(
        link, "SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_Project(ST_SetSRID(ST_Point(113.5, %s), 4326)::geography, %s,"
              " radians(%s))::geometry AS p) AS q", lat, metres, 0 if north else 90)
    _, found = checked(admin, SIGNS, sign("N-2", geometry={"type": "Point", "coordinates": [lon, away]}))
    assert found["twins"] == ({"place": 1} if meets else {})


def test_no_plan_of_an_index_alone_ends_the_server(owner: House) -> None:
    """PostGIS's trees of quarters say that they can give back what they hold, and cannot: a count took all memory."""
    with owner.db.begin("test") as connection:
        assert connection.execute(text("SELECT count(*) FROM pg_class AS c JOIN pg_am AS m ON m.oid = c.relam"
                                       " WHERE m.amname = 'spgist'")).scalar_one() == 0
        for kind in ("seqscan", "bitmapscan"):
            connection.execute(text(f"SET LOCAL enable_{kind} = off"))
        assert connection.execute(text(f"SELECT count(*) FROM layers.{SIGNS}")).scalar_one() >= 0
