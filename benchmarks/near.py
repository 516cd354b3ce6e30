"""`python -m benchmarks.near`: 50 000 vendor points within 50 m of 20 000 routes, against plain geography.

On a cluster of its own that is removed afterwards. Plain geography is asked of every eightieth point and its time
multiplied, since all of them take it half an hour. Interleaved rounds; only the ratio counts.
"""

from __future__ import annotations

import random
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psycopg
from sqlalchemy import create_engine, make_url

from gisapp import census, migrate
from gisapp.cluster import Cluster
from gisapp.codelists import sync_codelists
from gisapp.config import Settings
from gisapp.house import House, make_house
from gisapp.params import parse
from gisapp.sql import statements as sql

POINTS, ROUTES, METRES, ROUNDS, SHARE = 50_000, 20_000, 50, 3, 80
WEST, SOUTH, WIDE, HIGH = 113.25, 31.55, 0.26, 0.27  # 25 by 30 km
PLAIN = """
    SELECT count(*) FROM layers.vendor_points AS v WHERE stalls_cap = 0 AND EXISTS (
        SELECT FROM layers.truck_routes AS r WHERE ST_DWithin(v.geom::geography, r.geom::geography, %s))
"""


def route(draw: random.Random) -> str:
    """A way of 200 to 500 vertices along streets 350 m apart, one every 35 m, as many ways share a street."""
    x, y = draw.randrange(71), draw.randrange(85)
    path, (across, up) = [], draw.choice(((1, 0), (-1, 0), (0, 1), (0, -1)))
    for step in range(draw.randint(200, 500)):
        if step % 10 == 0 and (draw.random() < 0.4 or not (0 <= x + across <= 71 and 0 <= y + up <= 85)):
            across, up = (up, across) if draw.random() < 0.5 else (-up, -across)
        lon, lat = WEST + x * 350 / 94_600, SOUTH + y * 350 / 110_900
        path.append(f"{lon + draw.gauss(0, 3) / 94_600:.7f} {lat + draw.gauss(0, 3) / 110_900:.7f}")
        x, y = x + across / 10, y + up / 10
    return f"SRID=4326;MULTILINESTRING(({','.join(path)}))"


def fill(url: str) -> None:
    """Both layers, and the indexes that plain geography needs."""
    draw = random.Random(5)
    with psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)) as driver:
        with driver.cursor() as cursor:
            with cursor.copy("COPY layers.truck_routes (route_no, name, leg, geom) FROM STDIN") as copy:
                for number in range(ROUTES):
                    copy.write_row((f"R{number}", "x", "01", route(draw)))
            with cursor.copy("COPY layers.vendor_points (point_no, name, kind, stalls_cap, geom) FROM STDIN") as copy:
                for number in range(POINTS):
                    place = f"{WEST + draw.random() * WIDE:.7f} {SOUTH + draw.random() * HIGH:.7f}"
                    copy.write_row((f"P{number}", "x", "01", number % SHARE, f"SRID=4326;POINT({place})"))
        driver.execute("CREATE INDEX ON layers.truck_routes USING gist ((geom::geography))")
        driver.commit()
        driver.autocommit = True
        driver.execute("VACUUM ANALYZE")


def ours(house: House, more: str = "") -> int:
    """The count by near()."""
    layer, table = house.layer("vendor_points"), house.tables.layers["vendor_points"]
    query = parse({"filter": [f"near('truck_routes', {METRES}){more}"]}, layer, house.catalogue)
    census.take(house.db, house.tables.metadata)
    with house.db.read() as connection:
        return int(connection.execute(sql.count(layer, table, query)).scalar_one())


def plain(house: House) -> int:
    """The count by geography alone."""
    with house.db.raw() as driver:
        row = driver.execute(PLAIN, (METRES,)).fetchone()
    assert row is not None
    return int(row[0])


def measure(house: House) -> None:
    """Rounds of both, and the ratio."""
    times: dict[str, list[float]] = {"plain": [], "near": []}
    for _ in range(ROUNDS):
        counts = {}
        for name, ask in (("plain", plain), ("near", ours)):
            start = time.perf_counter()
            counts[name] = ask(house)
            times[name].append((time.perf_counter() - start) * (SHARE if name == "plain" else 1))
        counts["near, the same points"] = ours(house, " AND stalls_cap = 0")
        print(counts, {name: round(taken[-1], 2) for name, taken in times.items()}, flush=True)
    slow, fast = (statistics.median(times[name]) for name in ("plain", "near"))
    print(f"| near(), {POINTS} x {ROUTES} | {fast:.2f} s against {slow:.2f} s: 1/{slow / fast:.0f} |")


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="gisapp-near-", dir=sys.argv[1] if len(sys.argv) > 1 else None))
    folder.chmod(0o755)
    cluster = Cluster(folder / "postgres", durable=False)
    try:
        cluster.start()
        engine = create_engine(make_url(cluster.owner_url).set(drivername="postgresql+psycopg"))
        migrate.upgrade(engine)
        engine.dispose()
        house = make_house(Settings.from_env({}, statement_timeout_s=3600), cluster.owner_url)
        sync_codelists(house)
        fill(cluster.owner_url)
        measure(house)
        house.db.close()
    finally:
        cluster.remove()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
