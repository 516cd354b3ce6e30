"""What was: a feature's versions, what changed between two moments, and the way back."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, jsonify, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from gisapp import features, history
from gisapp.errors import Problem
from gisapp.layers import Layer
from gisapp.params import invalid, known_names, parse, parse_as_of, parse_id
from gisapp.photos import attachments
from gisapp.photos.photo import Photo
from gisapp.views import context
from gisapp.views.api import feature_response
from gisapp.views.documents import GEOJSON, answer, link, url, wanted_format
from gisapp.views.forms import see
from gisapp.views.writes import if_match, read_json, version_of

blueprint = Blueprint("history", __name__)

#: Questions of items that make no sense between two moments.
_NOT_BETWEEN = ("as_of", "sortby", "properties", "encoding", "compute")
_OF_HISTORY = ("f", "lang", "limit", "before")


@blueprint.get("/collections/<layer_id>/items/<feature_id>/history")
def versions(layer_id: str, feature_id: str) -> Response:
    """The versions of a feature, newest first, also of a deleted one; page by page with `before`."""
    story = _story(layer_id, feature_id)
    path = f"/collections/{layer_id}/items/{story.id}/history"
    links = [link("self", url(path, f="json"), "application/json"),
             link("alternate", url(f"/panel/{layer_id}/{story.id}/history"), "text/html")]
    if story.older:
        links.append(link("next", url(path, before=story.older, limit=request.args.get("limit"), f="json"),
                          "application/json"))
    return answer({
        "layer": layer_id, "id": str(story.id), "title": story.title, "current": story.current,
        "versions": [_document(one) for one in story.versions], "photos": [_photo(one) for one in _photos(story)],
        "links": links})


def _story(layer_id: str, feature_id: str) -> history.Story:
    house, actor = context.house(), context.actor()
    features.layer_for(house, actor, layer_id, "read")
    unknown = set(request.args) - set(_OF_HISTORY)
    if unknown:
        raise Problem("parameter_unknown", name=sorted(unknown)[0][:60], known=", ".join(_OF_HISTORY))
    return history.story(house, actor, layer_id, parse_id(feature_id), context.language(),
                         _whole("before"), _whole("limit") or 50)


def _photos(story: history.Story) -> list[Photo]:
    """The photos that the feature ever had, with its newest page of versions."""
    if "before" in request.args:
        return []
    return attachments.story(context.house(), context.actor(), story.layer.id, story.id)


def _photo(one: Photo) -> dict[str, Any]:
    return {"id": str(one.id), "sha256": one.sha256, "caption": one.caption, "added_at": one.added_at.isoformat(),
            "added_by": one.added_by, "brought_at": one.brought_at and one.brought_at.isoformat(),
            "brought_by": one.brought_by, "removed_at": one.removed_at and one.removed_at.isoformat(),
            "removed_by": one.removed_by, "removed_why": one.removed_why}


def _whole(name: str) -> int | None:
    given = request.args.get(name)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 16 and int(given)):
        raise invalid(name, "应为正整数", "wants a whole number above 0")
    return int(given)


def _document(one: history.Version) -> dict[str, Any]:
    shapes = {piece.column: {"before": piece.before, "after": piece.after} for piece in one.moved}
    return {
        "version": one.number, "operation": one.operation, "changed_by": one.changed_by,
        "request_id": one.request_id, "valid_from": one.valid_from.isoformat(),
        "valid_to": one.valid_to.isoformat() if one.valid_to else None, "may_restore": one.may_restore,
        "fields": [vars(field) for field in one.changed], "geometries": shapes}


@blueprint.post("/collections/<layer_id>/items/<feature_id>/restore")
def restore(layer_id: str, feature_id: str) -> Response:
    """The feature as it was at `version` of the body, as a new version: 200, or 201 when it was deleted."""
    house, actor = context.house(), context.actor()
    layer = features.layer_for(house, actor, layer_id, "update")
    number, body = parse_id(feature_id), read_json()
    version = body.get("version") if isinstance(body, dict) else None
    if isinstance(version, bool) or not isinstance(version, int) or not 0 < version < 2**31:
        raise invalid("version", "应为正整数", "wants a whole number above 0")
    expected = if_match(partial(version_of, layer_id, number)) if "If-Match" in request.headers else None
    found = history.restore(house, actor, layer_id, number, version, expected,
                            unchecked=expected is None and "If-Match" in request.headers)
    return feature_response(layer, found, status=201 if found.created else 200)


@blueprint.get("/panel/<layer_id>/<feature_id>/history")
def panel(layer_id: str, feature_id: str) -> Response:
    """The versions for people: a fragment for the map's panel, a whole page for a link that is followed."""
    return _page(_story(layer_id, feature_id))


def _page(story: history.Story, problem: Problem | None = None) -> Response:
    whole = "HX-Request" not in request.headers
    template = "history/history_page.html" if whole else "history/history.html"
    page = render_template(template, story=story, whole=whole, language=context.language(), photos=_photos(story),
                           problem=problem.sentence(context.language()) if problem else None)
    # htmx swaps good answers only, and a refusal is shown in the place of the list.
    response = make_response(page, problem.kind.status if problem and whole else 200)
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post("/panel/<layer_id>/<feature_id>/restore")
def restore_by_form(layer_id: str, feature_id: str) -> AnyResponse:
    """Go back by a button of the list; `expected` is the version that the list was shown with."""
    house, actor = context.house(), context.actor()
    features.layer_for(house, actor, layer_id, "update")
    number, version = parse_id(feature_id), _number("version")
    expected = _number("expected") if request.form.get("expected") else None
    try:
        history.restore(house, actor, layer_id, number, version, expected)
    except Problem as problem:
        if problem.code in ("feature_unknown", "act_not_allowed"):
            raise
        return _page(_fresh(layer_id, number), problem)
    if "HX-Request" in request.headers:
        response = _page(_fresh(layer_id, number))
        response.headers["HX-Trigger"] = "feature-changed"  # the map draws it anew
        return response
    flash(_("The record is as it was at version %(number)d.", number=version), "success")
    return see(f"/panel/{layer_id}/{number}")


def _fresh(layer_id: str, number: UUID) -> history.Story:
    return history.story(context.house(), context.actor(), layer_id, number, context.language())


def _number(name: str) -> int:
    given = request.form.get(name, "")
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise Problem("version_invalid", given=given[:60])
    return int(given)


@blueprint.get("/collections/<layer_id>/changes")
def between(layer_id: str) -> Response:
    """What was added, changed and removed between `from` and `to`, as GeoJSON; both in the items' own filters."""
    house, actor = context.house(), context.actor()
    layer = features.layer_for(house, actor, layer_id, "read")
    wanted_format(("json",))
    first, last = _moments()
    query = parse(_questions(layer), layer, house.catalogue)
    found = history.compare(house, actor, layer_id, query, first, last)
    response = jsonify({
        "type": "FeatureCollection", "from": first.isoformat(), "to": last.isoformat(), "counts": found.counts,
        "numberMatched": sum(found.counts.values()), "numberReturned": len(found.features),
        "links": _links(layer, found), "features": found.features})
    response.content_type = f"{GEOJSON}; charset=utf-8"
    response.headers["Content-Crs"] = f"<{query.crs.uri}>"
    return response


def _moments() -> tuple[datetime, datetime]:
    """`from` and `to` in UTC; a day stands for its end, as in `as_of`; without `to`, now."""
    if not request.args.get("from"):
        raise invalid("from", "必填，RFC 3339 时间", "is required, an RFC 3339 instant")
    first, last = _moment("from"), _moment("to")
    if first is None or (last is not None and first > last):
        raise invalid("from", "晚于 to", "is later than to")
    return first, last or max(datetime.now(UTC), first)


def _moment(name: str) -> datetime | None:
    try:
        return parse_as_of(request.args.get(name))
    except Problem:
        raise invalid(name, "应为 RFC 3339 时间", "wants an RFC 3339 instant") from None


def _questions(layer: Layer) -> dict[str, list[str]]:
    asked = request.args.to_dict(flat=False)
    for name in ("from", "to"):
        if len(asked.pop(name, [])) > 1:
            raise Problem("parameter_repeated", name=name)
    refused = [name for name in _NOT_BETWEEN if name in asked]
    if refused:
        known = [name for name in known_names(layer) if name not in _NOT_BETWEEN]
        raise Problem("parameter_unknown", name=refused[0], known=", ".join(["from", "to", *known]))
    return asked


def _links(layer: Layer, found: history.Comparison) -> list[dict[str, str]]:
    path, asked = f"/collections/{layer.id}/changes", dict(request.args.items())
    links = [link("self", url(path, **asked), GEOJSON)]
    if found.after:
        links.append(link("next", url(path, **asked | {"after": found.after}), GEOJSON))
    return links
