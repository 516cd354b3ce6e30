"""A zip of files, packed by ISA-L: a tenth of the time that the standard library's own takes, as small as its level 1.

The layout: PKWARE's APPNOTE 6.3, 4.3; sizes beyond 32 bits by its ZIP64 records (4.5.3).
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType

from isal import isal_zlib

_CHUNK = 2**20
_LEVEL = 1
_PACKED = 8
#: From this size on a number goes into the ZIP64 record; a file from a little below on, lest it grow when packed.
_MOST, _LARGE = 0xFFFFFFFF, 0xF0000000
_MOST_FILES = 0xFFFF
#: Date and time of what has none: the first that there is.
_FIRST = (1 << 5 | 1, 0)
_VERSION, _OLD_VERSION, _UTF8, _UNIX, _MODE = 45, 20, 0x800, 3, 0o100644 << 16


@dataclass(frozen=True)
class _Member:
    name: bytes
    flags: int
    moment: tuple[int, int]
    at: int
    crc: int
    packed: int
    size: int


class Zip:
    """Writes a zip to `path`; it is complete once it is closed."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._members: list[_Member] = []

    def __enter__(self) -> Zip:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if error is None:
            self._write_directory()
        self._file.close()

    def add(self, path: Path, name: str) -> None:
        """Pack a file under a name."""
        with path.open("rb") as source:
            self.add_parts(iter(partial(source.read, _CHUNK), b""), path.stat().st_size, name, _moment(path))

    def add_parts(self, parts: Iterable[bytes], size: int, name: str, moment: tuple[int, int] = _FIRST) -> None:
        """Pack what comes in parts, `size` bytes in all, under a name."""
        at = self._file.tell()
        flags = 0 if name.isascii() else _UTF8
        member = _Member(name.encode(), flags, moment, at, 0, 0, size)
        head = len(_local(member))
        self._file.write(bytes(head))
        crc = self._pack(parts, member)
        member = replace(member, crc=crc, packed=self._file.tell() - at - head)
        self._file.seek(at)
        self._file.write(_local(member))
        self._file.seek(0, 2)
        self._members.append(member)

    def _pack(self, parts: Iterable[bytes], member: _Member) -> int:
        crc, left = 0, member.size
        packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -15)
        for chunk in parts:
            crc = isal_zlib.crc32(chunk, crc)
            left -= len(chunk)
            self._file.write(packer.compress(chunk))
        if left:
            raise OSError(f"{member.name.decode()} changed while it was packed")
        self._file.write(packer.flush())
        return crc

    def _write_directory(self) -> None:
        start = self._file.tell()
        for member in self._members:
            self._file.write(_central(member))
        end = self._file.tell()
        count, size = len(self._members), end - start
        if count >= _MOST_FILES or start >= _MOST or size >= _MOST:
            self._file.write(struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, _VERSION, _VERSION, 0, 0, count, count, size,
                                         start))
            self._file.write(struct.pack("<IIQI", 0x07064B50, 0, end, 1))
        self._file.write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, min(count, _MOST_FILES), min(count, _MOST_FILES),
                                     min(size, _MOST), min(start, _MOST), 0))


def _moment(path: Path) -> tuple[int, int]:
    """Date and time as MS-DOS has them."""
    year, month, day, hour, minute, second, *_ = time.localtime(path.stat().st_mtime)
    return max(year - 1980, 0) << 9 | month << 5 | day, hour << 11 | minute << 5 | second // 2


def _local(member: _Member) -> bytes:
    """What stands before the data."""
    date, moment = member.moment
    large = member.size >= _LARGE
    extra = struct.pack("<HHQQ", 1, 16, member.size, member.packed) if large else b""
    sizes = (_MOST, _MOST) if large else (member.packed, member.size)
    return struct.pack("<IHHHHHIIIHH", 0x04034B50, _VERSION if large else _OLD_VERSION, member.flags, _PACKED, moment,
                       date, member.crc, *sizes, len(member.name), len(extra)) + member.name + extra


def _central(member: _Member) -> bytes:
    date, moment = member.moment
    large = [number for number in (member.size, member.packed, member.at) if number >= _MOST]
    extra = struct.pack(f"<HH{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    version = _VERSION if large or member.size >= _LARGE else _OLD_VERSION
    return struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, _UNIX << 8 | version, version, member.flags, _PACKED, moment,
                       date, member.crc, min(member.packed, _MOST), min(member.size, _MOST), len(member.name),
                       len(extra), 0, 0, 0, _MODE, min(member.at, _MOST)) + member.name + extra
