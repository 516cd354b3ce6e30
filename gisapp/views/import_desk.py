"""The import desk: check, look at the verdicts, choose, let the rows enter, take an import back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, jsonify, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from gisapp import imports, jobs
from gisapp.desk import commit as entering, plan, preview, report, undo as undoing
from gisapp.desk.check import check as checking
from gisapp.errors import Problem
from gisapp.formats.encoding import ENCODINGS
from gisapp.permissions import rights
from gisapp.views import context
from gisapp.views.forms import form_page, see
from gisapp.views.import_forms import (
    choices_of_form,
    ground,
    mapping_page,
    note_titles,
    number_of,
    problem_answer as _problem,
    wants_page,
)
from gisapp.views.jobs import accepted

blueprint = Blueprint("import_desk", __name__, url_prefix="/imports")
blueprint.register_error_handler(Problem, _problem)


def _choices(given: Any) -> dict[str, Any]:
    """The body of a check or commit, looked at for its shape. Problems `mapping_invalid`, `parameter_invalid`."""
    choices = plan.checked(given)
    encoding = choices.get("encoding")
    if encoding and encoding not in ENCODINGS:
        raise Problem("parameter_invalid", name="encoding", reason=" / ".join(ENCODINGS))
    return choices | {"encoding": encoding or None}


@blueprint.post("/<import_id>/check")
def check(import_id: str) -> AnyResponse:
    """Read the upload and judge every row; nothing enters. A browser goes on to the preview."""
    house, actor, number = context.house(), context.actor(), number_of(import_id)
    document = imports.show(house, actor, number)
    choices = _choices(request.get_json() if request.is_json else choices_of_form(document))
    if _is_long(document):
        return _as_job(document, choices, "check")
    if request.is_json:
        return jsonify(checking(house, actor, number, choices))
    try:
        found = checking(house, actor, number, choices)
    except Problem as problem:
        if not wants_page():
            raise
        return mapping_page(document, problem, choices)
    return see(f"/imports/{number}/preview") if wants_page() else jsonify(found)


def _is_long(document: dict[str, Any]) -> bool:
    """Whether so many rows wait that a job does the work."""
    found = document.get("layers", [])
    used = [source for source in found if source["role"] != "skip"] or found
    rows = sum(source["count"] or 0 for source in used)
    return document["state"] == "ready" and bool(rows > jobs.DIRECT)


def _as_job(document: dict[str, Any], choices: dict[str, Any], act: str) -> AnyResponse:
    """202 with the job; a browser is shown how far it is."""
    rows = sum(source["count"] or 0 for source in document["layers"])
    return accepted(jobs.ask_import(context.house(), context.actor(), UUID(document["id"]), document["layer"], choices,
                                    rows, request.remote_addr, act, document["file"]))


@blueprint.get("/<import_id>/preview")
def show(import_id: str) -> AnyResponse:
    """What the check found: counts, reasons, rows, a map."""
    house, actor, number = context.house(), context.actor(), number_of(import_id)
    document = imports.show(house, actor, number)
    if wants_page() and (document["state"] != "ready" or "check" not in document):
        return see(f"/imports/{number}")  # by the way back, or in a second tab: the page of what became of it
    try:
        rows = _rows(number)
    except Problem as problem:
        if problem.code != "import_lost" or not wants_page():
            raise
        return mapping_page(document, problem)
    if not wants_page():
        return jsonify({"check": document["check"], **rows})
    return _page(document, rows)


def _page(document: dict[str, Any], rows: dict[str, Any], problem: Problem | None = None) -> Response:
    house, actor, number = context.house(), context.actor(), UUID(document["id"])
    layer = house.layer(document["layer"])
    doubts = preview.rows(house, actor, number, doubts=True, limit=preview.PAGE)
    lists = {f.id: house.catalogue.codelists[f.codelist] for f in layer.writable_fields if f.codelist}
    return form_page(
        "hand_over/preview.html", problem, document=document, check=document["check"], layer=layer, rows=rows,
        doubts=[row for row in doubts["rows"] if row["meets"]["by"] == "place"], lists=lists,
        language=context.language(), kinds=_kind_titles(), ground=ground(house),
        note_titles=note_titles(), asked=request.args.get("kind", ""), may=rights(actor), titles=_titles(document),
        deletions=preview.deletions(house, actor, number), metres=house.settings.duplicate_metres)


def _kind_titles() -> dict[str, str]:
    return {"insert": _("New"), "repaired": _("New, repaired"), "update": _("Changed"), "same": _("Unchanged"),
            "skip": _("Passed over"), "refused": _("Refused")}


def _titles(document: dict[str, Any]) -> dict[str, str]:
    layer, language = context.house().layer(document["layer"]), context.language()
    titles = {field.id: field.title.get(language) for field in layer.all_fields}
    if layer.second_geometry is not None:
        titles[layer.second_geometry.id] = layer.second_geometry.title.get(language)
    return titles | {"id": _("Identifier"), "geometry": _("Geometry"), "geom": _("Geometry")}


def _rows(number: UUID) -> dict[str, Any]:
    kinds = [kind for kind in request.args.get("kind", "").split(",") if kind]
    return preview.rows(context.house(), context.actor(), number, kinds, doubts=request.args.get("doubts") == "true",
                        after=_whole("after", -1), limit=_whole("limit", preview.PAGE))


def _whole(name: str, default: int) -> int:
    given = request.args.get(name, "")
    try:
        found = int(given) if given else default
    except ValueError:
        found = 2 ** 40
    if not -1 <= found < 2 ** 31:
        raise Problem("parameter_invalid", name=name, reason="0 … 2147483647")
    return found


@blueprint.get("/<import_id>/rows")
def rows(import_id: str) -> Response:
    """A page of rows: `kind`, `doubts`, `after`, `limit`."""
    return jsonify(_rows(number_of(import_id)))


@blueprint.get("/<import_id>/shapes")
def shapes(import_id: str) -> Response:
    """Shapes of rows as GeoJSON, for the small map: `bbox` in degrees, `kind`."""
    kinds = [kind for kind in request.args.get("kind", "").split(",") if kind]
    box = _box(request.args.get("bbox", ""))
    return jsonify(preview.shapes(context.house(), context.actor(), number_of(import_id), kinds, box))


def _box(text: str) -> tuple[float, float, float, float] | None:
    if not text:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west, south, east, north = 1.0, 1.0, 0.0, 0.0
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise Problem("parameter_invalid", name="bbox", reason="west,south,east,north")
    return west, south, east, north


@blueprint.get("/<import_id>/report.csv")
def report_file(import_id: str) -> Response:
    """Every row with its verdict and reasons; after the commit those that are worth telling."""
    number = number_of(import_id)
    pieces = report.lines(context.house(), context.actor(), number)
    first = next(pieces, "")  # so that a problem comes before the headers
    response = Response(_chained(first, pieces), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="import_{number.hex[:8]}.csv"'
    return response


def _chained(first: str, rest: Any) -> Any:
    yield first
    yield from rest


@blueprint.post("/<import_id>/near")
def choose(import_id: str) -> AnyResponse:
    """What becomes of rows near a feature of their kind: {"lines": [..], "act": "enter"|"skip"|"update"}; a form
    names each as act_<line>."""
    house, actor, number = context.house(), context.actor(), number_of(import_id)
    if request.is_json:
        given = request.get_json()
        lines = given.get("lines") if isinstance(given, dict) else None
        if not isinstance(lines, list) or not all(type(line) is int and 0 <= line < 2 ** 31 for line in lines):
            raise Problem("parameter_invalid", name="lines", reason="[0, 1, …]")
        return jsonify({"changed": preview.choose(house, actor, number, lines, str(given.get("act")))})
    wanted: dict[str, list[int]] = {}
    for name, act in request.form.items():
        if name.startswith("act_") and name[4:].isdecimal() and len(name) < 14:
            wanted.setdefault(act, []).append(int(name[4:]))
    for act, lines in wanted.items():
        preview.choose(house, actor, number, lines, act)
    return see(f"/imports/{number}/preview")


@blueprint.post("/<import_id>/commit")
def commit(import_id: str) -> AnyResponse:
    """Let the rows enter, all or with `accept` = "valid" the good ones; they are checked first unless they were."""
    house, actor, number = context.house(), context.actor(), number_of(import_id)
    document = imports.show(house, actor, number)
    if request.is_json:
        given = _choices(request.get_json())
        if _is_long(document):
            return _as_job(document, given, "commit")
        return jsonify(entering.commit(house, actor, number, given, request.remote_addr))
    choices: dict[str, Any] = {"accept": request.form.get("accept", "all")}
    if any(name.startswith("role_") for name in request.form):
        choices |= choices_of_form(document)
    if _is_long(document):
        return _as_job(document, _choices(choices), "commit")
    try:
        result = entering.commit(house, actor, number, _choices(choices), request.remote_addr)
    except Problem as problem:
        if not wants_page():
            raise
        document = imports.show(house, actor, number)
        if document["state"] != "ready" or "check" not in document:
            return mapping_page(document, problem, choices)
        return _page(document, _rows(number), problem)
    if not wants_page():
        return jsonify(result)
    flash(_("%(count)d records were imported.", count=result["inserted"] + result["updated"]), "success")
    return see(f"/imports/{number}")


@blueprint.post("/<import_id>/undo")
def undo(import_id: str) -> AnyResponse:
    """Take a committed import back as one step; one of many features by a job."""
    house, actor, number = context.house(), context.actor(), number_of(import_id)
    document = imports.show(house, actor, number)
    written = undoing.count(document)
    if written > jobs.DIRECT:
        return accepted(jobs.ask_import(house, actor, number, document["layer"], {}, written, request.remote_addr,
                                        "undo", document["file"]))
    try:
        done = undoing.undo(house, actor, number, request.remote_addr)
    except Problem as problem:
        if not wants_page():
            raise
        return mapping_page(imports.show(house, actor, number), problem)
    if not wants_page():
        return jsonify(done)
    flash(_("The import was undone: %(removed)d removed, %(restored)d restored, %(back)d brought back.",
            removed=done["removed"], restored=done["restored"], back=done["brought_back"]), "success")
    return see(f"/imports/{number}")
