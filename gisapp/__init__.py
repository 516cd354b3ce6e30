"""The map, ledger and hand-over of a city enforcement office: `create_app` wires the rooms together."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

    from gisapp.config import Settings

#: Modules of gisapp.views that bring a `blueprint`.
_ROOMS = ("health", "plain_addresses", "api", "queryables", "openapi", "writes", "marking", "tiles", "styles", "pages",
          "feature_forms", "auth", "account", "admin", "imports", "import_desk", "exports", "jobs", "receivers",
          "deliveries", "printing", "history", "presence", "find", "construct", "timeline", "statistics",
          "statistics_page", "basemaps", "questions", "ask", "ask_answer", "question_layers", "streams",
          "attachments", "photos")


def read(layer: str, **asked: Any) -> Any:
    """The features of a layer as a geopandas GeoDataFrame, EPSG:4326 (longitude, latitude) unless `crs=` is given.

    `filter=` CQL2, `bbox=` degrees (west, south, east, north), `titles="zh"|"en"` for titles in place of codes,
    `limit=`, any other parameter of the items address (`as_of=`, `q=`, `properties=`, `status="01"`). From the own
    database (`settings=`, else the environment's), or with `server=` and `token=` by the API, within the token's
    rights. Raises `gisapp.notebook.Refused` with a `code`.
    """
    from gisapp import notebook

    return notebook.read(layer, **asked)


def explore(layer: str, **asked: Any) -> Any:
    """A folium map of what `read` gives for the same arguments, in the layer's style; `language="zh"|"en"`, `tiles=` a
    background of folium's (none at first: no other host is asked)."""
    from gisapp import notebook

    return notebook.explore(layer, **asked)


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application on a migrated database. Default settings: the environment's. While a database of others is
    away it answers `database_unavailable` (503)."""
    from flask import Flask

    from gisapp.cluster.connections import serving
    from gisapp.config import ROOT, Settings
    from gisapp.house import make_house

    settings = settings or Settings.from_env()
    house = make_house(settings, serving(settings))
    app = Flask(__name__, static_folder=None, root_path=str(ROOT / "gisapp"))
    # A form may hold one long geometry, so its text has the same limit as a body of JSON.
    most = settings.max_body_mb * 2**20
    app.config.update(MAX_CONTENT_LENGTH=most, MAX_FORM_MEMORY_SIZE=most, TIMEZONE=settings.time_zone)
    app.extensions["gisapp"] = house
    _furnish(app, settings)
    # After the rooms: Flask-Security brings a JSON provider of its own.
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    return app


def _furnish(app: Flask, settings: Settings) -> None:
    from gisapp.config import ROOT
    from gisapp.views.documents import init_addresses
    from gisapp.views.languages import init_languages
    from gisapp.views.problems import init_problems
    from gisapp.views.security import init_security
    from gisapp.views.shell import init_shell
    from gisapp.views.static_files import init_static

    init_problems(app)
    init_languages(app, settings.instance / "translations")
    init_static(app, ROOT / "static")
    init_shell(app)
    init_addresses(app)
    init_security(app, app.extensions["gisapp"])
    for room in _ROOMS:
        app.register_blueprint(importlib.import_module(f"gisapp.views.{room}").blueprint)
