"""Every failure as one answer: problem+json for programs, a page for people, a code for both."""

from __future__ import annotations

import logging
from typing import cast

import psycopg.errors
from flask import Flask, Response, current_app, g, jsonify, redirect, request
from sqlalchemy.exc import DBAPIError, TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, RequestedRangeNotSatisfiable, RequestEntityTooLarge

from gisapp.db import is_busy
from gisapp.errors import DISK_FULL, Problem
from gisapp.params import invalid
from gisapp.views import context, error_pages
from gisapp.views.identity import request_id

log = logging.getLogger("gisapp")


def init_problems(app: Flask) -> None:
    """Register the answers to problems, to HTTP errors of the framework, and to faults of the database."""
    app.register_error_handler(Problem, answer)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(DBAPIError, _from_database)
    app.register_error_handler(psycopg.Error, _from_driver)
    app.register_error_handler(OSError, _from_system)
    app.register_error_handler(PoolTimeout, lambda _: answer(Problem("busy", seconds=5, headers={"Retry-After": "5"})))


def answer(problem: Problem) -> Response:
    """The problem as the client reads it, in its language."""
    if error_pages.wants_page():
        number = request_id() if problem.kind.status >= 500 else g.get("request_id", "")
        return error_pages.page(problem, number)
    response = jsonify(problem.document(context.language()))
    response.status_code = problem.kind.status
    response.content_type = "application/problem+json; charset=utf-8"
    response.headers.update(problem.headers)
    return response


def _from_http(error: HTTPException) -> Response:
    if error.response is not None:
        return cast(Response, error.response)
    if isinstance(error, RequestEntityTooLarge):
        limit = request.max_content_length or 0
        code = "upload_too_large" if request.endpoint == "imports.upload" else "body_too_large"
        return answer(Problem(code, limit_mb=limit >> 20))
    if error.code == 405 and request.method == "GET" and (above := _page_above()):
        return cast(Response, redirect(above, 303))
    if isinstance(error, RequestedRangeNotSatisfiable):
        return answer(Problem("range_outside", size=error.length or 0,
                              headers={"Content-Range": f"bytes */{error.length or 0}"}))
    codes = {404: "not_found", 405: "method_not_allowed", 415: "media_type_unsupported"}
    if error.code == 415:
        return answer(Problem("media_type_unsupported", type=request.mimetype[:60], known="application/json"))
    code = codes.get(error.code or 500, "request_invalid" if (error.code or 500) < 500 else "internal")
    response = answer(Problem(code))
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
    if code == "internal":  # what went wrong stands above it in the log; this is how a reader names it
        log.error("request %s failed", request_id())
    if code in ("request_invalid", "internal"):
        response.status_code = error.code or 500
    return response


def _page_above() -> str:
    """The page that an act belongs to (`/imports/7` of `/imports/7/commit`): a person who loads the answer to a form
    again, or in the other language, looks at it. Nothing for programs."""
    if "text/html" not in request.headers.get("Accept", ""):
        return ""
    adapter, path = current_app.create_url_adapter(request), request.path
    language = f"?lang={request.args['lang']}" if request.args.get("lang") in context.LANGUAGES else ""
    while adapter is not None and (path := path.rpartition("/")[0]):
        if adapter.test(path, "GET"):
            return f"{request.script_root}{path}{language}"
    return ""


def _from_system(error: OSError) -> Response:
    if error.errno in DISK_FULL:
        log.error("disk: %s", error)
        return answer(Problem("storage_full"))
    raise error


def _from_database(error: DBAPIError) -> Response:
    return _from_driver(error.orig if isinstance(error.orig, psycopg.Error) else error)


def _from_driver(error: BaseException) -> Response:
    """Limits and interruptions are answers; anything else the database refuses is our own fault and logged."""
    seconds = context.house().settings.statement_timeout_s
    if isinstance(error, psycopg.errors.QueryCanceled):
        return answer(Problem("query_too_slow", seconds=seconds))
    if is_busy(error):
        return answer(Problem("busy", seconds=2, headers={"Retry-After": "2"}))
    if isinstance(error, psycopg.DataError) and request.method in ("GET", "HEAD"):
        return answer(Problem("filter_no_value"))
    if isinstance(error, psycopg.errors.InternalError_) and "transform" in str(error):
        return answer(invalid("bbox", "坐标超出该坐标系的范围", "a coordinate lies outside what its CRS covers"))
    if isinstance(error, psycopg.errors.DiskFull):
        log.error("disk: %s", error)
        return answer(Problem("storage_full"))
    if isinstance(error, psycopg.OperationalError):
        log.warning("database: %s", error)
        return answer(Problem("database_unavailable", headers={"Retry-After": "5"}))
    current_app.logger.exception("request %s failed in the database", request_id(), exc_info=error)
    return answer(Problem("internal"))
