"""The tables of docs/layer-files.md: keys, types of fields, rules."""

from __future__ import annotations

from gisapp.docs.markdown import code, table
from gisapp.layer_files import SHAPES, VOCABULARY
from gisapp.layers import FIELD_TYPES, Catalogue, Code, CodeList, Field
from gisapp.rules import RULES
from gisapp.schema import field_schema
from gisapp.words import Words

#: What each key says.
KEYS: dict[str, str] = {
    "id": "Permanent name, equal to the file's name where it has one: lower-case letters, digits, `_`; at most 40.",
    "title": "Name in zh and en.",
    "description": "What it is, in zh and en.",
    "group": "Where the layer stands in the tree: a code of the code list `layer_groups`.",
    "geometry": "`Point`, `MultiPoint`, `MultiLineString` or `MultiPolygon`.",
    "second_geometry": "One further geometry of each feature.",
    "stands_in": "The second geometry, a point, may be given instead of the main one.",
    "fieldsets": "Field sets of `layers/fieldsets/` whose fields the layer takes over, after its own.",
    "fields": "The fields, in the order of forms and files.",
    "assigned": "District, street, community, unit grid and squadron are set from where the feature lies.",
    "name_field": "The text field that names a feature in lists and on the map; no personal data.",
    "detail_zoom": "Below this zoom counts may be drawn instead of features.",
    "rules": "Functions of `gisapp/rules.py` that every write must satisfy, by name.",
    "type": "Type of the field; see below.",
    "required": "The field must have a value.",
    "max_length": "Most characters of a text; every text field needs it.",
    "decimals": "Decimals that a number keeps; without it any number is kept as it is.",
    "unit": "Symbol of the unit, such as m².",
    "min": "Least value.",
    "max": "Greatest value.",
    "codelist": "Code list of the field; every field of type `code` or `codes` needs it.",
    "export": "Short name in shapefiles: at most 10 of A–Z, 0–9, `_`; once in a layer.",
    "personal": "Personal data: left out for roles without `read_personal`, and not to be filtered or sorted on.",
    "unique": "No two features of the layer have the same value.",
    "searchable": "Its words are found by the search box; those of a personal field never are.",
    "indexed": "Filters on this field are quick, at the price of slower writes.",
    "states": "The workflow; the first state is the initial one.",
    "next": "States that may follow; a state without it is final.",
    "style": "How the layer is drawn until somebody chooses otherwise.",
    "colour": "Colour such as `#c0392b`: of areas and points, of lines, of a state, of a code.",
    "stroke": "Colour of the outline.",
    "width": "Width of outline or line, px.",
    "opacity": "0 to 1.",
    "radius": "Radius of points, px.",
    "dash": "Lengths of dash and gap, px.",
    "colour_by": "`status`, or a field of type `code` whose codes all have colours.",
    "codes": "The codes, in the order of forms and legends.",
    "code": "The number of this code in that standard; stored as unverified.",
    "retired": "May be kept but not chosen any more. A code is never deleted.",
    "standards": "Standards in which the code has a number: `{ id = \"GB/T …\", code = \"…\" }`.",
}
_IMPACT = {
    "table": "a migration", "schema": "other clients see other rules",
    "style": "the map is drawn anew", "words": "nothing but the words",
}


def keys() -> str:
    """Every key of the language with where it may stand and what a change asks for."""
    rows = [(code(key), ", ".join(_places(key)), KEYS[key], _IMPACT[impact]) for key, impact in VOCABULARY.items()]
    return "\n" + table(("Key", "Stands in (* needed)", "What it says", "What a change asks for"), rows) + "\n"


def _places(key: str) -> list[str]:
    return [shape.name + ("*" if shape.keys[key][1] else "") for shape in SHAPES.values() if key in shape.keys]


def rules() -> str:
    """Every rule that a layer file can name."""
    rows = [(code(name), (rule.__doc__ or "").strip().split("\n")[0]) for name, rule in RULES.items()]
    return "\n" + table(("Rule", "What it asks"), rows) + "\n"


_TYPES = {
    "text": "characters, at most `max_length`", "integer": "a whole number",
    "number": "a number; exact with `decimals`", "boolean": "true or false", "date": "a day: 2024-11-13",
    "datetime": "an instant: 2024-11-13T08:30:00+08:00, kept in UTC", "code": "one code of a code list",
    "codes": "a list of codes of a code list",
}


def field_types() -> str:
    """Every type of field with its JSON form."""
    rows = [(code(name), _TYPES[name], _json(name)) for name in FIELD_TYPES]
    return "\n" + table(("Type", "Value", "In JSON"), rows) + "\n"


def _json(kind: str) -> str:
    words = Words("x", "x")
    codes = CodeList("x", words, (Code("1", words),)) if kind in ("code", "codes") else None
    field = Field("x", words, kind, "X", codelist="x" if codes else None)
    schema = field_schema(field, Catalogue({}, {"x": codes} if codes else {}), "en")
    return str(schema["type"]) + (f" ({schema['format']})" if "format" in schema else "")
