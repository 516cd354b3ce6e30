"""Photos for people: the strip in the panel, the page of a feature's photos, and what its forms do."""

from __future__ import annotations

from typing import IO

from flask import Blueprint, Response, flash, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from gisapp.errors import Problem
from gisapp.params import parse_as_of, parse_id
from gisapp.photos import attachments, changes as photo_changes
from gisapp.views import context
from gisapp.views.attachments import room_for_photos
from gisapp.views.forms import see

blueprint = Blueprint("photos", __name__)
blueprint.url_value_preprocessor(room_for_photos)


@blueprint.get("/panel/<layer_id>/<feature_id>/photos")
def strip(layer_id: str, feature_id: str) -> Response:
    """The strip of the panel for its script, a page with every photo for a link that is followed."""
    return _shown(layer_id, feature_id)


def _shown(layer_id: str, feature_id: str, problem: Problem | None = None) -> Response:
    house, actor, language = context.house(), context.actor(), context.language()
    album = attachments.album(house, actor, layer_id, parse_id(feature_id), language,
                              parse_as_of(request.args.get("as_of")))
    part = "X-Requested-With" in request.headers
    page = render_template("map/photos.html" if part else "map/photos_page.html", album=album, language=language,
                           limit_mb=house.settings.photo_mb,
                           problem=problem.sentence(language) if problem else None)
    response = make_response(page, problem.kind.status if problem else 200)
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post("/panel/<layer_id>/<feature_id>/photos")
def add(layer_id: str, feature_id: str) -> AnyResponse:
    """Photos by the form of the page, where no script sends them one by one; those that fit stay."""
    house, actor, number = context.house(), context.actor(), parse_id(feature_id)
    added = 0
    try:
        streams: list[IO[bytes] | None] = [file.stream for file in request.files.getlist("file")]
        for stream in streams or [None]:
            attachments.add(house, actor, layer_id, number, stream, request.form.get("caption", ""))
            added += 1
    except Problem as problem:
        if problem.code in ("feature_unknown", "act_not_allowed", "layer_unknown", "outside_territory"):
            raise
        return _shown(layer_id, feature_id, problem)
    flash(_("Photos added: %(number)d", number=added), "success")
    return see(f"/panel/{layer_id}/{number}/photos")


@blueprint.post("/panel/<layer_id>/<feature_id>/photos/<photo_id>/remove")
def remove(layer_id: str, feature_id: str, photo_id: str) -> AnyResponse:
    """Remove a photo by a button; the reason is `why`."""
    number = parse_id(feature_id)
    photo_changes.remove(context.house(), context.actor(), layer_id, number, parse_id(photo_id),
                         request.form.get("why", ""))
    return _done(layer_id, feature_id, _("The photo was removed."))


def _done(layer_id: str, feature_id: str, words: str) -> AnyResponse:
    """The strip anew for its script, else the page with the words."""
    if "X-Requested-With" in request.headers:
        return _shown(layer_id, feature_id)
    flash(words, "success")
    return see(f"/panel/{layer_id}/{parse_id(feature_id)}/photos")


@blueprint.post("/panel/<layer_id>/<feature_id>/photos/<photo_id>/restore")
def restore(layer_id: str, feature_id: str, photo_id: str) -> AnyResponse:
    """Bring a removed photo back by a button."""
    photo_changes.restore(context.house(), context.actor(), layer_id, parse_id(feature_id), parse_id(photo_id))
    return _done(layer_id, feature_id, _("The photo is back."))
