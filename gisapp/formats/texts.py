"""Texts made to fit a DBF field: an encoding that lacks characters, a width in bytes, no spaces at the ends."""

from __future__ import annotations

import codecs

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

#: The mark for a character that the encoding lacks (U+3013, in GBK); printers have used it so for a century.
MISSING = "〓"

_SPACE = 0x20
#: Bytes that a character takes in GBK, told by the first byte that it has in UTF-8; further bytes take none.
_GBK_BYTES = np.repeat(np.array([1, 0, 2], np.int8), [0x80, 0x40, 0x40])
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
    there = values.drop_null() if values.null_count else values
    if not len(there):
        return False
    bounds, data = parts(there)
    lengths = np.diff(bounds)
    if not bool(lengths.all()) or bool(((data[bounds[:-1]] == _SPACE) | (data[bounds[1:] - 1] == _SPACE)).any()):
        return True
    fits = int(lengths.max()) <= width  # UTF-8 is never shorter than GBK
    if not fits and encoding == "GBK":
        fits = pc.max(pc.utf8_length(there)).as_py() * _BYTES_PER_CHARACTER["GBK"] <= width
    return not fits or not encodable(there, encoding)


def parts(values: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Where each text begins and the last ends, and their bytes (UTF-8); a missing text may lie there all the same."""
    _, offsets, data = values.buffers()
    bounds = np.frombuffer(offsets, np.int32)[values.offset:values.offset + len(values) + 1].astype(np.int64)
    return bounds, np.frombuffer(data if data is not None else b"", np.uint8)


def is_ascii(values: pa.Array) -> bool:
    """Whether every text is ASCII."""
    bounds, data = parts(values)
    there = data[bounds[0]:bounds[-1]]
    return not len(there) or int(there.max()) < 0x80


def encoded(values: pa.Array, encoding: str) -> pa.Array:
    """The texts as bytes of the encoding, which has all their characters."""
    if encoding == "UTF-8" or is_ascii(values):
        return values.view(pa.binary())
    bounds, data = parts(values)
    data, bounds = to_gbk(data[bounds[0]:bounds[-1]], bounds - bounds[0])
    valid = None if not values.null_count else pa.py_buffer(np.packbits(
        values.is_valid().to_numpy(zero_copy_only=False), bitorder="little"))
    return pa.Array.from_buffers(pa.binary(), len(values), [valid, pa.py_buffer(bounds.astype(np.int32)),
                                                            pa.py_buffer(data)])


def to_gbk(data: NDArray[np.uint8], bounds: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Texts that lie end to end in UTF-8, in GBK, and where each begins and ends there."""
    sizes = np.concatenate([[0], np.cumsum(_GBK_BYTES[data], dtype=np.int64)])
    return np.frombuffer(data.tobytes().decode().encode("gbk"), np.uint8), sizes[bounds]


def encodable(values: pa.Array, encoding: str) -> bool:
    """Whether the encoding has every character of the texts."""
    if encoding == "UTF-8" or is_ascii(values):
        return True
    bounds, data = parts(values)
    try:
        data[bounds[0]:bounds[-1]].tobytes().decode().encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
