"""Deliveries: who took what, when, which ids; the same again; links for those without an account."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify, request
from werkzeug.wrappers import Response as AnyResponse

from gisapp import jobs
from gisapp.errors import Problem
from gisapp.formats import FORMATS
from gisapp.hand_over import by_job as hand_overs, deliveries, links, receivers
from gisapp.params import parse_id
from gisapp.permissions import rights
from gisapp.views import context
from gisapp.views.documents import url, wanted_format
from gisapp.views.forms import form_page, see
from gisapp.views.jobs import accepted
from gisapp.views.sending import begun, send_file

blueprint = Blueprint("deliveries", __name__)

#: Ids that the page itself shows; the list has all.
_SHOWN = 100


@blueprint.post("/jobs")
def ask() -> AnyResponse:
    """202: a job makes the file of an items request, of any size; by form or JSON (layer, f, receiver, mode, args)."""
    given = request.get_json(silent=True) if request.is_json else None
    if given is None:
        given = {name: values for name, values in request.form.lists() if name != "csrf_token"}
    if not isinstance(given, dict):
        raise Problem("request_invalid")
    args = {str(name): [str(one) for one in (value if isinstance(value, list) else [value])]
            for name, value in given.items() if value is not None}
    chosen = {name: (args.pop(name, None) or [""])[0] for name in ("layer", "f", "receiver", "mode")}
    args.pop("lang", None)
    made = hand_overs.ask(
        context.house(), context.actor(), chosen["layer"], chosen["f"], args, context.language(),
        receiver_id=_number(chosen["receiver"], "receiver_unknown") if chosen["receiver"] else None,
        mode=chosen["mode"] or "full", address=request.remote_addr)
    return accepted(made)


@blueprint.get("/deliveries")
def page() -> AnyResponse:
    """The newest deliveries; of one receiver, or those that held one feature."""
    house, actor, asked = context.house(), context.actor(), request.args
    receiver, feature, before = asked.get("receiver", ""), asked.get("feature", "").strip(), asked.get("before", "")
    wrong, found = None, []
    try:
        found = deliveries.listed(
            house, actor, before=int(before) if before.isdecimal() and len(before) < 19 else None,
            receiver_id=_number(receiver, "receiver_unknown") if receiver else None,
            feature=_number(feature, "feature_unknown") if feature else None)
    except Problem as problem:  # a slip of the keyboard is mended on the page
        if wanted_format() != "html" or problem.code != "feature_unknown":
            raise
        wrong = problem
    if wanted_format() != "html":
        return jsonify({"deliveries": [_document(row) for row in found]})
    return form_page("hand_over/deliveries.html", wrong, deliveries=found, titles=_titles(), receiver=receiver,
                     feature=feature, receivers=receivers.listed(house, actor, all_=True),
                     older=found[-1]["number"] if found and len(found) == deliveries.LISTED else None,
                     formats=FORMATS, language=context.language(), sees_all="manage_receivers" in rights(actor))


@blueprint.get("/deliveries/<delivery_id>")
def show(delivery_id: str) -> AnyResponse:
    """One delivery: what it was, which ids, who took it, its links."""
    house, actor, number = context.house(), context.actor(), _number(delivery_id)
    row = deliveries.get(house, actor, number)
    if wanted_format() != "html":
        return jsonify(_document(row))
    return _page(row)


def _page(row: Any, token: str = "", problem: Problem | None = None) -> Response:
    house, actor, number = context.house(), context.actor(), row["id"]
    ids = [line for line, _ in zip(deliveries.features_of(house, actor, number), range(_SHOWN), strict=False)]
    return form_page(
        "hand_over/delivery.html", problem, delivery=row, ids=ids, titles=_titles(), language=context.language(),
        personal_titles=_personal_titles(), takings=deliveries.takings(house, actor, number),
        links=links.listed(house, actor, number), made=url(f"/d/{token}") if token else "",
        most_days=links.MOST_DAYS, most_uses=links.MOST_USES)


def _personal_titles() -> dict[str, str]:
    return {field.id: field.title.get(context.language()) for layer in context.house().catalogue.layers.values()
            for field in layer.all_fields if field.personal}


@blueprint.get("/deliveries/<delivery_id>/ids")
def ids(delivery_id: str) -> Response:
    """Every feature of a delivery as CSV: change, id, version."""
    house, actor, number = context.house(), context.actor(), _number(delivery_id)
    deliveries.get(house, actor, number)
    lines = deliveries.features_of(house, actor, number)
    response = Response(_csv(lines), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="delivery_{number}.csv"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _csv(lines: Iterator[tuple[str, UUID, int]]) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("change", "id", "version"))
    for line in lines:
        writer.writerow(line)
        if text.tell() > 2**16:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


@blueprint.post("/deliveries/<delivery_id>/again")
def again(delivery_id: str) -> AnyResponse:
    """202: the same once more, whole or (`mode=difference`) what is new since then."""
    form = request.form
    return accepted(hand_overs.again(
        context.house(), context.actor(), _number(delivery_id), form.get("mode", "full"), context.language(),
        form.get("reason", ""), request.remote_addr))


@blueprint.post("/deliveries/<delivery_id>/links")
def make_link(delivery_id: str) -> AnyResponse:
    """201 with the address of a new link, told this once."""
    house, actor, number, form = context.house(), context.actor(), _number(delivery_id), request.form
    row = deliveries.get(house, actor, number)
    days, most = (int(form.get(name, "")) if form.get(name, "").isdecimal() else 0 for name in ("days", "most"))
    try:
        token = links.make(house, actor, number, days, most, request.remote_addr)
    except Problem as problem:
        if "text/html" not in request.headers.get("Accept", ""):
            raise
        return _page(row, problem=problem)
    if "text/html" in request.headers.get("Accept", ""):
        return _page(row, token)
    response = jsonify({"url": url(f"/d/{token}")})
    response.status_code = 201
    return response


@blueprint.post("/deliveries/<delivery_id>/links/<link_id>/revoke")
def revoke_link(delivery_id: str, link_id: str) -> AnyResponse:
    """End a link."""
    number = _number(delivery_id)
    links.revoke(context.house(), context.actor(), number, _number(link_id, "link_unknown"), request.remote_addr)
    return see(f"/deliveries/{number}")


@blueprint.get("/d/<token>")
def take(token: str) -> Response:
    """The file behind a link, whole or the part that is asked for; no account is asked for."""
    found: jobs.File = links.take(context.house(), token, request.remote_addr, count=request.method == "GET",
                                  begun=begun())
    return send_file(found.file, found.size, found.media_type, found.ascii_name, found.name, found.etag)


@blueprint.after_request
def _tell_nobody(response: Response) -> Response:
    """The address of a link is a secret: it goes into no Referer and no index."""
    if request.endpoint == "deliveries.take":
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        response.headers["Cache-Control"] = "no-store"
    return response


def _document(row: Any) -> dict[str, Any]:
    names = ("username", "receiver_name", "layer", "kind", "question", "format", "crs", "encoding", "rows", "changes",
             "bytes", "file_name", "files", "personal", "reason")
    return {"id": str(row["id"]), "at": row["at"].isoformat(), **{name: row[name] for name in names},
            "since": row["since"] and str(row["since"]), "ids": url(f"/deliveries/{row['id']}/ids")}


def _titles() -> dict[str, str]:
    return {one.id: one.title.get(context.language()) for one in context.house().catalogue.layers.values()}


def _number(text: str, code: str = "delivery_unknown") -> UUID:
    try:
        return parse_id(text)
    except Problem:
        raise Problem(code, id=text[:60]) from None
