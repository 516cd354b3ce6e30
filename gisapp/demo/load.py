"""The demo city into the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from gisapp import marks
from gisapp.config import ROOT
from gisapp.demo.files import Record, read
from gisapp.demo.rows import from_records
from gisapp.house import House
from gisapp.permissions import SYSTEM
from gisapp.sql import bulk as sql_bulk

Say = Callable[[str, str], None]
FOLDER = ROOT / "data" / "demo"
#: Territories first: the others are assigned to them.
ORDER = (
    "districts", "streets", "communities", "unit_grids", "squadron_territories",
    "blocks", "roads", "buildings", "school_gates", "control_lines", "restricted_areas",
    "illegal_builds", "rooftop_signs", "vendor_points", "waste_sites", "truck_routes",
)  # fmt: skip
GROWING = ("illegal_builds", "rooftop_signs", "truck_routes")


def silent(zh: str, en: str) -> None:
    """Progress that nobody wants to see."""


def load_demo(
    house: House, scale: int = 1, progress: Say = silent, only: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Load the demo city, `scale` times as much of it, or of the layers in `only` so many features.

    `house` is the owner's. Returns how many features came in by layer: none when that was done before.
    One transaction a layer, so that a stopped load goes on where it was. Raises psycopg.Error.
    """
    done = {
        layer: once(house, f"demo:{layer}", layer, _city(house, layer), False, progress) for layer in ORDER
    }
    from gisapp.demo.photos import add_photos  # draws with a library that nothing else of the load needs

    photos = add_photos(house)
    if photos:
        progress(f"照片：{photos}", f"photos: {photos}")
    if scale > 1 or only:
        from gisapp.demo.grow import grow

        for layer, count in grow(house, scale, dict(only or {}), progress).items():
            done[layer] = done.get(layer, 0) + count
    return {layer: count for layer, count in done.items() if count}


def _city(house: House, layer: str) -> Callable[[], Iterator[str]]:
    columns = sql_bulk.stored_columns(house.layer(layer))
    return lambda: from_records(columns, _records(layer))


def _records(layer: str) -> list[Record]:
    """From the file beside the maker; made anew where the files are not there."""
    path = FOLDER / f"{layer}.geojson"
    if path.exists():
        return read(path)
    from gisapp.demo.city import make_city
    from gisapp.demo.files import records

    return records(make_city().features[layer])


def once(
    house: House, mark: str, layer: str, texts: Callable[[], Iterator[str]], many: bool, progress: Say
) -> int:
    """`store`, unless its mark says that it was done."""
    with house.db.read() as connection:
        if marks.is_done(connection, mark):
            return 0
    return store(house, mark, layer, texts(), many, progress)


def store(house: House, mark: str, layer: str, texts: Iterable[str], many: bool, progress: Say) -> int:
    """Rows into one layer and the mark that they are in, in one transaction."""
    pair = (house.tables.layers[layer], house.tables.history[layer])
    with house.db.begin(SYSTEM.username) as connection:
        driver = connection.connection.driver_connection
        assert driver is not None  # noqa: S101  (told to mypy)
        count = sql_bulk.copy_in(driver, house.layer(layer), pair, SYSTEM.username, texts, many)
        marks.set_done(connection, mark)
    with house.db.read() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None  # noqa: S101
        sql_bulk.tidy(driver, pair)
    title = house.layer(layer).title
    progress(f"{title.zh}：{count}", f"{title.en}: {count}")
    return count
