"""What the pages of the import desk share: who asks, what a form chose, the page of columns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Response, jsonify, request
from flask_babel import gettext as _

from gisapp.crs import MENU
from gisapp.desk import report
from gisapp.errors import Problem
from gisapp.filters import Area, areas
from gisapp.formats.encoding import ENCODINGS
from gisapp.formats.mapping import targets
from gisapp.house import House
from gisapp.layers import Layer
from gisapp.panels import TERRITORIES
from gisapp.params import parse_id
from gisapp.permissions import rights
from gisapp.views import context, problems
from gisapp.views.forms import form_page
from gisapp.views.questions import on_map

#: So many places of a kind are offered by name; the code of any other can still be typed.
_MOST_PLACES = 3000


def note_titles() -> dict[str, str]:
    """What was done to shapes and texts on the way, in the reader's language."""
    return {"heights_dropped": _("Heights dropped"), "curves_straightened": _("Curves made straight lines"),
            "texts_cut": _("Texts whose end the sender had cut off")}


def geometry_title(given: str) -> str:
    """What GDAL calls a kind of shape, in the reader's language; heights and measures are told elsewhere."""
    plain = given.removeprefix("3D ").removeprefix("Measured ").split(" ", maxsplit=1)[0].removeprefix("Multi")
    titles = {
        "Point": _("Points"), "LineString": _("Lines"), "Polygon": _("Areas"),
        "Unknown": _("not told, or of several kinds"), "GeometryCollection": _("not told, or of several kinds"),
        "None": _("no shapes"), "": _("no shapes")}
    return str(titles.get(plain, given))


def ground(house: House) -> list[str]:
    """The layers under a small map that tell a place by sight, as far as the office has them."""
    return [name for name in ("districts", "roads", "buildings") if name in house.catalogue.layers]


def wants_page() -> bool:
    """Whether a person reads the answer; a program that takes anything gets JSON."""
    return "text/html" in request.headers.get("Accept", "")


def problem_answer(problem: Problem) -> Response:
    """A program reads what went wrong as JSON here too, although this is a page's address."""
    if wants_page():
        return problems.answer(problem)
    response = jsonify(problem.document(context.language()))
    response.status_code = problem.kind.status
    response.content_type = "application/problem+json; charset=utf-8"
    response.headers.update(problem.headers)
    return response


def number_of(text: str) -> UUID:
    """The number in an address. Problem `import_unknown`."""
    try:
        return parse_id(text)
    except Problem:
        raise Problem("import_unknown") from None


def mapping_page(document: dict[str, Any], problem: Problem | None = None,
                 choices: dict[str, Any] | None = None) -> Response:
    """The page of an upload's columns, with the choices that a person made in the place of the suggestions."""
    house, actor = context.house(), context.actor()
    layer = house.layer(document["layer"])
    choices = choices or document.get("check", {}).get("choices") or {}
    return form_page("hand_over/mapping.html", problem, document=_as_chosen(document, choices), layer=layer,
                     language=context.language(), targets=target_titles(layer), choices=choices,
                     systems=[crs for crs in MENU.values() if crs.srid], encodings=ENCODINGS,
                     chosen_encoding=request.values.get("encoding", choices.get("encoding") or ""),
                     faults=problem.errors if problem else [], may=rights(actor),
                     note_titles=note_titles(), map_url=_on_map(document), ground=ground(house),
                     geometry_title=geometry_title,
                     has_report=report.is_kept(house, UUID(document["id"])),
                     keys=[field for field in layer.fields if field.unique],
                     levels=_levels(layer) if "delete" in rights(actor) else [],
                     lists={f.id: house.catalogue.codelists[f.codelist] for f in layer.writable_fields if f.codelist},
                     required={field.id for field in layer.writable_fields if field.required},
                     titles_of=_lacking(layer))


def _levels(layer: Layer) -> list[tuple[str, str, list[Area]]]:
    """The kinds of territory whose set can be replaced, each with its title and the places that the office has."""
    house, actor = context.house(), context.actor()
    kinds = ((name, areas(house, actor, TERRITORIES[name][0])[:_MOST_PLACES])
             for name in (one.id for one in layer.derived_fields) if name in TERRITORIES)
    return [(name, TERRITORIES[name][1].get(context.language()), places) for name, places in kinds if places]


def _on_map(document: dict[str, Any]) -> str:
    """The map with what entered, as far as nobody has changed it since; with the whole layer where nothing did."""
    result, layer_id = document.get("result") or {}, document["layer"]
    rows = result.get("inserted", 0) + result.get("updated", 0)
    if document["state"] == "undone" or "entered" not in document or not rows:
        return f"/map#layers={layer_id}"
    began, ended = (datetime.fromisoformat(moment).astimezone(UTC) for moment in document["entered"][:2])
    first, last = (f"TIMESTAMP('{moment:%Y-%m-%dT%H:%M:%S.%fZ}')" for moment in (began, ended))
    who = document["entered"][2].replace("'", "''")
    return on_map(layer_id, {
        "filter": f"updated_at >= {first} AND updated_at <= {last} AND updated_by = '{who}'"})


def _lacking(layer: Layer) -> Callable[[set[str], list[str | None]], str]:
    """The titles of required fields that are not among those mapped, in one text."""
    language = context.language()

    def titles(required: set[str], mapped: list[str | None]) -> str:
        found = [field.title.get(language) for field in layer.writable_fields
                 if field.id in required and field.id not in mapped]
        return ("、" if language == "zh" else ", ").join(found)

    return titles


def target_titles(layer: Layer) -> dict[str, str]:
    """What a column may be mapped to, in the reader's language."""
    language, second = context.language(), layer.second_geometry
    titles = {name: field.title.get(language) for name, field in targets(layer).items() if field}
    if second is not None:
        titles[second.id] = second.title.get(language)
    return {"id": _("Identifier"), "geometry": _("Geometry")} | titles


def _as_chosen(document: dict[str, Any], choices: dict[str, Any]) -> dict[str, Any]:
    chosen = choices.get("layers", {})
    layers = [source | {"chosen_crs": None} | {
        {"crs": "chosen_crs"}.get(key, key): value
        for key, value in chosen.get(source["name"], {}).items() if value and key != "columns"}
        for source in document.get("layers", [])]
    return document | {"layers": layers}


def choices_of_form(document: dict[str, Any]) -> dict[str, Any]:
    """The choices of the page's form, source by source and column by column."""
    form, layers = request.form, {}
    if "again" in form:
        kept = document.get("check", {}).get("choices", {})
        return {**kept, "codes": _codes(document), "repair": "repair" in form or kept.get("repair", False),
                "layers": {name: one | ({"repair": True} if "repair" in form else {})
                           for name, one in kept.get("layers", {}).items()}}
    for place, source in enumerate(document.get("layers", [])):
        if f"role_{place}" not in form:
            continue
        mapping = {name: form.get(f"map_{place}_{column}") or None for column, name in enumerate(source["fields"])}
        columns = {kind: form[f"{kind}_{place}"] for kind in ("x", "y", "wkt") if form.get(f"{kind}_{place}")}
        layers[source["name"]] = {
            "columns": _whole(columns, source["columns"]), "role": form[f"role_{place}"], "mapping": mapping,
            "crs": _frame(place), "repair": "repair" in form}
        if _is_lone_table(document, source):
            del layers[source["name"]]["role"]
    chosen: dict[str, Any] = {
        "layers": layers, "encoding": form.get("encoding") or None, "mode": form.get("mode", "append"),
        "key": form.get("key", "id"), "new": form.get("new", "enter"), "codes": _codes(document),
        "twins": {name: form[f"twins_{name}"] for name in ("id", "key", "place") if form.get(f"twins_{name}")}}
    if chosen["mode"] == "replace":
        chosen["territory"] = {"level": form.get("level", ""), "code": form.get("code", "").strip()}
    if "save" in form:
        chosen["save_as"] = form.get("save_as", "").strip()
    return chosen


def _frame(place: int) -> str | None:
    """The system that was chosen for a source: a meridian of the sender's own goes before the menu."""
    own = request.form.get(f"meridian_{place}", "").strip()
    return f"TM:{own.removeprefix('TM:')}" if own else request.form.get(f"crs_{place}") or None


def _is_lone_table(document: dict[str, Any], source: dict[str, Any]) -> bool:
    """Whether the upload is nothing but a table without a place, which changes records by their key: that it is used
    goes without saying then."""
    placed = source["columns"] or source["format"] not in ("csv", "xlsx")
    return request.form.get("mode") == "update" and not placed and len(document["layers"]) == 1


def _whole(columns: dict[str, str], found: dict[str, str] | None) -> dict[str, str] | None:
    """Where a table's shapes stand: a column of WKT, or one each for both coordinates; None leaves it as found, with
    minutes and seconds in columns of their own."""
    if "wkt" in columns:
        return {"wkt": columns["wkt"]}
    return columns if {"x", "y"} <= columns.keys() and not columns.items() <= (found or {}).items() else None


def _codes(document: dict[str, Any]) -> dict[str, dict[str, str | None]]:
    """What unknown code values stand for: those chosen before, and those of the form (code_<n> of the list)."""
    kept = document.get("check", {})
    before = kept.get("choices", {}).get("codes") if kept else _remembered_codes(document)
    made = {name: dict(words) for name, words in (before or {}).items()}
    for number, one in enumerate(kept.get("unknown", [])):
        given = request.form.get(f"code_{number}", "")
        if given:
            made.setdefault(one["field"], {})[one["value"]] = None if given == "-" else given
    return made


def _remembered_codes(document: dict[str, Any]) -> dict[str, dict[str, str | None]]:
    """What was said of the same columns the last time, as long as this upload was not checked yet."""
    made: dict[str, dict[str, str | None]] = {}
    for source in document.get("layers", []):
        for name, words in source.get("codes", {}).items():
            made.setdefault(name, {}).update(words)
    return made
