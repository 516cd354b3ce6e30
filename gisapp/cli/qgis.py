"""`gisapp qgis`: logins of the database itself, for QGIS and other programs that read tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import psycopg

from gisapp.cli.instance import instance_option, settings as chosen_settings
from gisapp.errors import Problem
from gisapp.faults import Fault
from gisapp.permissions import SYSTEM


@click.group()
@instance_option
def qgis() -> None:
    """Let an account read and write the layers straight from PostgreSQL, within its rights."""


@qgis.command("list")
@instance_option
def list_() -> None:
    """One line per login: its name, account, role, state, when it was made (UTC)."""
    from gisapp import desktop

    with _driver() as driver:
        for one in desktop.listed(driver, SYSTEM):
            state = "active" if one.active else "disabled"
            click.echo("\t".join((one.login, one.username, one.role, state, f"{one.made_at:%Y-%m-%d %H:%M}")))


@qgis.command()
@click.argument("username")
@instance_option
def add(username: str) -> None:
    """Make a login for an account, or give it a new password; both are printed this once."""
    from gisapp import desktop

    with _driver() as driver:
        click.echo("\t".join(desktop.add(driver, SYSTEM, username)))


@qgis.command()
@click.argument("username")
@instance_option
def remove(username: str) -> None:
    """Take an account's login away and end its connections."""
    from gisapp import desktop

    with _driver() as driver:
        desktop.remove(driver, SYSTEM, username)


@contextmanager
def _driver() -> Iterator[psycopg.Connection[Any]]:
    """A connection that may make logins: the private cluster's own superuser, else the owner of the database."""
    from gisapp.cluster.connections import connections, private_cluster

    settings = chosen_settings()
    with connections(settings) as urls:
        cluster = private_cluster(settings)
        try:
            with psycopg.connect(cluster.superuser_url if cluster else urls.owner) as driver:
                yield driver
        except Problem as problem:
            raise Fault(problem.sentence("zh"), problem.sentence("en")) from None
        except psycopg.errors.InsufficientPrivilege:
            raise Fault(
                "数据库属主不能建立登录角色（缺 CREATEROLE）。请管理员授权后重试。",
                "the database's owner may not make logins (CREATEROLE is missing): have an administrator grant it.",
            ) from None
