"""KML and GPX looked through before any other parser sees them: no entities, no links to elsewhere, UTF-8."""

from __future__ import annotations

import posixpath
import re
from array import array
from collections.abc import Collection
from dataclasses import dataclass, field
from mmap import ACCESS_READ, mmap
from pathlib import Path
from sys import intern
from urllib.parse import unquote
from xml.parsers import expat

from gisapp.formats.archive import Loose, shown, unreadable
from gisapp.formats.encoding import transcode

#: Deeper than any real file; a parser that recurses would run out of stack.
MAX_DEPTH = 100
_CHUNK = 2**18
_DECLARED = re.compile(rb"""\A\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_CHINESE = {"gbk": "GBK", "gb2312": "GBK", "gb18030": "GB18030", "cp936": "GBK", "big5": "BIG5"}
_PLAIN = re.compile(r"(?!hex_)[A-Za-z_][A-Za-z0-9_]*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_BYTES = re.compile(r"(?:0x[0-9A-F]{2})+")
_NAME = re.compile(rb"""(\sname\s*=\s*)(?:"[^"]*"|'[^']*')""")
_TAG = 16 * 2**10
#: What stands before a name in hexadecimal.
_HIDDEN = "hex_"
#: What would fetch data from elsewhere; links in descriptions and icons are only text to us.
_FETCHING = frozenset({"NetworkLinkControl", "include"})
_LINK = "NetworkLink"
#: So long may the address in a link be.
_ADDRESS = 2000


class _Refused(Exception):
    pass


def checked_xml(file: Loose, *, wanted: bool, beside: Collection[str] = ()) -> str | None:
    """"kml" or "gpx" by the root element, None for other XML that nobody asked for (`wanted` is false) and for a KML
    of nothing but links to files of the same upload (`beside`), each of which is read by itself.

    The file is UTF-8 and without links afterwards. Problem `file_unreadable` for broken XML, entities and links to
    elsewhere.
    """
    _to_utf8(file.path)
    scan = _scanned(file, wanted)
    if scan is not None and scan.links:
        _require_inside(file, [address for link in scan.links for address in link.addresses], beside)
        _cut_out(file.path, scan.links)
        scan = _scanned(file, wanted)
        if scan is not None and not scan.placemarks:
            return None
    if scan is not None and scan.root in ("kml", "gpx"):
        _hide_names(file.path, scan.places, scan.names)
        return scan.root
    if wanted:
        raise unreadable(file.name, "内容与扩展名不符", "its content is not what its name says")
    return None


def _scanned(file: Loose, wanted: bool) -> _Scan | None:
    """A pass over the file, None for other XML that nobody asked for. Problem `file_unreadable`."""
    scan = _Scan()
    try:
        scan.read(file.path)
    except (expat.ExpatError, ValueError) as error:
        if not wanted and scan.root not in ("kml", "gpx"):
            return None
        raise unreadable(file.name, f"XML 有错：{error}", f"broken XML: {error}") from error
    except _Refused as reason:
        if not wanted and scan.root not in ("kml", "gpx"):
            return None  # QGIS lays styles with a DOCTYPE beside its files, which nobody reads
        raise unreadable(file.name, *reason.args) from reason
    return scan


def _require_inside(file: Loose, addresses: list[str], beside: Collection[str]) -> None:
    """Problem `file_unreadable` where a link leads out of the upload, or to what is not in it."""
    # GDAL writes the files of a KMZ under other names than its links say: a folder deeper, bytes as 0xE5.
    known = [_BYTES.sub(lambda run: bytes.fromhex(run[0].replace("0x", "")).decode("utf-8", "replace"), name)
             for name in beside]
    for address in dict.fromkeys(addresses):
        name = unquote(address.split("#")[0].split("?")[0]).replace("\\", "/")
        if _SCHEME.match(name) or name.startswith("/"):
            raise unreadable(file.name, f"含有指向外部数据的链接（{shown(address)}），请提交数据本身",
                              f"it links to data elsewhere ({shown(address)}); send the data itself")
        meant = posixpath.normpath(posixpath.join(posixpath.dirname(file.name), name))
        if not any(one == meant or one.endswith(f"/{meant}") for one in known):
            raise unreadable(file.name, f"链接的文件不在压缩包内（{shown(address)}），请一并提交",
                              f"it links to a file that is not in the archive ({shown(address)}); send it too")


def _cut_out(path: Path, links: list[_Link]) -> None:
    """Write the file anew without its links, so that no parser follows them."""
    other, done = path.with_name(f"{path.name}.unlinked"), 0
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as source, other.open("wb") as sink:
        for link in links:
            sink.write(source[done:link.start])
            # An element without content has no end tag: its end is there already.
            alone = source[link.end - 2:link.end] == b"/>" and source.rfind(b"<", link.start, link.end) == link.start
            done = link.end if alone else source.find(b">", link.end) + 1
        sink.write(source[done:])
    other.replace(path)


@dataclass
class _Link:
    """A link to data elsewhere: where its element begins and its end tag stands, and the addresses in it."""

    start: int
    end: int = 0
    addresses: list[str] = field(default_factory=list)


class _Scan:
    """One pass of expat, which fetches nothing and is told to expand nothing."""

    def __init__(self) -> None:
        self.root = ""
        #: Where each `Data` element begins whose name is not plain, and the names.
        self.places, self.names = array("Q"), list[str]()
        self.links, self.placemarks = list[_Link](), 0
        self._depth = 0
        self._link: tuple[int, _Link] | None = None
        self._address: str | None = None
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.EntityDeclHandler = self._doctype

    def read(self, path: Path) -> None:
        """Go through the file; raises ExpatError or _Refused."""
        with path.open("rb") as source:
            while chunk := source.read(_CHUNK):
                self._parser.Parse(chunk, False)
            self._parser.Parse(b"", True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        self.root = self.root or local.lower()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _Refused("元素嵌套过深", "its elements are nested too deep")
        if local == "Data" and not _PLAIN.fullmatch(attributes.get("name", "_")):
            self.places.append(self._parser.CurrentByteIndex)
            self.names.append(intern(attributes["name"]))
        if local in _FETCHING:
            raise _Refused(f"含有指向外部数据的链接（{local}），请提交数据本身",
                           f"it links to data elsewhere ({local}); send the data itself")
        self.placemarks += local == "Placemark"
        if local == _LINK and self._link is None:
            self._link = self._depth, _Link(self._parser.CurrentByteIndex)
        elif local == "href" and self._link is not None:
            self._address = ""

    def _text(self, text: str) -> None:
        if self._address is not None and len(self._address) < _ADDRESS:
            self._address += text

    def _end(self, _: str) -> None:
        if self._address is not None and self._link is not None:
            self._link[1].addresses.append(self._address.strip())
            self._address = None
        elif self._link is not None and self._link[0] == self._depth:
            self._link[1].end = self._parser.CurrentByteIndex
            self.links.append(self._link[1])
            self._link = None
        self._depth -= 1

    def _doctype(self, *_: object) -> None:
        raise _Refused("含有 DOCTYPE 或实体声明", "it declares a DOCTYPE or entities")


def _to_utf8(path: Path) -> None:
    """Write the file anew in UTF-8 when it says, or shows, that it is in another encoding."""
    with path.open("rb") as source:
        start = source.read(200)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        transcode(path, "UTF-16", _forget_encoding)
        return
    said = _DECLARED.match(start.removeprefix(b"\xef\xbb\xbf"))
    encoding = _CHINESE.get(said[1].decode().lower()) if said else None
    if encoding:
        transcode(path, encoding, _forget_encoding)


def _forget_encoding(start: str) -> str:
    """The beginning of a document without the encoding that it names."""
    return re.sub(r"""(<\?xml[^>]*?)\s+encoding\s*=\s*["'][^"']*["']""", r"\1", start, count=1)


def _hide_names(path: Path, places: array[int], names: list[str]) -> None:
    """Write the names of `Data` elements in hexadecimal: of a Chinese one the KML driver leaves lines only, and takes
    all of one length for the same field."""
    if not names:
        return
    other, done = path.with_name(f"{path.name}.named"), 0
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as source, other.open("wb") as sink:
        for place, name in zip(places, names, strict=True):
            end = source.find(b">", place, place + _TAG)
            hidden = b'\\1"' + _HIDDEN.encode() + name.encode().hex().encode() + b'"'
            sink.write(source[done:place])
            sink.write(_NAME.sub(hidden, source[place:max(end, place)], count=1))
            done = max(end, place)
        sink.write(source[done:])
    other.replace(path)


def shown_name(name: str) -> str:
    """The name of a field as it was before `checked_xml` hid it."""
    if not name.startswith(_HIDDEN):
        return name
    try:
        return bytes.fromhex(name.removeprefix(_HIDDEN)).decode()
    except ValueError:
        return name
