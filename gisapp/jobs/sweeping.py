"""Files of imports that killed processes left behind: nothing of theirs stays longer than ten minutes."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from uuid import UUID

from gisapp import imports
from gisapp.children import age_s
from gisapp.desk import report
from gisapp.house import House
from gisapp.permissions import SYSTEM
from gisapp.sql import imports as sql_imports

#: An upload is looked at for less than this, in seconds; after that its folder belongs to nobody without a row.
OLD_S = 480.0
#: So often, in seconds: told by the time of a file.
_PACE_S = 60.0
#: What a check lays beside the upload while it lasts, and what it takes for `_OLD_S` when its process was killed.
_PASSING = ("part-*", "columns.json", "progress.json*", "*.utf8", "*.named", "*.mended", "*.plain")


def sweep_imports(house: House) -> None:
    """Remove folders of uploads that no import stands for, files of those that are done, and pieces of broken checks;
    forget imports that nobody let enter in time. Once a minute, however often it is called."""
    parent = house.settings.instance / "imports"
    if not parent.is_dir() or not is_time(parent / "swept", _PACE_S):
        return
    imports.forget_expired(house)
    folders = {number: place for place in parent.iterdir() if (number := _number(place.name)) and _age(place) > OLD_S}
    with house.db.read() as connection:
        states = sql_imports.states(connection, list(folders))
    for number, place in folders.items():
        if number not in states:
            shutil.rmtree(place, ignore_errors=True)
        elif states[number] != "ready":
            report.keep_alone(house, number)
        else:
            _sweep_pieces(house, number, place)


def is_time(mark: Path, pace_s: float) -> bool:
    """Whether `mark` was touched longer than `pace_s` ago, or at a time that a clock set back has not reached; it is
    touched then."""
    if mark.exists() and 0 <= time.time() - mark.stat().st_mtime < pace_s:
        return False
    mark.touch(mode=0o600)
    return True


def _number(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _age(folder: Path) -> float:
    """Seconds since anything was written in a folder."""
    try:
        return min(age_s(place) for place in (folder, *folder.iterdir()))
    except OSError:  # its own process takes files away
        return 0.0


def _sweep_pieces(house: House, number: UUID, folder: Path) -> None:
    pieces = [piece for pattern in _PASSING for piece in folder.glob(pattern)]
    if not pieces:
        return
    with house.db.begin(SYSTEM.username) as connection:
        if sql_imports.hold(connection, number) == "ready":  # and nobody works on it
            for piece in pieces:
                piece.unlink(missing_ok=True)
