"""What a line of the access log says, in words: titles for the names of its members, for layers and roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from gisapp.house import House
from gisapp.views.shell import role_title

#: Said by other words of the line, or of no use to a reader.
_UNSAID = ("account", "printed", "undone", "job")
#: Counts that are said only when there is something to count.
_COUNTS = ("accepted", "inserted", "repaired", "updated", "unchanged", "deleted", "skipped", "refused_count", "removed",
           "restored", "brought_back")


def told(detail: Mapping[str, Any], house: House, language: str) -> list[tuple[str, str]]:
    """Title and text of each member of a line's detail; a name that is not known here stays as it is."""
    titles = _titles()
    shown = {name: value for name, value in detail.items()
             if name not in _UNSAID and value not in (None, "", [], {}) and not (name in _COUNTS and value == 0)}
    return [(titles.get(name, name), _text(name, value, house, language)) for name, value in shown.items()]


def _text(name: str, value: Any, house: House, language: str) -> str:
    between = "、" if language == "zh" else ", "
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, Mapping):
        told = [str(value[language])] if language in value else [f"{key} {one}" for key, one in value.items()]
        return between.join(told)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return between.join(_text(name, one, house, language) for one in value)
    if name in ("layer", "layers") and value in house.catalogue.layers:
        return str(house.catalogue.layers[value].title.get(language))
    return _choices().get((name, str(value)), role_title(value) if name == "role" else str(value))


def _choices() -> dict[tuple[str, str], str]:
    return {("how", "form"): _("the sign-in page"), ("how", "basic"): _("a program"),
            ("mode", "append"): _("Add new records"), ("mode", "update"): _("Change records that are there, by a key"),
            ("mode", "replace"): _("Replace all records of a territory")}


def _titles() -> dict[str, str]:
    return {
        "how": _("By"), "role": _("Role"), "username": _("User name"), "layer": _("Layer"), "layers": _("Layers"),
        "format": _("Format"), "pages": _("Pages"), "rows": _("Rows"), "question": _("Question"), "name": _("Name"),
        "days": _("Days"), "reason": _("Reason"), "crs": _("Coordinate system"), "encoding": _("Encoding"),
        "receiver": _("Receiver"), "delivery": _("Delivery"), "import": _("Import"), "bytes": _("Bytes"),
        "mode": _("Way of importing"), "accepted": _("Taken in"), "inserted": _("New"),
        "repaired": _("Of them repaired"), "disabled": _("Disabled"), "updated": _("Changed"),
        "unchanged": _("Unchanged"), "deleted": _("Deleted"), "skipped": _("Passed over"),
        "refused_count": _("Refused"), "removed": _("Removed"), "restored": _("Restored"),
        "brought_back": _("Brought back"), "notes": _("Remarks"), "personal": _("Personal data"),
        "active": _("In use"), "known_name": _("The account exists"), "link": _("Link"), "id": _("Identifier"),
    }
