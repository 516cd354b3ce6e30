"""`gisapp accounts`: the same as the administration page, for whoever keeps the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import click

from gisapp.cli.instance import instance_option, settings as chosen_settings
from gisapp.errors import Problem
from gisapp.faults import Fault
from gisapp.house import House
from gisapp.permissions import ROLES, SYSTEM

T = TypeVar("T")

_role = click.Choice(ROLES)


@click.group()
@instance_option
def accounts() -> None:
    """List, add, reset, disable accounts and give them roles."""


@accounts.command("list")
@instance_option
def list_() -> None:
    """One line per account: name, role, squadron, state, last sign-in (UTC)."""
    from gisapp.accounts import people

    with open_house() as house:
        for account in people.list_accounts(house.db, SYSTEM):
            state = "disabled" if not account.active else "first password" if account.must_change_password else "active"
            seen = f"{account.last_sign_in_at:%Y-%m-%d %H:%M}" if account.last_sign_in_at else "never"
            click.echo("\t".join((account.username, account.role, account.squadron_code or "-", state, seen)))


@accounts.command()
@click.argument("username")
@click.option("--role", type=_role, default="viewer", show_default=True, help="What the account may do.")
@click.option("--squadron", help="Squadron code whose territory binds the account.")
@instance_option
def add(username: str, role: str, squadron: str | None) -> None:
    """Make an account; prints its first password, which must be changed at the first sign-in."""
    from gisapp.accounts import people

    with open_house() as house:
        click.echo(people.make(house, SYSTEM, username, role, squadron_code=squadron)[1])


@accounts.command()
@click.argument("username")
@instance_option
def reset(username: str) -> None:
    """Set a drawn password and print it; sessions and tokens of the account end."""
    from gisapp.accounts import people

    click.echo(_change(username, people.reset_password))


@accounts.command()
@click.argument("username")
@instance_option
def disable(username: str) -> None:
    """Let the account in no more, at once."""
    from gisapp.accounts import people

    _change(username, people.disable)


@accounts.command()
@click.argument("username")
@instance_option
def enable(username: str) -> None:
    """Let a disabled account in again."""
    from gisapp.accounts import people

    _change(username, people.enable)


@accounts.command()
@click.argument("username")
@click.argument("role", type=_role)
@instance_option
def role(username: str, role: str) -> None:
    """Give the account another role."""
    from gisapp.accounts import people

    _change(username, people.set_role, role)


def _change(username: str, act: Callable[..., T], *more: str) -> T:
    """Do `act` to the account of that name; what it answers."""
    with open_house() as house:
        return act(house.db, SYSTEM, _id(house, username), *more)


def _id(house: House, username: str) -> str:
    from gisapp.accounts import people

    with house.db.read() as connection:
        found = people.find_by_name(connection, username)
    if found is None:
        raise Problem("account_unknown")
    return str(found.id)


@contextmanager
def open_house() -> Iterator[House]:
    """The house on the installation's database; a user's mistake becomes one line and exit code 1."""
    from gisapp.cluster.connections import connections
    from gisapp.house import make_house

    settings = chosen_settings()
    with connections(settings) as urls:
        house = make_house(settings, urls.app)
        try:
            yield house
        except Problem as problem:
            raise Fault(problem.sentence("zh"), problem.sentence("en")) from None
        finally:
            house.db.close()
