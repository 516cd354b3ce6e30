"""What a fresh cluster gets: its configuration, the roles, the database and PostGIS in it."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from gisapp.cluster.place import Place, current_user

SUPERUSER, OWNER, APP = "postgres", "gisapp_owner", "gisapp_app"
#: Logins of this group come by password and see the views of schema qgis (gisapp.desktop).
DESKTOP = "gisapp_qgis"
DATABASE = "gisapp"
PORT = 5432  # a part of the socket's name; no TCP port is opened unless the settings ask for one

MEBIBYTE = 1024 * 1024


def url(place: Place, role: str, database: str = DATABASE) -> str:
    """The URL of a database of the cluster, by its socket, for psycopg, SQLAlchemy and psql alike."""
    return f"postgresql://{role}@/{quote(database)}?host={quote(str(place.socket), safe='/')}&port={PORT}"


#: What every cluster gets, whatever the machine.
_ALWAYS = {
    "password_encryption": "scram-sha-256",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "work_mem": "24MB",
    # Tiles are short queries: compiling them costs more than it gives (throughput × 0.3 with it).
    "jit": "off",
    "random_page_cost": "1.1",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.02",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "logging_collector": "on",
    "log_directory": "'../log'",
    "log_filename": "'postgres-%a.log'",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    # Statements carry personal data in their values, and so do the details of an error (“Failing row contains …”):
    # only time and error are logged.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
#: With these on, a statement that was acknowledged is on disk.
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


def configuration(place: Place, durable: bool, listen: str = "") -> str:
    """The text of gisapp.conf, included last by postgresql.conf; `listen` are addresses for logins by password."""
    memory = _memory()
    lines = {
        "listen_addresses": f"'{listen}'",
        "unix_socket_directories": f"'{place.socket}'",
        "port": str(PORT),
        "shared_buffers": f"{_between(memory // 8, 128, 2048)}MB",
        "effective_cache_size": f"{_between(memory // 2, 512, 65536)}MB",
        "maintenance_work_mem": f"{_between(memory // 32, 64, 512)}MB",
        **_ALWAYS,
        **dict.fromkeys(_DURABLE, "on" if durable else "off"),
    }
    if _small_shared_memory():
        lines["dynamic_shared_memory_type"] = "mmap"
    return "".join(f"{name} = {value}\n" for name, value in lines.items())


def access_files(place: Place, listen: str = "") -> dict[str, str]:
    """pg_hba.conf and pg_ident.conf: this account and the server's own by the socket; logins for QGIS by password."""
    names = sorted({current_user(), place.account.name})
    roles = (SUPERUSER, OWNER, APP)
    ident = "".join(f'gisapp "{name}" {role}\n' for name in names for role in roles)
    kinds = ("local all", f"host {DATABASE}") if listen else ("local all",)
    logins = "".join(f"{kind} +{DESKTOP} {'all ' if kind != kinds[0] else ''}scram-sha-256\n" for kind in kinds)
    return {"pg_hba.conf": logins + "local all all peer map=gisapp\n", "pg_ident.conf": ident}


def write_files(place: Place, durable: bool, listen: str = "") -> None:
    """Write the configuration anew: a moved instance or other memory takes effect at the next start."""
    files = access_files(place, listen) | {"gisapp.conf": configuration(place, durable, listen)}
    for name, text in files.items():
        _write(place, place.data / name, text)
    main = place.data / "postgresql.conf"
    if "include 'gisapp.conf'" not in main.read_text("utf-8"):
        _write(place, main, main.read_text("utf-8") + "\ninclude 'gisapp.conf'\n")


def _write(place: Place, path: Path, text: str) -> None:
    """Root writes into a folder of the server's account here: never through a link that lies in wait."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        os.fchown(file.fileno(), place.account.uid, place.account.gid)
    fresh.replace(path)


def prepare(place: Place) -> None:
    """Roles, database and extension, each made when missing; safe to repeat after a half-finished start."""
    with psycopg.connect(url(place, SUPERUSER, "postgres"), autocommit=True) as connection:
        for role in (OWNER, APP):
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [DESKTOP]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(DESKTOP)))
        # Imports let the owner's triggers rest for a transaction in which a set of rows enters (migration 0017).
        resting = sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}")
        connection.execute(resting.format(sql.Identifier(OWNER)))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            make_database(connection, DATABASE)
    with psycopg.connect(url(place, SUPERUSER), autocommit=True) as connection:
        prepare_database(connection)


def make_database(connection: psycopg.Connection, name: str) -> None:
    """Make an empty database that belongs to the owner."""
    statement = "CREATE DATABASE {} OWNER {} TEMPLATE template0"
    connection.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(OWNER)))


def prepare_database(connection: psycopg.Connection) -> None:
    """PostGIS in a database, of the installed version, and nothing for everybody."""
    found = connection.execute(
        "SELECT installed_version, default_version FROM pg_available_extensions WHERE name = 'postgis'"
    ).fetchone()
    if found is None or found[0] is None:
        connection.execute("CREATE EXTENSION IF NOT EXISTS postgis SCHEMA public")
    elif found[0] != found[1]:
        connection.execute("ALTER EXTENSION postgis UPDATE")
    connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def _between(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))


def _memory() -> int:
    """The machine's memory in MiB; 2 GiB when it cannot be told."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // MEBIBYTE
    except (ValueError, OSError):
        return 2048


def _small_shared_memory() -> bool:
    """Containers often have 64 MiB of /dev/shm, too little for a parallel query."""
    try:
        room = os.statvfs("/dev/shm")  # noqa: S108  a mount point, not a temporary file
    except OSError:
        return False
    return room.f_blocks * room.f_frsize < 512 * MEBIBYTE
