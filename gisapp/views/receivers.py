"""Receivers: the list, one with its form and what it was given, for programs as documents."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, jsonify, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from gisapp.crs import MENU
from gisapp.errors import Problem
from gisapp.formats import FILE_FORMATS
from gisapp.hand_over import deliveries, receivers
from gisapp.params import parse_id
from gisapp.permissions import rights
from gisapp.views import context
from gisapp.views.documents import wanted_format
from gisapp.views.forms import form_page, see

blueprint = Blueprint("receivers", __name__)

_COLUMNS = "columns:"
#: From so many receivers on the page has a field to find one.
MANY = 20
_EMPTY: dict[str, Any] = {"name": "", "contact": "", "format": "shp", "crs": "", "encoding": "", "columns": {},
                          "personal": False, "active": True, "version": 0}


@blueprint.get("/receivers")
def page() -> AnyResponse:
    """The receivers, those no longer in use last; with `new` the form of another one."""
    if "new" in request.args:
        receivers.may_change(context.actor())
        return _form(_EMPTY)
    found = receivers.listed(context.house(), context.actor(), all_=True)
    if wanted_format() != "html":
        return jsonify({"receivers": [_document(row) for row in found]})
    words = request.args.get("q", "").strip().casefold()
    shown = [row for row in found if words in f"{row['name']} {row['contact']}".casefold()]
    return form_page("hand_over/receivers.html", None, receivers=shown, may_change=_may_change(),
                     find=len(found) > MANY, words=request.args.get("q", "").strip(),
                     formats=FILE_FORMATS, language=context.language())


@blueprint.post("/receivers")
def create() -> AnyResponse:
    """Keep a new receiver."""
    given = _given()
    try:
        made = receivers.create(context.house(), context.actor(), given, request.remote_addr)
    except Problem as problem:
        if problem.kind.status == 403:
            raise
        return _form(_EMPTY | given, problem)
    flash(_("Receiver kept."), "success")
    return see(f"/receivers/{made}")


@blueprint.get("/receivers/<receiver_id>")
def show(receiver_id: str) -> AnyResponse:
    """One receiver: how it wants its files, and the questions that it was given answers to."""
    house, actor = context.house(), context.actor()
    row = receivers.get(house, actor, _number(receiver_id))
    if wanted_format() != "html":
        return jsonify(_document(row))
    return _form(dict(row), questions=deliveries.standing_questions(house, actor, row["id"]))


@blueprint.post("/receivers/<receiver_id>")
def change(receiver_id: str) -> AnyResponse:
    """Change a receiver."""
    number, given = _number(receiver_id), _given()
    version = int(request.form.get("version", "0")) if request.form.get("version", "").isdecimal() else 0
    try:
        receivers.change(context.house(), context.actor(), number, version, given, request.remote_addr)
    except Problem as problem:
        if problem.kind.status in (403, 404):
            raise
        return _form(given | {"id": number, "version": version}, problem)
    flash(_("Receiver kept."), "success")
    return see(f"/receivers/{number}")


def _given() -> dict[str, Any]:
    form = request.form
    columns = {name.removeprefix(_COLUMNS): form.getlist(name) for name in form if name.startswith(_COLUMNS)}
    return {**{name: form.get(name, "") for name in ("name", "contact", "format", "crs", "encoding")},
            "personal": "personal" in form, "active": "active" in form, "columns": columns}


def _form(receiver: dict[str, Any], problem: Problem | None = None, questions: Any = ()) -> Response:
    house = context.house()
    titles = {one.id: one.title.get(context.language()) for one in house.catalogue.layers.values()}
    return form_page("hand_over/receiver.html", problem, receiver=receiver, questions=questions, titles=titles,
                     may_change=_may_change(), layers=house.catalogue.layers.values(), language=context.language(),
                     formats=FILE_FORMATS.values(), systems=[crs for crs in MENU.values() if crs.srid])


def _may_change() -> bool:
    return "manage_receivers" in rights(context.actor())


def _document(row: Any) -> dict[str, Any]:
    return {**{name: row[name] for name in ("name", "contact", "format", "crs", "encoding", "columns", "personal",
                                            "active", "version")}, "id": str(row["id"])}


def _number(text: str) -> UUID:
    try:
        return parse_id(text)
    except Problem:
        raise Problem("receiver_unknown") from None
