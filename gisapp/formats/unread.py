"""Rows of an upload that its reader could not give."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa

from gisapp.formats.source import Source


def unread(source: Source, ids: list[str], line: int, names: tuple[str, ...]) -> pa.Table:
    """Rows that the file promises and the reader never gave, refused so that nobody takes them for entered: the last
    ones of the source, one for each of `ids`; `line` is the first one's, `names` are the columns of the stage."""
    count = len(ids)
    fault = {"field": "geometry", "code": "row_unreadable",
             "zh": "文件中有此行，但图形或属性缺失或损坏，无法读取",
             "en": "the file has this row, but its shape or its attributes are missing or damaged"}
    texts = {"_source": source.name, "_verdict": "refused", "_act": "insert",
             "_faults": json.dumps([fault], ensure_ascii=False)}
    found = {name: pa.repeat(pa.scalar(text), count) for name, text in texts.items()}
    found |= {"_line": pa.array(np.arange(count) + line), "_row": pa.array(np.arange(count) + source.count - count + 1),
              "id": pa.array(ids)}
    return pa.table({name: found.get(name, pa.nulls(count, pa.string())) for name in names})
