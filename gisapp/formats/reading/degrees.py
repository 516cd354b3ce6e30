"""A coordinate out of a cell, as people and receivers write it."""

from __future__ import annotations

import re
from math import nan
from typing import Any

#: Signs of full width, and those that Word puts in the place of the keyboard's. NFKC would make ′′ of ″ and o of º.
_PLAIN = str.maketrans("０１２３４５６７８９．，－＋：；　º˚’‘´ʹ”“〃", "0123456789.,-+:; °°''''\"\"\"")
#: Nobody writes a coordinate longer than this.
_LONGEST = 80
_SIDES = {"东经": "E", "西经": "W", "北纬": "N", "南纬": "S", "东": "E", "西": "W", "北": "N", "南": "S"}
_SIDE = r"([NSEW]?)\s*"
_DEGREES = re.compile(_SIDE + r"(\d{1,3})\s*[°度:\s]\s*(\d{1,2})\s*['′分:\s]\s*(\d{1,2}(?:\.\d+)?)\s*"
                      r"(?:[\"″秒]|''|′′)?\s*([NSEW]?)", re.IGNORECASE)
_MINUTES = re.compile(_SIDE + r"(\d{1,3})\s*[°度]\s*(\d{1,2}(?:\.\d+)?)\s*['′分]?\s*([NSEW]?)", re.IGNORECASE)
_SIDED = re.compile(_SIDE + r"(\d{1,3}(?:\.\d+)?)\s*[°度]?\s*([NSEW]?)", re.IGNORECASE)
#: A decimal comma, told from one between thousands by what follows it.
_COMMA = re.compile(r"[+-]?\d{1,3},(?!\d{3}\Z)\d+")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?nan|[+-]?inf(?:inity)?", re.IGNORECASE)


def coordinate(value: Any) -> float:
    """A number out of a cell: 113.38, 113,380.5, 113°22′48.5″E; NaN where there is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    text = str(value).strip().removeprefix("'")
    if len(text) > _LONGEST:
        return nan
    if _NUMBER.fullmatch(text):
        return float(text)
    text = text.translate(_PLAIN).strip()
    for word, side in _SIDES.items():
        text = text.replace(word, side)
    sided = next((found.groups() for form in (_DEGREES, _MINUTES, _SIDED) if (found := form.fullmatch(text))), None)
    return _number(text) if sided is None else _sexagesimal(*sided)


def _sexagesimal(before: str, *parts: str) -> float:
    """Degrees of degrees, minutes and seconds; a minute has at most sixty seconds, and nobody has two sides."""
    degrees, *smaller, after = parts
    if (before and after) or any(float(part) > 60 for part in smaller):
        return nan
    size = float(degrees) + sum(float(part) / 60.0 ** power for power, part in enumerate(smaller, 1))
    return -size if (before or after).upper() in ("S", "W") else size


def _number(text: str) -> float:
    plain = text.removesuffix("°").removesuffix("度")
    if _COMMA.fullmatch(plain):
        plain = plain.replace(",", ".")
    elif _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    return float(plain) if _NUMBER.fullmatch(plain) else nan
