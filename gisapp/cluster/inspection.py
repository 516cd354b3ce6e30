"""Questions of `gisapp check` to the database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from gisapp.cluster.database import APP
from gisapp.words import Words

Link = psycopg.Connection[Any]


def server_words(link: Link) -> str:
    """The server's and PostGIS' versions."""
    row = link.execute("SELECT current_setting('server_version'), postgis_lib_version()").fetchone()
    return f"PostgreSQL {row[0]}, PostGIS {row[1]}" if row else ""


def role_faults(link: Link) -> Iterator[Words]:
    """What the application's login may do and should not."""
    row = link.execute(
        "SELECT current_user = %s, rolsuper, has_database_privilege(current_database(), 'CREATE') "
        "FROM pg_roles WHERE rolname = current_user",
        [APP],
    ).fetchone()
    is_app, is_superuser, may_create = row or (False, False, False)
    if not is_app:
        yield Words(
            f"网页没有以角色 {APP} 运行，历史与访问日志因此可被改动",
            f"the web application does not act as role {APP}: history and access log are not protected from it",
        )
    if is_superuser or may_create:
        yield Words("网页的数据库角色权限过大（可建表）", "the web application's role may create tables")


def active_admins(link: Link) -> int:
    """How many administrators may sign in."""
    row = link.execute("SELECT count(*) FROM gisapp.accounts WHERE role = 'admin' AND active").fetchone()
    return int(row[0]) if row else 0


def job_faults(link: Link, served: bool) -> Iterator[Words]:
    """No worker was heard of lately, although pages are served or jobs wait; a stopped application needs none."""
    row = link.execute(
        "SELECT count(*), "
        "(SELECT count(*) FROM jobs.procrastinate_workers WHERE last_heartbeat > now() - interval '30 s') "
        "FROM gisapp.jobs WHERE state IN ('waiting', 'running')").fetchone()
    active, workers = row or (0, 0)
    if (active or served) and not workers:
        yield Words(f"没有任务进程在运行，{active} 个任务在等待（gisapp start 或 gisapp worker）",
                    f"no worker is alive, {active} jobs wait (gisapp start or gisapp worker)")
