"""Files in: upload, mapping, commit; and the page where all hand-over begins."""

from __future__ import annotations

from flask import Blueprint, render_template

from gisapp.permissions import may, require
from gisapp.views import context

blueprint = Blueprint("imports", __name__, url_prefix="/imports")


@blueprint.get("")
def page() -> str:
    """Where files come in and go out."""
    actor, house = context.actor(), context.house()
    if not may(actor, "export"):
        require(actor, "import")
    return render_template("hand_over/imports.html", layers=house.catalogue.layers.values(),
                           language=context.language(), may_import=may(actor, "import"))
