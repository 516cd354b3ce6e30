"""The command line: `gisapp COMMAND`. Each topic is a module, imported only when called."""

import importlib
import os
import sys

import click

# command: module, name of the click command in it, help in one line (so that help imports nothing)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "accounts": ("gisapp.cli.accounts", "accounts", "Make, list, disable and reset accounts."),
    "attachments": ("gisapp.cli.attachments", "attachments", "Compare the photos on disk with the database."),
    "check": ("gisapp.cli.server", "check", "Say what is wrong with this installation."),
    "demo": ("gisapp.cli.demo", "demo", "Load synthetic demo data."),
    "docs": ("gisapp.cli.docs", "docs", "Write the pages of docs/ that are made from the code."),
    "export": ("gisapp.cli.hand_over", "export", "Write a layer or a question as a file."),
    "import": ("gisapp.cli.hand_over", "import_", "Check a file and let its rows enter a layer."),
    "layers": ("gisapp.cli.layers", "layers", "Check and show layer files, draft migrations, sync code lists."),
    "map": ("gisapp.cli.map", "map_group", "Save the map as one HTML file."),
    "migrate": ("gisapp.cli.server", "migrate", "Bring the database to this version."),
    "qgis": ("gisapp.cli.qgis", "qgis", "Make logins of the database for QGIS, within an account's rights."),
    "settings": ("gisapp.cli.server", "settings", "Show every setting with its value."),
    "worker": ("gisapp.cli.worker", "worker", "Do the jobs that wait, until Ctrl-C."),
    "start": ("gisapp.cli.server", "start", "Set up what is missing and serve until Ctrl-C."),
}


class LazyGroup(click.Group):
    """A group whose commands live in modules that are imported on first use: help stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in order."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101  a wrong line in COMMANDS, not user input
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in the help text."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][2]) for name in self.list_commands(ctx)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gisapp")
def gisapp() -> None:
    """Run and look after the application."""


def main() -> None:
    """The console script: a fault the user can mend is one line, never a traceback.

    Exit codes: 0 done, 1 a fault, 2 wrong words or settings, 130 Ctrl-C, 143 ended by SIGTERM.
    """
    from gisapp.faults import Fault, terminal_language
    from gisapp.layer_files import LayerFileError

    try:
        sys.exit(gisapp(prog_name="gisapp", standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo({"zh": "已中断。"}.get(terminal_language(), "interrupted."), err=True)
        sys.exit(130)
    except BrokenPipeError:  # who read the output wants no more of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Fault as fault:
        click.echo(fault.text(terminal_language()), err=True)
        sys.exit(fault.exit_code)
    except LayerFileError as error:
        click.echo(Fault(f"图层文件有误：{error}", f"wrong layer file: {error}").text(terminal_language()), err=True)
        sys.exit(1)
    except Exception as error:
        from gisapp.db import is_away, is_busy, is_full

        if is_full(error):
            told = Fault("磁盘空间不足，没有保存任何内容；腾出空间后重试。",
                         "a disk is full; nothing was kept. Make room, then try again.")
        elif is_away(error):
            told = Fault("数据库连接中断，请恢复后重试。", "the database went away; try again when it is back.")
        elif is_busy(error):
            told = Fault("其他人正占用所需的数据，没有保存任何内容；请稍后重试。",
                         "somebody else holds the data that this needs; nothing was kept. Try again in a moment.")
        else:
            raise
        click.echo(told.text(terminal_language()), err=True)
        sys.exit(1)
