"""Very many rows are made ready by one connection and enter by another: all of them or none, nothing stays behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import Connection, text

from gisapp.desk.commit import commit
from gisapp.house import House
from gisapp.permissions import SYSTEM
from gisapp.sql import ready
from tests.conftest import Role
from tests.test_import_desk import SIGNS, checked, committed, district
from tests.test_imports import emptied, sign, stored

TABLE = f"layers.{SIGNS}"
#: What differs from write to write, whatever the road.
_OWN = ("id", "history_id", "created_at", "updated_at", "valid_from", "request_id")
ROWS = 25


@pytest.fixture(autouse=True)
def _few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gisapp.sql.take_in.MANY", 1)
    monkeypatch.setattr("gisapp.sql.ready.LINES", 10)


@pytest.fixture
def link(owner: House) -> Iterator[psycopg.Connection[Any]]:
    with owner.db.raw() as driver:
        driver.autocommit = True
        yield driver
        driver.autocommit = False


def _signs() -> list[dict[str, Any]]:
    return [sign(f"Y-{n:02}", {"type": "Point", "coordinates": [113.4 + n * 0.01, 31.2 + n * 0.01]},
                 sign_kind=("01", "02")[n % 2]) | {"id": str(UUID(int=n + 1))} for n in range(ROWS)]


def _seen(link: psycopg.Connection[Any]) -> list[Any]:
    """Rows, versions and counts, by what does not depend on when they came."""
    rows = [[{name: value for name, value in row.items() if name not in _OWN} for (row,) in link.execute(
        f"SELECT to_jsonb(t) FROM layers.{name} AS t WHERE sign_no LIKE 'Y-%' {only} ORDER BY sign_no")]
        for name, only in ((SIGNS, ""), (f"{SIGNS}_history", "AND valid_to = 'infinity'"))]
    columns = "zoom, tile_x, tile_y, cell, district_code"
    counts = [link.execute(f"SELECT {columns}{more}, sum(n) FROM gisapp.{name} WHERE layer = '{SIGNS}'"
                           f" GROUP BY {columns}{more} HAVING sum(n) <> 0 ORDER BY {columns}{more}").fetchall()
              for name, more in (("tile_counts", ""), ("tile_facets", ", status, kind"))]
    return [*rows, *counts]


def _beside(link: psycopg.Connection[Any], number: str) -> list[Any]:
    """The tables of an import that are left beside its stage."""
    return link.execute("SELECT relname FROM pg_class WHERE relnamespace = 'staging'::regnamespace AND relkind = 'r'"
                        " AND relname LIKE %s AND relname NOT LIKE %s",
                        ["%" + number.replace("-", ""), "i%"]).fetchall()


@pytest.fixture
def number(admin: Role, house: House) -> str:
    """An import of three parts that was checked, over a border of districts."""
    emptied(house, SIGNS)
    emptied(house, "districts")
    committed(admin, checked(admin, "districts", district("421398", 113.0, 113.5), district("421399", 113.5, 114.0))[0])
    return str(checked(admin, SIGNS, *_signs())[0])


def test_by_two_connections_the_outcome_is_that_of_one_write_at_a_time(
        admin: Role, house: House, link: psycopg.Connection[Any], number: str,
        monkeypatch: pytest.MonkeyPatch) -> None:
    commit(house, SYSTEM, UUID(number), {})
    assert _beside(link, number) == []
    found = _seen(link)
    assert {row["district_code"] for row in found[0]} == {"421398", "421399"}
    emptied(house, SIGNS)
    monkeypatch.setattr("gisapp.sql.take_in.MANY", 10**9)
    commit(house, SYSTEM, UUID(str(checked(admin, SIGNS, *_signs())[0])), {})
    singly = _seen(link)
    for row in (*found[0], *found[1]):
        row["version"] += 1  # they came, went, and came again
    assert singly == found
    link.execute(f"SELECT gisapp.rebuild_tiles('{SIGNS}')")
    assert _seen(link)[2:] == found[2:]


def _failing(monkeypatch: pytest.MonkeyPatch, name: str, part: int, act: Callable[[], None]) -> None:
    """Before a part is made ready or enters, something happens."""
    usual = getattr(ready, name)

    def changed(connection: Connection, layer: Any, number: UUID, *more: Any) -> Any:
        if more[-1] == part:
            act()
        return usual(connection, layer, number, *more)

    monkeypatch.setattr(f"gisapp.sql.ready.{name}", changed)


def _raise() -> None:
    raise RuntimeError("on purpose")


@pytest.mark.parametrize("name", ["make", "enter"])
def test_what_fails_on_either_side_leaves_nothing(
        admin: Role, house: House, link: psycopg.Connection[Any], number: str, monkeypatch: pytest.MonkeyPatch,
        name: str) -> None:
    """And the same import enters at the next attempt."""
    with monkeypatch.context() as once:
        _failing(once, name, 2, _raise)
        with pytest.raises(RuntimeError, match="on purpose"):
            commit(house, SYSTEM, UUID(number), {})
    assert (stored(house, SIGNS), _beside(link, number)) == ({}, [])
    assert committed(admin, number)["inserted"] == ROWS
    assert _beside(link, number) == []


def test_a_killed_connection_lets_nothing_in(
        admin: Role, house: House, link: psycopg.Connection[Any], number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that makes rows ready is ended by the server."""
    def kill() -> None:
        with house.db.beside() as connection:
            assert connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE state = 'idle'"
                f" AND application_name = 'gisapp import {number}'").scalar_one()

    with monkeypatch.context() as once:
        _failing(once, "make", 1, kill)
        answer = admin.post(f"/imports/{number}/commit", json={})
    assert answer.status_code == 503
    assert (stored(house, SIGNS), _beside(link, number)) == ({}, [])
    assert committed(admin, number)["inserted"] == ROWS


def test_what_came_and_went_meanwhile_keeps_all_out(
        admin: Role, house: House, link: psycopg.Connection[Any], number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its version was used already: an ETag never means two contents. The next attempt goes on counting."""
    def come_and_go() -> None:
        link.execute(f"INSERT INTO {TABLE} (id, sign_no, sign_kind, geom) SELECT id, 'Y-other', sign_kind, geom"
                     f" FROM staging.i_{number.replace('-', '')} WHERE sign_no = 'Y-05'")
        link.execute(f"DELETE FROM {TABLE}")

    emptied(house, SIGNS)
    with monkeypatch.context() as once:
        _failing(once, "enter", 0, come_and_go)
        answer = admin.post(f"/imports/{number}/commit", json={})
    assert (answer.status_code, answer.json["code"]) == (409, "import_stale")
    assert stored(house, SIGNS) == {}
    assert committed(admin, number)["inserted"] == ROWS
    again = {row["sign_no"]: row["version"] for row in stored(house, SIGNS).values()}
    assert again["Y-05"] > again["Y-06"]


def test_others_write_meanwhile_and_nobody_sees_a_part(
        admin: Role, house: House, link: psycopg.Connection[Any], number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def beside() -> None:
        link.execute("SET lock_timeout = '2s'")
        link.execute(f"INSERT INTO {TABLE} (sign_no, sign_kind, geom) SELECT 'Y-99', sign_kind, geom"
                     f" FROM staging.i_{number.replace('-', '')} WHERE sign_no = 'Y-05'")
        link.execute(f"UPDATE {TABLE} SET remark = 'x'")
        seen.extend(link.execute(f"SELECT count(*) FROM {TABLE}").fetchone() or ())

    _failing(monkeypatch, "enter", 2, beside)
    assert committed(admin, number)["inserted"] == ROWS
    assert seen == [1] and len(stored(house, SIGNS)) == ROWS + 1


def test_a_value_that_is_taken_keeps_all_out(
        admin: Role, house: House, link: psycopg.Connection[Any], number: str) -> None:
    link.execute(f"UPDATE staging.i_{number.replace('-', '')} SET sign_no = 'Y-01' WHERE sign_no = 'Y-24'")
    answer = admin.post(f"/imports/{number}/commit", json={})
    assert (answer.status_code, answer.json["code"]) == (409, "value_conflict"), answer.json
    assert (stored(house, SIGNS), _beside(link, number)) == ({}, [])


def test_a_stage_takes_along_what_stands_beside_it(house: House, number: str, link: psycopg.Connection[Any]) -> None:
    """What a killed worker left goes with the import."""
    with house.db.beside() as connection:
        ready.begin(connection, house.layer(SIGNS), UUID(number))
        assert len(_beside(link, number)) == 2
        connection.exec_driver_sql(f"SELECT gisapp.drop_stage('{number}')")
    assert _beside(link, number) == []


def test_a_name_of_nothing_is_refused(house: House) -> None:
    with house.db.beside() as connection, pytest.raises(Exception, match="no such layer"):
        connection.exec_driver_sql(f"SELECT gisapp.begin_ready('{uuid4()}', 'pg_class')")


def test_what_came_and_went_is_never_compared_row_by_row(owner: House) -> None:
    """After a large undo there are no figures yet, and a plan of nested loops took hours."""
    with owner.db.read() as connection:
        settings = connection.execute(text(
            "SELECT proconfig FROM pg_proc WHERE oid = 'gisapp.end_ready(uuid, text)'::regprocedure")).scalar_one()
    assert "enable_nestloop=off" in settings
    assert any(one.startswith("search_path=") for one in settings)
