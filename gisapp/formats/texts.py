"""Texts made to fit a DBF field: an encoding that lacks characters, a width in bytes, no spaces at the ends."""

from __future__ import annotations

import codecs

import pyarrow as pa
import pyarrow.compute as pc

#: The mark for a character that the encoding lacks (U+3013, in GBK); printers have used it so for a century.
MISSING = "〓"

_BYTES_PER_CHARACTER = {"GBK": 2, "UTF-8": 4}


def _visible(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return MISSING * (error.end - error.start), error.end


codecs.register_error("gisapp.visible", _visible)


def byte_width(characters: int, encoding: str) -> int:
    """Bytes that so many characters can take."""
    return characters * _BYTES_PER_CHARACTER[encoding]


def fit(text: str, width: int, encoding: str) -> tuple[str, list[str]]:
    """The text as the field can hold it, at most `width` bytes, and what had to be done to it.

    A text is cut on a character's border, never inside one.

    >>> fit("违法建设𠮷", 4, "GBK")
    ('违法', ['replaced', 'cut'])
    """
    done = []
    raw = text.encode(encoding, "gisapp.visible")
    kept = raw.decode(encoding)
    if kept != text:
        done.append("replaced")
    if kept != kept.strip(" "):
        done.append("trimmed")
        kept = kept.strip(" ")
        raw = kept.encode(encoding)
    if len(raw) > width:
        done.append("cut")
        kept = raw[:width].decode(encoding, "ignore").rstrip(" ")
    return kept, done


def needs_fitting(values: pa.Array, width: int, encoding: str) -> bool:
    """Whether any text of the column must be looked at one by one; most columns need not."""
    texts = values.drop_null()
    if not len(texts):
        return False
    fits = pc.max(pc.binary_length(texts)).as_py() <= width  # UTF-8 is never shorter than GBK
    if not fits and encoding == "GBK":
        fits = pc.max(pc.utf8_length(texts)).as_py() * _BYTES_PER_CHARACTER["GBK"] <= width
    if not fits:
        return True
    spaced = pc.any(pc.match_substring_regex(texts, "^ | $|^$")).as_py()
    return bool(spaced) or not _encodable(texts, encoding)


def _encodable(texts: pa.Array, encoding: str) -> bool:
    if encoding == "UTF-8":
        return True
    try:
        "".join(texts.to_pylist()).encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
