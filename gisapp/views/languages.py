"""The app's own words in zh and en: English in the code, Chinese in translations/zh."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, Response, request
from flask_babel import Babel

from gisapp.views import context

#: One way of writing moments everywhere, that of the records: no day that could be a month, and it sorts.
_FORMATS = {"date.short": "yyyy-MM-dd", "date.medium": "yyyy-MM-dd",
            "datetime.short": "yyyy-MM-dd HH:mm", "datetime.medium": "yyyy-MM-dd HH:mm:ss"}
_SOURCE = Path(__file__).resolve().parent.parent / "translations"


def init_languages(app: Flask, compiled: Path) -> None:
    """Translate by `context.language()`. Catalogues are compiled into the folder `compiled` at every start."""
    compile_catalogues(_SOURCE, compiled)
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(compiled)
    Babel(app, {**Babel.default_date_formats, **_FORMATS}, locale_selector=context.language,
          default_timezone=app.config.get("TIMEZONE", "Asia/Shanghai"))
    app.after_request(_remember_language)


def compile_catalogues(source: Path, target: Path) -> None:
    """Write target/LANGUAGE/LC_MESSAGES/messages.mo for every .po; safe when several workers start at once."""
    for po in source.glob("*/LC_MESSAGES/*.po"):
        with po.open("rb") as text:
            catalogue = read_po(text, locale=po.parent.parent.name)
        folder = target / po.parent.parent.name / "LC_MESSAGES"
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "wb") as binary:
            write_mo(binary, catalogue)
        Path(name).replace(folder / f"{po.stem}.mo")


def _remember_language(response: Response) -> Response:
    chosen = request.args.get("lang")
    if chosen in context.LANGUAGES and response.mimetype == "text/html":
        response.set_cookie("language", chosen, max_age=365 * 86400, samesite="Lax", secure=request.is_secure)
    return response
