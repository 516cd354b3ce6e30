"""In which encoding texts are: what the file says, checked against its bytes and against what Chinese looks like."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from gisapp.formats.dbf import read_sample

#: What a person may choose; the first ones are what Chinese departments send.
ENCODINGS = ("GBK", "UTF-8", "GB18030", "BIG5", "CP1252", "UTF-16")
#: Python's names; GB18030 reads whatever GBK wrote and the rest of Unicode besides.
CODECS = {"GBK": "gb18030", "UTF-8": "utf-8", "GB18030": "gb18030", "BIG5": "big5hkscs", "UTF-16": "utf-16",
          "UTF-16LE": "utf-16-le", "UTF-16BE": "utf-16-be", "CP1252": "cp1252"}
_LANGUAGE_BYTES = {0x4D: "GBK", 0x7A: "GBK", 0x4F: "BIG5", 0x78: "BIG5", 0x03: "CP1252"}
_CPG = {"936": "GBK", "CP936": "GBK", "GBK": "GBK", "GB2312": "GBK", "GB18030": "GB18030", "54936": "GB18030",
        "EUC-CN": "GBK", "GB_2312-80": "GBK", "UTF8": "UTF-8", "UTF-8": "UTF-8", "65001": "UTF-8", "950": "BIG5",
        "CP950": "BIG5", "BIG5": "BIG5", "1252": "CP1252", "88591": "CP1252", "8859-1": "CP1252", "LATIN1": "CP1252"}
#: How much likelier another reading must look before what the file says of itself is not believed.
_DOUBT = 0.35
#: How much texts in code page 1252, which nearly any bytes could be, look like what a department sends.
_WESTERN = 0.2
_RUN, _NO_WESTERN = re.compile(rb"[\x80-\xff]{3}"), re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_CHUNK = 2**20


def _euro(error: UnicodeError) -> tuple[str, int]:
    """Windows' code page 936 writes the euro sign as a lone 0x80."""
    if isinstance(error, UnicodeDecodeError) and error.object[error.start] == 0x80:
        return "€", error.start + 1
    raise error


codecs.register_error("gisapp.euro", _euro)


def decode(raw: bytes, encoding: str) -> str:
    """The text; UnicodeDecodeError when the bytes are not in that encoding."""
    return raw.decode(CODECS[encoding], "gisapp.euro")


def decode_cut(raw: bytes, encoding: str) -> tuple[str, bool]:
    """The text, and whether a character at its end had been cut by who wrote it and was left out.

    UnicodeDecodeError when other bytes than the last ones are not in that encoding.
    """
    try:
        return decode(raw, encoding), False
    except UnicodeDecodeError as error:
        at_end = "incomplete" in error.reason or "unexpected end" in error.reason
        if not at_end or len(raw) - error.start > 3:
            raise
        return decode(raw[:error.start], encoding), True


def find_encoding(dbf: Path, cpg: Path) -> tuple[str, str]:
    """The encoding of a shapefile and where that is known from: cpg, language, detected or plain (ASCII)."""
    language, texts = read_sample(dbf)
    declared = [(_cpg_says(cpg), "cpg"), (_LANGUAGE_BYTES.get(language), "language")]
    if all(text.isascii() for text in texts):
        return next((encoding for encoding, _ in declared if encoding), "UTF-8"), "plain"
    best, scores = likeliest(texts)
    scores["CP1252"] = _WESTERN
    for encoding, source in declared:
        if encoding and scores.get(_alike(encoding), -1.0) >= scores[best] - _DOUBT:
            return encoding, source
    return best, "detected"


def _alike(encoding: str) -> str:
    return "GBK" if encoding == "GB18030" else encoding


def likeliest(texts: Iterable[bytes]) -> tuple[str, dict[str, float]]:
    """The encoding in which the texts look most like Chinese, and the score of each, 1 for everyday characters.

    Short texts are told apart by how common their characters are: 路 in GBK is also valid UTF-8, for a dot.
    """
    sample = [text for text in texts if not text.isascii()]
    scores = {encoding: _looks(sample, encoding) for encoding in ("UTF-8", "GBK", "BIG5")}
    # Valid UTF-8 of some length is hardly ever anything else; and of two alike, GBK is what departments send.
    scores["UTF-8"] += 0.3 if scores["UTF-8"] > 0 else 0.0
    scores["BIG5"] -= 0.15
    best = max(scores, key=lambda name: scores[name])
    return "CP1252" if scores[best] < 0 and _is_western(sample) else best, scores


def _is_western(texts: list[bytes]) -> bool:
    """Whether texts that no encoding of Chinese reads may be of Western Europe: letters with marks stand alone or in
    pairs, and five bytes are none."""
    whole = b" ".join(texts)
    return not _RUN.search(whole) and not _NO_WESTERN.search(whole)


def _looks(texts: list[bytes], encoding: str) -> float:
    """The mean commonness of the characters beyond ASCII; broken texts count against it."""
    weight, count, broken = 0.0, 0, 0
    for raw in texts:
        try:
            text, _ = decode_cut(raw, encoding)
        except UnicodeDecodeError:
            broken += 1
            continue
        marks = [_commonness(c) for c in text if c > "\x7f"]
        weight, count = weight + sum(marks), count + len(marks)
    share = broken / max(1, len(texts))
    return (weight / count if count else 0.0) - 4 * share


def _commonness(character: str) -> float:
    """1 for an everyday Chinese character, less for rarer ones, negative for what no text holds."""
    point = ord(character)
    if 0x4E00 <= point <= 0x9FFF or 0x3400 <= point <= 0x4DBF:
        simple, traditional = _lead(character, "gb2312"), _lead(character, "big5")
        if 0 < simple < 0xD8:
            return 1.0
        return 0.8 if 0 < traditional < 0xC7 else 0.6 if simple else 0.15
    if 0x3000 <= point <= 0x303F or 0xFF00 <= point <= 0xFFEF or 0x2010 <= point <= 0x2027:
        return 0.8
    if 0xE000 <= point <= 0xF8FF or point == 0xFFFD or point < 0xA0:
        return -1.0
    if point in (0xB0, 0xB2):
        return 0.75  # ° and m²; the same bytes are 掳 and 虏 in GBK, which no place is called
    return 0.3 if point in (0xB7, 0xB1, 0xD7, 0x20AC) or 0x2460 <= point <= 0x24FF else 0.05


def _lead(character: str, codec: str) -> int:
    """The first byte of a character, which tells how common it is; 0 where the codec has none."""
    try:
        return character.encode(codec)[0]
    except UnicodeEncodeError:
        return 0


def _cpg_says(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        words = file.read(64).decode("ascii", "ignore").strip().upper()
    return _CPG.get(re.sub(r"^(ANSI|CP|ISO|MS|WINDOWS|X)[ _-]?(?=\d|GB)", "", words), _CPG.get(words))


def find_text_encoding(path: Path) -> tuple[str, str]:
    """The encoding of a text file and where that is known from: bom, plain or detected."""
    with path.open("rb") as file:
        start = file.read(_CHUNK)
        whole = not file.read(1)
    if start.startswith(b"\xef\xbb\xbf"):
        return "UTF-8", "bom"
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16", "bom"
    wide = wide_encoding(start)
    if wide:
        return wide, "detected"
    if start.isascii():
        return "UTF-8", "plain"
    lines = start.split(b"\n")
    return likeliest(lines if whole else lines[:-1] or lines)[0], "detected"


def wide_encoding(start: bytes) -> str | None:
    """UTF-16 without the mark that should stand before it, told by the zero bytes of its commas and digits."""
    even, odd = start[:4096:2].count(0), start[1:4096:2].count(0)
    if bool(even) == bool(odd) or max(even, odd) * 40 < len(start[:4096]):
        return None
    return "UTF-16LE" if odd else "UTF-16BE"


def transcode(path: Path, encoding: str, change: Callable[[str], str] = str) -> None:
    """Write the file anew in UTF-8, its beginning changed; what is not in that encoding becomes U+FFFD."""
    other = path.with_name(f"{path.name}.utf8")
    name = CODECS[encoding]
    with path.open("r", encoding=name, errors="replace", newline="") as source, \
            other.open("w", encoding="utf-8", newline="") as sink:
        sink.write(change(source.read(_CHUNK)))
        while chunk := source.read(_CHUNK):
            sink.write(chunk)
    other.replace(path)
