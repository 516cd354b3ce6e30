"""The attributes of features as extended data of a drawing: groups `name=value`, a column at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisapp.formats.columns import ID
from gisapp.formats.dxf_texts import END, ENTITY_BYTES, GROUP_BYTES, groups_of
from gisapp.formats.noting import Noting
from gisapp.formats.pieces import Ints, lengths
from gisapp.formats.sheet import Sheet
from gisapp.formats.texts import encodable, parts

#: Bytes that no text has which stands in a line as it is.
_ODD = np.isin(np.arange(256), [*range(32), ord("^"), ord("\\")])
_GROUP = f"1000{END}"
_EACH = re.compile(f"{_GROUP}.*?{END}", re.DOTALL)


def own_data(ids: pa.Array) -> pa.Array:
    """The id alone."""
    return pc.binary_join_element_wise(f"{_GROUP}{ID.id}=", ids, END, "")


def data_of(sheet: Sheet, batch: pa.RecordBatch, noting: Noting) -> pa.Array:
    """The groups of each row; titles of codes stay out, and what an entity has no room for, which is noted."""
    kept = [(column.name, values) for column, values in zip(sheet.columns, sheet.values(batch), strict=True)
            if column.titles is None and values.null_count < len(values)]
    told = [(name, values.cast(pa.string())) for name, values in kept]
    made = [groups(name, values) for name, values in told]
    sizes = np.sum([lengths(one) for one in made], axis=0)
    full = np.flatnonzero(sizes > ENTITY_BYTES)
    whole = pc.binary_join_element_wise(*made, "", null_handling="replace", null_replacement="")
    if not len(full):
        return whole
    fitted = [_with_room(told, made, batch[ID.id], row, noting) for row in full.tolist()]
    return pc.replace_with_mask(whole, pa.array(sizes > ENTITY_BYTES), pa.array(fitted, pa.string()))


def _with_room(told: Sequence[tuple[str, pa.Array]], made: Sequence[pa.Array], ids: pa.Array, row: int,
               noting: Noting) -> str:
    """The groups of a row that an entity has room for; a group takes its bytes and a head of three."""
    found, spent = "", 0
    for (name, values), texts in zip(told, made, strict=True):
        text = texts[row].as_py() or ""
        size = sum(len(group[len(_GROUP):-len(END)].encode("gbk")) + 3 for group in _EACH.findall(text))
        if spent + size > ENTITY_BYTES:
            noting.add(ids, row, name, "no_room", values[row].as_py())
        else:
            found, spent = found + text, spent + size
    return found


def groups(name: str, values: pa.Array) -> pa.Array:
    """Each text as its groups, a missing one stays missing."""
    if _is_plain(name, values):
        return pc.binary_join_element_wise(f"{_GROUP}{name}=", values, END, "")
    known = values.dictionary_encode()
    texts = ["".join(f"{_GROUP}{group}{END}" for group in groups_of(name, text))
             for text in known.dictionary.to_pylist()]
    return pa.array(texts, pa.string()).take(known.indices)


def _is_plain(name: str, values: pa.Array) -> bool:
    """Whether every text of the column stands in one line as it is; UTF-8 is never shorter than GBK."""
    bounds, data = parts(values)
    sizes: Ints = np.diff(bounds)
    return (int(sizes.max(initial=0)) + len(name) < GROUP_BYTES and not bool(_ODD[data[bounds[0]:bounds[-1]]].any())
            and encodable(values, "GBK"))
