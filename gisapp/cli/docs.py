"""`gisapp docs`: the pages of docs/ that are made from the code."""

from __future__ import annotations

import click

from gisapp.faults import Fault


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 when a page is not current.")
def docs(check: bool) -> None:
    """Write the pages of docs/ that are made from the code."""
    from gisapp import docs as made
    from gisapp.catalogue import load_catalogue
    from gisapp.cli import gisapp
    from gisapp.config import ROOT
    from gisapp.rules import RULES

    catalogue = load_catalogue(ROOT / "layers", RULES)
    if check:
        old = [path.name for path in made.stale(ROOT / "docs", catalogue, gisapp)]
        if old:
            raise Fault(f"文档已过时：{'、'.join(old)}。请运行 gisapp docs。",
                        f"out of date: {', '.join(old)}; run gisapp docs.")
        return
    for path in made.write(ROOT / "docs", catalogue, gisapp):
        click.echo(path.relative_to(ROOT))
