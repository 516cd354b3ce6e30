"""Photos of a feature, for programs: the list, one in three sizes, a new one, one removed."""

from __future__ import annotations

from typing import IO, Any
from uuid import UUID

from flask import Blueprint, Response, jsonify, redirect, request, send_file
from werkzeug.wrappers import Response as AnyResponse

from gisapp.errors import Problem
from gisapp.params import parse_as_of, parse_id
from gisapp.photos import attachments, changes as photo_changes
from gisapp.photos.attachments import Album
from gisapp.photos.photo import Photo
from gisapp.views import context
from gisapp.views.documents import answer, link, url, wanted_format
from gisapp.views.identity import current_actor

blueprint = Blueprint("attachments", __name__)

_ITEM = "/collections/<layer_id>/items/<feature_id>/attachments"
_TAKING = ("attachments.add", "photos.add")
_BODIES = "multipart/form-data, image/jpeg, image/png, image/webp"


def room_for_photos(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """A photo may be larger than a page's worth; its sender's right is asked before anybody reads the body."""
    actor = current_actor() if endpoint in _TAKING and request.method == "POST" else None
    if actor is not None:
        request.max_content_length = attachments.room(context.house(), actor)


blueprint.url_value_preprocessor(room_for_photos)


@blueprint.get(_ITEM)
def listed(layer_id: str, feature_id: str) -> AnyResponse:
    """The photos of a feature, oldest first; with `as_of` those of a moment. People get the page of photos."""
    _known("f", "lang", "as_of")
    house, actor, as_of = context.house(), context.actor(), parse_as_of(request.args.get("as_of"))
    found = attachments.album(house, actor, layer_id, parse_id(feature_id), context.language(), as_of)
    if wanted_format() == "html":
        return redirect(f"{request.script_root}/panel/{found.layer.id}/{found.feature_id}/photos")
    return answer(_document(found))


def _known(*names: str) -> None:
    unknown = set(request.args) - set(names)
    if unknown:
        raise Problem("parameter_unknown", name=sorted(unknown)[0][:60], known=", ".join(names))


def _document(found: Album) -> dict[str, Any]:
    base = f"/collections/{found.layer.id}/items/{found.feature_id}"
    return {"layer": found.layer.id, "feature": str(found.feature_id), "numberReturned": len(found.photos),
            "limit": found.limit, "may_add": found.may_add,
            "attachments": [_told(one, base) for one in found.photos],
            "links": [link("self", url(f"{base}/attachments", f="json"), "application/json"),
                      link("alternate", url(f"/panel/{found.layer.id}/{found.feature_id}/photos"), "text/html"),
                      link("up", url(base, f="json"), "application/geo+json")]}


def _told(one: Photo, base: str) -> dict[str, Any]:
    path = f"{base}/attachments/{one.id}"
    kind = one.media_type if one.whole else "image/jpeg"
    return {
        "id": str(one.id), "sha256": one.sha256, "bytes": one.size, "media_type": one.media_type, "width": one.width,
        "height": one.height, "taken_at": one.taken_at and one.taken_at.isoformat(),
        "place": {"type": "Point", "coordinates": list(one.place)} if one.place else None,
        "distance_m": None if one.distance_m is None else round(one.distance_m, 1), "caption": one.caption,
        "added_at": one.added_at.isoformat(), "added_by": one.added_by, "original": one.whole,
        "may_remove": one.may_remove, "brought_at": one.brought_at and one.brought_at.isoformat(),
        "brought_by": one.brought_by, "first_feature": one.first_feature and str(one.first_feature),
        "links": [link("enclosure", url(path), kind), link("preview", url(f"{path}/thumbnail"), "image/jpeg")]}


@blueprint.post(_ITEM)
def add(layer_id: str, feature_id: str) -> Response:
    """201 with the photo; 200 when the same id came with the same content before."""
    number = parse_id(feature_id)
    file, caption, given = _sent()
    found, created = attachments.add(context.house(), context.actor(), layer_id, number, file, caption,
                                     parse_id(given) if given else None)
    base = f"/collections/{layer_id}/items/{number}"
    response = jsonify(_told(found, base))
    response.status_code = 201 if created else 200
    response.headers["Location"] = url(f"{base}/attachments/{found.id}")
    return response


def _sent() -> tuple[IO[bytes] | None, str, str]:
    """The file, its caption and its id: the fields of a form, or the body itself with both in the address."""
    if request.mimetype.startswith("image/") or request.mimetype == "application/octet-stream":
        _known("id", "caption", "lang")
        return request.stream, request.args.get("caption", ""), request.args.get("id", "")
    if request.mimetype != "multipart/form-data":
        raise Problem("media_type_unsupported", type=request.mimetype[:60], known=_BODIES)
    _known("lang")
    files = request.files.getlist("file")
    if len(files) > 1:
        raise Problem("parameter_repeated", name="file")
    return (files[0].stream if files else None), request.form.get("caption", ""), request.form.get("id", "")


@blueprint.get(f"{_ITEM}/<photo_id>")
def photo(layer_id: str, feature_id: str, photo_id: str) -> Response:
    """The photo, whole or the range that is asked for; `size` is small, large or original."""
    _known("size", "as_of", "lang")
    return _file(layer_id, feature_id, photo_id, request.args.get("size"))


@blueprint.get(f"{_ITEM}/<photo_id>/thumbnail")
def thumbnail(layer_id: str, feature_id: str, photo_id: str) -> Response:
    """The small picture."""
    _known("as_of", "lang")
    return _file(layer_id, feature_id, photo_id, "small")


def _file(layer_id: str, feature_id: str, photo_id: str, size: str | None) -> Response:
    number, as_of = _photo_id(photo_id), parse_as_of(request.args.get("as_of"))
    found = attachments.open_file(context.house(), context.actor(), layer_id, parse_id(feature_id), number, size, as_of)
    try:
        response = send_file(found.path, mimetype=found.media_type, conditional=True, etag=found.etag,
                             last_modified=found.added_at, download_name=found.name)
    except OSError:
        raise Problem("photo_lost") from None
    response.headers["Accept-Ranges"] = "bytes"
    # A picture is shown in the page; whatever else its bytes might be taken for, it is a picture.
    response.headers["Content-Disposition"] = f'inline; filename="{found.name}"'
    response.vary.update(("Cookie", "Authorization"))
    return response


@blueprint.delete(f"{_ITEM}/<photo_id>")
def remove(layer_id: str, feature_id: str, photo_id: str) -> Response:
    """204; the photo is no longer with the feature, its line says who removed it, when and why (`why`)."""
    _known("why", "lang")
    photo_changes.remove(context.house(), context.actor(), layer_id, parse_id(feature_id), _photo_id(photo_id),
                         request.args.get("why", ""))
    return Response(status=204)


@blueprint.post(f"{_ITEM}/<photo_id>/restore")
def restore(layer_id: str, feature_id: str, photo_id: str) -> Response:
    """201 with the photo, under a new id; 200 where it is there already."""
    _known("lang")
    number = parse_id(feature_id)
    found, created = photo_changes.restore(context.house(), context.actor(), layer_id, number, _photo_id(photo_id))
    base = f"/collections/{layer_id}/items/{number}"
    response = jsonify(_told(found, base))
    response.status_code = 201 if created else 200
    response.headers["Location"] = url(f"{base}/attachments/{found.id}")
    return response


def _photo_id(text: str) -> UUID:
    try:
        return parse_id(text)
    except Problem:
        raise Problem("photo_unknown") from None
