"""`--instance` of every command that works on an installation: before or after the name of the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gisapp.config import Settings

_KEY = "gisapp.instance"


def _keep(context: click.Context, _: click.Parameter, given: Path | None) -> None:
    """The innermost one counts; those further out were read before it."""
    if given is not None:
        context.meta[_KEY] = given


#: For a command that reads its settings by `settings`.
instance_option = click.option(
    "--instance", type=click.Path(path_type=Path, file_okay=False, resolve_path=True), expose_value=False,
    callback=_keep, help="Folder of what belongs to this installation.")


def settings(**more: Any) -> Settings:
    """The settings of the installation that the command was given, else of the environment's."""
    context = click.get_current_context(silent=True)
    return Settings.from_env(instance=context.meta.get(_KEY) if context else None, **more)
