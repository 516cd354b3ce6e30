"""Jobs: for programs as documents that say how far they are, for people as a page that renews itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify, request
from werkzeug.wrappers import Response as AnyResponse

from gisapp import jobs
from gisapp.errors import Problem
from gisapp.formats import FORMATS, Format
from gisapp.formats.losses import LOSSES
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.params import parse_id
from gisapp.permissions import Actor
from gisapp.views import context
from gisapp.views.documents import link, url, wanted_format
from gisapp.views.exports import respond_with_file
from gisapp.views.forms import form_page, see
from gisapp.views.sending import goes_on, send_file

blueprint = Blueprint("jobs", __name__)


@blueprint.get("/jobs")
def page() -> AnyResponse:
    """The newest jobs; for an administrator those of everybody."""
    found = jobs.listed(context.house(), context.actor(), context.language())
    if wanted_format() == "html":
        return _page(found)
    return _unkept(jsonify({"jobs": [described(one) for one in found],
                            "links": [link("self", url("/jobs", f="json"), "application/json")]}))


@blueprint.get("/jobs/<job_id>")
def show(job_id: str) -> AnyResponse:
    """State, rows done, rows in all; at the end the file's link, or what went wrong."""
    found = jobs.show(context.house(), context.actor(), _number(job_id), context.language())
    if wanted_format() == "html":
        return _page([found], alone=True)
    response = _unkept(jsonify(described(found)))
    if found["state"] in ("waiting", "running"):
        response.headers["Retry-After"] = "2"
    return response


@blueprint.get("/jobs/<job_id>/file")
def file(job_id: str) -> AnyResponse:
    """The finished file, whole or the part that is asked for."""
    found = jobs.file_of(context.house(), context.actor(), _number(job_id), request.remote_addr,
                         count=request.method == "GET", goes_on=goes_on())
    return send_file(found.file, found.size, found.media_type, found.ascii_name, found.name, found.etag)


@blueprint.delete("/jobs/<job_id>/file")
def remove_file(job_id: str) -> AnyResponse:
    """The job as it is then, without its file."""
    jobs.remove_file(context.house(), context.actor(), _number(job_id), request.remote_addr)
    return show(job_id)


@blueprint.post("/jobs/<job_id>/file/remove")
def remove_file_by_form(job_id: str) -> AnyResponse:
    """The same from the page."""
    jobs.remove_file(context.house(), context.actor(), _number(job_id), request.remote_addr)
    return _back(job_id)


@blueprint.delete("/jobs/<job_id>")
def cancel(job_id: str) -> AnyResponse:
    """The job as it is then: cancelled, or still running for the seconds that it takes to stop."""
    jobs.cancel(context.house(), context.actor(), _number(job_id))
    return show(job_id)


@blueprint.post("/jobs/<job_id>/cancel")
def cancel_by_form(job_id: str) -> AnyResponse:
    """The same from the page."""
    jobs.cancel(context.house(), context.actor(), _number(job_id))
    return _back(job_id)


@blueprint.post("/jobs/<job_id>/retry")
def retry(job_id: str) -> AnyResponse:
    """202: a failed or cancelled job waits again."""
    jobs.retry(context.house(), context.actor(), _number(job_id))
    return _back(job_id) if "text/html" in request.headers.get("Accept", "") else accepted(_number(job_id))


def respond_with_file_or_job(house: House, actor: Actor, layer: Layer, chosen: Format) -> AnyResponse:
    """The file at once where it is small, else 202 with the job that makes it. HEAD makes, takes and logs nothing."""
    args, language = context.asked(), context.language()
    large = jobs.is_long(house, actor, layer.id, chosen.name, args, language)
    if request.method == "HEAD":
        # An iterator has no length to tell: nobody knows yet how large the file would be.
        return Response(iter(()), status=202 if large else 200, mimetype=None if large else chosen.media_type)
    if not large:
        return respond_with_file(house, actor, layer, chosen)
    return accepted(jobs.ask_export(house, actor, layer.id, chosen.name, args, language, request.remote_addr))


def accepted(job_id: UUID) -> AnyResponse:
    """202 with the job and its address; a browser is shown the job's page."""
    if "text/html" in request.headers.get("Accept", ""):
        return see(f"/jobs/{job_id}")
    found = jobs.show(context.house(), context.actor(), job_id, context.language())
    response = _unkept(jsonify(described(found)))
    response.status_code = 202
    response.headers.update({"Location": url(f"/jobs/{job_id}"), "Retry-After": "2"})
    return response


def described(found: dict[str, Any]) -> dict[str, Any]:
    """A job with its links; `file` is the address of the finished file while it is kept."""
    address = f"/jobs/{found['id']}"
    ready = found["state"] == "done" and found["file_name"]
    links = [link("self", url(address), "application/json"), link("alternate", url(address, f="html"), "text/html")]
    if ready:
        links.append(link("enclosure", url(f"{address}/file"), found["media_type"], found["file_name"]))
    return found | {"file": url(f"{address}/file") if ready else None, "links": links}


def _back(job_id: str) -> AnyResponse:
    """To the page that the form stood on: the job's own, or all of them."""
    return see(f"/jobs/{_number(job_id)}" if "alone" in request.form else "/jobs")


def _page(found: list[dict[str, Any]], alone: bool = False) -> Response:
    house = context.house()
    titles = {one.id: one.title.get(context.language()) for one in house.catalogue.layers.values()}
    states = [one["state"] for one in found]
    return form_page("hand_over/jobs.html", None, jobs=[_with_times(one) for one in found], titles=titles, alone=alone,
                     language=context.language(), losses=LOSSES, formats=FORMATS,
                     kept_hours=house.settings.job_keep_hours,
                     waiting=states.count("waiting"), running=states.count("running"))


def _with_times(found: dict[str, Any]) -> dict[str, Any]:
    return found | {name: found[name] and datetime.fromisoformat(found[name]) for name in ("created_at", "expires_at")}


def _unkept(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _number(text: str) -> UUID:
    try:
        return parse_id(text)
    except Problem:
        raise Problem("job_unknown") from None
