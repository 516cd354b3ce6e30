"""What a layer's properties must be: checked values out of JSON, and the same rules as a JSON Schema."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from gisapp.layers import Catalogue, CodeList, Field, Layer
from gisapp.words import Words

Fault = dict[str, str]


class ValueFault(Exception):
    """A wrong value; `code` is stable, the sentences are for people."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code, self.zh, self.en = code, zh, en


def check(layer: Layer, catalogue: Catalogue, properties: dict[str, Any], *,
          partial: bool = False) -> tuple[dict[str, Any], list[Fault]]:
    """Typed column values and the faults field by field (`field`, `code`, `zh`, `en`).

    With `partial` only what is given is looked at; otherwise a field left out is None, and required ones are
    missed. Read-only fields that a client sends back are passed over; names the layer does not know are faults.
    """
    writable = {field.id: field for field in layer.writable_fields}
    values: dict[str, Any] = {}
    faults = [_unknown(layer, name) for name in properties if not _known(layer, name)]
    for name, field in writable.items():
        if partial and name not in properties:
            continue
        try:
            values[name] = check_value(field, _codes_of(field, catalogue), properties.get(name))
        except ValueFault as fault:
            faults.append({"field": name, "code": fault.code, "zh": fault.zh, "en": fault.en})
    if layer.states and values.get("status", "") is None:
        values["status"] = layer.states[0].id
    return values, faults


def _known(layer: Layer, name: str) -> bool:
    second = layer.second_geometry
    return layer.has_field(name) or name == "id" or (second is not None and name == second.id)


def _unknown(layer: Layer, name: str) -> Fault:
    return {"field": str(name)[:80], "code": "field_unknown", "zh": f"图层“{layer.title.zh}”没有这个字段",
            "en": f"layer “{layer.title.en}” has no such field"}


def _codes_of(field: Field, catalogue: Catalogue) -> CodeList | None:
    return catalogue.codelists[field.codelist] if field.codelist else None


def check_value(field: Field, codes: CodeList | None, value: Any) -> Any:
    """The value as its column takes it; None for no value. ValueFault when it does not fit."""
    if value is None or (isinstance(value, str) and not value.strip()) or value == []:
        if field.required:
            raise ValueFault("required", "必填", "is required")
        return None
    if field.type in ("code", "codes"):
        return _CODES[field.type](codes, value)
    return _CHECKS[field.type](field, value)


def _check_text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueFault("wrong_type", "应为文字", "wants text")
    if "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise ValueFault("bad_character", "含有不能保存的字符", "holds a character that cannot be stored")
    if field.max_length is not None and len(value) > field.max_length:
        raise ValueFault("too_long", f"最多 {field.max_length} 个字符，现有 {len(value)} 个",
                         f"at most {field.max_length} characters; has {len(value)}")
    return value


def _in_range(field: Field, value: Any) -> Any:
    if field.min is not None and value < field.min:
        raise ValueFault("too_small", f"不能小于 {field.min}", f"may not be below {field.min}")
    if field.max is not None and value > field.max:
        raise ValueFault("too_large", f"不能大于 {field.max}", f"may not be above {field.max}")
    return value


def _check_integer(field: Field, value: Any) -> int:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not whole or abs(value) >= 2 ** 63:
        raise ValueFault("wrong_type", "应为整数", "wants a whole number")
    return int(_in_range(field, int(value)))


def _check_number(field: Field, value: Any) -> float | Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or not math.isfinite(float(value)):
        raise ValueFault("wrong_type", "应为数字", "wants a number")
    _in_range(field, value)
    if abs(float(value)) >= 1e15:
        raise ValueFault("too_large", "数字太大", "the number is too large")
    return float(value) if field.decimals is None else _rounded(field, value)


def _rounded(field: Field, value: float | Decimal) -> Decimal:
    """Exactly as many decimals as the ledger keeps; more is refused, but for the noise of binary floats."""
    places = field.decimals or 0
    exact: Decimal = round(Decimal(repr(value)) if isinstance(value, float) else Decimal(value), places)
    if abs(float(exact) - float(value)) > 1e-9 * max(1.0, abs(float(value))):
        raise ValueFault("too_precise", f"最多 {places} 位小数", f"at most {places} decimals")
    return exact


def _check_boolean(field: Field, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueFault("wrong_type", "应为是或否（true/false）", "wants true or false")
    return value


def _check_date(field: Field, value: Any) -> date:
    try:
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueFault("wrong_type", "应为日期，例如 2024-11-13", "wants a date such as 2024-11-13")


def _check_datetime(field: Field, value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00")) if isinstance(value, str) else None
        if moment is not None and len(value) > 10:
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueFault("wrong_type", "应为时间，例如 2024-11-13T08:30:00+08:00",
                     "wants a time such as 2024-11-13T08:30:00+08:00")


def _check_code(codes: CodeList | None, value: Any) -> str:
    code = codes.by_id.get(value) if codes is not None and isinstance(value, str) else None
    if code is None or codes is None:
        known = "、".join(list(codes.by_id)[:40]) if codes else ""
        raise ValueFault("code_unknown", f"不是代码表中的值；可用：{known}", f"is not in the code list; use: {known}")
    if code.retired:
        raise ValueFault("code_retired", f"“{code.title.zh}”已停用", f"“{code.title.en}” is retired")
    return code.id


def _check_codes(codes: CodeList | None, value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > 100:
        raise ValueFault("wrong_type", "应为代码的列表", "wants a list of codes")
    checked = [_check_code(codes, item) for item in value]
    return list(dict.fromkeys(checked))


_CHECKS: dict[str, Any] = {"text": _check_text, "integer": _check_integer, "number": _check_number,
           "boolean": _check_boolean, "date": _check_date, "datetime": _check_datetime}
_CODES: dict[str, Any] = {"code": _check_code, "codes": _check_codes}

_JSON_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"}, "integer": {"type": "integer"}, "number": {"type": "number"},
    "boolean": {"type": "boolean"}, "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"}, "code": {"type": "string"},
    "codes": {"type": "array", "items": {"type": "string"}}}


#: A unit as people write it → as UCUM does.
_UCUM = {"m": "m", "m²": "m2", "m³": "m3", "t": "t", "km/h": "km/h", "m³/d": "m3/d"}


def field_schema(field: Field, catalogue: Catalogue, language: str) -> dict[str, Any]:
    """JSON Schema of one property, with its unit, code titles and short export name as x- members."""
    schema: dict[str, Any] = _JSON_TYPES[field.type] | {"title": field.title.get(language)}
    limits = {"maxLength": field.max_length, "minimum": field.min, "maximum": field.max}
    schema |= {key: value for key, value in limits.items() if value is not None}
    if field.description:
        schema["description"] = field.description.get(language)
    if field.decimals is not None:
        # Not multipleOf: validators that reckon in binary floats find 4.73 to be no multiple of 0.01.
        schema["x-decimals"] = field.decimals
    if field.codelist:
        schema = _with_codes(schema, catalogue.codelists[field.codelist], language)
    marks = {"x-unit": field.unit, "x-ogc-unit": _UCUM.get(field.unit or ""),
             "x-export": field.export, "x-personal": field.personal or None}
    return schema | {key: value for key, value in marks.items() if value is not None} | (
        {"readOnly": True} if field.derived and field.id != "status" else {})


def _with_codes(schema: dict[str, Any], codes: CodeList, language: str) -> dict[str, Any]:
    usable = [code for code in codes.codes if not code.retired]
    choice = {"enum": [c.id for c in usable],
              "x-titles": {c.id: c.title.get(language) for c in codes.codes}, "x-codelist": codes.id}
    if schema["type"] == "array":
        return schema | {"items": {"type": "string"} | choice}
    return schema | choice


_GEOMETRY = Words("几何", "Geometry")


def json_schema(layer: Layer, catalogue: Catalogue, language: str, *, personal: bool = True) -> dict[str, Any]:
    """The layer's properties and geometries as a JSON Schema (OGC API – Features part 5)."""
    fields = [f for f in layer.all_fields if personal or not f.personal]
    properties: dict[str, Any] = {
        "id": {"title": "ID", "type": "string", "format": "uuid", "x-ogc-role": "id", "readOnly": True}}
    properties |= {f.id: field_schema(f, catalogue, language) for f in fields}
    kind = "any" if layer.stand_in else layer.geometry.lower()
    properties["geometry"] = {"title": _GEOMETRY.get(language), "format": f"geometry-{kind}",
                              "x-ogc-role": "primary-geometry"}
    if layer.second_geometry:
        second = layer.second_geometry
        properties[second.id] = {"title": second.title.get(language), "format": f"geometry-{second.geometry.lower()}"}
    for place, one in enumerate(properties.values(), 1):
        one["x-ogc-propertySeq"] = place
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
        "title": layer.title.get(language), "properties": properties,
        "required": [f.id for f in fields if f.required], "additionalProperties": False}
