"""`python -m benchmarks prepare|run --work DIR`: load the ground once, then measure on it."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click

from benchmarks.ground import Ground
from benchmarks.measures import ALL


@click.group()
def main() -> None:
    """Measure what the goals promise. DIR takes about 6 GB and is never inside the checkout by itself."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that all that was started is stopped


@main.command()
@click.option("--work", type=click.Path(path_type=Path), required=True, metavar="DIR")
@click.option("--dense", is_flag=True, help="All of it within one city, instead of the demo city grown.")
def prepare(work: Path, dense: bool) -> None:
    """Make the instance and load a million builds, 200 000 signs, 20 000 routes."""
    with Ground(work) as ground:
        ground.prepare(dense)


@main.command()
@click.option("--work", type=click.Path(path_type=Path), required=True, metavar="DIR")
@click.option("--only", multiple=True, type=click.Choice(list(ALL)), help="Measure this only; may be repeated.")
def run(work: Path, only: tuple[str, ...]) -> None:
    """Measure and print; the lines are also added to DIR/results.txt."""
    with Ground(work) as ground, (work / "results.txt").open("a") as results:
        for name in only or ALL:
            for what, value in ALL[name](ground):
                line = f"| {what} | {value} |"
                click.echo(line)
                print(line, file=results, flush=True)


if __name__ == "__main__":
    main()
