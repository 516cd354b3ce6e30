"""`gisapp map`: the map from the terminal."""

from __future__ import annotations

from pathlib import Path

import click

from gisapp.cli.instance import instance_option
from gisapp.faults import Fault


@click.group("map")
def map_group() -> None:
    """Take the map away."""


@map_group.command("export")
@click.argument("target", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--layers", default="", help="Ids of layers, separated by commas; else those that a map opens with.")
@click.option("--bbox", default="", help="What to show: min lon, min lat, max lon, max lat in degrees.")
@click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE",
              help="As in the map's address, such as illegal_builds.status=02; may be repeated.")
@click.option("--as-of", default="", help="The map as it was at that moment or day (RFC 3339).")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True, help="Language it opens in.")
@instance_option
def export(target: Path, layers: str, bbox: str, filters: tuple[str, ...], as_of: str, lang: str) -> None:
    """Write what the map shows as one HTML file that opens from disk without a network.

    Personal data is left out.
    """
    from gisapp import map_file, maps
    from gisapp.cli.layers import owner_house
    from gisapp.errors import Problem
    from gisapp.permissions import SYSTEM
    from gisapp.selection import read_selection

    with owner_house() as house:
        asked = {"layers": [layers or ",".join(one.id for one in house.catalogue.layers.values()
                                               if maps.shown_at_first(one))],
                 "bbox": [bbox], "as_of": [as_of], **dict(_pair(item) for item in filters)}
        try:
            made = map_file.make(house, SYSTEM, read_selection(house, SYSTEM, asked), lang)
        except Problem as problem:
            raise Fault(problem.sentence("zh"), problem.sentence("en")) from problem
    target.write_bytes(made.content)
    click.echo(f"{target}: {made.features} features, {len(made.content) / 1e6:.1f} MB")


def _pair(item: str) -> tuple[str, list[str]]:
    name, equals, value = item.partition("=")
    if not equals:
        raise Fault(f"--filter {item} 有误：应为 名称=值。", f"--filter {item} is wrong: give NAME=VALUE.")
    return name, [value]
