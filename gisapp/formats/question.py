"""A query in words, for the readme of a file and the log of who took what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gisapp.asking.words import filter_in_words
from gisapp.layers import Catalogue, Field, Layer
from gisapp.params import Query
from gisapp.words import Words


def in_words(layer: Layer, catalogue: Catalogue, query: Query) -> Words:
    """What the query asks for, such as `状态 = 已拆除` and `Status = Demolished`; on one line, whatever it asks for."""
    return Words(_line("；".join(_parts(layer, catalogue, query, "zh"))) or "全部",
                 _line("; ".join(_parts(layer, catalogue, query, "en"))) or "everything")


def _line(text: str) -> str:
    """Without what would begin a line of its own, or turn one around: a readme tells who made it on the next."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _parts(layer: Layer, catalogue: Catalogue, query: Query, language: str) -> list[str]:
    zh = language == "zh"
    parts = [f"{layer.field(name).title.get(language)} = {_values(catalogue, layer.field(name), value, language)}"
             for name, value in query.equals]
    if query.bbox:
        box = ", ".join(f"{number:.10g}" for number in query.bbox)
        parts.append(f"范围 {box}（{query.bbox_crs.name}，东在前）" if zh else
                     f"box {box} ({query.bbox_crs.name}, easting first)")
    if query.period:
        first, last = (f"{moment:%Y-%m-%d %H:%M}Z" if moment else ".." for moment in query.period)
        parts.append(f"时间 {first} 至 {last}" if zh else f"time {first} to {last}")
    if query.words:
        parts.append(("含文字 " if zh else "with the words ") + " ".join(query.words))
    if query.filter:
        parts.append(filter_in_words(layer, catalogue, query.filter, language))
    if query.as_of:
        parts.append(f"截至 {query.as_of:%Y-%m-%d %H:%M:%S}Z 的状况" if zh else
                     f"as it was at {query.as_of:%Y-%m-%d %H:%M:%S}Z")
    if query.ids:
        parts.append(f"指定的 {len(query.ids)} 条" if zh else f"{len(query.ids)} chosen records")
    # The moment is that of the whole question and told once.
    parts += [part for one in query.also for part in _parts(layer, catalogue, replace(one, as_of=None), language)]
    if query.properties is not None:
        parts.append(("仅字段 " if zh else "only the fields ") + ", ".join(query.properties))
    return parts


def _values(catalogue: Catalogue, field: Field, value: Any, language: str) -> str:
    several = value if isinstance(value, tuple) else (value,)
    return ("或" if language == "zh" else " or ").join(_value(catalogue, field, one, language) for one in several)


def _value(catalogue: Catalogue, field: Field, value: Any, language: str) -> str:
    if value is None:
        return "空" if language == "zh" else "no value"
    code = catalogue.codelists[field.codelist].by_id.get(str(value)) if field.codelist else None
    return code.title.get(language) if code else str(value)
