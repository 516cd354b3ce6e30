"""Request parameters, each parsed once to a typed value: text in, a frozen `Query` out."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from gisapp.crs import CRS84, Crs, parse_crs
from gisapp.errors import Problem
from gisapp.layers import ASSIGNED_FIELDS, Field, Layer

DEFAULT_LIMIT = 100
MAX_LIMIT = 10_000
#: Codes of one field that a question may name.
MOST_CODES = 200

#: Parameters of every items address; besides them each field's id is one.
COMMON = ("f", "lang", "limit", "after", "bbox", "bbox-crs", "crs", "datetime", "sortby", "properties", "ids",
          "encoding", "as_of")

Box = tuple[float, float, float, float]
Period = tuple[datetime | None, datetime | None]


@dataclass(frozen=True)
class Query:
    """One question about one layer. The same value drives items, tiles, counts and exports.

    `bbox` is (min x, min y, max x, max y) in `bbox_crs` with easting first; `equals` are field and typed value, a
    tuple of values for "any of these" (codes only, None among them for no value);
    `period` filters on the layer's instant; `after` is the page key of the last feature seen;
    `as_of` asks the layer as it was at that moment (UTC).
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
    as_of: datetime | None = None

    @property
    def filters(self) -> bool:
        """Whether anything narrows the layer."""
        return bool(self.bbox or self.equals or self.period or self.ids)

    def without_page(self) -> Query:
        """The same question about all features, not one page of them."""
        return replace(self, after=None, limit=MAX_LIMIT)


def parse(args: Mapping[str, Sequence[str]], layer: Layer) -> Query:
    """The query of a request's arguments (name → values). Problems: `parameter_unknown`, `parameter_repeated`,
    `parameter_invalid`, `crs_unsupported` (400)."""
    values = _single(args, layer)
    bbox_crs = parse_crs_argument(values.get("bbox-crs"))
    sortby = _sortby(values.get("sortby"), layer)
    return Query(
        bbox=parse_bbox(values["bbox"], bbox_crs) if "bbox" in values else None,
        bbox_crs=bbox_crs,
        crs=parse_crs_argument(values.get("crs")),
        equals=tuple((name, parse_values(layer.field(name), value, name))
                     for name, value in sorted(values.items()) if name not in COMMON),
        period=parse_period(values["datetime"]) if "datetime" in values else None,
        ids=_ids(values.get("ids")),
        sortby=sortby,
        properties=_properties(values.get("properties"), layer),
        limit=_limit(values.get("limit")),
        as_of=parse_as_of(values.get("as_of")),
        after=decode_page_key(values["after"], len(sortby) + 1) if "after" in values else None,
    )


def parse_as_of(text: str | None) -> datetime | None:
    """The moment of `as_of=`, RFC 3339; a day stands for its end."""
    try:
        return None if text is None else _end(text)
    except (ValueError, OverflowError):
        raise invalid("as_of", "应为 RFC 3339 时间", "wants an RFC 3339 instant") from None


def parse_crs_argument(text: str | None) -> Crs:
    """The system that `crs=` names; longitude and latitude of WGS 84 without it."""
    return parse_crs(text) if text is not None else CRS84


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


def invalid(name: str, zh: str, en: str) -> Problem:
    """`parameter_invalid` with the reason in both languages."""
    return Problem("parameter_invalid", name=name, reason=f"{zh} / {en}")


def parse_bbox(text: str, crs: Crs) -> Box:
    """Four numbers (or six: heights are left out) as (min x, min y, max x, max y), easting first.

    A box across the antimeridian (min lon above max lon) is refused: no city lies there.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (4, 6) or not all(map(math.isfinite, numbers)):
        raise invalid("bbox", "应为四个数：最小经度,最小纬度,最大经度,最大纬度",
                      "wants four numbers: min lon, min lat, max lon, max lat")
    if len(numbers) == 6:
        numbers = [*numbers[0:2], *numbers[3:5]]
    a, b, c, d = numbers
    if crs.axis_swapped:
        a, b, c, d = b, a, d, c
    if a > c or b > d:
        raise invalid("bbox", "最小值大于最大值", "a minimum is above its maximum")
    if not crs.projected and crs.srid != 3857 and (max(abs(a), abs(c)) > 180 or max(abs(b), abs(d)) > 90):
        raise invalid("bbox", "经纬度超出范围", "longitude or latitude is out of range")
    if max(map(abs, (a, b, c, d))) > 1e9:
        raise invalid("bbox", "坐标超出范围", "a coordinate is out of range")
    return (a, b, c, d)


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise invalid("limit", "应为正整数", "wants a whole number above 0")
    return min(int(text), MAX_LIMIT)


def _ids(text: str | None) -> tuple[UUID, ...]:
    if text is None:
        return ()
    parts = text.split(",")
    if len(parts) > 1000:
        raise invalid("ids", "最多 1000 个", "at most 1000")
    return tuple(parse_id(part) for part in parts)


def parse_id(text: str) -> UUID:
    """A feature id; Problem `id_invalid` (400)."""
    try:
        return UUID(text)
    except (ValueError, AttributeError):
        raise Problem("id_invalid", id=str(text)[:60]) from None


def _properties(text: str | None, layer: Layer) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(name for name in text.split(",") if name)
    for name in names:
        if not layer.has_field(name):
            raise invalid("properties", f"没有字段 {name[:60]}", f"there is no field {name[:60]}")
    return names


def _sortby(text: str | None, layer: Layer) -> tuple[tuple[str, bool], ...]:
    """(field, descending) for each name; + is ascending, - descending."""
    keys = []
    for part in (text or "").split(","):
        if not part.strip():
            continue
        name = part.strip().lstrip("+-")
        if not layer.has_field(name) or layer.field(name).type == "codes":
            raise invalid("sortby", f"不能按 {name[:60]} 排序", f"cannot sort by {name[:60]}")
        keys.append((name, part.strip().startswith("-")))
    return tuple(keys[:3])


def parse_values(field: Field, text: str, name: str) -> Any:
    """One typed value; of a code field also several behind commas, as a tuple: any of them will do."""
    if not is_coded(field) or "," not in text:
        return parse_value(field, text, name)
    parts = tuple(dict.fromkeys(parse_value(field, part, name) for part in text.split(",")))
    if len(parts) > MOST_CODES:
        raise invalid(name, f"最多 {MOST_CODES} 个", f"at most {MOST_CODES}")
    return parts if len(parts) > 1 else parts[0]


def is_coded(field: Field) -> bool:
    """Whether the field holds codes, which have no comma in them: of a code list or of a territory."""
    return field.type in ("code", "codes") or field in ASSIGNED_FIELDS


def parse_value(field: Field, text: str, name: str) -> Any:
    """The typed value of a filter on a field; an empty text stands for no value (None)."""
    if text == "":
        return None
    try:
        return _READERS.get(field.type, _text)(text)
    except (ValueError, OverflowError):
        raise invalid(name, f"类型应为 {field.type}", f"wants a value of type {field.type}") from None


def _text(text: str) -> str:
    if "\x00" in text:
        raise ValueError(text)
    return text


def _integer(text: str) -> int:
    value = int(text)
    if abs(value) >= 2 ** 63:
        raise ValueError(text)
    return value


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _boolean(text: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[text.lower()] if text.lower() in (
        "true", "1", "false", "0") else _raise(text)


def _raise(text: str) -> bool:
    raise ValueError(text)


def parse_instant(text: str) -> datetime:
    """An RFC 3339 date-time in UTC; a time without zone is taken as UTC. ValueError otherwise."""
    moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00").replace("z", "+00:00"))
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC)


_READERS = {"integer": _integer, "number": _number, "boolean": _boolean, "date": date.fromisoformat,
            "datetime": parse_instant}


def parse_period(text: str) -> Period:
    """`2024-01-01/2024-06-30`, `../2024-06-30T12:00:00Z`, or one instant or day; both ends belong to it."""
    parts = text.split("/")
    try:
        if len(parts) == 1:
            return _start(parts[0]), _end(parts[0])
        if len(parts) != 2:
            raise ValueError(text)
        first, last = (None if part in ("", "..") else part for part in parts)
        period = (_start(first) if first else None, _end(last) if last else None)
        if period[0] and period[1] and period[0] > period[1]:
            raise ValueError(text)
    except (ValueError, OverflowError):
        raise invalid("datetime", "应为 RFC 3339 时间或区间", "wants an RFC 3339 instant or interval") from None
    return period


def _start(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text), time(), UTC) if len(text) == 10 else parse_instant(text)


def _end(text: str) -> datetime:
    last = timedelta(days=1) - timedelta(microseconds=1)
    return _start(text) + last if len(text) == 10 else parse_instant(text)


def encode_page_key(values: Sequence[Any]) -> str:
    """A page key for `after`: the sort values and the id of the last feature of a page."""
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).decode().rstrip("=")


def decode_page_key(text: str, length: int) -> tuple[Any, ...]:
    """The values of a page key; Problem `parameter_invalid` when it is none of ours."""
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        UUID(values[-1])
        good = len(values) == length and all(v is None or isinstance(v, (str, int, float, bool)) for v in values)
    except (ValueError, binascii.Error, TypeError, IndexError, KeyError, AttributeError, RecursionError):
        good = False
    if not good:
        raise invalid("after", "不是有效的页键，请从第一页开始", "is no page key of ours; start from the first page")
    return tuple(values)
