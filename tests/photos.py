"""Photos for tests: real files, made by Pillow on the spot."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageDraw
from PIL.TiffImagePlugin import IFDRational


def photo(kind: str = "JPEG", size: tuple[int, int] = (640, 480), colour: str = "steelblue", *,
          turn: int | None = None, place: tuple[float, float] | None = None, taken: str | None = None,
          offset: str | None = None, **more: Any) -> bytes:
    """The bytes of a picture; `place` is lon, lat, `taken` as EXIF writes it, `turn` the EXIF orientation."""
    image = Image.new("RGB", size, colour)
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 4, size[1] // 4), fill="red")
    exif = Image.Exif()
    if turn:
        exif[0x0112] = turn
    if taken:
        exif[0x010F] = "Test camera"
        exif.get_ifd(0x8769)[0x9003] = taken
        if offset:
            exif.get_ifd(0x8769)[0x9011] = offset
    if place:
        exif.get_ifd(0x8825).update({1: "N" if place[1] >= 0 else "S", 2: _degrees(place[1]),
                                     3: "E" if place[0] >= 0 else "W", 4: _degrees(place[0])})
    out = io.BytesIO()
    image.save(out, kind, **({"exif": exif} if len(exif) or taken or place else {}), **more)
    return out.getvalue()


def _degrees(value: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    value = abs(value)
    minutes = (value % 1) * 60
    return (IFDRational(int(value), 1), IFDRational(int(minutes), 1),
            IFDRational(round((minutes % 1) * 60 * 100_000), 100_000))
