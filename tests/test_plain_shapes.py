"""What follows from a shape stands in plain columns: nobody can supply it, and it follows every write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from gisapp.house import House

BUILDS = "layers.illegal_builds"
#: What the columns were, written out once more, for a layer of areas that a point may stand in for.
_DRAWN = """CASE WHEN ST_NumGeometries(coalesce(geom, mark_point)) = 1
    THEN ST_ForcePolygonCW(ST_Transform(ST_GeometryN(coalesce(geom, mark_point), 1), 3857))
    ELSE ST_ForcePolygonCW(ST_Transform(coalesce(geom, mark_point), 3857)) END"""
_SQUARE = "ST_Multi(ST_MakeEnvelope(113.4, 31.2, 113.401, 31.201, 4326))"
_TWO = f"ST_Collect(ST_GeometryN({_SQUARE}, 1), ST_MakeEnvelope(113.5, 31.2, 113.501, 31.201, 4326))"


@pytest.fixture
def link(owner: House) -> Iterator[psycopg.Connection[Any]]:
    with owner.db.raw() as driver:
        yield driver
        driver.rollback()


def _build(link: psycopg.Connection[Any], columns: str, values: str) -> None:
    link.execute(f"INSERT INTO {BUILDS} (case_no, build_type, {columns})"
                 f" SELECT 'P-1', min(code), {values} FROM codes.build_type")


def _follows(link: psycopg.Connection[Any]) -> Any:
    """The area, if both columns are what the shape says."""
    row = link.execute(
        f"SELECT geom_area_m2, geom_area_m2 IS NOT DISTINCT FROM round(ST_Area(geom::geography)::numeric, 2),"
        f" ST_AsEWKB(geom_3857) = ST_AsEWKB({_DRAWN}) FROM {BUILDS} WHERE case_no = 'P-1'").fetchone()
    assert row is not None and row[1:] == (True, True), row
    return row[0]


@pytest.mark.parametrize("columns, values, area", [
    ("geom", _SQUARE, 10_563), ("geom", _TWO, 21_126), ("mark_point", "ST_Point(113.4, 31.2, 4326)", None),
    ("geom, geom_area_m2, geom_3857", f"{_SQUARE}, 1, ST_Point(0, 0, 3857)", 10_563)])
def test_the_shape_says_it_whatever_a_statement_says(
        link: psycopg.Connection[Any], columns: str, values: str, area: float | None) -> None:
    _build(link, columns, values)
    assert _follows(link) == (None if area is None else pytest.approx(area, rel=0.02))
    link.execute(f"UPDATE {BUILDS} SET geom_area_m2 = 7, geom_3857 = NULL WHERE case_no = 'P-1'")
    _follows(link)
    link.execute(f"UPDATE {BUILDS} SET geom = {_TWO} WHERE case_no = 'P-1'")
    assert _follows(link) == pytest.approx(21_126, rel=0.02)


def test_every_layer_has_it_so(house: House, link: psycopg.Connection[Any]) -> None:
    found = dict(link.execute("SELECT tgrelid::regclass::text, tgenabled FROM pg_trigger"
                              " WHERE tgname = 'b4_shape'").fetchall())
    assert found == {f"layers.{layer.id}": "O" for layer in house.catalogue.layers.values()}
    assert link.execute("SELECT attrelid::regclass FROM pg_attribute WHERE attgenerated <> '' AND attrelid IN"
                        " (SELECT oid FROM pg_class WHERE relnamespace = 'layers'::regnamespace)").fetchall() == []


_STAMPS = "id uuid, version integer, created_at timestamptz, created_by text, updated_at timestamptz, updated_by text"


@pytest.mark.parametrize("computed", [" GENERATED ALWAYS AS (ST_Transform(geom, 3857)) STORED", ""])
def test_a_layer_of_an_older_draft_is_as_the_others(link: psycopg.Connection[Any], computed: str) -> None:
    """A migration that an office drafted before may still come with generated columns."""
    link.execute(f"CREATE TABLE layers.older ({_STAMPS}, geom geometry(Point, 4326), geom_3857 geometry(Geometry, 3857)"
                 f"{computed})")
    link.execute("CREATE TABLE layers.older_history (history_id bigint GENERATED ALWAYS AS IDENTITY, valid_from"
                 " timestamptz, valid_to timestamptz, operation text, changed_by text, request_id text, db_user text,"
                 f" {_STAMPS}, geom geometry(Point, 4326))")
    link.execute("SELECT gisapp.watch_layer('older', false, '', ARRAY[]::text[]), gisapp.watch_tiles('older', NULL)")
    link.execute("INSERT INTO layers.older (id, geom) VALUES (gen_random_uuid(), ST_Point(113.4, 31.2, 4326))")
    assert link.execute("SELECT ST_AsEWKB(geom_3857) = ST_AsEWKB(ST_Transform(geom, 3857)) FROM layers.older"
                        ).fetchall() == [(True,)]
    columns = link.execute("SELECT name, computed IS NULL, stored FROM gisapp.layer_columns('layers.older'::regclass)"
                           " WHERE name LIKE 'geom%'").fetchall()
    assert sorted(columns) == [("geom", True, True), ("geom_3857", False, True)]
