"""Features by form: a new one, a changed one, and the page for two people who changed the same one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, flash, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from gisapp import changes, edits, panels, workflow
from gisapp.edits import Edition
from gisapp.errors import Problem
from gisapp.form_inputs import Drawing, Input
from gisapp.form_shapes import shapes
from gisapp.forms import Form, Texts
from gisapp.layers import Layer
from gisapp.params import parse_id
from gisapp.permissions import Actor, rights
from gisapp.schema import Fault
from gisapp.shapes import Mended
from gisapp.views import context
from gisapp.views.form_consent import Consent, mark, neighbours
from gisapp.views.forms import form_page, see

blueprint = Blueprint("forms", __name__)


@blueprint.app_context_processor
def _rights() -> dict[str, Any]:
    """`can(act)` in every template: whether to show a way that leads to a form."""
    def can(act: str) -> bool:
        try:
            return act in rights(context.actor())
        except Problem:
            return False

    return {"can": can}


@dataclass(frozen=True)
class Sheet:
    """One showing of the form. `both` and `theirs` are the fields of a clash, empty without one."""

    form: Form
    id: UUID
    texts: Texts
    edition: Edition | None = None
    faults: list[Fault] = field(default_factory=list)
    theirs: frozenset[str] = frozenset()
    both: frozenset[str] = frozenset()

    @property
    def layer(self) -> Layer:
        return self.form.layer


@dataclass(frozen=True)
class Difference:
    """A field that somebody else changed meanwhile: what is stored, what this form holds, whether one must choose."""

    mine: Input
    stored: Input
    choose: bool


@blueprint.get("/forms/<layer_id>")
def new(layer_id: str) -> Response:
    """The form of a new feature; `lon` and `lat` put a place into it."""
    form = _form(edits.open_new(context.house(), context.actor(), layer_id))
    return _show(Sheet(form, uuid4(), _first_texts(form)))


@blueprint.post("/forms/<layer_id>")
def create(layer_id: str) -> AnyResponse:
    """Store it under the id that the form was shown with: sent twice, it is one feature."""
    house, actor = context.house(), context.actor()
    form = _form(edits.open_new(house, actor, layer_id))
    number, texts = parse_id(request.form.get("id", "")), form.read(request.form)
    feature, faults = form.content(texts)
    sheet = Sheet(form, number, texts, faults=faults)
    if faults:
        return _show(sheet, Problem("properties_invalid", count=len(faults)))
    agreed = Consent.read()
    mended = agreed.mended(form, texts)
    try:
        changes.create(house, actor, layer_id, feature | {"id": str(number)}, mended=mended, known=agreed.known)
    except Problem as problem:
        return _show(sheet, problem)
    return _saved(sheet, _repaired(mended) or _("The record is saved."))


def _repaired(mended: Mended) -> str:
    """What became of a shape that was repaired; nothing when none was."""
    return _("The record is saved with its shape repaired: %(before)s m² as drawn, %(after)s m² now.",
             before=f"{mended[0].area_before_m2:,.1f}", after=f"{mended[0].area_after_m2:,.1f}") if mended else ""


@blueprint.get("/forms/<layer_id>/<feature_id>")
def edit(layer_id: str, feature_id: str) -> Response:
    """The form of a feature as it is now."""
    number = parse_id(feature_id)
    layer, edition = edits.open_edit(context.house(), context.actor(), layer_id, number)
    form = _form(layer)
    return _show(Sheet(form, number, form.texts(edition.feature), edition))


@blueprint.post("/forms/<layer_id>/<feature_id>")
def update(layer_id: str, feature_id: str) -> AnyResponse:
    """Store what was changed, unless somebody else changed the feature since the form was shown."""
    house, actor, number = context.house(), context.actor(), parse_id(feature_id)
    layer, edition = edits.open_edit(house, actor, layer_id, number)
    form, started = _form(layer), _version()
    texts = form.read(request.form)
    if started != edition.version:
        return _stale(form, number, edition, texts, started)
    sheet = _decided(Sheet(form, number, texts, edition))
    patch, faults = edits.patch(form, edition, sheet.texts)
    sheet = Sheet(form, number, sheet.texts, edition, [*sheet.faults, *faults], sheet.theirs, sheet.both)
    if sheet.faults:
        return _show(sheet, Problem("properties_invalid", count=len(sheet.faults)))
    if not patch:
        return _saved(sheet, _("Nothing was changed."), "info")
    return _change(house, actor, sheet, patch)


def _change(house: Any, actor: Actor, sheet: Sheet, patch: dict[str, Any]) -> AnyResponse:
    edition, form = sheet.edition, sheet.form
    assert edition is not None  # noqa: S101
    mended = Consent.read().mended(form, sheet.texts)
    try:
        changes.update(house, actor, sheet.layer.id, sheet.id, patch, edition.version, mended=mended)
    except Problem as problem:
        if problem.code != "version_stale":
            return _show(sheet, problem)
        _layer, now = edits.open_edit(house, actor, sheet.layer.id, sheet.id)
        return _stale(form, sheet.id, now, sheet.texts, edition.version)
    return _saved(sheet, _repaired(mended) or _("The change is saved."))


def _form(layer: Layer) -> Form:
    house = context.house()
    return Form(layer, house.catalogue, ZoneInfo(house.settings.time_zone))


def _first_texts(form: Form) -> Texts:
    texts: Texts = {"status": form.layer.states[0].id} if form.layer.states else {}
    place = next((slot.id for slot in form.slots if slot.kind == "place"), None)
    if place and {"lon", "lat"} <= request.args.keys():
        texts[place] = (request.args["lon"][:40], request.args["lat"][:40])
    return texts


def _version() -> int:
    given = request.form.get("version", "")
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise Problem("version_invalid", given=given[:60])
    return int(given)


def _stale(form: Form, number: UUID, now: Edition, typed: Texts, started: int) -> Response:
    """Both sides' changes in one form, with a choice where they meet; it starts from the present version."""
    base = edits.earlier(context.house(), context.actor(), form.layer.id, number, started)
    clash = edits.clash(form, base, now, typed)
    sheet = Sheet(form, number, clash.texts, now, theirs=frozenset(clash.theirs), both=frozenset(clash.both))
    return _show(sheet, Problem("version_stale", current=now.version))


def _decided(sheet: Sheet) -> Sheet:
    """The texts after the choices of a clash; a field without its choice is a fault."""
    assert sheet.edition is not None  # noqa: S101
    stored, texts, faults = sheet.form.texts(sheet.edition.feature), dict(sheet.texts), []
    asked = [name for name in request.form.getlist("conflict") if name in stored]
    for name in asked:
        choice = request.form.get(f"choice-{name}")
        if choice == "stored":
            texts[name] = stored[name]
        elif choice != "mine":
            faults.append({"field": name, "code": "choice_missing", "zh": "请选择保留哪一个值",
                           "en": "choose which value to keep"})
    open_ones = frozenset(asked) if faults else frozenset()
    return Sheet(sheet.form, sheet.id, texts, sheet.edition, faults, open_ones, open_ones)


def _saved(sheet: Sheet, words: str, category: str = "success") -> AnyResponse:
    if _inside():
        language = context.language()
        actor = context.actor()
        card = panels.card(context.house(), actor, sheet.layer.id, sheet.id, language)
        response = make_response(render_template("map/panel.html", card=card, language=language, said=words,
                                                 undo=actor.request_id if category == "success" else None))
        response.headers["HX-Trigger"] = json.dumps({"feature-changed": {"layer": sheet.layer.id}})
        return response
    flash(words, category)
    return see(f"/panel/{sheet.layer.id}/{sheet.id}")


def _inside() -> bool:
    """Whether the form is in the panel of the map."""
    return "HX-Request" in request.headers


def _show(sheet: Sheet, problem: Problem | None = None) -> Response:
    actor, language = context.actor(), context.language()
    if problem is not None and not sheet.faults:
        problem, faults = _in_words(problem, sheet.layer, language)
        sheet = Sheet(sheet.form, sheet.id, sheet.texts, sheet.edition, faults, sheet.theirs, sheet.both)
    states = edits.states_on_offer(actor, sheet.layer, sheet.edition)
    drawing = Drawing(sheet.form, language, states, sheet.edition.feature if sheet.edition else {}, sheet.faults)
    template = "forms/fragment.html" if _inside() else "forms/form.html"
    response = form_page(template, problem, sheet=sheet, layer=sheet.layer, language=language,
                     inside=_inside(), fault_place=_fault_place(problem), agreed=Consent.read(),
                     neighbours=neighbours(problem, sheet.layer, language),
                     repair=problem.more.get("repair") if problem else None, mark=mark(sheet.form, sheet.texts),
                     inputs=drawing.inputs(sheet.texts), places=drawing.places(sheet.texts),
                     title=_title(sheet, language), code=problem.code if problem else "",
                     differences=_differences(sheet, drawing), stored_shapes=_stored_shapes(sheet),
                     changed=_changed(sheet.edition))
    if _inside():
        response.status_code = 200  # htmx swaps good answers only
    return response


def _fault_place(problem: Problem | None) -> list[float] | None:
    """Longitude and latitude of what is wrong with the shape, when that is one place."""
    place = problem.more.get("point") if problem else None
    return place["coordinates"] if place else None


def _title(sheet: Sheet, language: str) -> str:
    title = sheet.layer.title.get(language)
    name = sheet.edition.value(sheet.layer.name_field) if sheet.edition else None
    return str(name or title)


def _changed(edition: Edition | None) -> tuple[str, datetime] | None:
    """Who changed the feature last, and when."""
    if edition is None:
        return None
    return edition.value("updated_by"), datetime.fromisoformat(edition.value("updated_at"))


def _differences(sheet: Sheet, drawing: Drawing) -> list[Difference]:
    if not sheet.edition or not (sheet.theirs or sheet.both):
        return []
    stored = sheet.form.texts(sheet.edition.feature)
    pairs = [*zip(drawing.places(sheet.texts), drawing.places(stored), strict=True),
             *zip(drawing.inputs(sheet.texts), drawing.inputs(stored), strict=True)]
    return [Difference(mine, theirs, mine.id in sheet.both) for mine, theirs in pairs
            if mine.id in sheet.both or mine.id in sheet.theirs]


def _stored_shapes(sheet: Sheet) -> list[Any]:
    """The stored geometries, GeoJSON, of those that both sides changed: the map shows them beside the drawn ones."""
    held = shapes(sheet.layer, sheet.edition.feature) if sheet.edition else {}
    return [shape for name, shape in held.items() if shape and name in sheet.both]


def _in_words(problem: Problem, layer: Layer, language: str) -> tuple[Problem, list[Fault]]:
    """The problem with titles in the place of ids, and the fault at the field that it is about."""
    params, name = dict(problem.params), ""
    if problem.code == "value_conflict" and layer.has_field(params["field"]):
        name = params["field"]
        params["field"] = layer.field(name).title.get(language)
    elif problem.code == "state_not_reachable":
        name, params = "status", dict(workflow.spoken(problem, layer, language).params)
    spoken = Problem(problem.code, errors=problem.errors, headers=problem.headers, more=problem.more, **params)
    faults = [{"field": name, "code": problem.code, "zh": spoken.sentence("zh"), "en": spoken.sentence("en")}]
    return spoken, faults if name else list(problem.errors)
