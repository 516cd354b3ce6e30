"""The command line: `gisapp COMMAND`. Each topic is a module, imported only when called."""

import importlib
import sys

import click

# command: module and name of the click command in it
COMMANDS: dict[str, tuple[str, str]] = {
    "accounts": ("gisapp.cli.accounts", "accounts"),
    "check": ("gisapp.cli.server", "check"),
    "demo": ("gisapp.cli.demo", "demo"),
    "layers": ("gisapp.cli.layers", "layers"),
    "migrate": ("gisapp.cli.server", "migrate"),
    "settings": ("gisapp.cli.server", "settings"),
    "start": ("gisapp.cli.server", "start"),
}


class LazyGroup(click.Group):
    """A group whose commands live in modules that are imported on first use: `--help` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101  a wrong line in COMMANDS, not user input
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gisapp")
def gisapp() -> None:
    """Run and look after the application."""


def main() -> None:
    """The console script: a fault the user can mend is one line, never a traceback."""
    from gisapp.faults import Fault, terminal_language

    try:
        gisapp(prog_name="gisapp")
    except Fault as fault:
        click.echo(fault.text(terminal_language()), err=True)
        sys.exit(fault.exit_code)
