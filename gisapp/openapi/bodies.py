"""What a layer's features are made of, in OpenAPI's dialect of JSON Schema. Four schemas for each layer:
`<id>.properties`, `<id>.feature` (read), `<id>.new` (create, replace), `<id>.patch` (update), `<id>.page`."""

from __future__ import annotations

from typing import Any

from gisapp.layers import Catalogue, Field, Layer
from gisapp.openapi.answers import problem_schema, schema_ref
from gisapp.schema import field_schema

_NUMBERS = {"type": "array", "items": {"type": "number"}, "minItems": 2}
_DEPTH = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
#: A client may send the single kind where the layer keeps the multiple one.
_SINGLE = {"MultiPoint": "Point", "MultiLineString": "LineString", "MultiPolygon": "Polygon"}


def schema_components(catalogue: Catalogue, language: str, *, personal: bool) -> dict[str, Any]:
    """All schemas of the document by name."""
    schemas: dict[str, Any] = {"Problem": problem_schema(), "Link": _link()}
    schemas |= {f"geojson.{kind}": _geometry(kind, depth) for kind, depth in _DEPTH.items()}
    for layer in catalogue.layers.values():
        schemas |= _layer_schemas(layer, catalogue, language, personal)
    return schemas


def _link() -> dict[str, Any]:
    text = {"type": "string"}
    return {"type": "object", "required": ["href", "rel"],
            "properties": {"href": text, "rel": text, "type": text, "title": text}}


def _geometry(kind: str, depth: int) -> dict[str, Any]:
    coordinates: dict[str, Any] = _NUMBERS
    for _ in range(depth):
        coordinates = {"type": "array", "items": coordinates}
    return {"type": "object", "required": ["type", "coordinates"],
            "properties": {"type": {"type": "string", "enum": [kind]}, "coordinates": coordinates}}


def _layer_schemas(layer: Layer, catalogue: Catalogue, language: str, personal: bool) -> dict[str, Any]:
    fields = [field for field in layer.all_fields if personal or not field.personal]
    properties = schema_ref(f"{layer.id}.properties")
    required = [field.id for field in fields if field.required]
    whole = {"allOf": [properties, {"type": "object", "required": required}]} if required else properties
    geometry = _geometries(layer)
    return {
        f"{layer.id}.properties": _properties(layer, fields, catalogue, language),
        f"{layer.id}.feature": _feature(properties, geometry, "id", "properties"),
        f"{layer.id}.new": _feature(whole, geometry, "type", "properties", *([] if layer.stand_in else ["geometry"])),
        f"{layer.id}.patch": _feature(properties, geometry),
        f"{layer.id}.page": _page(layer),
    }


def _properties(layer: Layer, fields: list[Field], catalogue: Catalogue, language: str) -> dict[str, Any]:
    properties = {field.id: _property(field, catalogue, language) for field in fields}
    second = layer.second_geometry
    if second:
        properties[second.id] = _geometry(second.geometry, _DEPTH[second.geometry]) | {
            "nullable": True, "title": second.title.get(language)}
    return {"type": "object", "title": layer.title.get(language), "properties": properties}


def _property(field: Field, catalogue: Catalogue, language: str) -> dict[str, Any]:
    schema = field_schema(field, catalogue, language)
    if field.required:
        return schema
    # OpenAPI 3.0 wants null among the values of an enumeration that may be empty.
    return schema | {"nullable": True} | ({"enum": [*schema["enum"], None]} if "enum" in schema else {})


def _geometries(layer: Layer) -> dict[str, Any]:
    kinds = [layer.geometry, _SINGLE.get(layer.geometry, ""), layer.stand_in.geometry if layer.stand_in else ""]
    found = [schema_ref(f"geojson.{kind}") for kind in dict.fromkeys(kinds) if kind]
    return {"oneOf": found} if len(found) > 1 else found[0]


def _feature(properties: dict[str, Any], geometry: dict[str, Any], *required: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": {
        "type": {"type": "string", "enum": ["Feature"]}, "id": {"type": "string", "format": "uuid"},
        "geometry": geometry, "properties": properties}}
    return schema | ({"required": list(required)} if required else {})


def _page(layer: Layer) -> dict[str, Any]:
    count = {"type": "integer", "minimum": 0}
    return {"type": "object", "required": ["type", "numberMatched", "numberReturned", "features"], "properties": {
        "type": {"type": "string", "enum": ["FeatureCollection"]}, "numberMatched": count, "numberReturned": count,
        "numberMatchedEstimated": {"type": "boolean"}, "timeStamp": {"type": "string", "format": "date-time"},
        "links": {"type": "array", "items": schema_ref("Link")},
        "features": {"type": "array", "items": schema_ref(f"{layer.id}.feature")}}}
