"""What a person may choose of how a file tells its values."""

from __future__ import annotations

from dataclasses import dataclass

#: How yes and no are told: in words, as 1 and 0, or as the logical type where the format has one.
BOOLEANS = ("words", "numbers", "logical")
#: How tables without a geometry type tell where a feature is.
GEOMETRIES = ("wkt", "lonlat")

#: The shifted datums of `gisapp.datums`, which takes long to load.
DATUMS = ("GCJ-02", "BD-09")


@dataclass(frozen=True)
class Choices:
    """Empty where the format's own way is wanted."""

    booleans: str = ""
    geometry: str = ""


NO_CHOICE = Choices()
