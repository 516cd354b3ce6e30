"""Shapefiles as they arrive: in pieces, apart, under other names; and zips whose names are not what their flags say."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from gisapp.errors import Problem
from tests.dbase import shapefile
from tests.formats.test_reading import opened, rows_of

FIELDS = [("GGBH", "C", 20, 0)]


def parts(tag: str = "s") -> dict[str, bytes]:
    """One shapefile by its endings."""
    made = shapefile(FIELDS, [[f"{tag}{n}"] for n in "01"])
    return {name.rpartition(".")[2]: content for name, content in made.items()}


def zipped(members: dict[str, bytes]) -> tuple[str, bytes]:
    with zipfile.ZipFile(made := BytesIO(), "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return "a.zip", made.getvalue()


def in_gbk(members: dict[str, bytes], flag: bool) -> tuple[str, bytes]:
    """A zip whose names are in GBK, with the flag that says UTF-8 or without."""
    with zipfile.ZipFile(made := BytesIO(), "w") as archive:
        for number, (name, content) in enumerate(members.items()):
            archive.writestr(zipfile.ZipInfo(f"{number}".rjust(len(name.encode("gbk")), "X")), content)
    content = bytearray(made.getvalue())
    for sign, at, flags in ((b"PK\x03\x04", 30, 6), (b"PK\x01\x02", 46, 8)):
        place = 0
        for name in members:
            place = content.index(sign, place)
            content[place + at:place + at + len(name.encode("gbk"))] = name.encode("gbk")
            content[place + flags + 1] |= 8 * flag
            place += at
    return "a.zip", bytes(content)


@pytest.mark.parametrize("flag", [False, True])
def test_names_in_gbk_are_read_whatever_their_flag_says(tmp_path: Path, flag: bool) -> None:
    members = {f"违建数据/违章建筑.{ending}": content for ending, content in parts().items()}
    [source] = opened(tmp_path, in_gbk(members, flag))
    assert source.name == "违章建筑" and [row["GGBH"] for row in rows_of(source)] == ["s0", "s1"]


def test_members_in_different_folders_find_each_other(tmp_path: Path) -> None:
    made = parts()
    [source] = opened(tmp_path, zipped({"图/A.SHP": made["shp"], "表/a.dbf": made["dbf"], "a.Shx": made["shx"]}))
    assert source.count == 2 and "shx" not in source.dataset.missing


def test_shapefiles_of_one_name_stay_apart(tmp_path: Path) -> None:
    found = opened(tmp_path, zipped({f"{year}/a.{ending}": content for year in ("2023", "2024")
                                     for ending, content in parts(year).items()}))
    assert [row["GGBH"] for source in found for row in rows_of(source)] == ["20230", "20231", "20240", "20241"]


def test_a_table_that_two_could_claim_is_given_to_none(tmp_path: Path) -> None:
    made = parts()
    with pytest.raises(Problem) as problem:
        opened(tmp_path, zipped({"1/a.shp": made["shp"], "2/a.shp": made["shp"], "a.dbf": made["dbf"]}))
    assert "give it the same name" in str(problem.value)


@pytest.mark.parametrize(("drop", "change", "code", "said"), [
    ("shp", {}, "file_unsupported", ".dbf, .shx and no .shp"), ("dbf", {}, "file_unreadable", "a.shp: .dbf is missing"),
    ("dbf", {"b.dbf": b"\x03" * 99}, "file_unreadable", "if b.dbf is its table"),
    ("", {"a.dbf": b""}, "file_unreadable", "a.dbf: the table is empty"),
    ("", {"a.shp": b""}, "file_unreadable", "a.shp: no shapefile"),
    ("shx", {"a.shp": parts()["shp"][:103]}, "file_unreadable", "damaged or cut short")])
def test_what_lacks_is_named_with_what_to_do(tmp_path: Path, drop: str, change: dict[str, bytes], code: str,
                                             said: str) -> None:
    members = {f"a.{ending}": content for ending, content in parts().items() if ending != drop} | change
    with pytest.raises(Problem) as problem:
        opened(tmp_path, zipped(members))
    assert problem.value.code == code and said in problem.value.sentence("en")
    assert not any("\u4e00" <= sign <= "\u9fff" for sign in problem.value.sentence("en"))


def test_a_folder_before_a_name_keeps_the_languages_apart(tmp_path: Path) -> None:
    with pytest.raises(Problem) as problem:
        opened(tmp_path, zipped({"shp/a.shp": parts()["shp"]}))
    assert problem.value.sentence("zh") == "文件无法读取：shp/a.shp：缺少 .dbf，请与 .shx、.prj 一并提交。"
