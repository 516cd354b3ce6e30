"""What a photo is and what its camera noted: `python -m gisapp.children gisapp.photos.reading`.

Runs in a child process with limits of time and memory: a picture that chokes the decoder ends the child. Beside the
given file it leaves `small.jpg` and `large.jpg`: upright, in sRGB, without a word of where, when or by what.
"""

from __future__ import annotations

import io
import math
import warnings
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from gisapp.errors import Problem
from gisapp.photos.kinds import DECODERS, kind_of

#: The longer side in pixels, and the quality, of what is shown in a strip and in the large view.
SMALL, LARGE = ("small.jpg", 400, 78), ("large.jpg", 2048, 86)
#: What a decoder tells of the picture itself; anything else was noted by a device or a person.
_PLAIN = {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "gamma", "srgb", "chromaticity", "progressive",
          "progression", "adobe", "adobe_transform", "icc_profile", "transparency", "interlace", "loop", "background",
          "timestamp", "duration", "default_image", "bbox", "blend", "disposal"}
_EXIF_TIME, _EXIF_OFFSET = (0x9003, 0x9004), (0x9011, 0x9012)
_ORIENTATION = 0x0112


def work(order: dict[str, Any]) -> dict[str, Any]:
    """Width and height (as it is looked at), taken_at, place (lon, lat), telling; the two pictures are made.

    Problems: `photo_kind` (415), `photo_too_large`, `photo_unreadable` (422).
    """
    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None  # our own limit is asked before anything is decoded
    path = Path(order["path"])
    with path.open("rb") as file:
        media_type = kind_of(file.read(64))
    try:
        with Image.open(path, formats=DECODERS[media_type]) as image:
            image.verify()  # checksums, which decoding passes over; the image is of no use afterwards
        with Image.open(path, formats=DECODERS[media_type]) as image:
            return _read(image, path, order) | {"media_type": media_type}
    except (Problem, MemoryError):
        raise
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, ArithmeticError, IndexError, KeyError,
            TypeError, AttributeError, Image.DecompressionBombError) as error:
        raise Problem("photo_unreadable", reason=_said(error)) from error


def _said(error: Exception) -> str:
    """What the decoder says, without our own places on disk."""
    text = str(error).partition("'/")[0].partition(" file '")[0].strip()
    return text[:120] or type(error).__name__


def _read(image: Image.Image, path: Path, order: dict[str, Any]) -> dict[str, Any]:
    most = int(order["megapixels"])
    if image.width * image.height > most * 1_000_000:
        raise Problem("photo_too_large", width=image.width, height=image.height, limit=most)
    width, height = image.size
    exif = _exif(image)
    turned = exif.get(_ORIENTATION) in (5, 6, 7, 8)
    told = {"width": height if turned else width, "height": width if turned else height,
            "taken_at": _taken(exif, order["time_zone"]), "place": _place(exif),
            "telling": _is_telling(image, exif, path)}
    _draw(image, path.parent)
    return told


def _exif(image: Image.Image) -> Image.Exif:
    """What the camera noted; nothing where that is damaged: the picture counts."""
    try:
        found = image.getexif()
        list(found.items())
        return found
    except Exception:
        return Image.Exif()


def _is_telling(image: Image.Image, exif: Image.Exif, path: Path) -> bool:
    """Whether the bytes hold anything beside the picture."""
    noted = set(map(str, image.info)) - _PLAIN
    if exif and all(tag == _ORIENTATION for tag in exif):
        noted.discard("exif")  # which way up it is to be held tells nobody anything
    return bool(noted) or any(tag != _ORIENTATION for tag in exif) or not _ends(path, image.format or "")


def _ends(path: Path, kind: str) -> bool:
    """Whether nothing was put behind the picture's end."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        file.seek(-min(size, 12), 2)
        tail = file.read()
    if kind == "PNG":
        return tail.endswith(b"IEND\xaeB`\x82")
    if kind == "WEBP":
        return size <= int.from_bytes(head[4:8], "little") + 9
    return tail.endswith(b"\xff\xd9")


def _draw(image: Image.Image, folder: Path) -> None:
    """The large and the small picture. Decoding it whole tells a file that was cut short."""
    name, side, quality = LARGE
    image.draft("RGB", (side, side))  # a JPEG is then decoded at a fraction of its size
    image.load()
    profile = image.info.get("icc_profile")
    picture = _plain(image)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    picture = _in_srgb(ImageOps.exif_transpose(picture), profile)
    for name, side, quality in (LARGE, SMALL):
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        clean = Image.new("RGB", picture.size)
        clean.paste(picture)
        clean.save(folder / name, "JPEG", quality=quality, optimize=True, progressive=name == LARGE[0])


def _plain(image: Image.Image) -> Image.Image:
    """The picture in three colours, white where it was transparent; it keeps its EXIF for being turned."""
    exif = image.info.get("exif")
    if image.mode.startswith("I"):  # sixteen bits a pixel: the upper eight
        image = image.point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        white = Image.new("RGB", clear.size, "white")
        white.paste(clear, mask=clear.getchannel("A"))
        image = white
    made = image if image.mode == "RGB" else image.convert("RGB")
    if exif:
        made.info["exif"] = exif
    return made


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours as every screen shows them; a profile that cannot be used is passed over."""
    if not profile:
        return picture
    try:
        made = ImageCms.profileToProfile(picture, ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                                         ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture
    return made or picture


def _taken(exif: Image.Exif, zone: str) -> str | None:
    """When, by the camera's clock: with its offset where it tells one, else in the office's time zone."""
    try:
        inner = exif.get_ifd(ExifTags.IFD.Exif)
    except Exception:
        return None
    for tag, offset in zip(_EXIF_TIME, _EXIF_OFFSET, strict=True):
        moment = _moment(inner.get(tag), inner.get(offset), zone)
        if moment:
            return moment
    return _moment(exif.get(0x0132), inner.get(0x9010), zone)


def _moment(text: Any, offset: Any, zone: str) -> str | None:
    try:
        moment = datetime.strptime(str(text).strip("\x00 ")[:19], "%Y:%m:%d %H:%M:%S")
        if moment.year < 1900:
            return None
        return moment.replace(tzinfo=_offset(offset) or ZoneInfo(zone)).isoformat()
    except (ValueError, TypeError, OverflowError):
        return None


def _offset(text: Any) -> timezone | None:
    sign, hours, minutes = str(text or "")[:1], str(text or "")[1:3], str(text or "")[4:6]
    if sign not in ("+", "-") or not (hours.isdecimal() and minutes.isdecimal()) or int(hours) > 14:
        return None
    return timezone((1 if sign == "+" else -1) * timedelta(hours=int(hours), minutes=int(minutes)))


def _place(exif: Image.Exif) -> tuple[float, float] | None:
    """Longitude and latitude (WGS 84, as EXIF has it); None where there is none, or 0, 0, which is no fix."""
    try:
        found = exif.get_ifd(ExifTags.IFD.GPSInfo)
        lat, lon = _degrees(found[2], found[1], "S"), _degrees(found[4], found[3], "W")
    except Exception:
        return None
    if not (abs(lat) <= 90 and abs(lon) <= 180) or (lat == 0 and lon == 0):
        return None
    return round(lon, 8), round(lat, 8)


def _degrees(parts: Any, side: Any, negative: str) -> float:
    degrees, minutes, seconds = (float(part) for part in (*parts, 0, 0)[:3])
    value = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(value):
        raise ValueError("not a number")
    return -value if str(side).strip("\x00 ").upper() == negative else value
