"""Photos of the demo city: drawn from a seed, and labelled as synthetic in the picture itself."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from gisapp import marks
from gisapp.house import House
from gisapp.permissions import SYSTEM
from gisapp.photos import attachments
from gisapp.sql import attachments as sql_attachments

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

MARK = "demo:photos"
#: How many features of a layer get how many photos; never more, however large the city grows.
WANTED = {"rooftop_signs": (5, 2), "illegal_builds": (5, 2)}
CAPTIONS = {"rooftop_signs": ("楼顶广告牌全景（合成）", "支架近景（合成）"),
            "illegal_builds": ("违建东立面（合成）", "屋顶加建（合成）")}
LABEL = "SYNTHETIC DEMO PHOTO - NOT A REAL PLACE"
_SIZE = (1200, 900)
_METRES = 1 / 111_320  # of latitude, in degrees


def add_photos(house: House) -> int:
    """A handful of photos to demo features, once; how many."""
    with house.db.read() as connection:
        if marks.is_done(connection, MARK):
            return 0
    added = sum(_add(house, layer, count, each) for layer, (count, each) in WANTED.items())
    with house.db.begin(SYSTEM.username) as connection:
        marks.set_done(connection, MARK)
    return added


def _add(house: House, layer_id: str, count: int, each: int) -> int:
    layer, table = house.layer(layer_id), house.tables.layers[layer_id]
    with house.db.read() as connection:
        found = sql_attachments.synthetic(connection, layer, table, count)
    for number, row in enumerate(found):
        for turn in range(each):
            dice = random.Random(f"{layer_id} {number} {turn}")
            place = (row.lon + dice.uniform(-25, 25) * _METRES, row.lat + dice.uniform(-25, 25) * _METRES)
            taken = datetime(2025, dice.randint(3, 9), dice.randint(1, 28), dice.randint(8, 17), dice.randint(0, 59))
            picture = draw(dice, _DRAWN[layer_id], place, taken)
            attachments.add(house, SYSTEM, layer_id, row.id, io.BytesIO(picture), CAPTIONS[layer_id][turn % 2],
                            ours=True)
    return len(found) * each


def draw(dice: random.Random, scene: Callable[[ImageDraw, random.Random], None], place: tuple[float, float],
         taken: datetime) -> bytes:
    """A JPEG of a made-up scene with its label, a place (lon, lat) and a time as a phone would note them."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", _SIZE, (198, 216, 232))
    pen = ImageDraw.Draw(image)
    for y in range(0, 520, 4):  # a sky that is lighter towards the ground
        pen.rectangle((0, y, _SIZE[0], y + 4), fill=(150 + y // 8, 185 + y // 12, 222 + y // 24))
    pen.rectangle((0, 700, *_SIZE), fill=(122, 124, 126))
    scene(pen, dice)
    pen.rectangle((0, _SIZE[1] - 64, *_SIZE), fill=(20, 34, 48))
    pen.text((24, _SIZE[1] - 52), LABEL, fill="white", font=ImageFont.load_default(32))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=82, exif=_exif(place, taken))
    return out.getvalue()


def _building(pen: ImageDraw, dice: random.Random, top: int) -> tuple[int, int]:
    """A block with windows; its left and right edge."""
    left, right = dice.randint(160, 260), dice.randint(880, 1020)
    wall = (dice.randint(180, 214), dice.randint(168, 196), dice.randint(150, 180))
    pen.rectangle((left, top, right, 720), fill=wall, outline=(90, 84, 78), width=3)
    for y in range(top + 40, 680, 90):
        for x in range(left + 36, right - 70, 100):
            pen.rectangle((x, y, x + 54, y + 52), fill=dice.choice(((92, 122, 148), (70, 96, 120), (226, 214, 160))))
    return left, right


def _sign(pen: ImageDraw, dice: random.Random) -> None:
    left, right = _building(pen, dice, 340)
    for x in range(left + 60, right - 40, 90):
        pen.line((x, 340, x, 150), fill=(60, 60, 64), width=8)
    board = (dice.randint(150, 210), dice.randint(30, 90), dice.randint(30, 90))
    pen.rectangle((left + 20, 130, right - 20, 290), fill=board, outline="white", width=6)
    for x in range(left + 60, right - 90, 110):
        pen.rectangle((x, 170, x + 74, 250), fill=(250, 236, 190))


def _build(pen: ImageDraw, dice: random.Random) -> None:
    left, right = _building(pen, dice, 300)
    top = dice.randint(190, 230)
    pen.rectangle((left + 30, top, right - dice.randint(180, 320), 300), fill=(120, 160, 190),
                  outline=(60, 90, 110), width=4)
    pen.polygon(((left + 10, top), (right - 170, top - 26), (right - 170, top), (left + 10, top)), fill=(70, 110, 160))


_DRAWN: dict[str, Callable[[ImageDraw, random.Random], None]] = {"rooftop_signs": _sign, "illegal_builds": _build}


def _exif(place: tuple[float, float], taken: datetime) -> bytes:
    from PIL import ExifTags, Image
    from PIL.TiffImagePlugin import IFDRational

    def degrees(value: float) -> tuple[IFDRational, IFDRational, IFDRational]:
        return IFDRational(int(value), 1), IFDRational(int(value % 1 * 60), 1), IFDRational(
            round(value * 60 % 1 * 60 * 10_000), 10_000)

    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[0x9003] = f"{taken:%Y:%m:%d %H:%M:%S}"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: degrees(place[1]), 3: "E", 4: degrees(place[0])})
    return exif.tobytes()
