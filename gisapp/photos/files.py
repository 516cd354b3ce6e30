"""Where the bytes of photos lie: instance/attachments, each under its SHA-256, the original as it came.

Beside an original lie the two pictures that are shown: no metadata, JPEG. A file is whole and on disk before the line
in the database that makes it count; what was left behind without a line is swept.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from gisapp.children import Limits, Slots, age_s, run, sweep, work_folder
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.permissions import SYSTEM
from gisapp.photos.kinds import kind_of
from gisapp.sql import attachments as sql_attachments

#: A decoder's: the largest picture takes four bytes a pixel, twice for a moment.
LIMITS = Limits(seconds=30, memory_mb=2048, file_mb=128)
SLOTS = Slots(1, patience_s=20.0)
#: Sizes that are asked for, and the ending of their files.
SIZES = {"small": ".small.jpg", "large": ".large.jpg", "original": ""}
#: A file without a line may belong to an upload that is just ending, in seconds.
YOUNG_S = 3600.0
_CHUNK = 2**18
_ARRIVING = "arriving"


@dataclass(frozen=True)
class Arrived:
    """A photo that lies whole on disk, not yet in its place. `place` is longitude and latitude (WGS 84)."""

    folder: Path
    sha256: str
    size: int
    media_type: str
    width: int
    height: int
    taken_at: str | None
    place: tuple[float, float] | None
    telling: bool


def root(house: House) -> Path:
    """The folder of all photos."""
    return house.settings.instance / "attachments"


def path_of(folder: Path, sha256: str, size: str = "original") -> Path:
    """Where a photo lies in the folder of all photos, in one of SIZES."""
    return folder / sha256[:2] / f"{sha256}{SIZES[size]}"


@contextmanager
def arrived(house: House, file: IO[bytes], ours: bool = False) -> Iterator[Arrived]:
    """The upload read, judged and written to disk; it is gone afterwards unless `put` took it. A picture that is
    `ours` is read in this process, without a child.

    Problems: `photo_missing`, `photo_bytes` (413), `photo_kind` (415), `photo_too_large`, `photo_unreadable`,
    `work_failed`, `busy`.
    """
    with work_folder(root(house) / _ARRIVING, 900) as folder:
        size, digest = _copy(file, folder / "original", house.settings.photo_mb)
        with (folder / "original").open("rb") as start:
            kind_of(start.read(64))
        told = _read(house, folder, ours)
        for name in ("original", "small.jpg", "large.jpg"):
            _to_disk(folder / name)
        yield Arrived(folder, digest, size, told["media_type"], told["width"], told["height"], told["taken_at"],
                      tuple(told["place"]) if told["place"] else None, told["telling"])


def _read(house: House, folder: Path, ours: bool) -> dict[str, Any]:
    order = {"path": str(folder / "original"), "folder": str(folder), "megapixels": house.settings.photo_megapixels,
             "time_zone": house.settings.time_zone}
    if ours:
        from gisapp.photos import reading as photo_reading  # no web process needs the decoder

        return photo_reading.work(order)
    with SLOTS.one():
        return run("gisapp.photos.reading", order | {"temporary": True, "plain": True}, folder, LIMITS)


def _copy(file: IO[bytes], target: Path, most_mb: int) -> tuple[int, str]:
    """Bytes and SHA-256 of what was written."""
    done, digest = 0, hashlib.sha256()
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
        while chunk := file.read(_CHUNK):
            done += len(chunk)
            if done > most_mb * 2**20:
                raise Problem("photo_bytes", limit=most_mb)
            digest.update(chunk)
            sink.write(chunk)
    if not done:
        raise Problem("photo_missing")
    return done, digest.hexdigest()


def _to_disk(path: Path) -> None:
    path.chmod(0o600)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def put(house: House, photo: Arrived) -> None:
    """Move an arrived photo into its place, to stay there after a power cut; what lies there is the same."""
    target = path_of(root(house), photo.sha256)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for size, name in (("small", "small.jpg"), ("large", "large.jpg"), ("original", "original")):
        (photo.folder / name).rename(path_of(root(house), photo.sha256, size))
    _give(root(house), target)
    for folder in (target.parent, target.parent.parent):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _give(folder: Path, target: Path) -> None:
    """What root adds, as the demo data is, belongs to the account that serves the folder."""
    served = folder.stat()
    if os.geteuid() == 0 and served.st_uid != 0:
        for path in (target.parent, *target.parent.glob(f"{target.name}*")):
            os.chown(path, served.st_uid, served.st_gid)


def faults(house: House, *, quick: bool = False) -> Iterator[tuple[str, str]]:
    """Every photo whose bytes are not what its line says: its SHA-256 and missing, unreadable or changed; `quick` asks
    only whether the files are there."""
    with house.db.snapshot() as connection:
        for sha256, _ in sql_attachments.digests(connection):
            for size in SIZES:
                fault = _fault(path_of(root(house), sha256, size), sha256 if size == "original" and not quick else None)
                if fault:
                    yield sha256, fault if size == "original" else f"{size} {fault}"


def _fault(path: Path, sha256: str | None) -> str:
    try:
        with path.open("rb") as file:
            if sha256 is not None and hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                return "changed"
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "unreadable"
    return ""


def redraw(house: House, sha256: str) -> None:
    """Make the two shown pictures of an original anew. Problem `photo_lost` (410), and those of `arrived`."""
    original = path_of(root(house), sha256)
    try:
        with original.open("rb") as file, arrived(house, file) as photo:
            if photo.sha256 != sha256:
                raise Problem("photo_lost")
            put(house, photo)
    except OSError:
        raise Problem("photo_lost") from None


def sweep_files(house: House, young_s: float = YOUNG_S) -> int:
    """Remove files that no line names, and uploads that were cut off; how many files went. Nothing while a photo is
    just being added."""
    folder = root(house)
    sweep(folder / _ARRIVING, 900)
    old = {path: path.name[:64] for path in _files(folder) if age_s(path) > young_s}
    if not old:
        return 0
    with house.db.begin(SYSTEM.username) as connection:
        if not sql_attachments.close_files(connection):
            return 0
        known = _known(connection, sorted(set(old.values())))
        gone = [path for path, sha256 in old.items() if sha256 not in known and age_s(path) > young_s]
        for path in gone:
            path.unlink(missing_ok=True)
    return len(gone)


def _known(connection: Any, digests: list[str]) -> set[str]:
    found: set[str] = set()
    for first in range(0, len(digests), 1000):
        found |= sql_attachments.known(connection, digests[first:first + 1000])
    return found


def _files(folder: Path) -> Iterator[Path]:
    for place in folder.iterdir() if folder.is_dir() else ():
        if len(place.name) == 2 and place.is_dir():
            yield from place.iterdir()
