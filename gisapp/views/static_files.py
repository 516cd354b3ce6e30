"""The files of static/, under an address that changes with their content and may be kept for a year.

The version is part of the path, so that a module's relative import of another module changes with it.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, current_app, request, send_from_directory

blueprint = Blueprint("static_files", __name__)

_IMPORT = re.compile(r"""^(?:import|export)\b[^;]*?['"]\./([\w.-]+)['"];""", re.MULTILINE)
_KEEP = "public, max-age=31536000, immutable"


def init_static(app: Flask, folder: Path) -> None:
    """Serve `folder` under /assets/VERSION/ and give templates `asset(name)`."""
    app.extensions["gisapp.static"] = (folder, version_of(folder))
    app.register_blueprint(blueprint)
    app.jinja_env.globals["asset"] = asset
    app.jinja_env.globals["modules"] = modules


def version_of(folder: Path) -> str:
    """Twelve hex digits that change when any file under `folder` changes."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def asset(name: str) -> str:
    """The address of a file of static/, such as "css/app.css"."""
    _, version = current_app.extensions["gisapp.static"]
    return f"{request.script_root}/assets/{version}/{name}"


def modules(name: str) -> list[str]:
    """The modules that the module `name` imports, directly or not: fetched at once, not one after the other."""
    folder, _ = current_app.extensions["gisapp.static"]
    shelf: dict[str, list[Path]] = current_app.extensions.setdefault("gisapp.modules", {})
    if name not in shelf:
        shelf[name] = sorted(_imported(folder / name) - {folder / name})
    return [path.relative_to(folder).as_posix() for path in shelf[name]]


def _imported(start: Path) -> set[Path]:
    found, open_ = {start}, [start]
    while open_:
        path = open_.pop()
        for other in _IMPORT.findall(path.read_text("utf-8")):
            if (beside := (path.parent / other)) not in found:
                found.add(beside)
                open_.append(beside)
    return found


@blueprint.get("/assets/<version>/<path:name>")
def file(version: str, name: str) -> Response:
    """A file of static/. Any other version answers 404: a stale page must not mix old and new files."""
    folder, current = current_app.extensions["gisapp.static"]
    if version != current:
        abort(404)
    response = send_from_directory(folder, name, conditional=True)
    response.headers["Cache-Control"] = _KEEP
    return response
