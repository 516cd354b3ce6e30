"""Links to a delivery for a receiver without an account: signed, for a time, for so many uses, revocable, counted.

The address holds the link's number and a signature by the application's key; the database holds no part of the
signature, so that nobody makes an address from a copy of it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Connection

from gisapp import jobs, params
from gisapp.accounts.log import record
from gisapp.config import secret_key
from gisapp.errors import Problem
from gisapp.hand_over import deliveries, receivers
from gisapp.house import House
from gisapp.permissions import SYSTEM, Actor, require
from gisapp.sql import deliveries as sql_deliveries, jobs as sql_jobs
from gisapp.sql.deliveries import Row

MOST_DAYS, MOST_USES, MOST_LINKS = 30, 100, 20
#: Uses of one link within an hour; a receiver who tries more waits.
HOURLY = 20
_SIGNED = 16
_USE = re.compile("[0-9]{1,18}")


def listed(house: House, actor: Actor, delivery_id: UUID) -> list[Row]:
    """The links to a delivery, with how often each was used; the addresses themselves are not kept."""
    deliveries.get(house, actor, delivery_id)
    with house.db.read() as connection:
        return list(sql_deliveries.links(connection, delivery_id))


def make(house: House, actor: Actor, delivery_id: UUID, days: int, most: int, address: str | None = None) -> str:
    """A new link: the token of its address, told this once. The file is kept as long as the link works.

    Problems: `delivery_unknown`, `link_no_receiver` (409), `link_too_many` (409), `job_expired` (410), those of
    `receivers.require_welcome`.
    """
    require(actor, "export")
    row = deliveries.get(house, actor, delivery_id)
    if not 1 <= days <= MOST_DAYS:
        raise params.invalid("days", f"1–{MOST_DAYS}", f"is 1 to {MOST_DAYS}")
    if not 1 <= most <= MOST_USES:
        raise params.invalid("most", f"1–{MOST_USES}", f"is 1 to {MOST_USES}")
    if row["receiver_id"] is None:
        raise Problem("link_no_receiver")
    deliveries.require_personal(actor, row["personal"])
    receivers.require_welcome(house, row["asked"])
    _file(house, row).file.close()
    number, until = uuid4(), datetime.now(UTC) + timedelta(days=days)
    with house.db.begin(actor.username, actor.request_id) as connection:
        if sql_deliveries.active_links(connection, delivery_id) >= MOST_LINKS:
            raise Problem("link_too_many", limit=MOST_LINKS)
        sql_deliveries.add_link(connection, {"id": number, "delivery_id": delivery_id, "made_by": actor.username,
                                             "expires_at": until, "most": most})
        sql_jobs.keep_until(connection, row["job_id"], until)
        record(connection, "link_made", actor, address=address, detail={
            "delivery": str(delivery_id), "link": str(number), "receiver": row["receiver_name"], "days": days})
    return _token(house, number)


def revoke(house: House, actor: Actor, delivery_id: UUID, link_id: UUID, address: str | None = None) -> None:
    """End a link at once. Problem `link_unknown` (404)."""
    if link_id not in [row["id"] for row in listed(house, actor, delivery_id)]:
        raise Problem("link_unknown")
    with house.db.begin(actor.username, actor.request_id) as connection:
        if sql_deliveries.revoke_link(connection, link_id, actor.username):
            record(connection, "link_revoked", actor, address=address, detail={
                "delivery": str(delivery_id), "link": str(link_id)})


def take(house: House, token: str, address: str | None, *, count: bool = True, begun: str = "") -> jobs.File:
    """The file behind a link, counted and logged; with `count` false nothing is noted (HEAD). Each use has an ETag of
    its own: whoever has `begun` with one goes on within a day, and that is the same use.

    Problems: `link_unknown` (404), `link_busy` (429), `link_over` (410: expired, revoked, used up, file gone, or the
    receiver is no longer in use, or may no longer have the personal fields in it).
    """
    number = _number(house, token)
    with house.db.begin(SYSTEM.username) as connection:
        row = sql_deliveries.link(connection, number, hold=count)
        if row is None:
            raise Problem("link_unknown")
        same = _is_same_use(house, connection, row, begun)
        if row["expired"] or row["revoked_at"] or (row["used"] >= row["most"] and not same):
            raise Problem("link_over")
        if row["lately"] >= HOURLY and not same:
            raise Problem("link_busy", headers={"Retry-After": "3600"})
        delivery = sql_deliveries.delivery(connection, row["delivery_id"])
        assert delivery is not None  # noqa: S101  (the link points at it)
        try:
            receivers.require_welcome(house, delivery["asked"])
            file = _file(house, delivery)
        except Problem:
            raise Problem("link_over") from None
        begun = begun if same else ""
        if count and not same:
            use = sql_deliveries.add_taking(connection, delivery["id"], address, link_id=number)
            begun = f"{use}-{_sign(house, number, use).hex()}"
            record(connection, "link_used", None, address=address, detail={
                "delivery": str(delivery["id"]), "link": str(number), "receiver": delivery["receiver_name"]})
    return replace(file, etag=begun)


def _is_same_use(house: House, connection: Connection, row: Row, begun: str) -> bool:
    """Whether an ETag is that of a use of the link within a day: nobody knows it but who was answered then."""
    use, _, signature = begun.partition("-")
    if not _USE.fullmatch(use) or not hmac.compare_digest(
            signature.encode(), _sign(house, row["id"], int(use)).hex().encode()):
        return False
    return sql_deliveries.taken_lately(connection, row["delivery_id"], link_id=row["id"], id=int(use))


def _file(house: House, delivery: Row) -> jobs.File:
    with house.db.read() as connection:
        job = sql_jobs.one(connection, delivery["job_id"]) if delivery["job_id"] else None
    if job is None:
        raise Problem("job_expired")
    return jobs.open_file(house, job)


def _sign(house: House, number: UUID, use: int | None = None) -> bytes:
    """The signature of a link, or of one use of it."""
    key = hashlib.sha256(b"delivery-link\0" + secret_key(house.settings).encode()).digest()
    told = number.bytes if use is None else number.bytes + b"\0%d" % use
    return hmac.digest(key, told, "sha256")[:_SIGNED]


def _token(house: House, number: UUID) -> str:
    return urlsafe_b64encode(number.bytes + _sign(house, number)).decode().rstrip("=")


def _number(house: House, token: str) -> UUID:
    """The link that a token is of. Problem `link_unknown` for one that this application did not sign."""
    try:
        whole = urlsafe_b64decode((token + "=" * (-len(token) % 4)).encode("ascii"))
    except (NotBase64, ValueError):
        raise Problem("link_unknown") from None
    if len(whole) != 16 + _SIGNED or not token or urlsafe_b64encode(whole).decode().rstrip("=") != token:
        raise Problem("link_unknown")
    number = UUID(bytes=whole[:16])
    if not hmac.compare_digest(whole[16:], _sign(house, number)):
        raise Problem("link_unknown")
    return number
