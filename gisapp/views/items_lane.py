"""The short way to a page of features, what a client leafing through a box asks for; as `gisapp.views.api` answers."""

from __future__ import annotations

import re
from typing import Any

from flask import Request, Response

from gisapp import features
from gisapp.params import parse
from gisapp.views import wire
from gisapp.views.documents import preferred_file, prefers_page
from gisapp.views.items_page import links_of, response_of
from gisapp.views.short_way import ShortWay

_PATH = re.compile(r"/collections/([a-z][a-z0-9_]{0,60})/items")
#: What a plain request asks; the service refuses more than it can answer in short.
_TAKEN = frozenset({"f", "lang", "bbox", "bbox-crs", "crs", "limit", "after", "before", "properties"})


class ItemsLane(ShortWay):
    """Pages of features in a box."""

    def _found(self, environ: dict[str, Any]) -> Response | None:
        path = _PATH.fullmatch(environ.get("PATH_INFO", ""))
        if path is None or "HTTP_ORIGIN" in environ or "bbox=" not in environ.get("QUERY_STRING", ""):
            return None
        request = Request(environ)
        response = self._page(request, path[1])
        if response is not None:
            wire.pack(response, request)
            response.headers["Cache-Control"] = "private, no-cache"
        return response

    def _page(self, request: Request, layer_id: str) -> Response | None:
        args = request.args.to_dict(flat=False)
        if not args.keys() <= _TAKEN or args.get("f", ["json"]) != ["json"]:
            return None
        if "f" not in args and (prefers_page(request) or preferred_file(request)):
            return None
        claim = self._claims.of(request)
        if claim is None:
            return None
        house = self._house
        query = parse(args, house.layer(layer_id), house.catalogue)
        page = features.proven_page(house, claim, layer_id, query, house.settings.count_limit)
        if page is None:
            return None
        base = f"{request.host_url.rstrip('/')}{request.root_path}/collections/{layer_id}"
        return response_of(page, links_of(f"{base}/items", base, request.args, page), query.crs, request)
