"""Files in: upload, mapping, commit; and the page where all hand-over begins."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, jsonify, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from gisapp import imports
from gisapp.crs import MENU
from gisapp.errors import Problem
from gisapp.formats.encoding import ENCODINGS
from gisapp.formats.mapping import targets
from gisapp.layers import Layer
from gisapp.params import parse_id
from gisapp.permissions import rights
from gisapp.views import context, problems
from gisapp.views.forms import form_page, see
from gisapp.views.identity import current_actor

blueprint = Blueprint("imports", __name__, url_prefix="/imports")

_UPLOAD = "imports.upload"


@blueprint.url_value_preprocessor
def _room_for_files(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """An upload may be larger than a page's worth; its sender's right is asked before anybody reads the body."""
    actor = current_actor() if endpoint == _UPLOAD and request.method == "POST" else None
    if actor is not None:
        request.max_content_length = imports.room(context.house(), actor)
        request.max_form_parts = imports.MAX_FILES + 20


def _is_browser() -> bool:
    """Whether a person reads the answer; a program that takes anything gets JSON."""
    return "text/html" in request.headers.get("Accept", "")


@blueprint.errorhandler(Problem)
def _problem(problem: Problem) -> Response:
    """A program reads what went wrong as JSON here too, although this is a page's address."""
    if _is_browser():
        return problems.answer(problem)
    response = jsonify(problem.document(context.language()))
    response.status_code = problem.kind.status
    response.content_type = "application/problem+json; charset=utf-8"
    response.headers.update(problem.headers)
    return response


@blueprint.get("")
def page() -> AnyResponse:
    """Where files come in and go out; the imports so far, for a program."""
    if not _is_browser():
        return jsonify({"imports": imports.list_imports(context.house(), context.actor())})
    return _page()


def _page(problem: Problem | None = None) -> Response:
    house, actor = context.house(), context.actor()
    found, may = imports.desk(house, actor), rights(actor)
    return form_page("hand_over/imports.html", problem, layers=list(house.catalogue.layers.values()), imports=found,
                     catalogue=house.catalogue, language=context.language(), may_import="import" in may,
                     may_export="export" in may, chosen=request.values.get("layer", ""),
                     limit_mb=house.settings.max_upload_mb)


@blueprint.post("")
def upload() -> AnyResponse:
    """201 with what lies in the files and a suggested mapping; a browser goes on to the mapping's page."""
    house, actor = context.house(), context.actor()
    try:
        files = [file for file in request.files.getlist("file") if file.filename]
        made = imports.receive(house, actor, request.form.get("layer", ""), files)
    except Problem as problem:
        if _is_browser():
            return _page(problem)
        raise
    if _is_browser():
        return see(f"/imports/{made['id']}")
    response = jsonify(made)
    response.status_code = 201
    response.headers["Location"] = f"{request.script_root}/imports/{made['id']}"
    return response


@blueprint.get("/<import_id>")
def show(import_id: str) -> AnyResponse:
    """One import; `encoding` reads its texts anew in that encoding."""
    house, actor = context.house(), context.actor()
    document = imports.show(house, actor, _number(import_id), _encoding(request.args.get("encoding")))
    return _mapping_page(document) if _is_browser() else jsonify(document)


def _mapping_page(document: dict[str, Any], problem: Problem | None = None) -> Response:
    layer = context.house().layer(document["layer"])
    return form_page("hand_over/mapping.html", problem, document=document, layer=layer, language=context.language(),
                     targets=_target_titles(layer), systems=[crs for crs in MENU.values() if crs.srid],
                     encodings=ENCODINGS, chosen_encoding=request.values.get("encoding", ""),
                     faults=problem.errors if problem else [],
                     required={field.id for field in layer.writable_fields if field.required})


def _target_titles(layer: Layer) -> dict[str, str]:
    language, second = context.language(), layer.second_geometry
    titles = {name: field.title.get(language) for name, field in targets(layer).items() if field}
    if second is not None:
        titles[second.id] = second.title.get(language)
    return {"id": _("Identifier"), "geometry": _("Geometry")} | titles


@blueprint.post("/<import_id>/commit")
def commit(import_id: str) -> AnyResponse:
    """Store the rows, all or with `accept` = "valid" the good ones; answers with what was refused and why."""
    house, actor, number = context.house(), context.actor(), _number(import_id)
    if request.is_json:
        return jsonify(imports.commit(house, actor, number, _choices(request.get_json()), request.remote_addr))
    document = imports.show(house, actor, number)
    choices = _choices(_form_choices(document))
    try:
        result = imports.commit(house, actor, number, choices, request.remote_addr)
    except Problem as problem:
        if not _is_browser():
            raise
        return _mapping_page(_as_chosen(document, choices), problem)
    if not _is_browser():
        return jsonify(result)
    flash(_("%(count)d records were imported.", count=result["accepted"]), "success")
    layer = house.layer(document["layer"])
    return form_page("hand_over/result.html", None, result=result, layer=layer, targets=_target_titles(layer),
                     language=context.language())


def _as_chosen(document: dict[str, Any], choices: dict[str, Any]) -> dict[str, Any]:
    """The document with the choices in the place of the suggestions, so that a person need not make them again."""
    layers = [source | {key: value for key, value in choices["layers"].get(source["name"], {}).items() if value}
              for source in document.get("layers", [])]
    return document | {"layers": layers}


def _form_choices(document: dict[str, Any]) -> dict[str, Any]:
    """The choices of the mapping page's form, source by source and column by column."""
    form, layers = request.form, {}
    for place, source in enumerate(document.get("layers", [])):
        if f"role_{place}" not in form:
            continue
        mapping = {name: form.get(f"map_{place}_{column}") or None for column, name in enumerate(source["fields"])}
        layers[source["name"]] = {"role": form[f"role_{place}"], "mapping": mapping,
                                  "crs": form.get(f"crs_{place}") or None}
    return {"layers": layers, "encoding": form.get("encoding") or None, "accept": form.get("accept", "all")}


def _choices(given: Any) -> dict[str, Any]:
    """The body of a commit, checked for its shape. Problem `mapping_invalid`."""
    known = {"mapping", "crs", "encoding", "mode", "accept", "layers"}
    if not isinstance(given, dict) or set(given) - known:
        raise Problem("mapping_invalid", reason=", ".join(sorted(known)))
    sources = given.get("layers") or {}
    parts = [given, *(sources.values() if isinstance(sources, dict) else [None])]
    if given.get("mode", "append") != "append" or given.get("accept", "all") not in ("all", "valid"):
        raise Problem("mapping_invalid", reason='mode: "append"; accept: "all", "valid"')
    if not all(_well_formed(part) for part in parts):
        raise Problem("mapping_invalid", reason="mapping: {column: field or null}; crs: text; role: rows, second, skip")
    return {**given, "layers": sources, "encoding": _encoding(given.get("encoding"))}


def _well_formed(part: Any) -> bool:
    if not isinstance(part, dict):
        return False
    mapping = part.get("mapping")
    return (isinstance(part.get("crs"), str | None) and part.get("role", "rows") in ("rows", "second", "skip")
            and (mapping is None or (isinstance(mapping, dict)
                                     and all(isinstance(target, str | None) for target in mapping.values()))))


def _encoding(given: Any) -> str | None:
    if not given:
        return None
    if given not in ENCODINGS:
        raise Problem("parameter_invalid", name="encoding", reason=" / ".join(ENCODINGS))
    return str(given)


@blueprint.delete("/<import_id>")
def discard(import_id: str) -> AnyResponse:
    """204; the files are gone."""
    imports.discard(context.house(), context.actor(), _number(import_id))
    return Response(status=204)


@blueprint.post("/<import_id>/discard")
def discard_by_form(import_id: str) -> AnyResponse:
    """The same from the page."""
    imports.discard(context.house(), context.actor(), _number(import_id))
    return see("/imports")


def _number(text: str) -> UUID:
    try:
        return parse_id(text)
    except Problem:
        raise Problem("import_unknown") from None
