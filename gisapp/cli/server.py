"""`gisapp start | check | migrate | settings`."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import click

from gisapp.config import Settings
from gisapp.faults import terminal_language

_instance = click.option(
    "--instance",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    help="Folder of what belongs to this installation.",
)


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--host", help="Address to listen on.")
@_instance
def start(port: int | None, host: str | None, instance: Path | None) -> None:
    """Set up what is missing and serve until Ctrl-C."""
    from gisapp.cli import start as steps

    steps.start(Settings.from_env(port=port, host=host, instance=instance))


@click.command()
@_instance
def migrate(instance: Path | None) -> None:
    """Bring the database to this version and sync the code lists."""
    from gisapp.cli import start as steps
    from gisapp.cli.progress import Progress
    from gisapp.cluster.connections import connections
    from gisapp.house import make_house

    settings, progress = Settings.from_env(instance=instance), Progress()
    with connections(settings, progress.inner) as urls:
        house = make_house(settings, urls.owner)
        try:
            steps.migrate(house, progress)
        finally:
            house.db.close()


@click.command()
@_instance
def check(instance: Path | None) -> None:
    """Say what is wrong with this installation; exit code 1 when something is."""
    from gisapp.cli.check import examine

    if not examine(Settings.from_env(instance=instance)):
        raise SystemExit(1)


@click.command()
@click.option("--markdown", is_flag=True, help="Print docs/settings.md instead of the values in force.")
@_instance
def settings(markdown: bool, instance: Path | None) -> None:
    """Show every setting with its value; secrets are not shown."""
    from gisapp.setting_values import env_name, help_of
    from gisapp.settings_page import markdown as page

    if markdown:
        click.echo(page(), nl=False)
        return
    values, language = Settings.from_env(instance=instance), terminal_language()
    for item in fields(values):
        value = getattr(values, item.name)
        shown = ("…" if value else "") if help_of(item).secret else value
        click.echo(f"{env_name(item)}={shown}\n    {help_of(item).words.get(language)}")
