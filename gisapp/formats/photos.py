"""Photos beside the data: which go along, photos.csv that tells of each, and the proof that they are in the zip whole.

A photo that tells more than a picture (a place, a device) goes along as it came only where personal data do; else the
picture that readers see stands for it.
"""

from __future__ import annotations

import csv
import hashlib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from gisapp.children import report
from gisapp.formats.job import Job, NotFaithful
from gisapp.formats.losses import defused
from gisapp.formats.spool import Spool
from gisapp.house import House
from gisapp.permissions import Actor, may
from gisapp.photos import attachments
from gisapp.photos.files import path_of
from gisapp.photos.kinds import ENDINGS
from gisapp.photos.photo import Photo

INDEX = "photos.csv"
_HEADINGS = ("layer", "feature", "file", "original", "sha256", "sha256 original", "bytes", "media type", "width",
             "height", "taken at", "lon", "lat", "distance m", "caption", "added by", "added at")
_CHUNK = 2**20
_AT_ONCE = 500


@dataclass(frozen=True)
class Member:
    """A photo in the zip: its name there, where it lies, and what its bytes must be."""

    name: str
    path: Path
    sha256: str


def gather(house: House, actor: Actor, jobs: Sequence[Job], spools: Sequence[Spool], order: Mapping[str, Any]
           ) -> list[Member]:
    """The photos of every feature in the spools, and photos.csv in the folder of the data.

    What is not on disk as it should be is noted in the report and left out.
    """
    members: dict[str, Member] = {}
    told = bool(order.get("personal")) and may(actor, "read_personal")
    with (jobs[0].folder / INDEX).open("w", encoding="utf-8-sig", newline="") as file:
        index = csv.writer(file)
        index.writerow(_HEADINGS)
        for job, spool in zip(jobs, spools, strict=True):
            as_of = order["moments"].get(job.layer.id)
            for ids in _ids(spool):
                for number, photo in _of(house, actor, job, ids, as_of, order):
                    member = _member(Path(order["attachments"]), job, photo, number)
                    if member is not None and member.name not in members:
                        members[member.name] = member
                        index.writerow(_line(job, photo, member, personal=told))
                report(len(members), None, "read")
    return list(members.values())


def _ids(spool: Spool) -> Iterator[list[UUID]]:
    for batch in spool.batches(told=False):
        ids = batch["id"].to_pylist()
        for first in range(0, len(ids), _AT_ONCE):
            yield [UUID(one) for one in ids[first:first + _AT_ONCE]]


def _of(house: House, actor: Actor, job: Job, ids: list[UUID], as_of: Any, order: Mapping[str, Any]
        ) -> Iterator[tuple[int, Photo]]:
    """The photos of some features, numbered from 1 within each."""
    last, number = None, 0
    personal = bool(order.get("personal"))
    for photo in attachments.for_file(house, actor, job.layer.id, ids, as_of, personal=personal):
        number = number + 1 if photo.feature_id == last else 1
        last = photo.feature_id
        yield number, photo


def _member(folder: Path, job: Job, photo: Photo, number: int) -> Member | None:
    """The photo as it goes along, None when its file is not what it was."""
    ending = ENDINGS[photo.media_type] if photo.whole else "jpg"
    name = f"photos/{job.layer.id}/{photo.feature_id}/{number:03d}_{photo.sha256[:8]}.{ending}"
    path = path_of(folder, photo.sha256, "original" if photo.whole else "large")
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        digest = ""
    if not digest or (photo.whole and digest != photo.sha256):
        job.book.add(name, number, str(photo.feature_id), "photos", "photo_lost", photo.sha256, "")
        return None
    if not photo.whole:
        job.book.add(name, number, str(photo.feature_id), "photos", "photo_shown", photo.sha256, digest)
    return Member(name, path, digest)


def _line(job: Job, photo: Photo, member: Member, *, personal: bool) -> list[Any]:
    zone: ZoneInfo = job.zone
    author = photo.added_by if personal else ""  # about staff, as in the tables
    lon, lat = photo.place or ("", "")
    return [job.layer.id, photo.feature_id, member.name, "yes" if photo.whole else "no", member.sha256, photo.sha256,
            member.path.stat().st_size, photo.media_type if photo.whole else "image/jpeg", photo.width, photo.height,
            photo.taken_at.astimezone(zone).isoformat() if photo.taken_at else "", lon, lat,
            "" if photo.distance_m is None else round(photo.distance_m, 1), defused(photo.caption),
            defused(author), photo.added_at.astimezone(zone).isoformat(timespec="seconds")]


def prove(pack: Path, members: Sequence[Member]) -> None:
    """Read every photo back from the zip. Raises NotFaithful when one is not what it was."""
    with zipfile.ZipFile(pack) as archive:
        for number, member in enumerate(members):
            digest = hashlib.sha256()
            with archive.open(member.name) as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
            if digest.hexdigest() != member.sha256:
                raise NotFaithful(member.name)
            report(number, len(members), "prove")
