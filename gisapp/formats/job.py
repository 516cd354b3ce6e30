"""What a format is asked to write, and what it answers. What it could not hold goes into `gisapp.formats.losses`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from gisapp.crs import STORED_SRID, Crs
from gisapp.formats.choices import NO_CHOICE, Choices
from gisapp.formats.losses import LossBook
from gisapp.layers import Catalogue, Field, Layer
from gisapp.words import Words

if TYPE_CHECKING:  # a web process finds its way here and needs no Arrow
    from gisapp.formats.photo_links import PhotoLinks


@dataclass(frozen=True)
class Job:
    """One layer of an export: coordinates in `crs` easting first, texts in `encoding`, times in `zone`.

    `question` says in words what was asked for. Data files go into `folder`, what they could not hold into `book`.
    `datum` is GCJ-02 or BD-09 where the coordinates are shifted, else empty. `photo_links` are told by tables that
    can, None where no feature has a photo.
    """

    layer: Layer
    catalogue: Catalogue
    fields: tuple[Field, ...]
    crs: Crs
    encoding: str
    language: str
    zone: ZoneInfo
    author: str
    question: Words
    made_at: datetime
    folder: Path
    book: LossBook
    datum: str = ""
    choices: Choices = NO_CHOICE
    photo_links: PhotoLinks | None = None

    @property
    def system(self) -> str:
        """The system of coordinates as GDAL and PROJ take it; a shifted one is known by its name alone."""
        if self.datum:
            return shifted_system(self.datum)
        return f"EPSG:{self.crs.srid or STORED_SRID}"


def shifted_system(datum: str) -> str:
    """WKT of GCJ-02 or BD-09: degrees on a datum of that name, so that no program takes them for WGS 84."""
    plain = datum.replace("-", "")
    return (f'GEOGCS["{datum} (shifted)",DATUM["{plain}_shifted",SPHEROID["{plain}_shifted",6378137,298.257222101]],'
            'PRIMEM["Greenwich",0],UNIT["Degree",0.0174532925199433]]')


@dataclass(frozen=True)
class Table:
    """One table of a finished file and its columns, as the field table of the pack tells of them.

    `whole` is false for a table that only adds a second geometry to features told of elsewhere by id.
    """

    name: str
    rows: int
    whole: bool
    columns: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Written:
    """The finished data files of one layer, its rows and its tables."""

    files: tuple[Path, ...]
    rows: int
    tables: tuple[Table, ...]


class NotFaithful(Exception):
    """What was read back is not what was written; the file must not leave the house."""


class TooLarge(Exception):
    """The rows do not fit the format."""
