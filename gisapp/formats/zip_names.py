"""Names within a zip as their makers wrote them: Chinese Windows packs them in GBK, now and then flagged as UTF-8."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import BinaryIO

_UTF8 = 0x800
_ENTRY, _ENTRY_BYTES, _MEMBER = b"PK\x01\x02", 46, b"PK\x03\x04"


def member_name(member: zipfile.ZipInfo) -> str:
    """The name of a member: without the UTF-8 flag, Chinese Windows wrote GBK."""
    if member.flag_bits & _UTF8:
        return member.orig_filename
    raw = member.orig_filename.encode("cp437", "replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return member.orig_filename


def take_off_false_flags(path: Path, entries: int, size: int, tail: int) -> None:
    """Clear the UTF-8 flag of members whose name is not in UTF-8: no reader of zips would open the file.

    `entries` and `size` are those of the directory, `tail` is where its end record begins; what does not fit them is
    left as it is, for the reader to judge.
    """
    with path.open("r+b") as file:
        file.seek(max(0, tail - size))
        directory, place = file.read(size), 0
        for _ in range(entries):
            if directory[place:place + 4] != _ENTRY or len(directory) < place + _ENTRY_BYTES:
                return
            flags, = struct.unpack_from("<H", directory, place + 8)
            name, extra, comment = struct.unpack_from("<3H", directory, place + 28)
            if flags & _UTF8 and not _is_utf8(directory[place + _ENTRY_BYTES:place + _ENTRY_BYTES + name]):
                _clear(file, tail - size + place, _ENTRY, 8)
                _clear(file, struct.unpack_from("<I", directory, place + 42)[0], _MEMBER, 6)
            place += _ENTRY_BYTES + name + extra + comment


def _clear(file: BinaryIO, place: int, sign: bytes, flags: int) -> None:
    """Take the flag off one header, if that is what stands there."""
    file.seek(max(0, place))
    header = file.read(flags + 2)
    if header.startswith(sign) and len(header) == flags + 2:
        file.seek(place + flags)
        file.write(struct.pack("<H", struct.unpack_from("<H", header, flags)[0] & ~_UTF8))


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
