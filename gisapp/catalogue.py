"""From layer files to the catalogue: builds the declarations and checks what one file says about another."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from gisapp.aliases import load_aliases, with_aliases
from gisapp.layer_files import LayerFileError, check_table, check_unique, read_toml
from gisapp.layers import (
    FIELD_TYPES,
    GEOMETRY_TYPES,
    Catalogue,
    Code,
    CodeList,
    Field,
    Layer,
    SecondGeometry,
    State,
    Style,
)
from gisapp.words import Words

GROUPS = "layer_groups"

#: Column names that the house itself uses beside the derived fields.
RESERVED = frozenset({
    "id", "geom", "geom_3857", "type", "geometry", "properties", "links", "history_id", "valid_from", "valid_to",
    "operation", "changed_by", "request_id", "db_user", "count", "label",
    # Each field is a parameter of a request by its id: one with the name of another could never be asked.
    "f", "lang", "limit", "after", "before", "bbox", "crs", "datetime", "sortby", "ids", "encoding", "as_of", "q",
    "filter", "compute", "and", "layers", "datum", "pack", "photos", "booleans", "group_by", "sum", "until", "from",
    "to", "v", "csrf_token",
    # Spreadsheets and GDAL find the place of a feature under it.
    "wkt",
})

_FIELD_OPTIONS = {
    "max_length": ("text",), "decimals": ("number",), "min": ("integer", "number"), "max": ("integer", "number"),
    "codelist": ("code", "codes"), "personal": ("text",), "unit": ("integer", "number"),
}


def load_catalogue(folder: Path, known_rules: Collection[str] = ()) -> Catalogue:
    """All layers under `folder`, checked; LayerFileError names file, key and what is wanted."""
    if not folder.is_dir():
        raise LayerFileError(folder, "", f"there is no folder of layer files {folder}; GISAPP_LAYERS names it")
    codelists = {c.id: c for c in map(_codelist, sorted((folder / "codelists").glob("*.toml")))}
    fieldsets = {path.stem: _fieldset(path) for path in sorted((folder / "fieldsets").glob("*.toml"))}
    aliases = load_aliases(folder / "aliases", fieldsets)
    layers: dict[str, Layer] = {}
    for path in sorted(folder.glob("*.toml")):
        layer = with_aliases(_layer(path, fieldsets), aliases)
        _check_layer(path, layer, codelists, known_rules)
        layers[layer.id] = layer
    _check_status_lists(folder, layers, codelists)
    codelists |= {layer.status_codelist: _states_as_codes(layer)
                  for layer in layers.values() if layer.status_codelist}
    return Catalogue(_in_group_order(layers, codelists), codelists)


def _in_group_order(layers: dict[str, Layer], codelists: dict[str, CodeList]) -> dict[str, Layer]:
    order = [code.id for code in codelists[GROUPS].codes] if GROUPS in codelists else []
    return dict(sorted(layers.items(), key=lambda item: (order.index(item[1].group), item[0])))


def _check_status_lists(folder: Path, layers: dict[str, Layer], codelists: dict[str, CodeList]) -> None:
    for layer in layers.values():
        if layer.status_codelist in codelists:
            raise LayerFileError(folder / "codelists" / f"{layer.status_codelist}.toml", "id",
                                 f"is kept for the states of layer {layer.id}; choose another id")


def _states_as_codes(layer: Layer) -> CodeList:
    codes = tuple(Code(state.id, state.title, state.colour) for state in layer.states)
    title = Words(f"{layer.title.zh}状态", f"{layer.title.en}: status")
    return CodeList(layer.status_codelist or "", title, codes)


def _words(table: dict[str, Any], key: str = "title") -> Words:
    return Words(**table[key])


def _optional_words(table: dict[str, Any]) -> Words | None:
    return _words(table, "description") if "description" in table else None


def _same_as_file_name(path: Path, table: dict[str, Any]) -> None:
    if table["id"] != path.stem:
        raise LayerFileError(path, "id", f"is {table['id']}, but the file is named {path.stem}; they must be equal")


def _codelist(path: Path) -> CodeList:
    table = check_table(path, "", "codelist", read_toml(path))
    _same_as_file_name(path, table)
    for code in table["codes"]:
        check_table(path, f"codes.{code.get('id', '?')}", "code", code)
        for standard in code.get("standards", []):
            check_table(path, f"codes.{code['id']}.standards", "standard", standard)
    check_unique(path, "codes", table["codes"])
    return CodeList(table["id"], _words(table), tuple(map(_code, table["codes"])))


def _code(table: dict[str, Any]) -> Code:
    standards = tuple((s["id"], s["code"]) for s in table.get("standards", []))
    return Code(table["id"], _words(table), table.get("colour"), table.get("retired", False), standards)


def _fieldset(path: Path) -> list[dict[str, Any]]:
    table = check_table(path, "", "fieldset", read_toml(path))
    _same_as_file_name(path, table)
    fields: list[dict[str, Any]] = table["fields"]
    _check_fields(path, fields)
    return fields


def _check_fields(path: Path, fields: list[dict[str, Any]]) -> None:
    for field in fields:
        where = f"fields.{field.get('id', '?')}"
        check_table(path, where, "field", field)
        _check_field(path, where, field)


def _check_field(path: Path, where: str, field: dict[str, Any]) -> None:
    kind = field["type"]
    if kind not in FIELD_TYPES:
        raise LayerFileError(path, f"{where}.type", f"is {kind}; allowed: {', '.join(FIELD_TYPES)}")
    for option, kinds in _FIELD_OPTIONS.items():
        if option in field and kind not in kinds:
            raise LayerFileError(path, f"{where}.{option}", f"fits only fields of type {' or '.join(kinds)}")
    for option, kinds in (("max_length", ("text",)), ("codelist", ("code", "codes"))):
        if kind in kinds and option not in field:
            raise LayerFileError(path, f"{where}.{option}", f"is missing; a field of type {kind} needs it")
    if field.get("min", 0) > field.get("max", field.get("min", 0)):
        raise LayerFileError(path, f"{where}.min", f"is {field['min']}, above max {field['max']}")
    if field["id"] in RESERVED:
        raise LayerFileError(path, f"{where}.id", f"{field['id']} is a name the house keeps for itself")


def _layer(path: Path, fieldsets: dict[str, list[dict[str, Any]]]) -> Layer:
    table = check_table(path, "", "layer", read_toml(path))
    _same_as_file_name(path, table)
    _check_fields(path, table["fields"])
    fields = _with_fieldsets(path, table, fieldsets)
    check_unique(path, "fields", fields)
    return Layer(
        id=table["id"], title=_words(table), description=_optional_words(table), group=table["group"],
        geometry=_geometry_type(path, "geometry", table["geometry"]),
        second_geometry=_second_geometry(path, table), fields=tuple(map(_field, fields)),
        states=_states(path, table), style=_style(path, table["style"]), assigned=table.get("assigned", False),
        name_field=table["name_field"], detail_zoom=table.get("detail_zoom", 14),
        rules=tuple(table.get("rules", ())))


def _with_fieldsets(path: Path, table: dict[str, Any],
                    fieldsets: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    shared: list[dict[str, Any]] = []
    for name in table.get("fieldsets", []):
        if name not in fieldsets:
            known = ", ".join(sorted(fieldsets)) or "none"
            raise LayerFileError(path, "fieldsets", f"names {name}, which is not there; known: {known}")
        shared += fieldsets[name]
    fields: list[dict[str, Any]] = table["fields"] + shared
    return fields


def _field(table: dict[str, Any]) -> Field:
    plain = {k: v for k, v in table.items() if k not in ("title", "description")}
    return Field(title=_words(table), description=_optional_words(table), **plain)


def _geometry_type(path: Path, key: str, value: str) -> str:
    if value not in GEOMETRY_TYPES:
        raise LayerFileError(path, key, f"is {value}; allowed: {', '.join(GEOMETRY_TYPES)}")
    return value


def _second_geometry(path: Path, table: dict[str, Any]) -> SecondGeometry | None:
    if "second_geometry" not in table:
        return None
    second = check_table(path, "second_geometry", "second_geometry", table["second_geometry"])
    kind = _geometry_type(path, "second_geometry.geometry", second["geometry"])
    stands_in = second.get("stands_in", False)
    if stands_in and (kind != "Point" or table["geometry"] == "Point"):
        raise LayerFileError(path, "second_geometry.stands_in", "only a Point may stand in, for a line or an area")
    return SecondGeometry(second["id"], kind, _words(second), stands_in)


def _states(path: Path, table: dict[str, Any]) -> tuple[State, ...]:
    states = table.get("states", [])
    for state in states:
        check_table(path, f"states.{state.get('id', '?')}", "state", state)
    check_unique(path, "states", states)
    known = {state["id"] for state in states}
    for state in states:
        for following in state.get("next", []):
            if following not in known:
                raise LayerFileError(path, f"states.{state['id']}.next", f"names {following}, which is not a state")
    return tuple(State(s["id"], _words(s), s["colour"], tuple(s.get("next", ()))) for s in states)


def _style(path: Path, table: dict[str, Any]) -> Style:
    check_table(path, "style", "style", table)
    if not 0 <= table.get("opacity", 1) <= 1:
        raise LayerFileError(path, "style.opacity", "wants a number from 0 to 1")
    for key in ("width", "radius"):
        if table.get(key, 1) <= 0:
            raise LayerFileError(path, f"style.{key}", "wants a number above 0")
    return Style(**{**table, "dash": tuple(table.get("dash", ()))})


def _check_layer(path: Path, layer: Layer, codelists: dict[str, CodeList], known_rules: Collection[str]) -> None:
    groups = codelists.get(GROUPS)
    if groups is None or layer.group not in groups.by_id:
        known = ", ".join(groups.by_id) if groups else f"none; codelists/{GROUPS}.toml is missing"
        raise LayerFileError(path, "group", f"is {layer.group}; known groups: {known}")
    _check_names(path, layer)
    for field in layer.fields:
        if field.codelist is not None and field.codelist not in codelists:
            raise LayerFileError(path, f"fields.{field.id}.codelist",
                                 f"names {field.codelist}, but codelists/{field.codelist}.toml is not there")
    for rule in layer.rules:
        if rule not in known_rules:
            known = ", ".join(sorted(known_rules)) or "none"
            raise LayerFileError(path, "rules", f"names {rule}, which is no rule; known: {known}")
    _check_name_field(path, layer)
    _check_colour_by(path, layer, codelists)


def _check_names(path: Path, layer: Layer) -> None:
    derived = {field.id for field in layer.derived_fields} | {"status"}
    shorts: dict[str, str] = {"ID": "id"} | {field.export: field.id for field in layer.derived_fields}
    for field in layer.fields:
        if field.id in derived or (layer.second_geometry and field.id == layer.second_geometry.id):
            raise LayerFileError(path, f"fields.{field.id}.id", f"{field.id} is a name the house keeps for itself")
        if field.export in shorts:
            raise LayerFileError(path, f"fields.{field.id}.export",
                                 f"{field.export} is already the short name of {shorts[field.export]}")
        shorts[field.export] = field.id
    if layer.second_geometry and layer.second_geometry.id in derived | RESERVED:
        raise LayerFileError(path, "second_geometry.id",
                             f"{layer.second_geometry.id} is a name the house keeps for itself")


def _check_name_field(path: Path, layer: Layer) -> None:
    field = next((f for f in layer.fields if f.id == layer.name_field), None)
    if field is None:
        raise LayerFileError(path, "name_field", f"names {layer.name_field}, which is no field of this layer")
    if field.type != "text" or field.personal:
        raise LayerFileError(path, "name_field", "wants a text field without personal data: it is shown on the map")


def _check_colour_by(path: Path, layer: Layer, codelists: dict[str, CodeList]) -> None:
    by = layer.style.colour_by
    if by is None or (by == "status" and layer.states):
        return
    field = next((f for f in layer.fields if f.id == by and f.type == "code"), None)
    if field is None:
        wanted = '"status" (with states) or a field of type code'
        raise LayerFileError(path, "style.colour_by", f"is {by}; wants {wanted}")
    for code in codelists[field.codelist or ""].codes:
        if code.colour is None:
            raise LayerFileError(path, "style.colour_by",
                                 f"is {by}, but code {code.id} of {field.codelist} has no colour")
