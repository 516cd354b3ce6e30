"""The stored form of accounts and of all that belongs to them: schema `gisapp`, made by migration 0002.

The only ORM classes of the project: Flask-Security works on objects, everything else on plain tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask_security import RoleMixin, UserMixin
from sqlalchemy import BigInteger, DateTime, Identity, LargeBinary, MetaData, RowMapping, Text, Uuid, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA = "gisapp"
_NOW = func.now()


class Base(DeclarativeBase):
    """Root of the account classes; its metadata holds their tables and no others."""

    metadata = MetaData(schema=SCHEMA)
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy reads it as a class attribute
        str: Text(), datetime: DateTime(timezone=True), UUID: Uuid(), bytes: LargeBinary(),
        dict[str, Any]: JSONB(),
    }


class Role(RoleMixin):
    """A role as Flask-Security wants to see it; the rights behind the name are in gisapp.permissions."""

    def __init__(self, name: str) -> None:
        self.name = name


class Account(Base, UserMixin):
    """One person or machine that may sign in. Never deleted: its name stands in history and logs."""

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(  # type: ignore[assignment]
        primary_key=True, server_default=text("gen_random_uuid()"))
    username: Mapped[str]
    username_key: Mapped[str] = mapped_column(unique=True)
    password: Mapped[str]
    role: Mapped[str]
    squadron_code: Mapped[str | None]
    language: Mapped[str | None]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    must_change_password: Mapped[bool] = mapped_column(server_default=text("true"))
    fs_uniquifier: Mapped[str] = mapped_column(unique=True)
    # Empty until an office switches the second factor on; Flask-Security's names.
    tf_primary_method: Mapped[str | None]
    tf_totp_secret: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=_NOW)
    created_by: Mapped[str]
    password_set_at: Mapped[datetime] = mapped_column(server_default=_NOW)
    last_sign_in_at: Mapped[datetime | None]

    @property
    def roles(self) -> list[Role]:  # type: ignore[override]
        """The one role of the account, in the shape Flask-Security asks for."""
        return [Role(self.role)]


#: The account's columns, for statements that run at every request and go round the ORM's session.
COLUMNS = tuple(Account.__table__.columns)


_NAMES = tuple(column.name for column in COLUMNS)


def as_account(row: RowMapping) -> Account:
    """The account of a row that holds COLUMNS; belongs to no ORM session, so it stays as it was read."""
    return account_of([row[column] for column in COLUMNS])


def account_of(values: Sequence[Any]) -> Account:
    """The same from the values of COLUMNS, in their order."""
    return Account(**dict(zip(_NAMES, values, strict=True)))


class SignedIn(Base):
    """One running browser session; gone from the table means signed out, whatever a cookie says."""

    __tablename__ = "sessions"

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=_NOW)
    seen_at: Mapped[datetime] = mapped_column(server_default=_NOW)
    address: Mapped[str]
    agent: Mapped[str]


class Token(Base):
    """A machine client's key. Only its digest is stored: 256 random bits need no slow hash."""

    __tablename__ = "api_tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    account_id: Mapped[UUID]
    name: Mapped[str]
    prefix: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=_NOW)
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Guess(Base):
    """One wrong password tried for one name from one network; the same again only raises `times`.

    Name and password are kept as keyed digests: people type passwords into the name field.
    """

    __tablename__ = "signin_failures"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    name: Mapped[bytes]
    network: Mapped[str]
    device: Mapped[str]
    guess: Mapped[bytes]
    trusted: Mapped[bool]
    times: Mapped[int] = mapped_column(server_default=text("1"))
    first_at: Mapped[datetime] = mapped_column(server_default=_NOW)
    last_at: Mapped[datetime] = mapped_column(server_default=_NOW)


class Place(Base):
    """A network from which an account has signed in well."""

    __tablename__ = "signin_places"

    account_id: Mapped[UUID] = mapped_column(primary_key=True)
    network: Mapped[str] = mapped_column(primary_key=True)
    last_at: Mapped[datetime] = mapped_column(server_default=_NOW)


class LogEntry(Base):
    """A line of the access log. The application may add and read lines, never change or remove them."""

    __tablename__ = "access_log"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=_NOW)
    act: Mapped[str]
    account_id: Mapped[UUID | None]
    username: Mapped[str | None]
    address: Mapped[str | None]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    request_id: Mapped[str | None]
