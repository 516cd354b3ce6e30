"""Rows as GeoJSON features, one text each, a column at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gisapp.formats.columns import GEOMETRY, ID, SECOND
from gisapp.formats.job import Job
from gisapp.formats.shape_texts import as_geojson
from gisapp.formats.spool import Spool
from gisapp.formats.texts import parts

_QUOTE, _BACKSLASH, _FIRST_PLAIN = 0x22, 0x5C, 0x20


def feature_texts(job: Job, spool: Spool) -> Iterator[pa.Array]:
    """Each feature as one line of GeoJSON, without its end."""
    for batch in spool.batches():
        yield _features(job, batch)


def _features(job: Job, batch: pa.RecordBatch) -> pa.Array:
    shape = as_geojson(batch[GEOMETRY])
    pieces: list[pa.Array | str] = []
    for field in job.fields:
        if field is not ID:
            pieces += [f",{json.dumps(field.id)}:", json_values(batch[field.id])]
    if job.layer.second_geometry is not None:
        second = as_geojson(batch[SECOND])
        pieces += [f",{json.dumps(job.layer.second_geometry.id)}:", second]
        if job.layer.stand_in is not None:
            shape = pc.coalesce(shape, second)
    if pieces:
        pieces[0] = str(pieces[0])[1:]
    return joined_texts(['{"type":"Feature","id":', json_values(batch[ID.id]), ',"geometry":', shape, ',"properties":{',
                         *pieces, "}}"], "null")


def joined_texts(pieces: list[pa.Array | str], nothing: str) -> pa.Array:
    """The pieces of each row as one text; `nothing` stands for a missing value. Constant pieces that follow each
    other are put together first: most columns of most rows are empty."""
    merged: list[pa.Array | str] = []
    for piece in pieces:
        if not isinstance(piece, str) and piece.null_count == len(piece):
            piece = nothing
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    options = pc.JoinOptions(null_handling="replace", null_replacement=nothing)
    return pc.binary_join_element_wise(*merged, "", options=options)


def joined_bytes(*pieces: pa.Array | str) -> NDArray[np.uint8]:
    """The pieces of all rows, end to end, as bytes to write."""
    bounds, data = parts(pc.binary_join_element_wise(*pieces, ""))
    return data[bounds[0]:bounds[-1]]


def json_values(values: pa.Array) -> pa.Array:
    """Each value as JSON; a missing one stays missing. ValueError where a number is none."""
    kind = values.type
    if values.null_count == len(values):
        return pa.nulls(len(values), pa.string())
    if pa.types.is_string(kind):
        return _strings(values)
    if pa.types.is_boolean(kind):
        return pc.if_else(values, "true", "false")
    if pa.types.is_list(kind):
        return _lists(values)
    if pa.types.is_floating(kind):
        return _doubles(values)
    if pa.types.is_date(kind):
        return _quoted(values.cast(pa.string()))
    if pa.types.is_timestamp(kind):
        told = values.cast(pa.timestamp("us")).cast(pa.string())
        return pc.binary_join_element_wise('"', pc.replace_substring(told, " ", "T", max_replacements=1), 'Z"', "")
    return values.cast(pa.string())


def _quoted(texts: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('"', texts, '"', "")


def _strings(values: pa.Array) -> pa.Array:
    bounds, data = parts(values)
    there = data[bounds[0]:bounds[-1]]
    if not bool(((there == _QUOTE) | (there == _BACKSLASH) | (there < _FIRST_PLAIN)).any()):
        return _quoted(values)
    known = values.dictionary_encode()
    told = [json.dumps(text, ensure_ascii=False) for text in known.dictionary.to_pylist()]
    return pa.array(told, pa.string()).take(known.indices)


def _lists(values: pa.Array) -> pa.Array:
    inner = json_values(values.values)
    told = pa.Array.from_buffers(values.type, len(values), values.buffers()[:2], offset=values.offset, children=[inner])
    return pc.binary_join_element_wise("[", pc.binary_join(told, ","), "]", "")


def _doubles(values: pa.Array) -> pa.Array:
    if not bool(np.isfinite(values.fill_null(0).to_numpy(zero_copy_only=False)).all()):
        raise ValueError("a number that JSON does not hold")
    told = values.cast(pa.string())
    return pc.if_else(pc.match_substring_regex(told, "[.e]"), told, pc.binary_join_element_wise(told, ".0", ""))
