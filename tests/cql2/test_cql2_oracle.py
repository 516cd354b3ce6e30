"""The count tables of OGC 21-065, Annex A: each filter over the standard's own data finds just so many features.

One test a row: 274 filters and 77 combinations of four. Rows that cannot agree stand in `DIFFERENT` with the reason.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator

import psycopg
import pyogrio
import pytest
from psycopg import sql as pg
from sqlalchemy import create_engine, func, make_url, select
from sqlalchemy.schema import CreateTable

from gisapp.cluster import Cluster
from gisapp.params import parse
from gisapp.sql import statements as sql
from tests.conftest import SHARED, at, copy_database, psycopg_url
from tests.cql2 import natural_earth

ORACLE = SHARED / "ogc" / "cql2"
PACKAGE = ORACLE / "data" / "ne110m4cql2.gpkg"
PLACES = "ne_110m_populated_places_simple"
COMBINED = "(NOT ({p2}) AND {p1}) OR ({p3} and {p4}) or not ({p1} OR {p4})"
_WHY = ("the standard counts 2; of the names in its own file, read without accents, just those of `names` begin so")
#: Filter → names that answer it, and why the standard's count cannot be met.
DIFFERENT: dict[str, tuple[set[str], str]] = {
    "ACCENTI(name) LIKE accenti('Ch%')": ({"Chișinău", "Chicago", "Chengdu"}, _WHY),
    "ACCENTI(CASEI(name)) LIKE accenti(casei('Chiș%'))": ({"Chișinău"}, _WHY),
    "ACCENTI(CASEI(name)) LIKE accenti(casei('cHis%'))": ({"Chișinău"}, _WHY),
}

Count = Callable[[str, str], int]


def rows() -> Iterator[tuple[str, str, str, int]]:
    """Class, collection, filter, count of every row of both tables."""
    for line in _lines("ATS-EXPECTED-COUNTS.tsv"):
        name, collection, text, count = line.split("\t")
        yield name, collection, text, int(count)
    for line in _lines("ATS-EXPECTED-COUNTS-COMBINED.tsv"):
        name, *parts, count = line.split("\t")
        yield name, PLACES, COMBINED.format(**{f"p{n}": part for n, part in enumerate(parts, 1)}), int(count)


def _lines(name: str) -> list[str]:
    path = ORACLE / name
    return [line for line in path.read_text("utf-8").splitlines() if line and line[0] != "#"] if path.exists() else []


ROWS = list(rows())


@pytest.fixture(scope="module")
def count(cluster: Cluster, migrated: str) -> Iterator[Count]:
    """How many features of a collection answer a filter."""
    catalogue = natural_earth.layers(PACKAGE)
    tables = natural_earth.tables(catalogue)
    copy_database(cluster, migrated, "oracle")
    url = at(cluster.owner_url, "oracle")
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"),
                           connect_args={"options": "-c timezone=UTC"})
    with psycopg.connect(psycopg_url(url)) as driver:
        for name, table in tables.items():
            driver.execute(pg.SQL(str(CreateTable(table).compile(engine))))  # type: ignore[arg-type]
            natural_earth.load(driver, PACKAGE, catalogue.layers[name])

    def ask(collection: str, text: str) -> int:
        layer, table = catalogue.layers[collection], tables[collection]
        query = parse({"filter": [text], "filter-lang": ["cql2-text"]}, layer, catalogue)
        statement = select(func.count()).select_from(table).where(*sql.conditions(layer, table, query))
        with engine.connect() as connection:
            return int(connection.execute(statement).scalar_one())
    yield ask
    engine.dispose()


@pytest.mark.skipif(not ROWS, reason="the count tables (../shared) are not here")
@pytest.mark.parametrize(("name", "collection", "text", "expected"), ROWS or [("", "", "", 0)],
                         ids=[f"{number}-{row[0]}" for number, row in enumerate(ROWS, 1)] or ["absent"])
def test_filter_finds_as_many(count: Count, name: str, collection: str, text: str, expected: int) -> None:
    found = count(collection, text)
    if text in DIFFERENT:
        names, reason = DIFFERENT[text]
        assert found == len(names) == len(names & _names())
        assert len({one for one in _names() if _bare(one).startswith(_bare(text.split("'")[1].rstrip("%")))}) == found
        pytest.xfail(reason)
    assert found == expected


def _names() -> set[str]:
    """The names of the places as the file has them."""
    return set(pyogrio.read_dataframe(PACKAGE, layer=PLACES, columns=["name"], read_geometry=False)["name"])


def _bare(text: str) -> str:
    """Without accents and case, by Python's own tables."""
    apart = unicodedata.normalize("NFD", text.casefold())
    return "".join(one for one in apart if not unicodedata.combining(one))
