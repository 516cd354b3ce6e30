"""One page of the answer: how many, in which order, behind which feature, with which properties."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from gisapp.errors import Problem
from gisapp.layers import Layer
from gisapp.params.faults import invalid

DEFAULT_LIMIT = 100
MAX_LIMIT = 10_000


def parse_limit(text: str | None) -> int:
    """How many features a page has; more than the most is the most."""
    if text is None:
        return DEFAULT_LIMIT
    if not re.fullmatch(r"[0-9]{1,99}", text) or int(text) < 1:
        raise invalid("limit", "应为正整数", "wants a whole number above 0")
    return min(int(text), MAX_LIMIT)


def parse_properties(text: str | None, layer: Layer) -> tuple[str, ...] | None:
    """The fields that the answer carries; None for all."""
    if text is None:
        return None
    names = tuple(name for name in text.split(",") if name)
    for name in names:
        if not layer.has_field(name):
            raise invalid("properties", f"没有字段 {name[:60]}", f"there is no field {name[:60]}")
    return names


def parse_sortby(text: str | None, layer: Layer) -> tuple[tuple[str, bool], ...]:
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


def encode_page_key(values: Sequence[Any]) -> str:
    """A page key for `after` and `before`: the values that a page is ordered by, of the feature at its end."""
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).decode().rstrip("=")


def parse_page_keys(values: Mapping[str, str], length: int, by_place: bool
                    ) -> tuple[tuple[Any, ...] | None, tuple[Any, ...] | None]:
    """The keys of `after` and `before`, of so many values; at most one of them is given."""
    if "after" in values and "before" in values:
        raise invalid("before", "不能与 after 同用", "is not used together with after")
    after, before = (decode_page_key(values[name], length, name) if name in values else None
                     for name in ("after", "before"))
    key = after or before
    if key and by_place and not re.fullmatch(r"[0-9]{1,8}", str(key[0])):
        raise _no_key("after" if after else "before")
    return after, before


def decode_page_key(text: str, length: int, name: str = "after") -> tuple[Any, ...]:
    """The values of a page key; Problem `parameter_invalid` when it is none of ours."""
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        UUID(values[-1])
        good = len(values) == length and all(v is None or isinstance(v, (str, int, float, bool)) for v in values)
    except (ValueError, binascii.Error, TypeError, IndexError, KeyError, AttributeError, RecursionError):
        good = False
    if not good:
        raise _no_key(name)
    return tuple(values)


def _no_key(name: str) -> Problem:
    return invalid(name, "不是有效的页键，请从第一页开始", "is no page key of ours; start from the first page")
