"""docs/commands.md, made from the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from gisapp.docs.markdown import MADE, code, table


def page(group: click.Group) -> str:
    """The page: one section for each command with its arguments and options."""
    intro = (f"# Commands · 命令\n\n{MADE}\n\n"
             "`.venv/bin/gisapp COMMAND --help` says the same in the terminal. "
             "Commands that need the private database start it for their time when it does not run.\n")
    return intro + "".join(_section(f"gisapp {' '.join(path)}", command)
                           for path, command in walk(group) if not isinstance(command, click.Group))


def walk(group: click.Group, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below the group with its path, groups before what is in them."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        yield (*above, name), command
        if isinstance(command, click.Group):
            yield from walk(command, (*above, name))


def _section(name: str, command: click.Command) -> str:
    arguments = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    words = [name, *(_argument(argument) for argument in arguments)]
    options = [option for option in command.params if isinstance(option, click.Option) and not option.hidden]
    text = f"\n## {name}\n\n```sh\n{' '.join(words)}{' [OPTIONS]' if options else ''}\n```\n\n"
    text += inspect.cleandoc(command.help or "").replace("\n\n", "\n") + "\n"
    return text + ("\n" + table(("Option", "What it does"), map(_option, options)) if options else "")


def _argument(argument: click.Argument) -> str:
    return argument.make_metavar(click.Context(click.Command("x")))


def _option(option: click.Option) -> tuple[str, str]:
    kind = "" if option.is_flag else f" {option.metavar or option.type.name.upper()}"
    default = f" Default: {code(str(option.default))}." if option.show_default else ""
    return code("/".join(option.opts) + kind), (option.help or "") + default
