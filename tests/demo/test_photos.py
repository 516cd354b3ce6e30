"""Photos of the demo city: a handful, once, the same every time, and labelled."""

from __future__ import annotations

import hashlib
import random
from datetime import datetime

from gisapp.demo import photos
from gisapp.demo.load import _city, once, silent
from gisapp.house import House
from gisapp.permissions import SYSTEM
from gisapp.photos import attachments, files as attachment_files


def test_a_handful_once(owner: House) -> None:
    for layer in photos.WANTED:
        once(owner, f"demo:{layer}", layer, _city(owner, layer), False, silent)
    assert photos.add_photos(owner) == sum(count * each for count, each in photos.WANTED.values())
    assert photos.add_photos(owner) == 0
    signs = owner.tables.layers["rooftop_signs"]
    with owner.db.read() as connection:
        first = connection.execute(signs.select().order_by(signs.c.sign_no).limit(1)).one()
    album = attachments.album(owner, SYSTEM, "rooftop_signs", first.id)
    assert [one.caption for one in album.photos] and all("合成" in one.caption for one in album.photos)
    assert all(one.place and one.distance_m is not None and one.distance_m < 60 for one in album.photos)
    assert list(attachment_files.faults(owner)) == []


def test_the_same_seed_draws_the_same_picture() -> None:
    drawn = {hashlib.sha256(photos.draw(random.Random("seed"), photos._DRAWN["rooftop_signs"], (113.38, 31.69),
                                        datetime(2025, 6, 1, 9, 30))).hexdigest() for _ in range(2)}
    assert len(drawn) == 1
