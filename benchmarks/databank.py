"""The same statements without the application: pgbench on our SQL, on finished tiles, and the textbook query."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Sequence

import psycopg

from benchmarks.ground import Ground
from benchmarks.session import Asked
from gisapp import tile_drawing, tiles
from gisapp.cluster import binaries
from gisapp.house import make_house
from gisapp.params import Query
from gisapp.permissions import Actor
from gisapp.sql.tiles import Address

VIEWER = Actor("bench", "bench", "viewer")


def statements(ground: Ground, asked: Sequence[Asked]) -> list[str]:
    """The statement that the application would run for each tile, its values written out."""
    house = make_house(ground.settings(1), ground.cluster.app_url)
    written = []
    with house.db.driver() as driver:
        for layer_id, address in asked:
            layer = house.layer(layer_id)
            picture = tiles._picture(VIEWER, layer, Query(), "", {})
            ask = tile_drawing.Ask(picture, tiles.counts.Facets(), Query(), address)
            plan = tiles._make_plan(driver, ask, 0) if address.z < layer.detail_zoom else tiles._Plan(0, frozenset())
            expected = tile_drawing.one(driver, *tiles.counts.expected(layer, ask.facets, address))[0]
            text, values = tile_drawing.statement(driver, ask, address.z in plan.counted, expected)
            written.append(psycopg.ClientCursor(driver).mogrify(text, values))
    house.db.close()
    return written


def pgbench(ground: Ground, script: str, turns: int, clients: int) -> float:
    """Transactions a second of a pgbench script, each run `turns` times in all."""
    path = ground.work / "pgbench.sql"
    path.write_text(script)
    words = [binaries.find().program("pgbench"), "-n", "-f", str(path), "-c", str(clients), "-j", "2",
             "-t", str(max(turns // clients, 1)), ground.cluster.app_url]
    out = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    found = re.search(r"tps = ([0-9.]+)", out)
    assert found, out
    return float(found[1])


def run_statements(ground: Ground, written: Sequence[str], clients: int) -> float:
    """Our SQL by pgbench, every tile once: tiles a second."""
    prepare_turns(ground)
    with ground.superuser.cursor() as cursor:
        cursor.execute("TRUNCATE bench.statements")
        cursor.executemany("INSERT INTO bench.statements (n, body) VALUES (%s, %s)", list(enumerate(written)))
        cursor.execute("SELECT setval('bench.turn', 0, false)")
    ground.superuser.execute("ANALYZE bench.statements")
    return pgbench(ground, "SELECT bench.run(nextval('bench.turn'));\n", len(written), clients)


def prepare_turns(ground: Ground) -> None:
    """The table of statements, and the function that runs one with a plan of its own."""
    ground.superuser.execute("""
        CREATE SCHEMA IF NOT EXISTS bench;
        CREATE TABLE IF NOT EXISTS bench.statements (n bigint PRIMARY KEY, body text NOT NULL);
        CREATE TABLE IF NOT EXISTS bench.keys (n bigint PRIMARY KEY, variant uuid, z smallint, x integer, y integer);
        CREATE SEQUENCE IF NOT EXISTS bench.turn MINVALUE 0;
        CREATE OR REPLACE FUNCTION bench.run(turn bigint) RETURNS bytea LANGUAGE plpgsql AS $$
        DECLARE
            made bytea;
        BEGIN
            EXECUTE (SELECT body FROM bench.statements WHERE n = turn % (SELECT count(*) FROM bench.statements))
               INTO made;
            RETURN made;
        END $$;
        GRANT USAGE ON SCHEMA bench TO gisapp_app;
        GRANT SELECT ON ALL TABLES IN SCHEMA bench TO gisapp_app;
        GRANT USAGE ON SEQUENCE bench.turn TO gisapp_app;
    """)


def run_finished(ground: Ground, turns: int, clients: int) -> float:
    """Finished tiles read back by pgbench, one after the other: tiles a second."""
    prepare_turns(ground)
    ground.superuser.execute("""
        TRUNCATE bench.keys;
        INSERT INTO bench.keys SELECT row_number() OVER () - 1, variant, z, x, y FROM gisapp.stored_tiles;
        ANALYZE bench.keys;
        SELECT setval('bench.turn', 0, false);
    """)
    [(count,)] = ground.rows("SELECT count(*) FROM bench.keys")
    return pgbench(ground, f"""
        SELECT s.body FROM bench.keys AS k JOIN gisapp.stored_tiles AS s USING (variant, z, x, y)
         WHERE k.n = (SELECT nextval('bench.turn')) % {count};
    """.replace("\n", " ") + "\n", turns, clients)


def textbook(ground: Ground, layer: str, address: Address) -> tuple[float, int]:
    """Seconds and bytes of a tile made as the manual shows it, with every feature of it."""
    began = time.perf_counter()
    [(made,)] = ground.rows(f"""
        SELECT ST_AsMVT(t, '{layer}') FROM (
            SELECT id::text, status, ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope(%(z)s, %(x)s, %(y)s)) AS g
              FROM layers.{layer}
             WHERE geom && ST_Transform(ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4326)) AS t""", vars(address))
    return time.perf_counter() - began, len(made)
