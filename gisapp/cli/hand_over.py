"""`gisapp export` and `gisapp import`: files out and in from the terminal, in the name of an account."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gisapp.cli.instance import instance_option
from gisapp.cli.progress import Progress
from gisapp.faults import Fault

if TYPE_CHECKING:
    from gisapp.children import Progress as Way
    from gisapp.house import House
    from gisapp.permissions import Actor

_AS = click.option("--as", "username", required=True, metavar="NAME", help="The account that does it, with its rights.")


@click.command()
@click.argument("layer")
@click.option("--format", "format_name", default="shp", show_default=True, help="As f= takes it, such as gpkg or csv.")
@click.option("-o", "--output", "target", required=True, metavar="FILE", type=click.Path(path_type=Path),
              help="The file to write, or a folder to put it in under its own name.")
@click.option("--filter", "condition", default="", help="A CQL2 condition; docs/filters.md.")
@click.option("--bbox", default="", help="Min lon, min lat, max lon, max lat in degrees.")
@click.option("--crs", default="", help="Coordinate system, such as EPSG:4547.")
@click.option("--encoding", default="", help="Of a shapefile: GBK or UTF-8.")
@click.option("--set", "more", multiple=True, metavar="NAME=VALUE",
              help="Any further parameter of an items request; may be repeated.")
@click.option("--receiver", default="", metavar="NAME", help="A receiver: format, CRS and columns are its own.")
@click.option("--difference", is_flag=True, help="Only what is new since the receiver's last delivery.")
@_AS
@instance_option
def export(layer: str, format_name: str, target: Path, condition: str, bbox: str, crs: str, encoding: str,
           more: tuple[str, ...], receiver: str, difference: bool, username: str) -> None:
    """Write the features of LAYER, or of a saved question, as a file. Prints its name and the number of records."""
    from gisapp.children import work_folder
    from gisapp.hand_over import by_job as hand_overs, exports

    given = {"filter": condition, "bbox": bbox, "crs": crs, "encoding": encoding, **dict(map(_pair, more))}
    args = {name: [value] for name, value in given.items() if value}
    _require_room(target)
    with _acting(username) as (house, actor):
        language = Progress().language
        order = hand_overs.plan(
            house, actor, layer, format_name, args, language, receiver_id=_receiver(house, actor, receiver),
            mode="difference" if difference else "full")
        with (work_folder(house.settings.instance / "exports", exports.LIMITS.seconds + 600) as folder,
              _bar("export", exports.count(house, actor, order)) as watch):
            made = exports.deliver(house, actor, order, folder, "cli", watch)
            path = _moved(made.path, target / made.name if target.is_dir() else target)
    click.echo(f"{path}: {made.rows} records, {made.size / 1e6:.1f} MB")
    for kind, count in made.losses.items():
        click.echo(f"  {kind}: {count} (report.csv)", err=True)


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...",
                type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--layer", required=True, help="The layer that the records enter.")
@click.option("--crs", default="", help="Coordinate system, where the file does not tell it.")
@click.option("--encoding", default="", help="Of its texts, where the file does not tell it.")
@click.option("--valid", is_flag=True, help="Let the good rows enter and leave the others out; else all or none.")
@click.option("--choices", "wishes", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help="A JSON file of choices as the API takes them: mapping, codes, mode, key …; docs/importing.md.")
@click.option("--check", "only_check", is_flag=True, help="Only say what would become of the rows; nothing enters.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write every row's verdict and reasons to a CSV file.")
@_AS
@instance_option
def import_(files: tuple[Path, ...], layer: str, crs: str, encoding: str, valid: bool, wishes: Path | None,
            only_check: bool, report: Path | None, username: str) -> None:
    """Check every row of FILE and let them enter LAYER, with the mapping that the page would suggest or the one
    of --choices.

    The parts of a shapefile are given together, or as a zip.
    """
    from gisapp import imports
    from gisapp.desk.check import check

    if report is not None:
        _require_room(report)
    given = {"accept": "valid" if valid else None, "crs": crs or None, "encoding": encoding or None}
    choices = {**_wishes(wishes), **{name: value for name, value in given.items() if value}}
    with _acting(username) as (house, actor):
        looked = imports.receive(house, actor, layer, [_Upload(path) for path in files])
        number = _number(looked["id"])
        with _forgotten(house, actor, number):
            if report is not None or only_check:
                with _bar("check", _rows(looked)) as watch:
                    _say_checked(check(house, actor, number, choices, watch))
            if report is not None:
                _write_report(house, actor, number, report)
            if only_check:
                return
            with _bar("commit", _rows(looked)) as watch:
                result = imports.commit(house, actor, number, choices, "cli", watch=watch)
    click.echo(f"{layer}: {result['accepted']} records, {result['refused_count']} left out")
    for fault in result.get("refused", [])[:20]:
        click.echo(f"  {fault['source']} {fault['row']} {fault['field']}: {fault[Progress().language]}", err=True)


def _require_room(target: Path) -> None:
    """Refuse a place where no file can be written, before any work is done or logged."""
    folder = target if target.is_dir() else target.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise Fault(f"{folder} 不是可以写入的文件夹。", f"{folder} is no folder that can be written to.")


@contextmanager
def _placed(target: Path) -> Iterator[Path]:
    """Where to write what is to be `target`: beside it, so that what stood there stays unless the new one is whole.
    What is no plain file, such as /dev/stdout, is written into."""
    plain = not target.is_relative_to("/dev") and (target.is_file() or not target.exists())
    place = target.resolve() if plain else target
    fresh = place.with_name(f".gisapp-{os.getpid()}.part") if plain else target
    try:
        yield fresh
        if plain:
            fresh.replace(place)
    except OSError as error:
        why = error.strerror or str(error)
        raise Fault(f"无法写入 {target}：{why}。", f"{target} cannot be written: {why}.") from error
    finally:
        if plain:
            fresh.unlink(missing_ok=True)


def _moved(file: Path, target: Path) -> Path:
    with _placed(target) as place:
        if not place.exists():
            shutil.move(file, place)
        else:
            with file.open("rb") as source, place.open("wb") as sink:
                shutil.copyfileobj(source, sink)
    return target


def _rows(looked: dict[str, Any]) -> int:
    return sum(source["count"] or 0 for source in looked["layers"] if source["role"] == "rows")


def _wishes(path: Path | None) -> dict[str, Any]:
    """The choices of a file; what they may be is looked at where they are used."""
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text("utf-8-sig"))
    except ValueError as error:
        raise Fault(f"{path} 不是 JSON：{error}", f"{path} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise Fault(f"{path} 应为 JSON 对象。", f"{path} should hold a JSON object.")
    return found


@contextmanager
def _forgotten(house: House, actor: Actor, number: Any) -> Iterator[None]:
    """An upload of the terminal is not kept for a later look: it goes unless it was committed, Ctrl-C or not."""
    from gisapp import imports
    from gisapp.errors import Problem

    try:
        yield
    finally:
        with suppress(Problem):
            imports.discard(house, actor, number)


def _say_checked(found: dict[str, Any]) -> None:
    counts = ", ".join(f"{name} {count}" for name, count in found["counts"].items() if count)
    click.echo(f"check: {counts or 0}")
    for reason in found["reasons"][:20]:
        click.echo(f"  {reason['count']} × {reason['field']}: {reason[Progress().language]}", err=True)


def _write_report(house: House, actor: Actor, number: Any, path: Path) -> None:
    from gisapp.desk import report

    with _placed(path) as place, place.open("w", encoding="utf-8", newline="") as file:
        file.writelines(report.lines(house, actor, number))


def _number(text: str) -> Any:
    from gisapp.params import parse_id

    return parse_id(text)


class _Upload:
    """A file of this machine, as an upload."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.filename: str | None = path.name

    def save(self, dst: Path) -> None:
        """Copy it to `dst`."""
        shutil.copyfile(self._path, dst)


@contextmanager
def _bar(act: str, rows: int) -> Iterator[Any]:
    """A progress bar of so many rows on the terminal; what it gives hears how far the work is."""
    from gisapp.jobs.pace import way

    shown: Any = click.progressbar(length=max(rows, 1), show_pos=True, file=sys.stderr)
    with shown as bar:
        def watch(progress: Way) -> None:
            whole = progress.rows_all or rows
            bar.update(max(0, way(act, progress.step, progress.rows_done, whole) * rows // max(whole, 1) - bar.pos))

        yield watch
        bar.update(max(0, max(rows, 1) - bar.pos))


def _pair(item: str) -> tuple[str, str]:
    name, equals, value = item.partition("=")
    if not equals:
        raise Fault(f"--set {item} 有误：应为 名称=值。", f"--set {item} is wrong: give NAME=VALUE.")
    return name, value


def _receiver(house: House, actor: Actor, name: str) -> Any:
    from gisapp.errors import Problem
    from gisapp.hand_over import receivers

    if not name:
        return None
    found = [row["id"] for row in receivers.listed(house, actor) if row["name"].lower() == name.lower()]
    if not found:
        raise Problem("receiver_unknown")
    return found[0]


def _end(number: int, _: object) -> None:
    """As a shell tells it."""
    sys.exit(128 + number)


@contextmanager
def _acting(username: str) -> Iterator[tuple[House, Actor]]:
    """The house and who acts; a mistake becomes one line and exit code 1. Ended by a signal, it tidies up first."""
    from gisapp.accounts import people
    from gisapp.cli.accounts import open_house
    from gisapp.errors import Problem

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # not where nohup ignores it
            signal.signal(number, _end)
    with open_house() as house:
        with house.db.read() as connection:
            account = people.find_by_name(connection, username)
        if account is None:
            raise Problem("account_unknown")
        if not account.active:
            raise Problem("account_disabled")
        yield house, people.actor_of(account, "cli")
