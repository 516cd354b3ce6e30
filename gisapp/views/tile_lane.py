"""The short way to a tile, what a browser on the map asks for hundreds of times; as `gisapp.views.tiles` answers."""

from __future__ import annotations

import re
from typing import Any

from flask import Request, Response

from gisapp import tiles
from gisapp.accounts.sessions import Claim
from gisapp.params import parse
from gisapp.sql.tiles import Address
from gisapp.views.short_way import ShortWay
from gisapp.views.tiles import IGNORED, MATRIX_SET, response_of

_PATH = re.compile(rf"/collections/([a-z][a-z0-9_]{{0,60}})/tiles/{MATRIX_SET}/(\d{{1,2}})/(\d{{1,7}})/(\d{{1,7}})")


class TileLane(ShortWay):
    """Tiles of browser sessions."""

    def _found(self, environ: dict[str, Any]) -> Response | None:
        path = _PATH.fullmatch(environ.get("PATH_INFO", ""))
        if path is None or "HTTP_AUTHORIZATION" in environ or "HTTP_ORIGIN" in environ:
            return None
        request = Request(environ)
        claim = self._claims.of(request)
        made = self._tile(request, claim, *path.groups()) if claim else None
        return response_of(made, request) if made is not None else None

    def _tile(self, request: Request, claim: Claim, layer_id: str, z: str, row: str, column: str) -> tiles.Tile | None:
        args = {name: values for name, values in request.args.lists() if name not in IGNORED}
        if args.pop("f", ["mvt"]) != ["mvt"]:
            return None
        query = parse(args, self._house.layer(layer_id), self._house.catalogue).plain()
        return tiles.proven_tile(self._house, claim, layer_id, Address(int(z), int(column), int(row)), query,
                                 request.if_none_match.as_set(include_weak=True))
