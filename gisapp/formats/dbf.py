"""What a .dbf says of itself without a driver: its language byte, the raw bytes of its names and texts; and what is
changed in it before GDAL reads it."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from gisapp.formats.dbf_survey import survey

_MEMORY = ".survey"
_SAMPLE_RECORDS, _SAMPLE_BYTES = 5000, 16 * 2**20


def read_sample(dbf: Path) -> tuple[int, list[bytes]]:
    """The language byte (0 when there is none), and the field names and texts of the first records. Names are those
    that the sender gave, also where `prepared` has written others: they may be all that tells the encoding."""
    with dbf.open("rb") as file:
        header = file.read(32)
        if len(header) < 32:
            return 0, []
        records, start, length = struct.unpack_from("<IHH", header, 4)
        names, places = _fields(file.read(max(0, start - 32)))
        file.seek(start)
        body = file.read(min(min(records, _SAMPLE_RECORDS) * length, _SAMPLE_BYTES)) if length else b""
    rows = (body[place:place + length] for place in range(0, len(body) - length + 1, length or 1))
    given = _memory(dbf)
    names = names if given is None else [bytes.fromhex(name) for name in given["names"]]
    return header[29], names + [text for row in rows for a, b in places if (text := row[a:b].strip(b" \x00"))]


def _fields(block: bytes) -> tuple[list[bytes], list[tuple[int, int]]]:
    """Names of all fields, and where the character fields lie in a record."""
    names, places, offset = [], [], 1
    for start in range(0, len(block) - 31, 32):
        if block[start] == 0x0D or not block[start + 11:start + 12].isalnum():
            break  # the end, or what some programs leave behind it; a field without a name still has a type
        names.append(block[start:start + 11].split(b"\x00")[0])
        width = block[start + 16]
        if block[start + 11:start + 12] == b"C":
            places.append((offset, offset + width))
        offset += width
    return names, places


def _memory(dbf: Path) -> dict[str, Any] | None:
    """What `prepared` noted of the file as it came; None before it was there."""
    memory = dbf.with_suffix(_MEMORY)
    return dict(json.loads(memory.read_text("ascii"))) if memory.is_file() else None


def prepared(dbf: Path) -> tuple[list[bytes], int, int]:
    """Make a .dbf fit for GDAL, once; its field names as their bytes stand there, its rows, and those marked as gone.

    The file has plain names (F1, F2 …) afterwards: GDAL would decode them by one encoding and refuse the whole file
    where one is cut within a character. Columns with cells that are not what their type says are texts.
    """
    known = _memory(dbf)
    if known is not None:
        return [bytes.fromhex(name) for name in known["names"]], known["rows"], known["deleted"]
    found = survey(dbf)
    with dbf.open("r+b") as file:
        header = file.read(32)
        start = struct.unpack_from("<H", header, 8)[0] if len(header) == 32 else 32
        names, _ = _fields(file.read(max(0, start - 32)))
        for number in range(len(names)):
            file.seek(32 + 32 * number)
            file.write(f"F{number + 1}".encode().ljust(11, b"\x00"))
            if number in found.odd:
                file.write(b"C")
                file.seek(32 + 32 * number + 17)
                file.write(b"\x00")
    dbf.with_suffix(_MEMORY).write_text(json.dumps({"names": [name.hex() for name in names], "rows": found.rows,
                                  "deleted": found.deleted}), "ascii")
    return names, found.rows, found.deleted
