"""The answer to a question as a table: on its own page, and beside the map; a change to many from it; its chart."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, jsonify, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from gisapp import areas, features, published, statistics
from gisapp.asking import batch as ask_batch, page as ask
from gisapp.asking.batch import Chosen
from gisapp.asking.page import Answer, Asked
from gisapp.asking.rows import numbers_of, write_area
from gisapp.errors import Problem
from gisapp.listing import sortable, title_of
from gisapp.marking.batch import MOST
from gisapp.params import parse_id
from gisapp.params.grouping import UNITS
from gisapp.views import context
from gisapp.views.forms import see
from gisapp.views.questions import on_map
from gisapp.views.statistics_charts import charts_of

blueprint = Blueprint("ask_answer", __name__)

_TYPES = {"integer": "number", "number": "number", "date": "date", "datetime": "datetime-local"}


def told(asked: Asked, found: Answer | None) -> dict[str, Any]:
    """What the template of an answer is given."""
    actor, question = context.actor(), {"layer": asked.layer.id, **asked.args}
    if saved := request.args.get("question"):
        question["question"] = saved
    plain = {name: text for name, text in asked.args.items() if name not in ("compute", "sortby", "properties")}
    return {
        "asked": asked, "found": found, "language": context.language(), "sortable": sortable(asked.layer),
        "title_of": title_of, "question": urlencode(question),
        "map_url": on_map(asked.layer.id, asked.args, found.others if found else ()),
        "export": urlencode({"layer": asked.layer.id, **plain}), "plain": plain,
        "further": published.conditions_of(asked.args), "batch": ask_batch.offered(actor, asked) if found else [],
        "choices": choices, "types": _TYPES, "most": MOST, "seen": datetime.now(UTC).isoformat(),
        "asked_at": f"{datetime.now(ZoneInfo(context.house().settings.time_zone)):%Y-%m-%d %H:%M}",
        "outline": _outline(asked), "address": _address(question)}


def _outline(asked: Asked) -> dict[str, Any] | None:
    """The drawn part of the question, for the map: a ring or a circle, lon first."""
    sheet = asked.sheet
    if sheet and sheet.area == "area" and write_area(sheet):
        return {"area": sheet.place}
    numbers = numbers_of(sheet.place) if sheet and sheet.area in ("box", "circle", "shape") else []
    if sheet is None or not write_area(sheet) or not numbers:
        return None
    if sheet.area == "circle":
        return {"centre": numbers[:2], "metres": numbers[2]}
    if sheet.area == "box":
        west, south, east, north = numbers
        numbers = [west, south, east, south, east, north, west, north]
    return {"ring": list(zip(numbers[::2], numbers[1::2], strict=True))}


def _address(question: dict[str, str]) -> Any:
    """This question's address with other parameters; None leaves one out."""
    def address(**changed: Any) -> str:
        asked = {**question, **changed}
        return f"{request.script_root}/ask?" + urlencode({k: v for k, v in asked.items() if v is not None})

    return address


@blueprint.get("/ask/answer")
def beside_the_map() -> Response:
    """The table of a question, a fragment for the map page; `find` is a feature whose row is wanted."""
    house, actor, language = context.house(), context.actor(), context.language()
    asked = ask.read(house, actor, request.args.to_dict(flat=False))
    found = ask.answer(house, actor, asked, request.args.get("after") or None, language,
                       request.args.get("find") or None)
    return _fresh(render_template("find/answer.html", dock=True, **told(asked, found)))


@blueprint.post("/ask/batch")
def batch() -> Response:
    """Change the ticked records, or all that answer, or take such a change back; then the table as it is now."""
    house, actor, language, form = context.house(), context.actor(), context.language(), request.form
    asked = ask.read(house, actor, parse_qs(form.get("question", "")))
    features.layer_for(house, actor, asked.layer.id, "update")
    done, taken_back, problem = None, None, None
    try:
        if form.get("act") == "undo":
            taken_back = ask_batch.take_back(house, actor, asked, form.get("request", ""))
        else:
            done = ask_batch.run(house, actor, asked, _chosen(), language)
    except Problem as error:
        problem = error
    dock = "dock" in form
    found = ask.answer(house, actor, asked, form.get("after") or None, language)
    response = _fresh(render_template(
        "find/answer.html" if dock else "find/answer_page.html", dock=dock, done=done, taken_back=taken_back,
        refusal=problem.sentence(language) if problem else None, **told(asked, found)))
    if problem and "HX-Request" not in request.headers:
        response.status_code = problem.kind.status
    return response


def _chosen() -> Chosen:
    form = request.form
    name = form.get("field", "")
    return Chosen(name, form.getlist(f"value.{name}"), form.getlist("pick"), form.get("whole") == "yes",
                  form.get("seen", ""))


def choices(layer_id: str, name: str) -> list[Any]:
    """The codes that a field takes, without the retired ones."""
    house = context.house()
    return [one for one in house.catalogue.codelists[house.layer(layer_id).field(name).codelist or ""].codes
            if not one.retired]


@blueprint.get("/ask/chart")
def chart() -> str:
    """The answer by group, as a chart and its numbers: a fragment of the page."""
    house, actor, language = context.house(), context.actor(), context.language()
    asked = ask.read(house, actor, request.args.to_dict(flat=False))
    offer = statistics.offer(actor, asked.layer)
    group, unit, added = (request.args.get(name, default) for name, default in (
        ("group", "status" if asked.layer.states else "created_at"), ("unit", "month"), ("sum", "")))
    dated = asked.layer.has_field(group) and asked.layer.field(group).type in ("date", "datetime")
    args = {name: [text] for name, text in asked.args.items() if name not in ("compute", "sortby", "properties")}
    args["group_by"] = [f"{group}.{unit}" if dated else group]
    if added:
        args["sum"] = [added]
    found, problem = None, None
    try:
        found = statistics.ask(house, actor, asked.layer.id, args, language)
    except Problem as error:
        problem = error.sentence(language)
    question = {"layer": asked.layer.id, **asked.args}
    return render_template(
        "find/chart.html", found=found, problem=problem, charts=charts_of(found, language) if found else [],
        offer=offer, group=group, unit=unit, sum=added, dated=dated, units=dict(zip(UNITS, (
            _("Days"), _("Weeks"), _("Months"), _("Quarters"), _("Years")), strict=True)),
        title_of=statistics.title_of, language=language, question=question)


@blueprint.post("/ask/area")
def take_area() -> AnyResponse:
    """Take the areas of a file, and ask the same question of them."""
    number = areas.receive(context.house(), context.actor(), request.files.getlist("file"))
    asked = [(name, text) for name, text in parse_qsl(request.form.get("question", "")) if name != "within"]
    return see(f"/ask?{urlencode([*asked, ('within', f'area:{number}')])}")


@blueprint.get("/ask/area/<area_id>")
def area(area_id: str) -> Response:
    """An area out of a file, as a GeoJSON feature."""
    response = jsonify(areas.show(context.house(), context.actor(), parse_id(area_id)))
    response.content_type = "application/geo+json"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def _fresh(body: str) -> Response:
    response = make_response(body)
    response.headers["Cache-Control"] = "private, no-store"
    return response
