"""`/questions`: saved questions for programs, with versions as features have them; `/q/{id}` is the short link."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, jsonify, request
from werkzeug.wrappers import Response as AnyResponse

from gisapp import questions
from gisapp.params import invalid
from gisapp.published import PREFIX
from gisapp.questions import Question
from gisapp.views import context
from gisapp.views.documents import answer, link, self_and_alternate, url
from gisapp.views.forms import see
from gisapp.views.writes import if_match, read_json

blueprint = Blueprint("questions", __name__)

#: Shown beneath an answer on the map, so that its places can be recognised.
_GROUND = ("districts", "roads")


@blueprint.get("/questions")
def listed() -> Response:
    """One's own questions, those that are shared with one, and those that ship."""
    found = questions.listed(context.house(), context.actor(), context.language())
    return answer({"questions": [_document(one) for one in found], "links": self_and_alternate("/questions")})


@blueprint.post("/questions")
def create() -> Response:
    """201 with the question that was kept."""
    made = questions.create(context.house(), context.actor(), read_json())
    response = _answer(made, 201)
    response.headers["Location"] = url(f"/questions/{made.id}")
    return response


@blueprint.get("/questions/<question_id>")
def one(question_id: str) -> Response:
    """One question; its ETag carries the version."""
    found = questions.get(context.house(), context.actor(), question_id, context.language())
    response = answer(_document(found) | {"links": _links(found)})
    if response.status_code == 200:
        response.set_etag(str(found.version))
    return response


@blueprint.put("/questions/<question_id>")
def replace(question_id: str) -> Response:
    """The whole question anew."""
    house, actor = context.house(), context.actor()
    return _answer(questions.change(house, actor, question_id, read_json(), if_match(partial(_version, question_id))))


@blueprint.delete("/questions/<question_id>")
def delete(question_id: str) -> Response:
    """204."""
    questions.delete(context.house(), context.actor(), question_id, if_match(partial(_version, question_id)))
    return Response(status=204)


def _version(question_id: str) -> int:
    return questions.get(context.house(), context.actor(), question_id, context.language()).version


@blueprint.post("/questions/<question_id>/runs")
def run(question_id: str) -> Response:
    """Note that the reader has seen the answer, and tell what of it is new since the last time."""
    house, actor = context.house(), context.actor()
    found = questions.look(house, actor, questions.get(house, actor, question_id, context.language()), note=True)
    response = jsonify({
        "ran_at": found.at.isoformat(), "since": found.since and found.since.isoformat(),
        "numberMatched": found.number_matched, "numberNew": found.number_new, "new": [str(one) for one in found.new]})
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.get("/q/<question_id>")
def short(question_id: str) -> AnyResponse:
    """The short link: the question with its table; with `at=map` its answer on the map."""
    found = questions.get(context.house(), context.actor(), question_id, context.language())
    place = request.args.get("at", "table")
    if place not in ("table", "map"):
        raise invalid("at", "table 或 map", "table or map")
    return see(on_map(found.layer, found.query) if place == "map" else
               f"/ask?{urlencode({'layer': found.layer, **found.query, 'question': found.id})}")


def on_map(layer_id: str, query: Any, others: Iterable[str] = ()) -> str:
    """The map's address with this question asked of one layer, beside `others`."""
    asked = quote(urlencode({"layer": layer_id, **query}), safe="")
    shown = [one for one in (*_GROUND, *others) if one in context.house().catalogue.layers and one != layer_id]
    return f"/map#layers={','.join(dict.fromkeys((layer_id, *shown)))}&ask={asked}"


def _answer(found: Question, status: int = 200) -> Response:
    response = jsonify(_document(found) | {"links": _links(found)})
    response.status_code = status
    response.set_etag(str(found.version))
    return response


def _links(found: Question) -> list[dict[str, str]]:
    path = f"/questions/{found.id}"
    return [*self_and_alternate(path), link("collection", url(f"/collections/{PREFIX}{found.id}", f="json"),
                                            "application/json"), link("items", url(
        f"/collections/{found.layer}/items", **{**found.query, "f": "json"}), "application/geo+json"),
        link("alternate", url(f"/q/{found.id}"), "text/html")]


def _document(found: Question) -> dict[str, Any]:
    return {"id": found.id, "name": found.name, "description": found.description, "layer": found.layer,
            "query": dict(found.query), "owner": found.owner or None, "shared_with": found.shared_with,
            "people": list(found.people),
            "as_layer": found.as_layer, "version": found.version, "example": found.example,
            "updated_at": found.updated_at and found.updated_at.isoformat()}
