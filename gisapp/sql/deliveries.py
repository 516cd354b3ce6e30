"""The statements behind receivers, deliveries and the links to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    RowMapping,
    Table,
    Text,
    Uuid,
    cast,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, distinct_on

Row = RowMapping
_MOMENT = DateTime(timezone=True)
_META = MetaData()
RECEIVERS = Table(
    "receivers", _META,
    Column("id", Uuid, primary_key=True), Column("version", Integer), Column("name", Text), Column("contact", Text),
    Column("format", Text), Column("crs", Text), Column("encoding", Text), Column("columns", JSONB),
    Column("personal", Boolean), Column("active", Boolean), Column("created_at", _MOMENT), Column("created_by", Text),
    Column("updated_at", _MOMENT), Column("updated_by", Text), schema="gisapp")
DELIVERIES = Table(
    "deliveries", _META,
    Column("id", Uuid, primary_key=True), Column("number", BigInteger), Column("at", _MOMENT),
    Column("account_id", Uuid), Column("username", Text), Column("receiver_id", Uuid), Column("receiver_name", Text),
    Column("layer", Text), Column("key", Text), Column("kind", Text), Column("since", Uuid), Column("asked", JSONB),
    Column("question", JSONB), Column("format", Text), Column("crs", Text), Column("encoding", Text),
    Column("rows", BigInteger), Column("changes", JSONB), Column("bytes", BigInteger), Column("file_name", Text),
    Column("files", JSONB),
    Column("personal", ARRAY(Text)), Column("reason", Text), Column("address", Text), Column("request_id", Text),
    Column("job_id", Uuid), schema="gisapp")
DELIVERED = Table(
    "delivered", _META,
    Column("delivery_id", Uuid), Column("layer", Text), Column("change", Text), Column("first", Uuid),
    Column("last", Uuid), Column("ids", ARRAY(Uuid)), Column("versions", ARRAY(Integer)), schema="gisapp")
TAKINGS = Table(
    "takings", _META,
    Column("id", BigInteger, primary_key=True), Column("at", _MOMENT), Column("delivery_id", Uuid),
    Column("account_id", Uuid), Column("username", Text), Column("link_id", Uuid), Column("address", Text),
    schema="gisapp")
LINKS = Table(
    "delivery_links", _META,
    Column("id", Uuid, primary_key=True), Column("delivery_id", Uuid), Column("made_by", Text),
    Column("created_at", _MOMENT), Column("expires_at", _MOMENT), Column("most", Integer),
    Column("revoked_at", _MOMENT), Column("revoked_by", Text), schema="gisapp")
_R, _D, _I, _T, _L = RECEIVERS.c, DELIVERIES.c, DELIVERED.c, TAKINGS.c, LINKS.c


# --- receivers

def receivers(connection: Connection, *, all_: bool) -> Sequence[Row]:
    """The receivers by name; those that are no longer in use only with `all_`."""
    statement = select(RECEIVERS).order_by(_R.active.desc(), _R.name)
    return connection.execute(statement if all_ else statement.where(_R.active)).mappings().all()


def receiver(connection: Connection, receiver_id: UUID) -> Row | None:
    return connection.execute(select(RECEIVERS).where(_R.id == receiver_id)).mappings().one_or_none()


def receiver_named(connection: Connection, name: str) -> UUID | None:
    """The receiver of that name, whatever its case."""
    return connection.execute(select(_R.id).where(func.lower(_R.name) == func.lower(name))).scalar_one_or_none()


def add_receiver(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(insert(RECEIVERS).values(**values))


def change_receiver(connection: Connection, receiver_id: UUID, version: int, values: Mapping[str, Any]) -> bool:
    """Change a receiver that still has that version; False when it has not."""
    statement = update(RECEIVERS).where(_R.id == receiver_id, _R.version == version).values(
        version=_R.version + 1, updated_at=func.now(), **values)
    return connection.execute(statement.returning(_R.id)).one_or_none() is not None


# --- deliveries

def add_delivery(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(insert(DELIVERIES).values(**values))


def no_hurry(connection: Connection, seconds: int) -> None:
    """Let this transaction's statements take longer than a page may."""
    connection.execute(text("SELECT set_config('statement_timeout', :time, true)"), {"time": f"{seconds}s"})


def hold_receiver(connection: Connection, receiver_id: UUID) -> None:
    """Let nobody else log a delivery to a receiver until the transaction ends."""
    connection.execute(select(_R.id).where(_R.id == receiver_id).with_for_update(key_share=True))


def add_delivered(connection: Connection, delivery_id: UUID, layer: str,
                  parts: Iterable[tuple[str, Sequence[UUID], Sequence[int]]]) -> None:
    """COPY what a delivery held: change, ids in order, versions."""
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101  (told to mypy)
    statement = "COPY gisapp.delivered (delivery_id, layer, change, first, last, ids, versions) FROM STDIN"
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for change, ids, versions in parts:
            copy.write_row((delivery_id, layer, change, ids[0], ids[-1],
                            "{" + ",".join(one.hex for one in ids) + "}", "{" + ",".join(map(str, versions)) + "}"))


def delivery(connection: Connection, delivery_id: UUID) -> Row | None:
    return connection.execute(select(DELIVERIES).where(_D.id == delivery_id)).mappings().one_or_none()


def deliveries(connection: Connection, account_id: UUID | None, limit: int, *, before: int | None = None,
               receiver_id: UUID | None = None, feature: UUID | None = None) -> Sequence[Row]:
    """The newest deliveries first, with how often each was taken; of one account or all, to one receiver, or those
    that held one feature."""
    taken = select(func.count()).where(_T.delivery_id == _D.id).scalar_subquery()
    statement = select(DELIVERIES, taken.label("taken")).order_by(_D.number.desc()).limit(limit)
    if account_id is not None:
        statement = statement.where(_D.account_id == account_id)
    if before is not None:
        statement = statement.where(_D.number < before)
    if receiver_id is not None:
        statement = statement.where(_D.receiver_id == receiver_id)
    if feature is not None:
        held = select(_I.delivery_id).where(
            _I.first <= feature, _I.last >= feature, cast(feature, Uuid) == func.any(_I.ids))
        statement = statement.where(_D.id.in_(held))
    return connection.execute(statement).mappings().all()


def latest(connection: Connection, receiver_id: UUID, account_id: UUID | None) -> Sequence[Row]:
    """The last delivery of each question to a receiver, by one account or by anybody."""
    statement = select(DELIVERIES).ext(distinct_on(_D.key)).where(_D.receiver_id == receiver_id).order_by(
        _D.key, _D.number.desc())
    if account_id is not None:
        statement = statement.where(_D.account_id == account_id)
    return connection.execute(statement).mappings().all()


def last_of(connection: Connection, receiver_id: UUID, key: str) -> Row | None:
    """The receiver's last delivery of a question."""
    return connection.execute(select(DELIVERIES).where(_D.receiver_id == receiver_id, _D.key == key).order_by(
        _D.number.desc()).limit(1)).mappings().one_or_none()


def chain(connection: Connection, delivery_id: UUID) -> list[UUID]:
    """The delivery and those that it builds on, back to the last whole one; oldest first."""
    found: list[UUID] = []
    following: UUID | None = delivery_id
    while following is not None:
        found.append(following)
        row = connection.execute(select(_D.kind, _D.since).where(_D.id == following)).one()
        following = row.since if row.kind == "difference" else None
    return found[::-1]


def standing(connection: Connection, delivery_id: UUID, layer: str) -> Iterator[tuple[str, list[UUID], list[int]]]:
    """What a receiver was told of a layer up to that delivery, oldest first: change, ids, versions."""
    for one in chain(connection, delivery_id):
        yield from delivered(connection, one, layer)


def delivered(connection: Connection, delivery_id: UUID, layer: str | None = None
              ) -> Iterator[tuple[str, list[UUID], list[int]]]:
    """What a delivery held, part by part: change, ids, versions."""
    statement = select(_I.change, _I.ids, _I.versions).where(_I.delivery_id == delivery_id).order_by(
        _I.layer, _I.change, _I.first)
    if layer is not None:
        statement = statement.where(_I.layer == layer)
    with connection.execution_options(yield_per=50).execute(statement) as result:
        for row in result:
            yield row.change, row.ids, row.versions


# --- who took it

def add_taking(connection: Connection, delivery_id: UUID, address: str | None, *, account_id: UUID | None = None,
               username: str | None = None, link_id: UUID | None = None) -> int:
    """Note who took it; the note's number."""
    statement = insert(TAKINGS).values(delivery_id=delivery_id, address=address, account_id=account_id,
                                       username=username, link_id=link_id).returning(_T.id)
    return int(connection.execute(statement).scalar_one())


def taken_lately(connection: Connection, delivery_id: UUID, **who: Any) -> bool:
    """Whether a delivery was taken within a day by whom the columns name (account_id; link_id and id)."""
    found = select(_T.id).where(_T.delivery_id == delivery_id, _T.at > func.now() - literal_column("interval '1 day'"),
                                *(_T[name] == value for name, value in who.items())).limit(1)
    return connection.execute(found).one_or_none() is not None


def takings(connection: Connection, delivery_id: UUID, limit: int = 200) -> Sequence[Row]:
    """Who took a delivery, newest first."""
    return connection.execute(select(TAKINGS).where(_T.delivery_id == delivery_id).order_by(
        _T.id.desc()).limit(limit)).mappings().all()


# --- links

def add_link(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(insert(LINKS).values(**values))


def _used(since: str | None = None) -> Any:
    counted = select(func.count()).where(_T.link_id == _L.id)
    recent = counted.where(_T.at > func.now() - literal_column(f"interval '{since}'")) if since else counted
    return recent.scalar_subquery()


def links(connection: Connection, delivery_id: UUID) -> Sequence[Row]:
    """The links to a delivery, newest first, with how often each was used."""
    return connection.execute(select(LINKS, _used().label("used"), (_L.expires_at < func.now()).label("expired")).where(
        _L.delivery_id == delivery_id).order_by(_L.created_at.desc())).mappings().all()


def link(connection: Connection, link_id: UUID, *, hold: bool = False) -> Row | None:
    """A link with how often it was used, in all and within the hour; `hold` lets nobody use it meanwhile."""
    if hold:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:id, 8))"), {"id": str(link_id)})
    statement = select(LINKS, _used().label("used"), _used("1 hour").label("lately"),
                       (_L.expires_at < func.now()).label("expired")).where(_L.id == link_id)
    return connection.execute(statement).mappings().one_or_none()


def revoke_link(connection: Connection, link_id: UUID, username: str) -> bool:
    """End a link; False when that was done before."""
    statement = update(LINKS).where(_L.id == link_id, _L.revoked_at.is_(None)).values(
        revoked_at=func.now(), revoked_by=username)
    return connection.execute(statement.returning(_L.id)).one_or_none() is not None


def active_links(connection: Connection, delivery_id: UUID) -> int:
    """How many links to a delivery still work."""
    return int(connection.execute(select(func.count()).where(
        _L.delivery_id == delivery_id, _L.revoked_at.is_(None), _L.expires_at > func.now())).scalar_one())
