"""Request parameters, each parsed once to a typed value: text in, a frozen `Query` out.

    times, values, places    instants, values of fields, boxes and systems of coordinates
    filtering                CQL2 and free text
    paging                   limit, order, page key, properties
    faults                   how a parameter is refused
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from gisapp.cql2 import Computed, Filter, parse_computed
from gisapp.crs import CRS84, Crs
from gisapp.errors import Problem
from gisapp.layers import Catalogue, Layer
from gisapp.params.faults import invalid
from gisapp.params.filtering import parse_words, read_filter
from gisapp.params.paging import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    decode_page_key,
    encode_page_key,
    parse_limit,
    parse_page_keys,
    parse_properties,
    parse_sortby,
)
from gisapp.params.places import Box, parse_bbox, parse_crs_argument
from gisapp.params.spans import Span
from gisapp.params.times import Period, parse_as_of, parse_instant, parse_period
from gisapp.params.values import MOST_CODES, is_coded, parse_id, parse_ids, parse_value, parse_values

#: Parameters of every items address; besides them each field's id is one.
COMMON = ("f", "lang", "limit", "after", "before", "bbox", "bbox-crs", "crs", "datetime", "sortby", "properties", "ids",
          "encoding", "as_of", "q", "filter", "filter-lang", "filter-crs", "compute", "and",
          "layers", "datum", "pack", "photos", "booleans", "geometry-as", "personal-reason")
#: Of these, what is about a file and not about its features.
FILE_ONLY = ("layers", "datum", "pack", "photos", "booleans", "geometry-as", "personal-reason")
#: Of these, what shapes an answer and asks nothing of a feature.
SHAPING = ("f", "lang", "limit", "after", "before", "crs", "encoding", "sortby", "properties", "compute", *FILE_ONLY)
MOST_FURTHER = 4


@dataclass(frozen=True)
class Query:
    """One question about one layer. The same value drives items, tiles, counts and exports.

    `bbox` is (min x, min y, max x, max y) in `bbox_crs` with easting first; `equals` are field and typed value, a
    tuple of values for "any of these" (codes only, None among them for no value), a `Span` of dates;
    `period` filters on the layer's instant; `after` is the page key of the last feature seen,
    `before` that of the first one when leafing back;
    `as_of` asks the layer as it was at that moment (UTC); `words` must all stand in the feature's texts; `filter`
    is CQL2, checked; `computed` are columns that are reckoned for the answer; `also` are questions that must hold
    as well, at the same moment.
    """

    bbox: Box | None = None
    bbox_crs: Crs = CRS84
    crs: Crs = CRS84
    equals: tuple[tuple[str, Any], ...] = ()
    period: Period | None = None
    ids: tuple[UUID, ...] = ()
    sortby: tuple[tuple[str, bool], ...] = ()
    properties: tuple[str, ...] | None = None
    limit: int = DEFAULT_LIMIT
    after: tuple[Any, ...] | None = None
    before: tuple[Any, ...] | None = None
    as_of: datetime | None = None
    words: tuple[str, ...] = ()
    filter: Filter | None = None
    computed: tuple[Computed, ...] = ()
    also: tuple[Query, ...] = ()

    @property
    def filters(self) -> bool:
        """Whether anything narrows the layer."""
        return bool(self.bbox or self.equals or self.period or self.ids or self.words or self.filter
                    or any(one.filters for one in self.also))

    @property
    def by_place(self) -> bool:
        """Whether the pages go from north to south, as the features of a box do unless another order is asked."""
        return self.bbox is not None and not self.sortby and self.as_of is None

    @property
    def named(self) -> tuple[str, ...]:
        """The layer's fields that are asked for by name, outside of CQL2."""
        own = *(name for name, _ in self.equals), *(name for name, _ in self.sortby), *(self.properties or ())
        return (*own, *(name for one in self.also for name in one.named))

    def _parts(self) -> Iterator[Filter | Computed]:
        yield from (self.filter,) if self.filter else ()
        yield from self.computed
        for one in self.also:
            yield from one._parts()

    @property
    def others(self) -> frozenset[str]:
        """The layers that CQL2 holds this one against."""
        return frozenset(layer for part in self._parts() for layer in part.uses.layers)

    @property
    def leans_on(self) -> frozenset[tuple[str, str]]:
        """Fields of CQL2 by (layer id, field id), those of other layers among them."""
        return frozenset(pair for part in self._parts() for pair in part.uses.fields)

    @property
    def fleeting(self) -> bool:
        """Whether the answer may change while the layer itself does not."""
        return (self.filter is not None and self.filter.uses.fleeting) or any(one.fleeting for one in self.also)

    def plain(self) -> Query:
        """The same question, refused if it asks for computed columns: for answers that have no place for them."""
        if self.computed:
            raise invalid("compute", "只用于 /items 的 JSON 结果", "is for the JSON of /items only")
        return self

    def without_page(self) -> Query:
        """The same question about all features, not one page of them."""
        return replace(self, after=None, before=None, limit=MAX_LIMIT)


def parse(args: Mapping[str, Sequence[str]], layer: Layer, catalogue: Catalogue) -> Query:
    """The query of a request's arguments (name → values). Problems: `parameter_unknown`, `parameter_repeated`,
    `parameter_invalid`, `crs_unsupported`, `filter_invalid`, `filter_too_large` (400)."""
    values = _single(args, layer)
    bbox_crs = parse_crs_argument(values.get("bbox-crs"))
    sortby = parse_sortby(values.get("sortby"), layer)
    also = _further(values["and"], layer, catalogue) if values.get("and") else ()
    as_of = parse_as_of(values.get("as_of")) or next((one.as_of for one in also if one.as_of), None)
    bbox = parse_bbox(values["bbox"], bbox_crs, around=True) if "bbox" in values else None
    if bbox and bbox[0] > bbox[2]:
        also, bbox = (*also, _around(bbox, layer, catalogue)), None
    by_place = bbox is not None and not sortby and as_of is None
    after, before = parse_page_keys(values, 2 if by_place else len(sortby) + 1, by_place)
    return Query(
        bbox=bbox,
        bbox_crs=bbox_crs,
        crs=parse_crs_argument(values.get("crs")),
        equals=tuple((name, parse_values(layer.field(name), value, name))
                     for name, value in sorted(values.items()) if name not in COMMON),
        period=parse_period(values["datetime"]) if "datetime" in values else None,
        ids=parse_ids(values.get("ids")),
        sortby=sortby,
        properties=parse_properties(values.get("properties"), layer),
        limit=parse_limit(values.get("limit")),
        as_of=as_of,
        after=after,
        before=before,
        words=parse_words(values.get("q")),
        filter=read_filter(values, layer, catalogue),
        computed=parse_computed(values["compute"], layer, catalogue) if values.get("compute") else (),
        also=also,
    )


def _around(bbox: Box, layer: Layer, catalogue: Catalogue) -> Query:
    """A box across the antimeridian as a condition; no other part needs to know of it."""
    meets = {"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": bbox}]}
    return Query(filter=read_filter({"filter": json.dumps(meets), "filter-lang": "cql2-json"}, layer, catalogue))


def _further(text: str, layer: Layer, catalogue: Catalogue) -> tuple[Query, ...]:
    """The questions of `and=`: a JSON object of parameters that ask something of a feature, or several in a list."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        given = None
    several = given if isinstance(given, list) else [given]
    if len(several) > MOST_FURTHER or not all(
            isinstance(one, dict) and all(isinstance(value, str) for value in one.values()) for one in several):
        raise invalid("and", f"应为 JSON 对象（参数名: 文本），或其列表，最多 {MOST_FURTHER} 个",
                      f"wants a JSON object of texts by the name of a parameter, or a list of {MOST_FURTHER} at most")
    if shaping := next((name for one in several for name in one if name in (*SHAPING, "and")), None):
        raise invalid("and", f"不能含 {shaping}", f"has no place for {shaping}")
    return tuple(parse({name: [value] for name, value in one.items()}, layer, catalogue) for one in several)


def _single(args: Mapping[str, Sequence[str]], layer: Layer) -> dict[str, str]:
    for name, given in args.items():
        if name not in COMMON and not layer.has_field(name):
            raise Problem("parameter_unknown", name=name[:60], known=", ".join(known_names(layer)))
        if len(given) > 1:
            raise Problem("parameter_repeated", name=name)
    return {name: given[0] for name, given in args.items()}


def known_names(layer: Layer) -> tuple[str, ...]:
    """Every parameter that the layer's items address takes."""
    return COMMON + tuple(field.id for field in layer.all_fields)


__all__ = [
    "COMMON", "DEFAULT_LIMIT", "FILE_ONLY", "MAX_LIMIT", "MOST_CODES", "SHAPING", "Box", "Period", "Query", "Span",
    "decode_page_key", "encode_page_key", "invalid", "is_coded", "known_names", "parse", "parse_as_of", "parse_bbox",
    "parse_crs_argument", "parse_id", "parse_instant", "parse_period", "parse_value", "parse_values",
]
