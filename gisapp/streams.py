"""All features of a question at once, as a stream from the database to the reader: no file, no page, flat memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from gisapp.accounts.log import record
from gisapp.children import Slots
from gisapp.errors import Problem
from gisapp.features import open_layer, visible_names
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import Query
from gisapp.permissions import Actor
from gisapp.sql import streams as sql_streams

#: Media types by the short names that `f=` takes.
KINDS = {"ndjson": "application/x-ndjson", "geojson": "application/geo+json"}
#: A stream holds a connection for as long as its reader takes: the others must serve everybody else.
SLOTS = Slots(2)


def stream(house: House, actor: Actor, layer_id: str, query: Query, kind: str, address: str | None = None
           ) -> Iterator[bytes]:
    """Pieces of one document: a GeoJSON feature a line (`ndjson`), or a FeatureCollection (`geojson`).

    Needs the right to export; personal fields stay at home. What cannot be answered is refused before the first
    piece: Problems `act_not_allowed`, `field_masked`, `busy`. The access log tells at the end how many went out.
    """
    layer, table = open_layer(house, actor, layer_id, "export", query.plain())
    names = _names(actor, layer, query)
    with SLOTS.one(), house.db.raw() as driver:
        pieces = sql_streams.texts(driver, layer, table, query, names)
        first = next(pieces, [])  # a question that fails is answered as one
        yield b""
        sent, whole = len(first), False
        try:
            yield from _begun(kind, first)
            for piece in pieces:
                sent += len(piece)
                yield (b",\n" if kind == "geojson" else b"") + _joined(kind, piece)
            whole = True
            if kind == "geojson":
                yield f'\n], "numberReturned": {sent}}}\n'.encode()
        finally:
            _note(house, actor, layer, kind, sent, address, whole)


def _names(actor: Actor, layer: Layer, query: Query) -> list[str]:
    open_names = [name for name in visible_names(actor, layer) if not layer.field(name).personal]
    if query.properties is None:
        return open_names
    hidden = [name for name in query.properties if name not in open_names]
    if hidden:
        raise Problem("field_masked", field=hidden[0])
    return list(query.properties)


def _begun(kind: str, first: list[bytes]) -> Iterator[bytes]:
    if kind == "geojson":
        moment = json.dumps(datetime.now(UTC).isoformat(timespec="seconds"))
        yield f'{{"type": "FeatureCollection", "timeStamp": {moment}, "features": [\n'.encode()
    if first:
        yield _joined(kind, first)


def _joined(kind: str, piece: list[bytes]) -> bytes:
    return b",\n".join(piece) if kind == "geojson" else b"\n".join(piece) + b"\n"


def _note(house: House, actor: Actor, layer: Layer, kind: str, sent: int, address: str | None, whole: bool) -> None:
    detail = {"layer": layer.id, "format": kind, "rows": sent, "stream": True, "whole": whole}
    with house.db.begin(actor.id, actor.request_id) as connection:
        record(connection, "export", actor, address=address, detail=detail)
