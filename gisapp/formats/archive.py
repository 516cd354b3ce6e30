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
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from gisapp.errors import Problem

MAX_MEMBERS = 1000
MAX_DIRECTORY_BYTES = 2**20
#: A DBF of mostly blanks packs a hundredfold and more; only what is both dense and large is a bomb.
MAX_RATIO, DENSE_BYTES = 200, 64 * 2**20
_CHUNK = 2**18
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, EOFError, OSError,
           ValueError)

_SIDECARS = ("shp", "shx", "dbf", "prj", "cpg")
_WHOLE = {"gpkg": "GPKG", "geojson": "GeoJSON", "json": "GeoJSON"}
_ARCHIVES = ("zip", "rar", "7z", "gz", "tgz", "tar", "bz2", "xz", "kmz", "zst")
_FOREIGN = ((b"Rar!\x1a\x07", "rar"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"\x1f\x8b", "gz"))


@dataclass
class Dataset:
    """One thing for GDAL to open: `path` is ours, `title` is the name as given. `missing` sidecars are noted."""

    title: str
    driver: str
    path: Path
    missing: list[str] = field(default_factory=list)


@dataclass
class _Loose:
    """A file under its given name and where it lies."""

    name: str
    path: Path


@dataclass(frozen=True)
class Upload:
    """A file as it came: the client's name for it, and where it lies under a name of ours."""

    name: str
    path: Path


def refused(zh: str, en: str) -> Problem:
    return Problem("archive_refused", reason=f"{zh} / {en}")


def datasets(uploads: Iterable[Upload], folder: Path, limit_mb: int) -> tuple[list[Dataset], list[str]]:
    """What can be opened among the uploads, and the names of what was passed over.

    Files come to lie in `folder`. Problems: `file_unsupported`, `archive_refused`, `upload_too_large`,
    `file_unreadable`.
    """
    loose: list[_Loose] = []
    for number, upload in enumerate(uploads):
        with upload.path.open("rb") as file:
            start = file.read(8)
        _refuse_foreign(start, upload.name)
        if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            loose += _unpack(upload.path, folder, number, limit_mb)
        else:
            loose.append(_Loose(upload.name, upload.path))
    return _grouped(loose, folder)


def _refuse_foreign(start: bytes, name: str) -> None:
    for magic, kind in _FOREIGN:
        if start.startswith(magic):
            raise Problem("file_unsupported", reason=(
                f"{_shown(name)} 是 {kind} 压缩包，请解压后改用 zip 压缩 / it is a {kind} archive; "
                f"unpack it and pack it as zip"))


def _unpack(path: Path, folder: Path, number: int, limit_mb: int) -> list[_Loose]:
    _check_directory(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = list(_checked(archive.infolist(), path.stat().st_size, limit_mb))
            left = limit_mb * 2**20
            found = []
            for index, (member, name) in enumerate(members):
                target = folder / f"m{number}_{index}"
                with archive.open(member) as source, target.open("xb") as sink:
                    left -= _copy(source, sink, left, limit_mb)
                found.append(_Loose(name, target))
            return found
    except _BROKEN as error:
        raise refused("文件已损坏或压缩方式不受支持", "it is damaged or packed in an unknown way") from error


def _check_directory(path: Path) -> None:
    """Look at the zip's own count before Python reads its directory into memory."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 65557))
        tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) < place + 22:
        raise refused("文件不完整", "it is cut short")
    entries, size = struct.unpack_from("<HI", tail, place + 10)
    if entries > MAX_MEMBERS or size > MAX_DIRECTORY_BYTES:
        raise refused(f"文件数超过 {MAX_MEMBERS}", f"it holds more than {MAX_MEMBERS} files")


def _checked(members: list[zipfile.ZipInfo], packed: int, limit_mb: int) -> Iterator[tuple[zipfile.ZipInfo, str]]:
    total = sum(member.file_size for member in members)
    if total > limit_mb * 2**20:
        raise Problem("upload_too_large", limit_mb=limit_mb)
    if total > DENSE_BYTES and total > MAX_RATIO * packed:
        raise refused("压缩比异常", "it unpacks to far more than a data file would")
    for member in members:
        name = member_name(member)
        _refuse_member(member, name)
        if not member.is_dir() and not name.startswith("__MACOSX/"):
            yield member, name


def member_name(member: zipfile.ZipInfo) -> str:
    """The name as its maker wrote it: without the UTF-8 flag, Chinese Windows wrote GBK."""
    if member.flag_bits & 0x800:
        return member.orig_filename
    raw = member.orig_filename.encode("cp437", "replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return member.orig_filename


def _refuse_member(member: zipfile.ZipInfo, name: str) -> None:
    parts = name.split("/")
    if name.startswith("/") or "\\" in name or "\x00" in name or re.match(r"[A-Za-z]:", name) or ".." in parts:
        raise refused(f"文件路径不安全：{_shown(name)}", f"unsafe path {_shown(name)}")
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise refused(f"含有链接或特殊文件：{_shown(name)}", f"a link or special file: {_shown(name)}")
    if member.flag_bits & 0x1:
        raise refused("已加密，请去掉密码", "it is encrypted; remove the password")
    if extension(name) in _ARCHIVES:
        raise refused(f"压缩包内还有压缩包：{_shown(name)}", f"an archive inside the archive: {_shown(name)}")


def _copy(source: IO[bytes], sink: IO[bytes], left: int, limit_mb: int) -> int:
    """Bytes copied; what a header says of its size is not believed."""
    done = 0
    while chunk := source.read(_CHUNK):
        done += len(chunk)
        if done > left:
            raise Problem("upload_too_large", limit_mb=limit_mb)
        sink.write(chunk)
    return done


def _grouped(loose: list[_Loose], folder: Path) -> tuple[list[Dataset], list[str]]:
    groups: dict[str, dict[str, _Loose]] = {}
    found: list[Dataset] = []
    passed: list[str] = []
    for file in loose:
        ending = extension(file.name)
        if ending in _SIDECARS:
            groups.setdefault(stem(file.name).lower(), {}).setdefault(ending, file)
        elif ending in _WHOLE:
            found.append(_whole(file, _WHOLE[ending], folder, len(found)))
        else:
            passed.append(_shown(file.name))
    for files in groups.values():
        if "shp" in files:
            found.append(_shapefile(files, folder, len(found)))
        else:
            passed += [_shown(file.name) for file in files.values()]
    if not found:
        raise Problem("file_unsupported", reason=_nothing_found(loose))
    return found, passed


def _nothing_found(loose: list[_Loose]) -> str:
    names = ", ".join(_shown(file.name) for file in loose[:5]) or "-"
    return f"没有找到 .shp、.gpkg 或 .geojson（{names}） / no .shp, .gpkg or .geojson in it ({names})"


def _whole(file: _Loose, driver: str, folder: Path, number: int) -> Dataset:
    with file.path.open("rb") as source:
        start = source.read(64)
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    right = start.startswith(b"SQLite format 3\x00") if driver == "GPKG" else text.startswith(b"{")
    if not right:
        raise Problem("file_unreadable", reason=f"{_shown(file.name)}：内容与扩展名不符 / "
                                                "its content is not what its name says")
    path = folder / f"d{number}.{'gpkg' if driver == 'GPKG' else 'geojson'}"
    file.path.rename(path)
    return Dataset(_title(file.name), driver, path)


def _shapefile(files: dict[str, _Loose], folder: Path, number: int) -> Dataset:
    shp = files["shp"]
    with shp.path.open("rb") as source:
        if source.read(4) != b"\x00\x00\x27\x0a":
            raise Problem("file_unreadable", reason=f"{_shown(shp.name)}：不是 Shapefile / not a shapefile")
    if "dbf" not in files:
        raise Problem("file_unreadable", reason=f"{_shown(shp.name)}：缺少 .dbf，请与 .shx、.prj 一并提交 / "
                                                ".dbf is missing; send it with .shx and .prj")
    for ending, file in files.items():
        file.path.rename(folder / f"d{number}.{ending}")
    missing = [ending for ending in _SIDECARS if ending not in files]
    return Dataset(_title(shp.name), "ESRI Shapefile", folder / f"d{number}.shp", missing)


def extension(name: str) -> str:
    """The last ending in lower case, without its dot."""
    return name.rpartition("/")[2].rpartition(".")[2].lower()


def stem(name: str) -> str:
    """The name without its ending, folder and all: what the files of one shapefile share."""
    return name.rpartition(".")[0] or name


def _title(name: str) -> str:
    return _shown(stem(name).rpartition("/")[2])


def _shown(name: str) -> str:
    """A given name fit to be shown: printable and not too long."""
    return "".join(c if c.isprintable() else "?" for c in name)[:120]
