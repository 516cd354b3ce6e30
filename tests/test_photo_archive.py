"""Photos that leave: the archive with its index and its proof, and the links of a workbook."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyogrio
import pytest
from flask import Flask

from gisapp.house import House
from gisapp.photos import files as attachment_files
from tests.conftest import Role
from tests.photos import photo
from tests.test_attachments import SIGNS, Reader, send

PLACE = (113.38, 31.69)
GPKG = "file.gpkg"


@pytest.fixture(scope="module")
def roles(app: Flask, accounts: dict[str, dict[str, str]]) -> dict[str, Role]:
    return {role: Reader(app, words["username"], words["password"]) for role, words in accounts.items()}


@pytest.fixture(scope="module")
def signs(roles: dict[str, Role]) -> dict[str, list[bytes]]:
    """Three signs by id, with two photos, one and none."""
    plain, telling = photo(colour="navy"), photo(colour="olive", place=PLACE, taken="2025:06:01 08:30:00")
    wanted = [[telling, plain], [photo("PNG", colour="gold")], []]
    found = {}
    for pictures in wanted:
        made = roles["admin"].post(SIGNS, json={
            "type": "Feature", "geometry": {"type": "Point", "coordinates": list(PLACE)},
            "properties": {"sign_no": uuid4().hex[:16], "sign_kind": "01", "area_m2": 12.5}})
        found[made.json["id"]] = pictures
        for data in pictures:
            assert send(roles["inspector"], f"{SIGNS}/{made.json['id']}", data, caption="=1+1").status_code == 201
    return found


def taken(client: Role, **asked: str) -> zipfile.ZipFile:
    answer = client.get(SIGNS, query_string=asked)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:400]
    assert answer.mimetype == "application/zip"
    return zipfile.ZipFile(io.BytesIO(answer.data))


def index_of(pack: zipfile.ZipFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(pack.read("photos.csv").decode("utf-8-sig"))))


def test_an_archive_holds_data_and_photos(roles: dict[str, Role], signs: dict[str, list[bytes]],
                                          tmp_path: Path) -> None:
    pack = taken(roles["reviewer"], f="archive", **{"personal-reason": "移交法院"})
    names = set(pack.namelist())
    assert {"README.txt", "fields.csv", "codes.csv", "report.csv", "photos.csv", GPKG} <= names
    (tmp_path / "signs.gpkg").write_bytes(pack.read(GPKG))
    assert pyogrio.read_info(tmp_path / "signs.gpkg", layer="rooftop_signs")["features"] == len(signs)
    lines = index_of(pack)
    assert {line["file"] for line in lines} == {name for name in names if name.startswith("photos/")}
    for number, pictures in signs.items():
        mine = [line for line in lines if line["feature"] == number]
        assert sorted(hashlib.sha256(data).hexdigest() for data in pictures) == sorted(
            line["sha256 original"] for line in mine)
        for line in mine:
            data = pack.read(line["file"])
            assert data in pictures
            assert hashlib.sha256(data).hexdigest() == line["sha256"]
            assert (len(data), line["original"]) == (int(line["bytes"]), "yes")
            assert re.fullmatch(rf"photos/rooftop_signs/{number}/00[12]_[0-9a-f]{{8}}\.(jpg|png)", line["file"])
            assert (line["added by"], line["caption"]) == ("inspector", "'=1+1")
    assert {line["taken at"] for line in lines} == {"", "2025-06-01T08:30:00+08:00"}
    assert {line["lon"] for line in lines} == {"", "113.38"}
    assert "photos.csv" in pack.read("README.txt").decode("utf-8-sig")


@pytest.mark.parametrize("role", ["exporter", "reviewer"])
def test_without_a_reason_no_place_leaves(roles: dict[str, Role], signs: dict[str, list[bytes]], role: str) -> None:
    telling = next(iter(signs.values()))[0]
    pack = taken(roles[role], f="archive")
    lines = index_of(pack)
    assert len(lines) == 3
    assert {line["lon"] for line in lines} == {""}
    line = next(one for one in lines if one["sha256 original"] == hashlib.sha256(telling).hexdigest())
    data = pack.read(line["file"])
    assert (line["original"], b"Exif" in data, data[:2]) == ("no", False, b"\xff\xd8")
    assert hashlib.sha256(data).hexdigest() == line["sha256"] != line["sha256 original"]
    assert "photo_shown" in pack.read("report.csv").decode("utf-8-sig")


def test_any_format_and_any_question(roles: dict[str, Role], signs: dict[str, list[bytes]]) -> None:
    number = list(signs)[1]
    pack = taken(roles["reviewer"], f="shp", photos="yes", ids=number)
    assert {Path(name).suffix for name in pack.namelist()} >= {".shp", ".dbf", ".csv", ".png"}
    assert [line["feature"] for line in index_of(pack)] == [number]
    none = taken(roles["reviewer"], f="archive", ids=list(signs)[2])
    assert index_of(none) == []


def test_removed_photos_stay_and_lost_ones_are_told(roles: dict[str, Role], house: House) -> None:
    made = roles["admin"].post(SIGNS, json={
        "type": "Feature", "geometry": {"type": "Point", "coordinates": list(PLACE)},
        "properties": {"sign_no": uuid4().hex[:16], "sign_kind": "01", "area_m2": 12.5}}).json["id"]
    kept, lost, gone = (send(roles["admin"], f"{SIGNS}/{made}", photo(colour=colour)).json
                        for colour in ("salmon", "sienna", "snow"))
    assert roles["admin"].delete(f"{SIGNS}/{made}/attachments/{gone['id']}").status_code == 204
    attachment_files.path_of(attachment_files.root(house), lost["sha256"]).write_bytes(b"not what it was")
    pack = taken(roles["admin"], f="archive", ids=made)
    assert [line["sha256 original"] for line in index_of(pack)] == [kept["sha256"]]
    assert lost["sha256"] in pack.read("report.csv").decode("utf-8-sig")
    assert roles["admin"].delete(f"{SIGNS}/{made}", headers={"If-Match": '"1"'}).status_code == 204


def test_many_photos_are_a_job(roles: dict[str, Role], signs: dict[str, list[bytes]],
                               monkeypatch: pytest.MonkeyPatch) -> None:
    from gisapp import jobs

    monkeypatch.setattr(jobs, "DIRECT_PHOTOS", 2)
    answer = roles["reviewer"].get(SIGNS, query_string={"f": "archive"}, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json["state"]) == (202, "waiting")
    assert roles["reviewer"].get(SIGNS, query_string={"f": "gpkg"}).status_code == 200


def test_the_export_page_says_how_much(roles: dict[str, Role], signs: dict[str, list[bytes]]) -> None:
    page = roles["reviewer"].get("/exports?layer=rooftop_signs&lang=en").get_data(as_text=True)
    assert 'value="archive"' in page
    assert 'name="photos"' in page
    assert "With the photos, in a zip (3, 0.0 MB)" in page
    empty = roles["reviewer"].get("/exports?layer=waste_sites&lang=en").get_data(as_text=True)
    assert 'name="photos"' not in empty


@pytest.mark.parametrize(("language", "headings"), [("zh", ("照片数", "照片")), ("en", ("Photos", "Photo page"))])
def test_a_workbook_links_to_photos(roles: dict[str, Role], signs: dict[str, list[bytes]], language: str,
                                    headings: tuple[str, str]) -> None:
    from python_calamine import CalamineWorkbook

    answer = roles["reviewer"].get(SIGNS, query_string={"f": "xlsx", "lang": language})
    assert answer.status_code == 200
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert tuple(rows[0][-2:]) == headings
    told = {row[0]: row[-2:] for row in rows[1:]}
    wanted: dict[str, list[Any]] = {
        number: [len(pictures), f"http://localhost/panel/rooftop_signs/{number}/photos"] if pictures else ["", ""]
        for number, pictures in signs.items()}
    assert told == wanted
    book = zipfile.ZipFile(io.BytesIO(answer.data))
    links = book.read("xl/worksheets/_rels/sheet1.xml.rels").decode()
    assert links.count("/panel/rooftop_signs/") == 2
    page = roles["viewer"].get(wanted[next(iter(signs))][1].removeprefix("http://localhost"))
    assert page.status_code == 200


def test_a_workbook_without_photos_is_as_it_was(roles: dict[str, Role]) -> None:
    from python_calamine import CalamineWorkbook

    answer = roles["reviewer"].get("/collections/waste_sites/items", query_string={"f": "xlsx", "lang": "zh"})
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()
    assert "照片" not in json.dumps(rows[0], ensure_ascii=False)
