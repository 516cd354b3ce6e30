"""What a layer is: the declaration that tables, forms, tiles, exports and documents are derived from.

The files are read by `gisapp.layer_files`; these are the words and shapes that the rest of the house uses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from gisapp.words import Words

FIELD_TYPES = ("text", "integer", "number", "boolean", "date", "datetime", "code", "codes")
GEOMETRY_TYPES = ("Point", "MultiPoint", "MultiLineString", "MultiPolygon")


@dataclass(frozen=True)
class Code:
    """One value of a code list. `standards` are (standard, code in it); they are stored unverified."""

    id: str
    title: Words
    colour: str | None = None
    retired: bool = False
    standards: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class CodeList:
    id: str
    title: Words
    codes: tuple[Code, ...]

    @cached_property
    def by_id(self) -> dict[str, Code]:
        return {code.id: code for code in self.codes}


@dataclass(frozen=True)
class Field:
    """One property. `export` is its short name in a shapefile; `unit` is a symbol such as m²; `aliases` are names that
    others give it, for imports."""

    id: str
    title: Words
    type: str
    export: str
    required: bool = False
    max_length: int | None = None
    decimals: int | None = None
    unit: str | None = None
    min: float | None = None
    max: float | None = None
    codelist: str | None = None
    personal: bool = False
    unique: bool = False
    searchable: bool = False
    indexed: bool = False
    description: Words | None = None
    derived: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """A workflow state; `next` are the states that may follow, none for a final state."""

    id: str
    title: Words
    colour: str
    next: tuple[str, ...] = ()


@dataclass(frozen=True)
class Style:
    """Default drawing: colours as #rrggbb, width and radius in px, opacity 0–1."""

    colour: str
    stroke: str = "#ffffff"
    width: float = 1.0
    opacity: float = 1.0
    radius: float = 5.0
    dash: tuple[float, ...] = ()
    colour_by: str | None = None


@dataclass(frozen=True)
class SecondGeometry:
    """A further geometry of each feature; with `stands_in` it may be given instead of the main one."""

    id: str
    geometry: str
    title: Words
    stands_in: bool = False


@dataclass(frozen=True)
class Layer:
    id: str
    title: Words
    group: str
    geometry: str
    fields: tuple[Field, ...]
    style: Style
    name_field: str
    description: Words | None = None
    second_geometry: SecondGeometry | None = None
    states: tuple[State, ...] = ()
    assigned: bool = False
    detail_zoom: int = 14
    rules: tuple[str, ...] = ()

    @cached_property
    def _fields(self) -> dict[str, Field]:
        return {field.id: field for field in self.all_fields}

    def field(self, field_id: str) -> Field:
        """The declared or derived field; KeyError when the layer has none of that id."""
        return self._fields[field_id]

    def has_field(self, field_id: str) -> bool:
        return field_id in self._fields

    @property
    def status_codelist(self) -> str | None:
        """Id of the code list made from the states, or None without a workflow."""
        return f"{self.id}_status" if self.states else None

    @property
    def stand_in(self) -> SecondGeometry | None:
        """The second geometry when it may be given instead of the main one."""
        second = self.second_geometry
        return second if second is not None and second.stands_in else None

    def state(self, state_id: str) -> State | None:
        return next((state for state in self.states if state.id == state_id), None)

    @cached_property
    def derived_fields(self) -> tuple[Field, ...]:
        """Fields that every layer of this shape has without declaring them, read-only but for status."""
        return derived_fields(self)

    @cached_property
    def all_fields(self) -> tuple[Field, ...]:
        """Status first, then the declared fields, then what the database derives."""
        status = tuple(f for f in self.derived_fields if f.id == "status")
        return status + self.fields + tuple(f for f in self.derived_fields if f.id != "status")

    @cached_property
    def writable_fields(self) -> tuple[Field, ...]:
        """What a client may send."""
        return tuple(f for f in self.all_fields if not f.derived or f.id == "status")


@dataclass(frozen=True)
class FilterLimits:
    """How long a filter may be, in characters, and how deep."""

    length: int = 20_000
    depth: int = 32


@dataclass(frozen=True)
class Catalogue:
    """All layers and code lists, in file order; each layer's states are a code list too."""

    layers: dict[str, Layer]
    codelists: dict[str, CodeList]
    filter_limits: FilterLimits = FilterLimits()


def _derived(field_id: str, zh: str, en: str, kind: str, export: str, **more: object) -> Field:
    return replace(Field(field_id, Words(zh, en), kind, export, derived=True), **more)  # type: ignore[arg-type]


ASSIGNED_FIELDS = (
    _derived("district_code", "所在区县代码", "District code", "text", "QXDM", max_length=6),
    _derived("street_code", "所在街道代码", "Street code", "text", "JDDM", max_length=9),
    _derived("community_code", "所在社区代码", "Community code", "text", "SQDM", max_length=12),
    _derived("grid_code", "所在单元网格代码", "Unit grid code", "text", "WGDM", max_length=20),
    _derived("squadron_code", "所属中队代码", "Squadron code", "text", "ZDDM", max_length=20),
)

_STAMPS = (
    _derived("version", "版本号", "Version", "integer", "BBH"),
    _derived("created_at", "登记时间", "Created at", "datetime", "CJSJ"),
    _derived("created_by", "登记人", "Created by", "text", "CJR", max_length=64),
    _derived("updated_at", "更新时间", "Updated at", "datetime", "GXSJ"),
    _derived("updated_by", "更新人", "Updated by", "text", "GXR", max_length=64),
    _derived("synthetic", "模拟数据", "Synthetic", "boolean", "MNSJ"),
)

_AREA = _derived("geom_area_m2", "图形面积", "Geometry area", "number", "TXMJ", unit="m²", decimals=2)
_LENGTH = _derived("geom_length_m", "图形长度", "Geometry length", "number", "TXCD", unit="m", decimals=2)


def derived_fields(layer: Layer) -> tuple[Field, ...]:
    """Status, territory, measured size and stamps, as far as they apply to the layer."""
    status = _derived("status", "状态", "Status", "code", "ZT", codelist=layer.status_codelist, indexed=True)
    size = {"MultiPolygon": (_AREA,), "MultiLineString": (_LENGTH,)}.get(layer.geometry, ())
    return (
        ((status,) if layer.states else ())
        + (ASSIGNED_FIELDS if layer.assigned else ())
        + size + _STAMPS
    )
