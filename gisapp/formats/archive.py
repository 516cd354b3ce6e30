"""Uploads made safe to open: zips are checked before they are unpacked, and unpacked under names of our own.

Nothing of a given name reaches the file system; names are only shown to people.
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gisapp.errors import DISK_FULL, Problem
from gisapp.formats.zip_names import member_name, take_off_false_flags

MAX_MEMBERS = 1000
MAX_DIRECTORY_BYTES = 2**20
#: A DBF of mostly blanks packs a hundredfold and more; only what is both dense and large is a bomb.
MAX_RATIO, DENSE_BYTES = 200, 64 * 2**20
_CHUNK = 2**18
BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, EOFError, OSError,
           ValueError)

_ARCHIVES = ("zip", "rar", "7z", "gz", "tgz", "tar", "bz2", "xz", "kmz", "zst", "lz", "lzh", "cab", "arj")
_FOREIGN = ((b"Rar!\x1a\x07", "rar"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"\x1f\x8b", "gz"), (b"BZh", "bz2"),
            (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "zst"), (b"MSCF", "cab"))
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"PK00PK")
#: What makes a zip a workbook: it stays packed. Other documents that are zips, and what to send instead.
_WORKBOOK = "xl/workbook.xml"
_DOCUMENTS = {"xl/workbook.bin": "xlsb", "word/document.xml": "docx", "ppt/presentation.xml": "pptx",
              "META-INF/manifest.xml": "OpenDocument"}
#: What macOS lays beside every file on disks of other systems: "._a.shp" is no shapefile.
_APPLE = b"\x00\x05\x16\x07"


@dataclass
class Loose:
    """A file under its given name and where it lies. `packed`: out of a zip, or a workbook that is one."""

    name: str
    path: Path
    packed: bool = False

    def start(self, size: int = 512) -> bytes:
        """Its first bytes."""
        with self.path.open("rb") as file:
            return file.read(size)


@dataclass(frozen=True)
class Upload:
    """A file as it came: the client's name for it, and where it lies under a name of ours."""

    name: str
    path: Path


def refused(zh: str, en: str) -> Problem:
    return Problem("archive_refused", reason=f"{zh} / {en}")


def unreadable(name: str, zh: str, en: str) -> Problem:
    """`file_unreadable` about the file of that name."""
    return Problem("file_unreadable", reason=f"{shown(name)}：{zh} / {shown(name)}: {en}")


def unpacked(uploads: Iterable[Upload], folder: Path, limit_mb: int) -> list[Loose]:
    """Every file of the uploads, those of zips unpacked into `folder`; a workbook (.xlsx) is checked and left whole.

    Problems: `file_unsupported` for other kinds of archive, `archive_refused`, `upload_too_large`.
    """
    loose: list[Loose] = []
    for number, upload in enumerate(uploads):
        file = Loose(upload.name, upload.path)
        _refuse_foreign(file)
        loose += _files(file, folder, number, limit_mb)
    return [file for file in loose if file.start(4) != _APPLE] or loose


def _refuse_foreign(file: Loose) -> None:
    kind = _foreign(file)
    if kind:
        raise Problem("file_unsupported", reason=(
            f"{shown(file.name)} 是 {kind} 压缩包，请解压后改用 zip 压缩 / it is a {kind} archive; "
            f"unpack it and pack it as zip"))


def _foreign(file: Loose) -> str | None:
    start = file.start()
    kind = next((kind for magic, kind in _FOREIGN if start.startswith(magic)), None)
    return "tar" if kind is None and start[257:262] == b"ustar" else kind


def _files(file: Loose, folder: Path, number: int, limit_mb: int) -> list[Loose]:
    """The file itself, or what lies in it when it is a zip."""
    if not file.start(8).startswith(_ZIP):
        return [file]
    _check_directory(file.path)
    try:
        with zipfile.ZipFile(file.path) as archive:
            members = list(_checked(archive.infolist(), file.path.stat().st_size, limit_mb))
            if any(name == _WORKBOOK for _, name in members):
                return [Loose(file.name, file.path, packed=True)]
            _refuse_document(file, {name for _, name in members})
            found = list(_unpacked(archive, members, folder / f"m{number}", limit_mb))
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            raise  # no fault of the file
        raise refused("文件已损坏或压缩方式不受支持", "it is damaged or packed in an unknown way") from error
    for member in found:
        _check_inner(member, limit_mb)
    return found


def _refuse_document(file: Loose, names: set[str]) -> None:
    kind = next((kind for name, kind in _DOCUMENTS.items() if name in names), None)
    if kind:
        raise Problem("file_unsupported", reason=(
            f"{shown(file.name)} 是 {kind} 文档，表格请另存为 .xlsx / it is a document ({kind}); save tables as .xlsx"))


def _unpacked(archive: zipfile.ZipFile, members: list[tuple[zipfile.ZipInfo, str]], base: Path,
              limit_mb: int) -> Iterator[Loose]:
    left = limit_mb * 2**20
    for index, (member, name) in enumerate(members):
        target = base.with_name(f"{base.name}_{index}")
        with archive.open(member) as source, target.open("xb") as sink:
            left -= _copy(source, sink, left, limit_mb)
        yield Loose(name, target, packed=True)


def _check_inner(file: Loose, limit_mb: int) -> None:
    """An archive is not hidden by another name; a workbook is looked into before anything opens it."""
    if _foreign(file):
        raise _nested(file.name)
    if not file.start(8).startswith(_ZIP):
        return
    _check_directory(file.path)
    try:
        with zipfile.ZipFile(file.path) as archive:
            members = list(_checked(archive.infolist(), file.path.stat().st_size, limit_mb))
    except BROKEN as error:
        raise _nested(file.name) from error
    if not any(name == _WORKBOOK for _, name in members):
        raise _nested(file.name)


def _nested(name: str) -> Problem:
    return refused(f"压缩包内还有压缩包：{shown(name)}", f"an archive inside the archive: {shown(name)}")


def _check_directory(path: Path) -> None:
    """Look at the zip's own count before Python reads its directory into memory."""
    with path.open("rb") as file:
        start = file.seek(max(0, path.stat().st_size - 65557))
        tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) < place + 22:
        raise refused("文件不完整", "it is cut short")
    entries, size = struct.unpack_from("<HI", tail, place + 10)
    if entries > MAX_MEMBERS or size > MAX_DIRECTORY_BYTES:
        raise refused(f"文件数超过 {MAX_MEMBERS}", f"it holds more than {MAX_MEMBERS} files")
    take_off_false_flags(path, entries, size, start + place)


def _checked(members: list[zipfile.ZipInfo], packed: int, limit_mb: int) -> Iterator[tuple[zipfile.ZipInfo, str]]:
    total = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS:
        raise refused(f"文件数超过 {MAX_MEMBERS}", f"it holds more than {MAX_MEMBERS} files")
    if total > limit_mb * 2**20:
        raise Problem("upload_too_large", limit_mb=limit_mb)
    if total > DENSE_BYTES and total > MAX_RATIO * packed:
        raise refused("压缩比异常", "it unpacks to far more than a data file would")
    for member in members:
        name = member_name(member)
        _refuse_member(member, name)
        if not member.is_dir() and not name.startswith("__MACOSX/"):
            yield member, name


def _refuse_member(member: zipfile.ZipInfo, name: str) -> None:
    parts = name.split("/")
    if name.startswith("/") or "\\" in name or "\x00" in name or re.match(r"[A-Za-z]:", name) or ".." in parts:
        raise refused(f"文件路径不安全：{shown(name)}", f"unsafe path {shown(name)}")
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise refused(f"含有链接或特殊文件：{shown(name)}", f"a link or special file: {shown(name)}")
    if member.flag_bits & 0x1:
        raise refused("已加密，请去掉密码", "it is encrypted; remove the password")
    if extension(name) in _ARCHIVES:
        raise _nested(name)


def _copy(source: IO[bytes], sink: IO[bytes], left: int, limit_mb: int) -> int:
    """Bytes copied; what a header says of its size is not believed."""
    done = 0
    while chunk := source.read(_CHUNK):
        done += len(chunk)
        if done > left:
            raise Problem("upload_too_large", limit_mb=limit_mb)
        sink.write(chunk)
    return done


def extension(name: str) -> str:
    """The last ending in lower case, without its dot."""
    return name.rpartition("/")[2].rpartition(".")[2].lower()


def stem(name: str) -> str:
    """The name without its ending, folder and all: what the files of one shapefile share."""
    return name.rpartition(".")[0] or name


def shown(name: str) -> str:
    """A given name fit to be shown: printable and not too long."""
    return "".join(c if c.isprintable() else "?" for c in name)[:120]
