"""`/ask`: a question put together from rows, or written as CQL2, with its answer; saved from here."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from gisapp import areas, filters, published, questions
from gisapp.accounts import people
from gisapp.asking import page as ask
from gisapp.asking.rows import AREAS, OPERATORS, kind_of
from gisapp.errors import Problem
from gisapp.features import layers_for, schema_of
from gisapp.params import parse_id
from gisapp.views import context
from gisapp.views.ask_answer import told
from gisapp.views.forms import see

blueprint = Blueprint("ask", __name__)


@blueprint.get("/ask")
def page() -> Response:
    """The builder, the text, the answer; a wrong text is shown with what to do about it."""
    house, actor, language = context.house(), context.actor(), context.language()
    asked = ask.read(house, actor, request.args.to_dict(flat=False))
    saved, run, found, problem = None, None, None, None
    try:
        found = ask.answer(house, actor, asked, request.args.get("after") or None, language)
        if number := request.args.get("question") or published.question_of(request.args.get("layer", "")):
            saved = questions.get(house, actor, number, language)
            run = questions.look(house, actor, saved, note=False)
    except Problem as error:
        problem = error
    response = make_response(render_template(
        "find/ask.html", saved=saved, run=run,
        problem=problem.sentence(language) if problem else None, listed=questions.listed(house, actor, language),
        layers=layers_for(house, actor), words=_words(), offered=_offered,
        operators=OPERATORS, kind_of=kind_of, areas=_areas(), relations=ask.relations(asked.layer),
        upload=_upload(asked), shared=questions.SHARED_WITH,
        colleagues=people.colleagues(house.db, actor), args=asked.args, **told(asked, found)))
    if problem and "HX-Request" not in request.headers:
        response.status_code = problem.kind.status
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post("/ask")
def keep() -> AnyResponse:
    """Save the question under a name, note that its answer was seen, or forget it; then look at the page."""
    house, actor, form = context.house(), context.actor(), request.form
    query = {name: form[name] for name in ("filter", *ask.PLAIN) if form.get(name)}
    number, act = form.get("question", ""), form.get("act", "save")
    if act == "seen":
        questions.look(house, actor, questions.get(house, actor, number, context.language()), note=True)
    elif act in ("layer", "update", "share"):
        found = questions.get(house, actor, number, context.language())
        kept = {"name": found.name, "description": found.description, "layer": found.layer, "query": dict(found.query),
                "shared_with": found.shared_with, "people": list(found.people), "as_layer": found.as_layer}
        anew: dict[str, dict[str, Any]] = {
            "layer": {"as_layer": not found.as_layer}, "update": {"query": query}, "share": _shared()}
        questions.change(house, actor, number, kept | anew[act], found.version)
    elif act == "delete":
        questions.delete(house, actor, number, None)
        return see(f"/ask?{urlencode({'layer': form.get('layer', ''), **query})}")
    else:
        number = questions.create(house, actor, _shared() | {
            "name": form.get("name", ""), "description": form.get("description", ""), "layer": form.get("layer", ""),
            "query": query, "as_layer": form.get("as_layer") == "yes"}).id
    return see(f"/q/{number}")


def _shared() -> dict[str, Any]:
    return {"shared_with": request.form.get("shared_with", "nobody"), "people": request.form.getlist("people")}


def _upload(asked: ask.Asked) -> str | None:
    """The name of the area out of a file that is asked; nothing where none was given yet, None where none is meant."""
    if asked.sheet is None or asked.sheet.area != "area":
        return None
    if not asked.sheet.place:
        return ""
    try:
        return str(areas.show(context.house(), context.actor(), parse_id(asked.sheet.place))["properties"]["name"])
    except Problem as problem:
        return problem.sentence(context.language())


def _offered(layer_id: str) -> list[Any]:
    """The fields that conditions on a layer may name, in its order."""
    house, actor = context.house(), context.actor()
    known = schema_of(house, actor, layer_id, context.language())["properties"]
    return [one for one in house.layer(layer_id).all_fields if one.id in known]


def _areas() -> list[tuple[str, str, list[Any]]]:
    house, actor = context.house(), context.actor()
    titles = {"district": _("District"), "street": _("Sub-district"), "grid": _("Unit grid"),
              "box": _("A box"), "circle": _("Around a point"), "shape": _("A drawn shape"),
              "area": _("An uploaded file")}
    named = {"district": "districts", "street": "streets"}
    return [(one, titles[one], filters.areas(house, actor, named[one]) if one in named else []) for one in AREAS]


def _words() -> dict[str, str]:
    """What operators, kinds of groups and relations are called."""
    return {
        "has": _("contains"), "begins": _("begins with"), "eq": _("is"), "ne": _("is not"), "empty": _("has no value"),
        "filled": _("has a value"), "in": _("is one of"), "notin": _("is none of"), "any": _("has one of"),
        "every": _("has all of"), "ge": _("at least"), "le": _("at most"), "gt": _("more than"), "lt": _("less than"),
        "between": _("between"), "since": _("on or after"), "until": _("on or before"), "after": _("after the day"),
        "before": _("before the day"), "last": _("in the last … days"), "next": _("in the next … days"),
        "yes": _("yes"), "no": _("no"), "near": _("lies near"), "inside": _("lies inside"), "overlaps": _("overlaps"),
        "crosses": _("crosses"), "count_within": _("has several near"), "nobody": _("Only me"),
        "everybody": _("Everybody"), "viewer": _("Viewers"), "inspector": _("Inspectors"),
        "reviewer": _("Reviewers"), "exporter": _("Exporters"), "admin": _("Administrators"),
    }
