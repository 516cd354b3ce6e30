"""Texts, numbers and colours for the XML formats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisapp.formats.columns import ID
from gisapp.formats.noting import Noting
from gisapp.formats.texts import MISSING, parts

#: What XML 1.0 has no place for, not even as a reference.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SPECIAL = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
_NEEDS_ESCAPE = re.compile("[&<>\"\r\n\t]")
_MAY_NEED = np.isin(np.arange(256), [ord(one) for one in _SPECIAL])


def escaped(text: str) -> str:
    """A text for an element or an attribute; line ends and tabs as references, so that no reader changes them."""
    return _NEEDS_ESCAPE.sub(lambda found: _SPECIAL[found[0]], text)


def escaped_texts(values: pa.Array, specials: str = "".join(_SPECIAL)) -> pa.Array:
    """The same of many texts at once, or only these characters; a missing text stays missing."""
    bounds, data = parts(values)
    there = data[bounds[0]:bounds[-1]]
    if not bool(_MAY_NEED[there].any()):
        return values
    for special in specials:
        if bool((there == ord(special)).any()):
            values = pc.replace_substring(values, special, _SPECIAL[special])
    return values


def fit_for_xml(batch: pa.RecordBatch, columns: Sequence[pa.Array], names: Sequence[str], noting: Noting
                ) -> list[pa.Array]:
    """The columns with every character that XML lacks replaced, and without spaces at their ends, which readers
    drop; each such text is noted."""
    return [_fitted(batch[ID.id], values, name, noting) for values, name in zip(columns, names, strict=True)]


def _fitted(ids: pa.Array, values: pa.Array, name: str, noting: Noting) -> pa.Array:
    if not pa.types.is_string(values.type):
        return values
    if pc.any(pc.match_substring_regex(values, _AS_RE2)).as_py():
        values = noting.changed(ids, name, values, "replaced", lambda text: _NOT_XML.sub(MISSING, text))
    if pc.any(pc.match_substring_regex(values, "^[ \\t\\r\\n]|[ \\t\\r\\n]$")).as_py():
        values = noting.changed(ids, name, values, "trimmed", lambda text: text.strip(" \t\r\n"))
    return values


#: The same characters as Arrow's expressions write them.
_AS_RE2 = "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x{fffe}\\x{ffff}]"


def told(value: Any) -> str:
    """A value as text: numbers as short as they can be read back exactly."""
    return value if isinstance(value, str) else repr(value) if isinstance(value, float) else str(value)
