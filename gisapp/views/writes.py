"""OGC API – Features part 4: create, replace, update and delete, each against the version it started from."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn
from uuid import UUID

from flask import Blueprint, Response, request

from gisapp import changes, features
from gisapp.crs import CRS84, Crs, parse_crs
from gisapp.errors import Problem
from gisapp.layers import Layer
from gisapp.params import invalid, parse_id
from gisapp.shapes import Mended
from gisapp.views import context
from gisapp.views.api import feature_response
from gisapp.views.documents import url

blueprint = Blueprint("writes", __name__)

_BODIES = ("application/geo+json", "application/json", "application/merge-patch+json")
_VERSION = re.compile(r'(?:W/)?"([0-9]{1,9})"|([0-9]{1,9})')
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"|[0-9]{1,9}')
#: A list, which may have empty members (RFC 9110, 5.6.1).
_ETAGS = re.compile(rf"[ \t,]*(?:{_ETAG.pattern})(?:[ \t]*,(?:[ \t]*(?:{_ETAG.pattern}))?)*[ \t]*")
#: What an ETag that is none of ours stands for: no feature is at it, which is 412 as with any other stale one.
NO_VERSION = -1


@blueprint.post("/collections/<layer_id>/items")
def create(layer_id: str) -> Response:
    """201 with the new feature; 200 when the same id came with the same content before."""
    house, actor = context.house(), context.actor()
    layer = features.layer_for(house, actor, layer_id, "create")
    mended = repairs()
    known = frozenset[UUID]() if _chosen("duplicates", ("allow", "refuse")) == "refuse" else None
    found = changes.create(house, actor, layer_id, read_json(), body_crs(), mended, known)
    response = answer(layer, found, mended, status=201 if found.created else 200)
    response.headers["Location"] = url(f"/collections/{layer.id}/items/{found.id}")
    return response


@blueprint.put("/collections/<layer_id>/items/<feature_id>")
def replace(layer_id: str, feature_id: str) -> Response:
    """The whole feature anew."""
    return _changed(layer_id, feature_id, changes.replace)


@blueprint.patch("/collections/<layer_id>/items/<feature_id>")
def update(layer_id: str, feature_id: str) -> Response:
    """The members that the body names; null takes a value away."""
    return _changed(layer_id, feature_id, changes.update)


def _changed(layer_id: str, feature_id: str, change: Callable[..., features.Found]) -> Response:
    house, actor = context.house(), context.actor()
    layer = features.layer_for(house, actor, layer_id, "update")
    number = parse_id(feature_id)
    version = if_match(partial(version_of, layer_id, number))
    mended = repairs()
    return answer(layer, change(house, actor, layer_id, number, read_json(), version, body_crs(), mended), mended)


@blueprint.delete("/collections/<layer_id>/items/<feature_id>")
def delete(layer_id: str, feature_id: str) -> Response:
    """204; history keeps the feature."""
    house, actor = context.house(), context.actor()
    features.layer_for(house, actor, layer_id, "delete")
    number = parse_id(feature_id)
    changes.delete(house, actor, layer_id, number, if_match(partial(version_of, layer_id, number)))
    return Response(status=204)


def repairs() -> Mended:
    """A list for what is repaired when `repair=true` asks for it, else None: then an invalid shape is refused."""
    return [] if _chosen("repair", ("false", "true")) == "true" else None


def _chosen(name: str, choices: tuple[str, ...]) -> str:
    """A parameter that takes one of few words; the first one when it is not given."""
    given = request.args.get(name, choices[0])
    if given not in choices:
        raise invalid(name, " 或 ".join(choices), " or ".join(choices))
    return given


def answer(layer: Layer, found: features.Found, mended: Mended, status: int = 200) -> Response:
    """The feature as it is now; `repairs` tells what was made of an invalid shape."""
    response = feature_response(layer, found, status=status)
    if mended:
        told = json.dumps([one.document() for one in mended], ensure_ascii=False)
        response.set_data(response.get_data(as_text=True)[:-1] + f', "repairs": {told}}}')
    return response


def if_match(current: Callable[[], int]) -> int | None:
    """The version that the client started from; None for `*`. Of several the one that is `current`, if it is among
    them. Problems `version_required`, `version_invalid`."""
    given = request.headers.get("If-Match")
    if given is None:
        raise Problem("version_required")
    if given.strip() == "*":
        return None
    if not _ETAGS.fullmatch(given):
        raise Problem("version_invalid", given=given[:60])
    versions = {_version(found[0]) for found in _ETAG.finditer(given)}
    if len(versions) == 1:
        return versions.pop()
    try:
        now = current()
    except Problem:  # whoever does the work says it better
        return NO_VERSION
    return now if now in versions else NO_VERSION


def _version(etag: str) -> int:
    match = _VERSION.fullmatch(etag)
    return int(match[1] or match[2]) if match else NO_VERSION


def version_of(layer_id: str, feature_id: UUID) -> int:
    """The version that a feature has now. Problem `feature_unknown`."""
    return features.get(context.house(), context.actor(), layer_id, feature_id).version


def body_crs() -> Crs:
    """The system of the body's coordinates: the header Content-Crs, else longitude and latitude of WGS 84."""
    given = request.headers.get("Content-Crs")
    return parse_crs(given.strip().strip("<>")) if given else CRS84


def read_json() -> Any:
    """The JSON body. Problems `media_type_unsupported` (415), `body_too_large` (413), `json_invalid` (400)."""
    if request.mimetype not in _BODIES:
        raise Problem("media_type_unsupported", type=request.mimetype[:60], known=", ".join(_BODIES))
    body = request.get_data()
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
        if b"\\ud" in body.lower():
            json.dumps(value, ensure_ascii=False).encode()  # half a character cannot be stored or sent back
        return value
    except UnicodeEncodeError:
        raise Problem("json_invalid", reason="half a surrogate pair") from None
    except UnicodeDecodeError:
        raise Problem("json_invalid", reason="not UTF-8") from None
    except RecursionError:
        raise Problem("json_invalid", reason="nested too deeply") from None
    except ValueError as error:
        raise Problem("json_invalid", reason=str(error)[:120]) from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
