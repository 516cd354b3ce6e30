"""`gisapp demo`: load the synthetic city, once or many times over."""

from __future__ import annotations

import click

from gisapp.cli.instance import instance_option
from gisapp.cli.progress import Progress
from gisapp.faults import Fault


@click.command()
@click.option("--scale", type=click.IntRange(1, 20_000), default=1, show_default=True,
              help="So many times as much: further city parts beside the first, and denser.")
@click.option("--only", multiple=True, metavar="LAYER=COUNT",
              help="So many features of one layer (illegal_builds, rooftop_signs, truck_routes); may be repeated.")
@instance_option
def demo(scale: int, only: tuple[str, ...]) -> None:
    """Load synthetic demo data: a fictional part of a city. What is loaded already is left as it is.

    Each layer is one transaction; a large one keeps readers of that layer waiting until it is in.
    """
    from gisapp.cli.layers import owner_house
    from gisapp.demo import load_demo

    wanted = dict(_wanted(item) for item in only)
    progress = Progress()
    with owner_house() as house, progress.step("载入演示数据（合成数据）", "loading the demo data (synthetic)"):
        counts = load_demo(house, scale, progress.inner, wanted)
        if not counts:
            progress.inner("已经载入，没有改变。", "it is there already; nothing was changed.")


def _wanted(item: str) -> tuple[str, int]:
    from gisapp.demo.load import GROWING

    layer, _, count = item.partition("=")
    if layer not in GROWING or not count.isdecimal() or not 0 < int(count) <= 5_000_000:
        known = ", ".join(GROWING)
        raise Fault(f"--only {item} 有误：应为 图层=数量，图层为 {known}，数量 1 至 5000000。",
                    f"--only {item} is wrong: give LAYER=COUNT with {known} and 1 to 5000000.")
    return layer, int(count)
