"""Photos of features: added, seen, removed; what they may not do; and that nothing acknowledged is lost."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from flask import Flask
from PIL import Image

from gisapp.house import House
from gisapp.photos import files as attachment_files
from tests.browser_client import Browser
from tests.conftest import ROOT, Role
from tests.photos import photo

SIGNS = "/collections/rooftop_signs/items"
PLACE = (113.38, 31.69)


class Reader(Role):
    """Reads every answer to its end, so that the file behind it is closed."""

    def open(self, method: str, path: str, **more: Any) -> Any:
        return super().open(method, path, buffered=True, **more)


@pytest.fixture(scope="module")
def roles(app: Flask, accounts: dict[str, dict[str, str]]) -> dict[str, Role]:
    return {role: Reader(app, words["username"], words["password"]) for role, words in accounts.items()}


def make_sign(client: Role, **more: Any) -> str:
    made = client.post(SIGNS, json={
        "type": "Feature", "geometry": {"type": "Point", "coordinates": list(PLACE)},
        "properties": {"sign_no": uuid4().hex[:16], "sign_kind": "01", "area_m2": 12.5}} | more)
    assert made.status_code == 201, made.json
    return f"{SIGNS}/{made.json['id']}"


@pytest.fixture
def sign(admin: Role) -> str:
    return make_sign(admin)


def send(client: Any, sign: str, data: bytes, name: str = "photo.jpg", **fields: str) -> Any:
    return client.post(f"{sign}/attachments", data=fields | {"file": (io.BytesIO(data), name)},
                       headers={"Accept": "application/json"})


def folder(house: House) -> Path:
    return house.settings.instance / "attachments"


def files(house: House) -> set[str]:
    return {path.name for path in folder(house).glob("??/*")}


def test_a_photo_is_kept_as_it_came(roles: dict[str, Role], sign: str, house: House) -> None:
    data = photo(place=(113.3805, 31.6904), taken="2025:06:01 08:30:00", turn=6, size=(800, 600))
    made = send(roles["inspector"], sign, data, caption="  东立面 \n ")
    assert made.status_code == 201, made.json
    told = made.json
    assert made.headers["Location"].endswith(f"{sign}/attachments/{told['id']}")
    assert told["sha256"] == hashlib.sha256(data).hexdigest()
    assert (told["bytes"], told["media_type"]) == (len(data), "image/jpeg")
    assert (told["width"], told["height"]) == (600, 800)  # as it is looked at
    assert told["taken_at"] in ("2025-06-01T00:30:00+00:00", "2025-06-01T08:30:00+08:00")
    assert told["place"]["coordinates"] == pytest.approx([113.3805, 31.6904], abs=1e-6)
    assert told["distance_m"] == pytest.approx(65, abs=1.5)  # 47 m east and 44 m north of the sign
    assert (told["caption"], told["added_by"]) == ("东立面", "inspector")
    back = roles["inspector"].get(f"{sign}/attachments/{told['id']}")
    assert back.data == data
    assert back.mimetype == "image/jpeg"
    path = attachment_files.path_of(folder(house), told["sha256"])
    assert path.read_bytes() == data
    assert {each.stat().st_mode & 0o777 for each in path.parent.glob(f"{path.name}*")} == {0o600}
    assert list((folder(house) / "arriving").iterdir()) == []


def test_the_camera_tells_its_own_offset(admin: Role, sign: str) -> None:
    data = photo(taken="2025:06:01 08:30:00", offset="+09:00")
    assert send(admin, sign, data).json["taken_at"].startswith(("2025-05-31T23:30:00+00", "2025-06-01T07:30:00+08"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_kinds_are_told_by_content(admin: Role, sign: str, kind: str) -> None:
    made = send(admin, sign, photo(kind), "document.txt")
    assert made.status_code == 201, made.json
    assert made.json["media_type"] == f"image/{kind.lower()}"
    assert admin.get(f"{sign}/attachments/{made.json['id']}").mimetype == f"image/{kind.lower()}"


def test_the_body_may_be_the_photo_itself(admin: Role, sign: str) -> None:
    number = uuid4()
    made = admin.post(f"{sign}/attachments?id={number}&caption=raw", data=photo(), content_type="image/jpeg")
    assert (made.status_code, made.json["id"], made.json["caption"]) == (201, str(number), "raw")


def test_pictures_that_are_shown_are_upright_and_tell_nothing(admin: Role, sign: str) -> None:
    told = send(admin, sign, photo(size=(3000, 2000), turn=6, place=PLACE, taken="2025:06:01 08:30:00")).json
    for size, side in (("small", 400), ("large", 2048)):
        answer = admin.get(f"{sign}/attachments/{told['id']}?size={size}")
        with Image.open(io.BytesIO(answer.data)) as image:
            assert max(image.size) == side
            assert image.height > image.width
            assert not image.getexif()
            assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive",
                                       "progression"}
            # The corner that was marked at the top left is at the top right, once it stands upright.
            assert image.convert("RGB").getpixel((image.width - 5, 5))[0] > 180  # type: ignore[index]
    thumbnail = admin.get(f"{sign}/attachments/{told['id']}/thumbnail")
    assert thumbnail.data == admin.get(f"{sign}/attachments/{told['id']}?size=small").data


def test_who_may_not_see_personal_data_gets_the_picture_alone(roles: dict[str, Role], sign: str) -> None:
    data = photo(place=PLACE, taken="2025:06:01 08:30:00")
    told = send(roles["inspector"], sign, data).json
    address = f"{sign}/attachments/{told['id']}"
    for role in ("viewer", "exporter"):
        seen = roles[role].get(f"{sign}/attachments").json["attachments"][0]
        assert (seen["place"], seen["distance_m"], seen["original"], seen["may_remove"]) == (None, None, False, False)
        assert seen["taken_at"]
        back = roles[role].get(address)
        assert back.status_code == 200
        assert back.data != data
        assert b"Exif" not in back.data
        refused = roles[role].get(f"{address}?size=original")
        assert (refused.status_code, refused.json["code"]) == (403, "photo_original_masked")
    for plain in (photo(colour="olive"), photo(colour="olive", turn=3), photo("PNG"), photo("WEBP")):
        other = send(roles["inspector"], sign, plain).json
        assert roles["viewer"].get(f"{sign}/attachments/{other['id']}").data == plain  # nothing in it but a picture


@pytest.mark.parametrize("role", ["viewer", "exporter"])
def test_readers_add_and_remove_nothing(roles: dict[str, Role], sign: str, role: str) -> None:
    told = send(roles["inspector"], sign, photo()).json
    for answer in (send(roles[role], sign, photo()), roles[role].delete(f"{sign}/attachments/{told['id']}")):
        assert (answer.status_code, answer.json["code"]) == (403, "act_not_allowed")


def test_outside_the_territory_nothing_is_added(app: Flask, owner: House, admin: Role) -> None:
    from gisapp.accounts import people
    from gisapp.permissions import SYSTEM

    account, password = people.make(owner, SYSTEM, "far-away", "inspector")
    with psycopg.connect(_plain(owner)) as link:
        link.execute("UPDATE gisapp.accounts SET squadron_code = 'ZF-99', must_change_password = false WHERE id = %s",
                     (str(account.id),))
    answer = send(Role(app, "far-away", password), make_sign(admin), photo())
    assert (answer.status_code, answer.json["code"]) == (403, "outside_territory")


def _plain(house: House) -> str:
    return house.db.url.replace("postgresql+psycopg", "postgresql")


def test_the_same_id_again(admin: Role, sign: str) -> None:
    number, data = str(uuid4()), photo()
    assert send(admin, sign, data, id=number, caption="a").status_code == 201
    again = send(admin, sign, data, id=number, caption="a")
    assert (again.status_code, again.json["id"]) == (200, number)
    assert admin.get(f"{sign}/attachments").json["numberReturned"] == 1
    for other in (send(admin, sign, photo(colour="navy"), id=number, caption="a"),
                  send(admin, sign, data, id=number, caption="b"),
                  send(admin, make_sign(admin), data, id=number, caption="a")):
        assert (other.status_code, other.json["code"]) == (409, "photo_id_conflict")
    assert admin.delete(f"{sign}/attachments/{number}").status_code == 204
    gone = send(admin, sign, data, id=number, caption="a")
    assert (gone.status_code, gone.json["code"]) == (409, "photo_removed")
    assert send(admin, sign, data, id="not-a-uuid").json["code"] == "id_invalid"


def test_ranges_etags_and_headers(admin: Role, sign: str) -> None:
    data = photo()
    address = f"{sign}/attachments/{send(admin, sign, data).json['id']}"
    whole = admin.get(address)
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["Content-Disposition"].startswith('inline; filename="rooftop_signs-')
    assert "default-src 'none'" in whole.headers["Content-Security-Policy"]
    assert {"private", "no-cache"} <= set(whole.headers["Cache-Control"].replace(" ", "").split(","))
    assert admin.get(address, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    part = admin.get(address, headers={"Range": "bytes=10-29"})
    assert (part.status_code, part.data, part.headers["Content-Range"]) == (
        206, data[10:30], f"bytes 10-29/{len(data)}")
    assert admin.get(address, headers={"Range": f"bytes={len(data) + 5}-"}).status_code == 416
    head = admin.open("HEAD", address)
    assert (head.status_code, head.content_length, head.data) == (200, len(data), b"")
    assert admin.get(f"{address}?size=huge").json["code"] == "parameter_invalid"
    assert admin.get(f"{address}?colour=red").json["code"] == "parameter_unknown"


def test_a_removed_photo_is_kept_with_who_and_why(roles: dict[str, Role], sign: str, house: House) -> None:
    told = send(roles["inspector"], sign, photo(), caption="左").json
    address = f"{sign}/attachments/{told['id']}"
    assert roles["reviewer"].delete(f"{address}?why=%E9%87%8D%E5%A4%8D").status_code == 204
    for answer in (roles["reviewer"].get(address), roles["reviewer"].delete(address)):
        assert (answer.status_code, answer.json["code"]) == (404, "photo_unknown")
    assert roles["viewer"].get(f"{sign}/attachments").json["attachments"] == []
    kept = roles["viewer"].get(f"{sign}/history").json["photos"]
    assert [(one["caption"], one["removed_by"], one["removed_why"]) for one in kept] == [("左", "reviewer", "重复")]
    assert told["sha256"] in files(house)
    # Before it was removed it was there; only who removes photos sees it again.
    moment = {"query_string": {"as_of": kept[0]["added_at"]}}
    assert roles["reviewer"].get(f"{sign}/attachments", **moment).json["numberReturned"] == 1
    assert roles["reviewer"].get(address, **moment).status_code == 200
    assert roles["viewer"].get(address, **moment).status_code == 404


def test_second_thoughts_end(roles: dict[str, Role], sign: str, owner: House) -> None:
    mine, old = (send(roles["inspector"], sign, photo(colour=colour)).json["id"] for colour in ("red", "green"))
    theirs = send(roles["reviewer"], sign, photo(colour="blue")).json["id"]
    with psycopg.connect(_plain(owner)) as link:
        link.execute("ALTER TABLE gisapp.attachments DISABLE TRIGGER USER")
        link.execute("UPDATE gisapp.attachments SET added_at = now() - interval '31 minutes' WHERE id = %s", (old,))
        link.execute("ALTER TABLE gisapp.attachments ENABLE TRIGGER USER")
    assert roles["inspector"].delete(f"{sign}/attachments/{mine}").status_code == 204
    for other in (old, theirs):
        answer = roles["inspector"].delete(f"{sign}/attachments/{other}")
        assert (answer.status_code, answer.json["code"]) == (403, "photo_not_yours")
    seen = {one["id"]: one["may_remove"] for one in roles["inspector"].get(f"{sign}/attachments").json["attachments"]}
    assert seen == {old: False, theirs: False}


def test_photos_follow_their_feature(roles: dict[str, Role], admin: Role, sign: str) -> None:
    told = send(roles["inspector"], sign, photo()).json
    assert admin.delete(sign, headers={"If-Match": '"1"'}).status_code == 204
    for path in ("", f"/{told['id']}", f"/{told['id']}/thumbnail"):
        answer = admin.get(f"{sign}/attachments{path}")
        assert (answer.status_code, answer.json["code"]) == (404, "feature_unknown")
    assert send(admin, sign, photo()).json["code"] == "feature_unknown"
    assert admin.post(f"{sign}/restore", json={"version": 1}).status_code == 201
    assert admin.get(f"{sign}/attachments").json["numberReturned"] == 1


def test_a_photo_belongs_to_one_feature(admin: Role, sign: str) -> None:
    told = send(admin, sign, photo()).json
    other = make_sign(admin)
    for answer in (admin.get(f"{other}/attachments/{told['id']}"), admin.delete(f"{other}/attachments/{told['id']}")):
        assert (answer.status_code, answer.json["code"]) == (404, "photo_unknown")


def test_a_questions_collection_shows_its_members_photos(admin: Role, sign: str) -> None:
    told = send(admin, sign, photo()).json
    number = sign.rpartition("/")[2]
    made = admin.post("/questions", json={"name": "照片", "layer": "rooftop_signs", "as_layer": True,
                                          "query": {"ids": number}})
    assert made.status_code == 201, made.json
    address = f"/collections/q-{made.json['id']}/items/{number}/attachments"
    seen = admin.get(address).json["attachments"][0]
    assert seen["id"] == told["id"]
    assert seen["links"][0]["href"].endswith(f"{address}/{told['id']}")
    assert admin.get(f"{address}/{told['id']}/thumbnail").status_code == 200
    assert send(admin, f"/collections/q-{made.json['id']}/items/{number}", photo()).json["code"] == "question_read_only"


# --- what is refused

def _png(width: int, height: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def _gif() -> bytes:
    out = io.BytesIO()
    Image.new("P", (8, 8)).save(out, "GIF")
    return out.getvalue()


def _flipped(data: bytes, after: bytes) -> bytes:
    place = data.index(after) + len(after) + 12
    return data[:place] + bytes([data[place] ^ 255]) + data[place + 1:]


#: name, bytes, status, code
HOSTILE: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "photo_missing"),
    "one byte": (b"\xff", 415, "photo_kind"),
    "zero bytes": (bytes(5000), 415, "photo_kind"),
    "a web page": (b"<!doctype html><script>alert(1)</script>", 415, "photo_kind"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', 415, "photo_kind"),
    "svg behind a byte order mark": (b'\xef\xbb\xbf<?xml version="1.0"?><svg/>', 415, "photo_kind"),
    "gif": (_gif(), 415, "photo_kind"),
    "pdf": (b"%PDF-1.7\n", 415, "photo_kind"),
    "heic": (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", 415, "photo_kind"),
    "video": (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00", 415, "photo_kind"),
    "a zip": (b"PK\x03\x04" + bytes(60), 415, "photo_kind"),
    "magic of a jpeg only": (b"\xff\xd8\xff\xe0" + bytes(2000), 422, "photo_unreadable"),
    "magic of a png only": (b"\x89PNG\r\n\x1a\n" + os.urandom(500), 422, "photo_unreadable"),
    "magic of a webp only": (b"RIFF\x00\x10\x00\x00WEBPVP8 " + bytes(500), 422, "photo_unreadable"),
    "cut short jpeg": (photo(size=(900, 900))[:-3000], 422, "photo_unreadable"),
    "cut short png": (photo("PNG", size=(300, 300))[:-200], 422, "photo_unreadable"),
    "cut short webp": (photo("WEBP")[:-100], 422, "photo_unreadable"),
    "a png with a wrong checksum": (_flipped(photo("PNG"), b"IDAT"), 422, "photo_unreadable"),
    "a hundred megapixels": (_png(10_000, 10_000, bytes(100)), 422, "photo_too_large"),
    "a bomb of 4 000 megapixels": (_png(65_500, 65_500, bytes(100)), 422, "photo_too_large"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_photo_is_refused(admin: Role, house: House, name: str) -> None:
    data, status, code = HOSTILE[name]
    sign, before = make_sign(admin), files(house)
    answer = send(admin, sign, data, "photo.jpg")
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    assert "{" not in answer.json["zh"] + answer.json["en"]
    assert str(house.settings.instance) not in json.dumps(answer.json)
    assert admin.get(f"{sign}/attachments").json["attachments"] == []
    assert files(house) == before
    assert list((folder(house) / "arriving").iterdir()) == []


def test_heic_is_told_what_to_do(admin: Role, sign: str) -> None:
    answer = send(admin, sign, HOSTILE["heic"][0], "IMG_0001.HEIC").json
    assert "HEIC" in answer["zh"]
    assert "兼容性最佳" in answer["zh"]
    assert "JPEG" in answer["en"]


def test_too_many_bytes(admin: Role, sign: str, house: House) -> None:
    room = house.settings.photo_mb * 2**20
    for more, code in ((0, "photo_bytes"), (2**21, "body_too_large")):
        answer = admin.post(f"{sign}/attachments", data=photo() + bytes(room + more), content_type="image/jpeg")
        assert (answer.status_code, answer.json["code"]) == (413, code)


@pytest.mark.parametrize("tail", [b"<html><script>alert(1)</script>", b"PK\x03\x04zip behind a photo"],
                         ids=["html", "zip"])
def test_a_photo_that_is_something_else_as_well_is_served_as_a_photo(roles: dict[str, Role], sign: str,
                                                                    tail: bytes) -> None:
    data = photo() + tail
    told = send(roles["inspector"], sign, data, "page.html").json
    back = roles["inspector"].get(f"{sign}/attachments/{told['id']}")
    assert (back.data, back.content_type) == (data, "image/jpeg")
    assert back.headers["X-Content-Type-Options"] == "nosniff"
    assert "html" not in back.headers["Content-Disposition"]
    assert tail not in roles["viewer"].get(f"{sign}/attachments/{told['id']}").data


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "P"), ("PNG", "LA"), ("PNG", "1"), ("PNG", "I;16"),
                                            ("JPEG", "CMYK"), ("JPEG", "L"), ("WEBP", "RGBA")])
def test_modes_of_colour(admin: Role, sign: str, kind: str, mode: str) -> None:
    out = io.BytesIO()
    Image.new(mode, (500, 300)).save(out, kind)
    told = send(admin, sign, out.getvalue())
    assert told.status_code == 201, told.json
    with Image.open(io.BytesIO(admin.get(f"{sign}/attachments/{told.json['id']}/thumbnail").data)) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (400, 240))


def _exif(**more: Any) -> bytes:
    """A photo whose EXIF holds what no camera writes."""
    data, start = photo(taken="2025:06:01 08:30:00", place=PLACE), 0
    start = data.index(b"Exif\x00\x00") + 6
    return data[:start + 8] + more["junk"] + data[start + 8 + len(more["junk"]):]


@pytest.mark.parametrize("junk", [b"\xff" * 40, b"\x00" * 60, bytes(range(60))], ids=["ones", "zeros", "counting"])
def test_damaged_exif_is_no_reason_to_refuse_a_photo(admin: Role, sign: str, junk: bytes) -> None:
    made = send(admin, sign, _exif(junk=junk))
    assert made.status_code == 201, made.json
    assert made.json["original"] is True


@pytest.mark.parametrize(("taken", "place"), [
    ("0000:00:00 00:00:00", None), ("not a time", (0.0, 0.0)), ("2025:13:45 99:99:99", None)],
    ids=["zeros", "words", "no such day"])
def test_what_a_camera_does_not_know(admin: Role, sign: str, taken: str, place: tuple[float, float] | None) -> None:
    told = send(admin, sign, photo(taken=taken, place=place)).json
    assert (told["taken_at"], told["place"]) == (None, None)


@pytest.mark.parametrize("caption", ["x" * 501, "a\x00b"], ids=["long", "nul"])
def test_captions_that_cannot_be_kept(admin: Role, sign: str, caption: str) -> None:
    assert send(admin, sign, photo(), caption=caption).json["code"] == "parameter_invalid"


def test_other_bodies(admin: Role, sign: str) -> None:
    assert admin.post(f"{sign}/attachments", json={}).json["code"] == "media_type_unsupported"
    two = {"file": [(io.BytesIO(photo()), "a.jpg"), (io.BytesIO(photo()), "b.jpg")]}
    assert admin.post(f"{sign}/attachments", data=two).json["code"] == "parameter_repeated"
    assert admin.post(f"{sign}/attachments", data=b"GIF89a", content_type="image/gif").json["code"] == "photo_kind"


def test_a_session_needs_its_token(app: Flask, accounts: dict[str, dict[str, str]], sign: str) -> None:
    browser = Browser(app)
    browser.sign_in(accounts["inspector"]["username"], accounts["inspector"]["password"])
    answer = browser.client.post(f"{sign}/attachments", data={"file": (io.BytesIO(photo()), "a.jpg")},
                                 headers={"Accept": "application/json"}, environ_base={"REMOTE_ADDR": "192.0.2.10"})
    assert (answer.status_code, answer.json["code"]) == (403, "csrf_failed")


def test_so_many_and_no_more(app: Flask, admin: Role, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    sign = make_sign(admin)
    monkeypatch.setitem(app.extensions, "gisapp",
                        replace(house, settings=replace(house.settings, photos_per_feature=2)))
    found = [send(admin, sign, photo(colour=colour)) for colour in ("red", "green", "blue")]
    assert [answer.status_code for answer in found] == [201, 201, 422]
    assert found[2].json["code"] == "photo_too_many"
    assert admin.get(f"{sign}/attachments").json["may_add"] is False


# --- evidence

@pytest.mark.parametrize("statement", [
    "DELETE FROM gisapp.attachments", "UPDATE gisapp.attachments SET sha256 = repeat('0', 64)",
    "UPDATE gisapp.attachments SET caption = 'x'", "UPDATE gisapp.attachments SET added_by = 'x'"])
def test_the_application_changes_no_evidence(house: House, statement: str) -> None:
    with psycopg.connect(_plain(house)) as link, pytest.raises(psycopg.errors.InsufficientPrivilege):
        link.execute(statement)


def test_a_photo_is_removed_once(admin: Role, sign: str, house: House) -> None:
    number = send(admin, sign, photo()).json["id"]
    assert admin.delete(f"{sign}/attachments/{number}").status_code == 204
    with psycopg.connect(_plain(house)) as link, pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        link.execute("UPDATE gisapp.attachments SET removed_by = 'x' WHERE id = %s", (number,))


def test_missing_and_changed_files_are_found(admin: Role, sign: str, house: House) -> None:
    numbers = [send(admin, sign, photo(colour=colour)).json for colour in ("teal", "maroon", "gold")]
    paths = [attachment_files.path_of(folder(house), one["sha256"]) for one in numbers]
    kept = [path.read_bytes() for path in paths]
    assert not {sha for sha, _ in attachment_files.faults(house)} & {one["sha256"] for one in numbers}
    paths[0].unlink()
    paths[1].write_bytes(kept[1] + b"x")
    small = attachment_files.path_of(folder(house), numbers[2]["sha256"], "small")
    small.unlink()
    found = dict(attachment_files.faults(house))
    assert [found.get(one["sha256"]) for one in numbers] == ["missing", "changed", "small missing"]
    lost = admin.get(f"{sign}/attachments/{numbers[0]['id']}?size=original")
    assert (lost.status_code, lost.json["code"]) == (410, "photo_lost")
    attachment_files.redraw(house, numbers[2]["sha256"])
    assert small.is_file()
    for path, data in zip(paths, kept, strict=True):
        path.write_bytes(data)


def test_sweeping_leaves_what_counts(admin: Role, sign: str, house: House) -> None:
    told = send(admin, sign, photo(colour="plum")).json
    removed = send(admin, sign, photo(colour="peru")).json
    assert admin.delete(f"{sign}/attachments/{removed['id']}").status_code == 204
    stray = folder(house) / "00" / ("0" * 64)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"left by a killed server")
    assert attachment_files.sweep_files(house) == 0  # too young to be judged
    for path in folder(house).glob("??/*"):
        os.utime(path, (1, 1))
    assert attachment_files.sweep_files(house) == 1
    assert not stray.exists()
    assert {told["sha256"], removed["sha256"]} <= files(house)


_KILLED = """
import sys, os
from pathlib import Path
from uuid import UUID
from gisapp.photos import attachments, files as attachment_files
from gisapp.sql import attachments as sql_attachments
from gisapp.config import Settings
from gisapp.house import make_house
from gisapp.permissions import SYSTEM

instance, url, feature, path, where = sys.argv[1:]
house = make_house(Settings.from_env({}, instance=Path(instance)), url)
if where == "before the line":
    sql_attachments.add = lambda *given: os._exit(9)
else:
    real = sql_attachments.add
    def add(*given):
        real(*given)
        os._exit(9)  # the line is written and not committed
    sql_attachments.add = add
with open(path, "rb") as file:
    attachments.add(house, SYSTEM, "rooftop_signs", UUID(feature), file)
"""


@pytest.mark.parametrize("where", ["before the line", "before the commit"])
def test_killed_between_file_and_commit(admin: Role, sign: str, house: House, tmp_path: Path, where: str) -> None:
    data = photo(colour="crimson" if where == "before the line" else "khaki")
    (tmp_path / "photo").write_bytes(data)
    script = tmp_path / "killed.py"
    script.write_text(_KILLED, "utf-8")
    done = subprocess.run([sys.executable, str(script), str(house.settings.instance), house.db.url,
                           sign.rpartition("/")[2], str(tmp_path / "photo"), where],
                          env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == 9
    assert admin.get(f"{sign}/attachments").json["attachments"] == []
    digest = hashlib.sha256(data).hexdigest()
    path = attachment_files.path_of(folder(house), digest)
    assert path.read_bytes() == data  # the file came first
    told = send(admin, sign, data)
    assert told.status_code == 201  # and the next try finds nothing in its way
    os.utime(path, (1, 1))
    attachment_files.sweep_files(house)
    assert admin.get(f"{sign}/attachments/{told.json['id']}?size=original").data == data


def test_the_panel_shows_photos_in_both_languages(roles: dict[str, Role], sign: str) -> None:
    told = send(roles["inspector"], sign, photo(), caption="<b>左 & 右</b>").json
    panel = sign.replace(SIGNS, "/panel/rooftop_signs")
    for language, word in (("zh", "照片"), ("en", "Photos")):
        for path in (panel, f"{panel}/photos", f"{panel}/history"):
            page = roles["viewer"].get(f"{path}?lang={language}").get_data(as_text=True)
            assert word in page
            assert "&lt;b&gt;左 &amp; 右&lt;/b&gt;" in page
            assert "<b>左" not in page
    assert f"{told['id']}/thumbnail" in roles["viewer"].get(panel).get_data(as_text=True)
    assert 'name="file"' not in roles["viewer"].get(panel).get_data(as_text=True)
    assert 'name="file"' in roles["inspector"].get(panel).get_data(as_text=True)


def test_photos_by_the_forms_of_the_page(app: Flask, accounts: dict[str, dict[str, str]], sign: str) -> None:
    browser = Browser(app)
    browser.sign_in(accounts["inspector"]["username"], accounts["inspector"]["password"])
    page = sign.replace(SIGNS, "/panel/rooftop_signs") + "/photos"
    fields = {"csrf_token": browser.token(page), "caption": "by hand"}
    done = browser.client.post(page, data=fields | {"file": (io.BytesIO(photo()), "a.jpg")},
                               headers={"Accept": "text/html"})
    assert (done.status_code, done.headers["Location"].endswith(page)) == (303, True)
    bad = browser.client.post(page, data=fields | {"file": (io.BytesIO(b"GIF89a"), "a.gif")},
                              headers={"Accept": "text/html"})
    assert bad.status_code == 415
    assert "alert-error" in bad.get_data(as_text=True)
    number = browser.client.get(f"{sign}/attachments", headers={"Accept": "application/json"}).json["attachments"][0]
    gone = browser.client.post(f"{page}/{UUID(number['id'])}/remove", data=fields | {"why": "wrong one"},
                               headers={"Accept": "text/html"})
    assert gone.status_code == 303
    assert "wrong one" in browser.client.get(page.replace("/photos", "/history")).get_data(as_text=True)
