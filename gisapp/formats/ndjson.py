"""Newline-delimited GeoJSON (GeoJSON Text Sequences without the leading RS): a feature a line, always in degrees."""

from __future__ import annotations

from gisapp.formats.feature_texts import feature_texts, joined_bytes
from gisapp.formats.geojson import described, prove_features
from gisapp.formats.job import Job, Written
from gisapp.formats.spool import Spool


def write(job: Job, spool: Spool) -> Written:
    """One .ndjson, proven by reading it back with GDAL. Raises NotFaithful when it differs."""
    path = job.folder / f"{spool.name}.ndjson"
    with path.open("wb") as file:
        for texts in feature_texts(job, spool):
            file.write(joined_bytes(texts, "\n").data)
    prove_features(job, spool, path, path.stem, "GeoJSONSeq")
    return Written((path,), spool.rows, (described(job, spool),))
