"""Which database an installation uses, and the two URLs of it: the owner's and the application's."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString
from urllib.parse import quote, unquote, urlsplit

import psycopg

from gisapp.cluster import Cluster, ClusterError, Say, silent
from gisapp.cluster.binaries import OLDEST
from gisapp.cluster.database import APP
from gisapp.config import Settings
from gisapp.faults import Fault

_log = logging.getLogger(__name__)
OLDEST_POSTGIS = (3, 3)
CONNECT_SECONDS = 10
#: Between two tries to reach a database that is waited for.
AGAIN_SECONDS = 1.0


@dataclass(frozen=True)
class Urls:
    """`owner` migrates; `app` serves. Both work for psycopg, SQLAlchemy and psql."""

    owner: str
    app: str


class DatabaseFault(Fault):
    """The configured database cannot be used as it is."""


class Unreachable(DatabaseFault):
    """The configured database gives no connection."""


def private_cluster(settings: Settings, say: Say = silent) -> Cluster | None:
    """The instance's own cluster; None when the settings name a database."""
    if settings.database_url:
        return None
    return Cluster(settings.instance / "postgres", say=say, listen=settings.qgis_listen)


@contextmanager
def connections(settings: Settings, say: Say = silent) -> Iterator[Urls]:
    """The URLs for the time of a command. A private cluster that was stopped is stopped again afterwards."""
    cluster = private_cluster(settings, say)
    if cluster is None:
        yield external(settings)
        return
    was_running = cluster.pid is not None
    cluster.start()
    try:
        yield Urls(cluster.owner_url, cluster.app_url)
    finally:
        if not was_running:
            cluster.stop()


def running(settings: Settings) -> Urls:
    """The URLs for a web process, which starts nothing: the cluster must run already."""
    cluster = private_cluster(settings)
    if cluster is None:
        return external(settings)
    if cluster.pid is None:
        raise ClusterError(
            "私有数据库没有运行。请用 ./run（gisapp start）启动。",
            "the private cluster does not run: start it with ./run (gisapp start).",
        )
    return Urls(cluster.owner_url, cluster.app_url)


def serving(settings: Settings) -> str:
    """The application's URL for a process that serves on, and says so, while a database of others is away. Where only
    that database can tell the URL, it is waited for."""
    told = False
    while True:
        try:
            return running(settings).app
        except Unreachable as fault:
            if not told:
                _log.warning("%s", fault)
        told = True
        if settings.owner_database_url or _is_app(settings.database_url):
            return settings.database_url
        time.sleep(AGAIN_SECONDS)


def external(settings: Settings) -> Urls:
    """The URLs of the database that the settings name. Raises DatabaseFault when it cannot be used."""
    owner = settings.owner_database_url or settings.database_url
    with connect(owner, "GISAPP_OWNER_DATABASE_URL" if settings.owner_database_url else "GISAPP_DATABASE_URL") as link:
        examine(link)
        if not settings.owner_database_url:
            return Urls(owner, _as_app(link, owner))
    with connect(settings.database_url, "GISAPP_DATABASE_URL") as link:
        return Urls(owner, _as_app(link, settings.database_url))


def connect(url: str, name: str) -> psycopg.Connection[Any]:
    """An open connection, or a DatabaseFault that names the setting and the reason, never the password."""
    try:
        return psycopg.connect(url, connect_timeout=CONNECT_SECONDS, autocommit=True)
    except psycopg.Error as error:
        reason = _reason(error)
        if "percent-encoded" in reason:  # libpq quotes what it could not read, and that may be the password
            raise DatabaseFault(f"{name} 中的 % 不能识别：用户名和密码里的 % 请写成 %25。",
                                f"{name}: a % in it cannot be read; write % in a user or password as %25.") from None
        raise Unreachable(f"{name} 指定的数据库连接不上：{reason}", f"{name}: no connection: {reason}") from None


def answers(url: str) -> bool:
    """Whether a database takes connections just now."""
    try:
        psycopg.connect(url, connect_timeout=CONNECT_SECONDS).close()
    except psycopg.Error:
        return False
    return True


def examine(link: psycopg.Connection[Any]) -> None:
    """Refuse a server that is too old or has no PostGIS; PostGIS is put into the database when allowed."""
    if link.info.server_version // 10000 < OLDEST:
        shown = link.info.parameter_status("server_version")
        raise DatabaseFault(
            f"数据库是 PostgreSQL {shown}，至少需要 {OLDEST}。",
            f"the database is PostgreSQL {shown}; {OLDEST} or newer is needed.",
        )
    _require_usable(link)
    version = _postgis(link) or _add_postgis(link)
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_POSTGIS:
        wanted = ".".join(map(str, OLDEST_POSTGIS))
        raise DatabaseFault(
            f"数据库的 PostGIS 是 {version}，至少需要 {wanted}。",
            f"the database has PostGIS {version}; {wanted} or newer is needed.",
        )


def _require_usable(link: psycopg.Connection[Any]) -> None:
    """Refuse a database that cannot hold Chinese or cannot be written."""
    encoding = link.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise DatabaseFault(
            f"数据库的编码是 {encoding}，应为 UTF8。请用 ENCODING 'UTF8' TEMPLATE template0 新建一个库。",
            f"the database is encoded in {encoding}; it must be UTF8: make another by "
            "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.")
    if _value(link, "SELECT current_setting('transaction_read_only')") == "on":
        raise DatabaseFault(
            "数据库是只读的（备用服务器，或设置了 default_transaction_read_only）。请指定可写的主服务器。",
            "the database is read-only (a standby, or default_transaction_read_only is on): name the primary server.")


def require_owner(link: psycopg.Connection[Any]) -> None:
    """Refuse to migrate as a user who may make no schema in the database. Web processes need no such right."""
    if not _value(link, "SELECT has_database_privilege(current_database(), 'CREATE')"):
        user, name = link.info.user, link.info.dbname
        raise DatabaseFault(
            f"用户 {user} 不能在数据库 {name} 中建表。请管理员执行 ALTER DATABASE {name} OWNER TO {user};",
            f"the user {user} may not make tables in the database {name}: "
            f"have an administrator run ALTER DATABASE {name} OWNER TO {user};")


def _value(link: psycopg.Connection[Any], query: LiteralString) -> Any:
    row = link.execute(query).fetchone()
    return row[0] if row else None


def _postgis(link: psycopg.Connection[Any]) -> str:
    row = link.execute("SELECT extversion FROM pg_extension WHERE extname = 'postgis'").fetchone()
    return str(row[0]) if row else ""


def _add_postgis(link: psycopg.Connection[Any]) -> str:
    try:
        link.execute("CREATE EXTENSION IF NOT EXISTS postgis SCHEMA public")
    except psycopg.Error as error:
        raise DatabaseFault(
            f"数据库没有 PostGIS，也无法自行安装（{_reason(error)}）。请管理员在该库执行 CREATE EXTENSION postgis;",
            f"the database has no PostGIS and this user cannot add it ({_reason(error)}): "
            "have an administrator run CREATE EXTENSION postgis; in it.",
        ) from None
    return _postgis(link)


def _as_app(link: psycopg.Connection[Any], url: str) -> str:
    """The same URL acting as gisapp_app when this user may, else unchanged (`gisapp check` says so).

    A web process is handed the URL that the start made of it already.
    """
    if _is_app(url):
        return url
    return with_options(url, f"-c role={APP}") if may_act_as_app(link) else url


def _is_app(url: str) -> bool:
    """Whether a URL tells by itself that the application role serves by it."""
    return f"role={APP}" in unquote(url) or urlsplit(url).username == APP


def may_act_as_app(link: psycopg.Connection[Any]) -> bool:
    """Whether the application role exists (it is made and granted when allowed) and can be taken on."""
    try:
        if not link.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP]).fetchone():
            link.execute(f"CREATE ROLE {APP} NOLOGIN")
        if not _is_member(link):
            link.execute(f"GRANT {APP} TO CURRENT_USER")
        return _is_member(link)
    except psycopg.Error:
        return False


def _is_member(link: psycopg.Connection[Any]) -> bool:
    row = link.execute("SELECT pg_has_role(current_user, %s, 'MEMBER')", [APP]).fetchone()
    return bool(row and row[0])


def with_options(url: str, options: str) -> str:
    """The URL with a further `options` query argument for the server."""
    return f"{url}{'&' if '?' in url else '?'}options={quote(options)}"


def _reason(error: psycopg.Error) -> str:
    """The telling part of a driver's message, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "failed:" in line or "could not" in line]
    return (telling or lines or ["?"])[-1].split("FATAL: ")[-1].strip()
