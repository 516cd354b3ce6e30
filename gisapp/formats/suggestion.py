"""How the columns of a source would be mapped if nobody said otherwise."""

from __future__ import annotations

from gisapp.formats.mapping import parse_uuid, suggest
from gisapp.formats.samples import Sample
from gisapp.formats.source import Source
from gisapp.layers import Layer


def suggested(layer: Layer, source: Source, sample: Sample) -> dict[str, str | None]:
    """Column → field. A column that holds the shapes is none, nor is a sender's own kind of id."""
    mapping = suggest(layer, source.fields, source.types)
    for column in (source.columns or {}).values():
        mapping[column] = None
    for place, name in enumerate(source.fields):
        if mapping.get(name) == "id" and not any(parse_uuid(row[place]) for row in sample.rows):
            mapping[name] = None
    return mapping
