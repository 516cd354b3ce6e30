"""Which column of a file is which field: by name first, then by the ways in which Chinese columns get short names."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import product

from gisapp.layers import Field, Layer

#: What GDAL calls a column's type → the types of fields that it may fill when only its name's sound speaks for it.
_FITTING = {
    "Integer": ("integer", "number", "boolean", "code", "codes", "text"),
    "Integer64": ("integer", "number", "boolean", "code", "codes", "text"),
    "Real": ("integer", "number", "code", "text"),
    "Date": ("date", "datetime"), "DateTime": ("date", "datetime"), "Time": (),
}
#: A word with more readings than these is taken by its usual one.
_READINGS = 16

#: How workbooks call the id (gisapp.formats.columns.ID, which a web worker does not load).
_ID_TITLES = ("唯一编号", "Identifier")
#: What forms write at a heading that must be filled in.
_MARKS = re.compile(r"[*＊★]|[（(\[【]?(?:非?必填项?|选填|必选|required|optional)[)）\]】]?", re.IGNORECASE)


def targets(layer: Layer) -> dict[str, Field | None]:
    """What a column may be mapped to: id, the fields a client may write, the synthetic mark, a second geometry."""
    found: dict[str, Field | None] = {"id": None} | {field.id: field for field in layer.writable_fields}
    found["synthetic"] = layer.field("synthetic")
    if layer.second_geometry is not None:
        found[layer.second_geometry.id] = None
    return found


def suggest(layer: Layer, names: Iterable[str], types: Sequence[str] | None = None) -> dict[str, str | None]:
    """Column → field, None where nothing fits; a field is given once, to the column that fits it best.

    By id, short export name, title or alias; then by a name that a shapefile cut short; then by pinyin, whole or its
    initials, where `types` (GDAL's names of the columns' types, in the same order) do not speak against it.
    """
    columns = list(names)
    kinds = dict(zip(columns, types or [""] * len(columns), strict=False))
    known, free = _known_names(layer), set(targets(layer))
    found: dict[str, str | None] = dict.fromkeys(columns)
    for name in columns:
        _give(found, free, name, known.get(plain(name)) or known.get(plain(_MARKS.sub("", name))))
    for name in columns:
        if found[name] is None:
            _give(found, free, name, _cut_short(name, known))
    left = [name for name in columns if found[name] is None]
    if left:
        _by_sound(layer, left, kinds, found, free)
    return found


def _give(found: dict[str, str | None], free: set[str], name: str, target: str | None) -> None:
    if target in free and target is not None:
        found[name] = target
        free.discard(target)


def _known_names(layer: Layer) -> dict[str, str]:
    """Field by every name it goes by: an id wins over another field's short name, that over a title or alias."""
    fields = [(target, field) for target, field in targets(layer).items() if field is not None]
    known = {plain(target): target for target in targets(layer)}
    for kind in range(3):
        for target, field in fields:
            known.setdefault(plain((field.export, field.title.zh, field.title.en)[kind]), target)
    for target, field in fields:
        for alias in field.aliases:
            known.setdefault(plain(alias), target)
    for name in _ID_TITLES:
        known.setdefault(plain(name), "id")
    if layer.second_geometry is not None:
        known.setdefault(plain(f"{layer.second_geometry.id}_wkt"), layer.second_geometry.id)  # as tables have it
    return known


def plain(name: str) -> str:
    """A name without case, spaces, - and _; signs and digits of full width are as good as plain ones."""
    return re.sub(r"[\s_\-]+", "", unicodedata.normalize("NFKC", name)).casefold()


def _cut_short(name: str, known: Mapping[str, str]) -> str | None:
    """A shapefile cuts names at ten bytes: the one long name that begins so, if it is only one."""
    if len(name.encode("gb18030")) < 9:
        return None
    found = {target for word, target in known.items() if word.startswith(plain(name))}
    return found.pop() if len(found) == 1 else None


def _by_sound(layer: Layer, left: Sequence[str], kinds: Mapping[str, str], found: dict[str, str | None],
              free: set[str]) -> None:
    """Give what sounds the same: one field only, and one column only, may claim it."""
    spoken = _spoken_names(layer, free)
    claims: dict[str, str] = {}
    for name in left:
        # 街道 and 精度 have the same initials: of a Chinese name only the whole sound counts.
        ways = {word for word in _ways(name) if plain(name).isascii() or len(word) > len(plain(name))}
        fitting = {target for word in ways for target in spoken.get(word, ())
                   if _fits(layer, target, kinds.get(name, ""))}
        if len(fitting) == 1:
            claims[name] = fitting.pop()
    often = Counter(claims.values())
    for name, target in claims.items():
        if often[target] == 1:
            _give(found, free, name, target)


def _spoken_names(layer: Layer, free: set[str]) -> dict[str, set[str]]:
    """Fields by the pinyin of their titles and aliases, whole and initials, and by their short names."""
    spoken: dict[str, set[str]] = {}
    for target, field in targets(layer).items():
        if field is None or target not in free:
            continue
        for word in (field.export, field.title.zh, *field.aliases):
            for way in _ways(word):
                spoken.setdefault(way, set()).add(target)
    return spoken


def _ways(name: str) -> set[str]:
    """How a name may be written in Latin letters: itself, its pinyin, its pinyin's initials. Units are no name."""
    bare = plain(re.sub(r"[(（\[【].*?[)）\]】]", "", name))
    if not any("\u4e00" <= letter <= "\u9fff" for letter in bare):
        return {bare} if len(bare) > 1 else set()
    from pypinyin import Style, pinyin  # late: most files have plain names

    heard = [list(dict.fromkeys(one)) for one in pinyin(bare, style=Style.NORMAL, heteronym=True)]
    ways = 1
    for one in heard:
        ways *= len(one)
    if ways > _READINGS:
        heard = [one[:1] for one in heard]
    spoken = list(product(*heard))
    return {"".join(one) for one in spoken} | {"".join(part[0] for part in one if part) for one in spoken
                                               if len(one) > 1}


def _fits(layer: Layer, target: str, kind: str) -> bool:
    field = targets(layer)[target]
    allowed = _FITTING.get(kind)
    return field is not None and (allowed is None or field.type in allowed)
