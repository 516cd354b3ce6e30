"""In which encoding a shapefile's texts are: what the file says, checked against its bytes."""

from __future__ import annotations

import codecs
import re
import struct
from pathlib import Path

#: What a person may choose; the first ones are what Chinese departments send.
ENCODINGS = ("GBK", "UTF-8", "GB18030", "BIG5")
#: Python's names; GB18030 reads whatever GBK wrote and the rest of Unicode besides.
_CODECS = {"GBK": "gb18030", "UTF-8": "utf-8", "GB18030": "gb18030", "BIG5": "big5hkscs"}
_LANGUAGE_BYTES = {0x4D: "GBK", 0x7A: "GBK", 0x4F: "BIG5", 0x78: "BIG5"}
_CPG = {"936": "GBK", "CP936": "GBK", "GBK": "GBK", "GB2312": "GBK", "GB18030": "GB18030", "54936": "GB18030",
        "UTF8": "UTF-8", "UTF-8": "UTF-8", "65001": "UTF-8", "950": "BIG5", "CP950": "BIG5", "BIG5": "BIG5"}
_SAMPLE_RECORDS, _SAMPLE_BYTES = 5000, 16 * 2**20


def _euro(error: UnicodeError) -> tuple[str, int]:
    """Windows' code page 936 writes the euro sign as a lone 0x80."""
    if isinstance(error, UnicodeDecodeError) and error.object[error.start] == 0x80:
        return "€", error.start + 1
    raise error


codecs.register_error("gisapp.euro", _euro)


def decode(raw: bytes, encoding: str) -> str:
    """The text; UnicodeDecodeError when the bytes are not in that encoding."""
    return raw.decode(_CODECS[encoding], "gisapp.euro")


def find_encoding(dbf: Path, cpg: Path) -> tuple[str, str]:
    """The encoding of a shapefile and where that is known from: cpg, language, detected or plain (ASCII)."""
    header, texts = _sample(dbf)
    declared = [(_cpg_says(cpg), "cpg"), (_LANGUAGE_BYTES.get(header[29]) if len(header) > 29 else None, "language")]
    if texts.isascii():
        return next((encoding for encoding, _ in declared if encoding), "UTF-8"), "plain"
    for encoding, source in declared:
        if encoding and _decodes(texts, encoding):
            return encoding, source
    return next((e for e in ("UTF-8", "GBK", "BIG5") if _decodes(texts, e)), "GBK"), "detected"


def _cpg_says(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        words = file.read(64).decode("ascii", "ignore").strip().upper()
    return _CPG.get(re.sub(r"^(ANSI|CP|ISO)[ -]?(?=\d)", "", words), _CPG.get(words))


def _decodes(texts: bytes, encoding: str) -> bool:
    try:
        decode(texts, encoding)
    except UnicodeDecodeError:
        return False
    return True


def _sample(dbf: Path) -> tuple[bytes, bytes]:
    """The header, and the texts and names of the first records, each closed by a line end."""
    with dbf.open("rb") as file:
        header = file.read(32)
        if len(header) < 32:
            return header, b""
        records, start, length = struct.unpack_from("<IHH", header, 4)
        fields = _fields(file.read(max(0, start - 32)))
        file.seek(start)
        body = file.read(min(min(records, _SAMPLE_RECORDS) * length, _SAMPLE_BYTES))
    if not length:
        return header, b""
    rows = (body[place:place + length] for place in range(0, len(body) - length + 1, length))
    texts = [row[a:b].strip(b" \x00") for row in rows for a, b in fields[1]]
    return header, b"\n".join(fields[0] + texts)


def _fields(block: bytes) -> tuple[list[bytes], list[tuple[int, int]]]:
    """Names of all fields, and where the character fields lie in a record."""
    names, places, offset = [], [], 1
    for start in range(0, len(block) - 31, 32):
        if block[start] in (0x0D, 0x00):
            break
        names.append(block[start:start + 11].split(b"\x00")[0])
        width = block[start + 16]
        if block[start + 11:start + 12] == b"C":
            places.append((offset, offset + width))
        offset += width
    return names, places
