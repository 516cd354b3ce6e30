"""`gisapp accounts`: the same as the administration page, for whoever keeps the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

from gisapp.errors import Problem
from gisapp.faults import Fault
from gisapp.house import House
from gisapp.permissions import ROLES, SYSTEM

T = TypeVar("T")

_role = click.Choice(ROLES)


@click.group()
@click.option("--instance", type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
              help="Folder of what belongs to this installation.")
@click.pass_context
def accounts(context: click.Context, instance: Path | None) -> None:
    """List, add, reset, disable accounts and give them roles."""
    context.obj = instance


@accounts.command("list")
@click.pass_obj
def list_(instance: Path | None) -> None:
    """One line per account: name, role, squadron, state, last sign-in (UTC)."""
    from gisapp.accounts import people

    with open_house(instance) as house:
        for account in people.list_accounts(house.db, SYSTEM):
            state = "disabled" if not account.active else "first password" if account.must_change_password else "active"
            seen = f"{account.last_sign_in_at:%Y-%m-%d %H:%M}" if account.last_sign_in_at else "never"
            click.echo("\t".join((account.username, account.role, account.squadron_code or "-", state, seen)))


@accounts.command()
@click.argument("username")
@click.option("--role", type=_role, default="viewer", show_default=True, help="What the account may do.")
@click.option("--squadron", help="Squadron code whose territory binds the account.")
@click.pass_obj
def add(instance: Path | None, username: str, role: str, squadron: str | None) -> None:
    """Make an account; prints its first password, which must be changed at the first sign-in."""
    from gisapp.accounts import people

    with open_house(instance) as house:
        click.echo(people.make(house, SYSTEM, username, role, squadron_code=squadron)[1])


@accounts.command()
@click.argument("username")
@click.pass_obj
def reset(instance: Path | None, username: str) -> None:
    """Set a drawn password and print it; sessions and tokens of the account end."""
    from gisapp.accounts import people

    click.echo(_change(instance, username, people.reset_password))


@accounts.command()
@click.argument("username")
@click.pass_obj
def disable(instance: Path | None, username: str) -> None:
    """Let the account in no more, at once."""
    from gisapp.accounts import people

    _change(instance, username, people.disable)


@accounts.command()
@click.argument("username")
@click.pass_obj
def enable(instance: Path | None, username: str) -> None:
    """Let a disabled account in again."""
    from gisapp.accounts import people

    _change(instance, username, people.enable)


@accounts.command()
@click.argument("username")
@click.argument("role", type=_role)
@click.pass_obj
def role(instance: Path | None, username: str, role: str) -> None:
    """Give the account another role."""
    from gisapp.accounts import people

    _change(instance, username, people.set_role, role)


def _change(instance: Path | None, username: str, act: Callable[..., T], *more: str) -> T:
    """Do `act` to the account of that name; what it answers."""
    with open_house(instance) as house:
        return act(house.db, SYSTEM, _id(house, username), *more)


def _id(house: House, username: str) -> str:
    from gisapp.accounts import people

    with house.db.read() as connection:
        found = people.find_by_name(connection, username)
    if found is None:
        raise Problem("account_unknown")
    return str(found.id)


@contextmanager
def open_house(instance: Path | None) -> Iterator[House]:
    """The house on the installation's database; a user's mistake becomes one line and exit code 1."""
    from gisapp.cluster.connections import connections
    from gisapp.config import Settings
    from gisapp.house import make_house

    settings = Settings.from_env(instance=instance)
    with connections(settings) as urls:
        house = make_house(settings, urls.app)
        try:
            yield house
        except Problem as problem:
            raise Fault(problem.sentence("zh"), problem.sentence("en")) from None
        finally:
            house.db.close()
