"""The inputs of a form as a page draws them: label, kind, choices, limits, hint, what was filled in, what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from gisapp import form_shapes
from gisapp.form_shapes import PREFIX, Raw, Slot
from gisapp.forms import Form, Texts, is_native
from gisapp.layers import Field
from gisapp.schema import Fault
from gisapp.words import Words

#: A text that may be longer than this gets several lines; one longer than the other, the width of the page.
LONG_TEXT, WIDE_TEXT = 300, 120
_KINDS = {"integer": "number", "number": "number", "date": "date", "datetime": "datetime-local",
          "code": "select", "codes": "checkboxes", "boolean": "choice"}
_BOOLEAN = (("", Words("未知", "Unknown")), ("true", Words("是", "Yes")), ("false", Words("否", "No")))
_LON, _LAT = Words("经度", "Longitude"), Words("纬度", "Latitude")
_KEPT = Words("现有几何有 {} 个顶点，留空则保持不变。",
              "The present geometry has {} vertices; left blank, it stays as it is.")
_PASTE = Words("粘贴 GeoJSON 几何（{}，WGS 84，经度在前）。", "Paste a GeoJSON geometry ({}; WGS 84, longitude first).")
_DEGREES = Words("WGS 84 十进制度数", "WGS 84, decimal degrees")
_STANDS_IN = Words("未测量范围时，可只填此点。", "While the outline is not measured, this point is enough.")


@dataclass(frozen=True)
class Option:
    id: str
    title: str
    colour: str | None = None
    retired: bool = False


@dataclass(frozen=True)
class Input:
    """One input. `kind`: text, textarea, number, date, datetime-local, select, checkboxes, choice, place, geojson.

    `parts` are the two numbers of a place, `said` is a shape in words. `leading` marks what comes first: state, name
    and what is required.
    """

    id: str
    name: str
    kind: str
    label: str
    value: Raw
    required: bool = False
    unit: str | None = None
    hint: str = ""
    max_length: int | None = None
    step: str | None = None
    min: str | None = None
    max: str | None = None
    options: tuple[Option, ...] = ()
    parts: tuple[Input, ...] = ()
    personal: bool = False
    leading: bool = False
    error: str = ""
    said: str = ""

    @property
    def wide(self) -> bool:
        """Whether it takes a row of its own."""
        return self.kind in ("textarea", "geojson", "checkboxes", "place") or (self.max_length or 0) > WIDE_TEXT

    @property
    def words(self) -> str:
        """What it holds, for reading."""
        if self.said:
            return self.said
        chosen = [self.value] if isinstance(self.value, str) else list(self.value)
        titles = {option.id: option.title for option in self.options}
        text = (", " if self.kind == "place" else "; ").join(titles.get(one, one) for one in chosen if one)
        if self.kind == "geojson" and len(text) > 160:
            text = f"{text[:160]}…"
        return f"{text} {self.unit}" if text and self.unit else text or "—"


@dataclass(frozen=True)
class Drawing:
    """Makes a form's inputs. `states` are the ids of the states on offer, `stored` the feature as it is now."""

    form: Form
    language: str
    states: Sequence[str] = ()
    stored: Mapping[str, Any] = field(default_factory=dict)
    faults: Sequence[Fault] = ()

    def inputs(self, texts: Texts) -> list[Input]:
        """Every property's input, filled with `texts`."""
        return [self._input(one, texts.get(one.id, "")) for one in self.form.layer.writable_fields]

    def places(self, texts: Texts) -> list[Input]:
        """Every geometry's input."""
        return [self._place(slot, texts.get(slot.id, "")) for slot in self.form.slots]

    def _error(self, name: str) -> str:
        return "; ".join(fault["zh" if self.language == "zh" else "en"]
                         for fault in self.faults if fault["field"] == name)

    def _input(self, one: Field, raw: Raw) -> Input:
        layer = self.form.layer
        made = Input(
            one.id, PREFIX + one.id, self._kind(one, raw), one.title.get(self.language), raw,
            required=one.required or one.id == "status", unit=one.unit, max_length=one.max_length,
            hint=one.description.get(self.language) if one.description else "", personal=one.personal,
            leading=one.required or one.id in ("status", layer.name_field), error=self._error(one.id))
        return replace(made, **_limits(one), options=self._options(one, raw))

    def _kind(self, one: Field, raw: Raw) -> str:
        text = raw if isinstance(raw, str) else ""
        if one.type == "text":
            return "textarea" if (one.max_length or 0) > LONG_TEXT or "\n" in text or "\r" in text else "text"
        kind = _KINDS[one.type]
        spoken = any(fault["field"] == one.id and fault["code"].startswith("time_") for fault in self.faults)
        typed = kind in ("number", "date", "datetime-local")
        return "text" if typed and (spoken or not is_native(kind, text)) else kind

    def _options(self, one: Field, raw: Raw) -> tuple[Option, ...]:
        if one.type == "boolean":
            return tuple(Option(key, words.get(self.language)) for key, words in _BOOLEAN if key or not one.required)
        if not one.codelist:
            return ()
        chosen = {raw} if isinstance(raw, str) else set(raw)
        chosen |= _as_set((self.stored.get("properties") or {}).get(one.id))
        codes = self.form.catalogue.codelists[one.codelist].codes
        return tuple(Option(code.id, code.title.get(self.language), code.colour, code.retired) for code in codes
                     if self._on_offer(one, code.id) and (not code.retired or code.id in chosen))

    def _on_offer(self, one: Field, code: str) -> bool:
        return one.id != "status" or code in self.states

    def _place(self, slot: Slot, raw: Raw) -> Input:
        made = Input(slot.id, slot.names[0], slot.kind, slot.title.get(self.language), raw, required=slot.required,
                     leading=True, error=self._error(slot.id))
        if slot.kind == "geojson":
            said = form_shapes.told(raw, self.language) if isinstance(raw, str) and raw else ""
            return replace(made, hint=self._geojson_hint(slot, raw), said=said)
        lon, lat = raw if isinstance(raw, tuple) and len(raw) == 2 else ("", "")
        stands_in = self.form.layer.stand_in
        hint = _STANDS_IN if stands_in and stands_in.id == slot.id else _DEGREES
        return replace(made, hint=hint.get(self.language), parts=(
            self._degrees(made, slot.names[0], _LON, lon, "180"), self._degrees(made, slot.names[1], _LAT, lat, "90")))

    def _degrees(self, place: Input, name: str, label: Words, text: str, limit: str) -> Input:
        kind = "number" if is_native("number", text) else "text"
        return Input(place.id, name, kind, label.get(self.language), text, required=place.required, unit="°",
                     step="any", min=f"-{limit}", max=limit)

    def _geojson_hint(self, slot: Slot, raw: Raw) -> str:
        shape = form_shapes.shapes(self.form.layer, self.stored)[slot.id] if self.stored else None
        if shape and not raw:
            return _KEPT.get(self.language).format(form_shapes.vertices(shape))
        return _PASTE.get(self.language).format(slot.geometry)


def _as_set(value: Any) -> set[str]:
    if value is None:
        return set()
    return set(value) if isinstance(value, list) else {str(value)}


def _limits(one: Field) -> dict[str, Any]:
    """Step, least and most of a number, as HTML writes them."""
    if one.type not in ("integer", "number"):
        return {}
    places = 0 if one.type == "integer" else one.decimals
    step = "any" if places is None else format(Decimal(1).scaleb(-places), "f")
    return {"step": step, "min": _plain(one.min), "max": _plain(one.max)}


def _plain(number: float | None) -> str | None:
    if number is None:
        return None
    return format(Decimal(repr(number)), "f").removesuffix(".0")
