"""What PostgreSQL copies out is what it answers row by row, for every type and every layer."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st
from psycopg.errors import QueryCanceled
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Numeric,
    Text,
    Uuid,
    cast,
    column,
    func,
    select,
    values,
)

from gisapp import bulk, features
from gisapp.crs import CRS84
from gisapp.formats.columns import GEOMETRY, ID, SECOND, doubles, exported_fields, spool_schema, to_batch
from gisapp.formats.copied import CopyFault, cells, column as made
from gisapp.formats.fetch import batches
from gisapp.house import House
from gisapp.params import Query, parse
from gisapp.permissions import SYSTEM
from tests.samples import fill


def _texts(least: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=1, exclude_categories=["Cs"]), min_size=least, max_size=60)


KINDS: dict[str, tuple[Any, pa.DataType, st.SearchStrategy[Any]]] = {
    "id": (Uuid(), pa.string(), st.uuids()),
    "text": (Text(), pa.string(), st.none() | _texts(0)),
    "long": (Text(), pa.string(), st.none() | _texts(13)),
    "whole": (BigInteger(), pa.int64(), st.none() | st.integers(-2**63, 2**63 - 1)),
    "number": (Numeric(18, 2), pa.decimal128(18, 2), st.none() | st.decimals(
        -10**16 + 1, 10**16 - 1, places=2, allow_nan=False)),
    "fine": (Numeric(18, 9), pa.decimal128(18, 9), st.none() | st.decimals(
        -10**9 + 1, 10**9 - 1, places=9, allow_nan=False)),
    "round": (Numeric(18, 0), pa.decimal128(18, 0), st.none() | st.sampled_from([0, 1, -1, 10000, 10**17, 99990000])),
    "double": (Double(), pa.float64(), st.none() | st.floats(allow_nan=False)),
    "yes": (Boolean(), pa.bool_(), st.none() | st.booleans()),
    "day": (Date(), pa.date32(), st.none() | st.dates()),
    "moment": (DateTime(timezone=True), pa.timestamp("us", "UTC"), st.none() | st.datetimes(
        dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30), timezones=st.just(dt.UTC))),
    "list": (ARRAY(Text()), pa.list_(pa.string()), st.none() | st.lists(st.none() | _texts(0), max_size=5)),
}


class Asked:
    """The database, with a short repr for hypothesis."""

    def __init__(self, house: House) -> None:
        self.db = house.db

    def __repr__(self) -> str:
        return "db"


@pytest.fixture(scope="module")
def asked(house: House) -> Asked:
    return Asked(house)


@given(rows=st.lists(st.tuples(*(kind[2] for kind in KINDS.values())), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_every_value_arrives_as_it_is(asked: Asked, rows: list[tuple[Any, ...]]) -> None:
    table = values(*(column(name, kind[0]) for name, kind in KINDS.items()), name="given").data(rows)
    statement = select(*(cast(table.c[name], kind[0]) for name, kind in KINDS.items()))
    with asked.db.snapshot() as connection:
        blocks = list(bulk.copy_out(connection, statement))
    arrays = [[made(one, kind[1], uuid=name == "id") for one, (name, kind) in
               zip(cells(block, len(KINDS)), KINDS.items(), strict=True)] for block in blocks]
    for number, (name, kind) in enumerate(KINDS.items()):
        found = pa.concat_arrays([block[number] for block in arrays])
        found.validate(full=True)
        meant = [str(row[number]) if name == "id" else row[number] for row in rows]
        assert found.equals(pa.array(meant, kind[1])), name


def _job(house: House, layer_id: str) -> Any:
    layer = house.layer(layer_id)
    return type("Asked", (), {"layer": layer, "fields": exported_fields(layer, True), "crs": CRS84})


def _told(house: House, job: Any, query: Query) -> tuple[pa.Table, pa.Table]:
    schema = spool_schema(job.fields, job.layer.second_geometry is not None)
    copied = pa.Table.from_batches(batches(house, SYSTEM, query, job, schema), schema)
    names = [field.id for field in job.fields if field is not ID]
    headings = [ID.id, *names, GEOMETRY, SECOND]
    rows = features.stream(house, SYSTEM, job.layer.id, query, job.crs.database_srid, names)
    streamed = [to_batch(schema, dict(zip(headings, zip(*some, strict=True), strict=False))) for some in rows if some]
    return copied, pa.Table.from_batches(streamed, schema)


@pytest.fixture(scope="module")
def filled(house: House) -> House:
    """Every layer with a few rows."""
    for layer_id in house.catalogue.layers:
        fill(house, layer_id, 5)
    return house


def test_every_layer_arrives_as_the_driver_reads_it(filled: House) -> None:
    house = filled
    for layer_id in house.catalogue.layers:
        copied, streamed = _told(house, _job(house, layer_id), Query())
        copied.validate(full=True)
        assert copied.num_rows >= 5
        assert copied.sort_by("id").equals(streamed.sort_by("id")), layer_id


@pytest.mark.parametrize("number", [-2**63, -2**31, -2**15, -1, 0, 2**63 - 1])
def test_a_filter_takes_every_whole_number(filled: House, number: int) -> None:
    query = parse({"filter": [f"version >= {number}"]}, filled.layer("illegal_builds"), filled.catalogue)
    copied, streamed = _told(filled, _job(filled, "illegal_builds"), query)
    assert copied.sort_by("id").equals(streamed.sort_by("id"))
    assert (copied.num_rows > 0) == (number <= 0)


@pytest.mark.parametrize("args", [
    {"bbox": ["113,31,114,32"]}, {"filter": ["status IN ('01','02') AND case_no LIKE '%1%' AND floors >= 1"]},
    {"filter": ["remark = 'it''s 100%% %s :x'"]}, {"q": ["违建 100%"]}, {"sortby": ["-case_no"]},
    {"datetime": ["2020-01-01T00:00:00Z/.."]}, {"ids": ["6ba7b810-9dad-11d1-80b4-00c04fd430c8"]},
    {"filter": ["NOT (build_type = 'nothing')"]}, {"status": ["01,02"]},
])
def test_what_a_question_binds_reaches_copy(filled: House, args: dict[str, list[str]]) -> None:
    house = filled
    query = parse(args, house.layer("illegal_builds"), house.catalogue).without_page()
    copied, streamed = _told(house, _job(house, "illegal_builds"), query)
    assert copied.sort_by("id").equals(streamed.sort_by("id"))


def test_nothing_to_copy_gives_no_row(house: House) -> None:
    query = parse({"ids": ["6ba7b810-9dad-11d1-80b4-00c04fd430c8"]}, house.layer("truck_routes"), house.catalogue)
    copied, _ = _told(house, _job(house, "truck_routes"), query.without_page())
    assert copied.num_rows == 0


def test_many_rows_come_in_blocks_in_their_order(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BLOCK_ROWS", 7)
    with house.db.snapshot() as connection:
        blocks = list(bulk.copy_out(connection, select(func.generate_series(1, 100).cast(BigInteger))))
    found = [made(cells(block, 1)[0], pa.int64()).to_pylist() for block in blocks]
    assert all(len(part) <= 7 for part in found) and len(found) > 14
    assert [value for part in found for value in part] == list(range(1, 101))


def test_an_error_of_the_database_is_told_as_one(house: House) -> None:
    with house.db.snapshot() as connection, pytest.raises(QueryCanceled):
        connection.exec_driver_sql("SET LOCAL statement_timeout = 20")
        for _ in bulk.copy_out(connection, select(func.generate_series(1, 10**9))):
            pass
    with house.db.read() as connection:
        assert connection.execute(select(func.generate_series(1, 1))).scalar_one() == 1


@pytest.mark.parametrize(("text", "sql_type", "kind"), [
    ("infinity", Date(), pa.date32()), ("-infinity", DateTime(timezone=True), pa.timestamp("us", "UTC")),
    ("NaN", Numeric(), pa.decimal128(18, 2)), ("1e30", Numeric(), pa.decimal128(18, 2)), ("1", Text(), pa.int64()),
])
def test_what_no_column_holds_is_refused(house: House, text: str, sql_type: Any, kind: pa.DataType) -> None:
    with house.db.snapshot() as connection:
        [block] = bulk.copy_out(connection, select(cast(cast(text, Text), sql_type)))
    with pytest.raises(CopyFault):
        made(cells(block, 1)[0], kind)


def test_rows_of_another_shape_are_refused(house: House) -> None:
    with house.db.snapshot() as connection:
        [block] = bulk.copy_out(connection, select(cast("x", Text)))
    with pytest.raises(CopyFault):
        cells(block, 2)


@given(st.integers(0, 18), st.lists(st.none() | st.integers(1 - 10**18, 10**18 - 1), max_size=20), st.integers(0, 3))
@settings(max_examples=200, deadline=None)
def test_decimals_become_the_doubles_nearest_to_them(scale: int, whole: list[int | None], first: int) -> None:
    numbers = [None if one is None else Decimal(one).scaleb(-scale) for one in whole]
    found = doubles(pa.array(numbers, pa.decimal128(18, scale)).slice(first))
    assert found.to_pylist() == [None if one is None else float(one) for one in numbers[first:]]
