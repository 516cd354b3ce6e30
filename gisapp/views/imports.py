"""Files in: upload, mapping, commit; and the page where all hand-over begins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.wrappers import Response as AnyResponse

from gisapp import imports
from gisapp.errors import Problem
from gisapp.formats.encoding import ENCODINGS
from gisapp.permissions import rights
from gisapp.views import context
from gisapp.views.forms import form_page, see
from gisapp.views.identity import current_actor
from gisapp.views.import_forms import mapping_page, number_of, problem_answer, wants_page

blueprint = Blueprint("imports", __name__, url_prefix="/imports")

_UPLOAD = "imports.upload"


@blueprint.url_value_preprocessor
def _room_for_files(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """An upload may be larger than a page's worth; its sender's right is asked before anybody reads the body."""
    actor = current_actor() if endpoint == _UPLOAD and request.method == "POST" else None
    if actor is not None:
        request.max_content_length = imports.room(context.house(), actor)
        request.max_form_parts = imports.MAX_FILES + 20


blueprint.register_error_handler(Problem, problem_answer)


@blueprint.get("")
def page() -> AnyResponse:
    """Where files come in and go out; the imports so far, for a program."""
    if not wants_page():
        return jsonify({"imports": imports.list_imports(context.house(), context.actor())})
    return _page()


def _page(problem: Problem | None = None) -> Response:
    house, actor = context.house(), context.actor()
    found, may = imports.desk(house, actor), rights(actor)
    dated = [one | {"at": datetime.fromisoformat(one["created_at"])} for one in found]
    return form_page("hand_over/imports.html", problem, layers=list(house.catalogue.layers.values()), imports=dated,
                     catalogue=house.catalogue, language=context.language(), may_import="import" in may,
                     chosen=request.values.get("layer", ""), limit_mb=house.settings.max_upload_mb)


@blueprint.post("")
def upload() -> AnyResponse:
    """201 with what lies in the files and a suggested mapping; a browser goes on to the mapping's page."""
    house, actor = context.house(), context.actor()
    try:
        files = [file for file in request.files.getlist("file") if file.filename]
        made = imports.receive(house, actor, request.form.get("layer", ""), files)
    except Problem as problem:
        if wants_page():
            return _page(problem)
        raise
    if wants_page():
        return see(f"/imports/{made['id']}")
    response = jsonify(made)
    response.status_code = 201
    response.headers["Location"] = f"{request.script_root}/imports/{made['id']}"
    return response


@blueprint.get("/<import_id>")
def show(import_id: str) -> AnyResponse:
    """One import; `encoding` reads its texts anew in that encoding."""
    house, actor = context.house(), context.actor()
    document = imports.show(house, actor, number_of(import_id), _encoding(request.args.get("encoding")))
    return mapping_page(document) if wants_page() else jsonify(document)


def _encoding(given: Any) -> str | None:
    if not given:
        return None
    if given not in ENCODINGS:
        raise Problem("parameter_invalid", name="encoding", reason=" / ".join(ENCODINGS))
    return str(given)


@blueprint.delete("/<import_id>")
def discard(import_id: str) -> AnyResponse:
    """204; the files are gone."""
    imports.discard(context.house(), context.actor(), number_of(import_id))
    return Response(status=204)


@blueprint.post("/<import_id>/discard")
def discard_by_form(import_id: str) -> AnyResponse:
    """The same from the page."""
    imports.discard(context.house(), context.actor(), number_of(import_id))
    return see("/imports")
