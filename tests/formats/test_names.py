"""Which column is which field: names, aliases, cut names, pinyin; and matters told by either standard."""

from __future__ import annotations

from pathlib import Path

import pytest

from gisapp.catalogue import load_catalogue
from gisapp.config import ROOT
from gisapp.formats.crosswalk import NEW, OLD, translate
from gisapp.formats.names import suggest
from gisapp.layer_files import LayerFileError
from gisapp.layers import Code, CodeList
from gisapp.rules import RULES
from gisapp.words import Words

CATALOGUE = load_catalogue(ROOT / "layers", RULES)


@pytest.mark.parametrize(("column", "field"), [
    ("case_no", "case_no"), ("AJBH", "case_no"), ("案件编号", "case_no"), ("Case number", "case_no"),
    ("案号", "case_no"),
    ("anjianbianhao", "case_no"), ("an_jian_bian_hao", "case_no"), ("违建面积(㎡)", "illegal_area_m2"),
    ("weijianmianji", "illegal_area_m2"), ("ILLEGAL AREA", "illegal_area_m2"), ("详细地址", "address"),
    ("SFWZ", "address"),
    ("illegal_ar", "illegal_area_m2"), ("当事人", "party_name"), ("dangshiren", "party_name"), ("OBJECTID", None),
    ("Shape_Area", None), ("", None), ("备注", "remark"), ("beizhu", "remark"), ("ＡＪＢＨ", "case_no")])
def test_a_column_finds_its_field(column: str, field: str | None) -> None:
    assert suggest(CATALOGUE.layers["illegal_builds"], [column])[column] == field


def test_a_field_is_given_once_and_to_the_plainest_name() -> None:
    found = suggest(CATALOGUE.layers["illegal_builds"], ["anjianbianhao", "案号", "AJBH"])
    assert [name for name, field in found.items() if field == "case_no"] == ["案号"]
    assert found["anjianbianhao"] is None


def test_a_sound_is_not_enough_when_the_type_speaks_against_it() -> None:
    layer = CATALOGUE.layers["illegal_builds"]
    assert suggest(layer, ["jianzaoshijian"], ["Date"])["jianzaoshijian"] == "built_at"
    assert suggest(layer, ["jianzaoshijian"], ["Real"])["jianzaoshijian"] is None


@pytest.mark.parametrize(("given", "code"), [
    ("01-01", "06001"), ("0101", "06001"), ("42130306001", "06001"), ("4213030101", "06001"), ("06001", "06001"),
    ("01-05", "06005"), ("03-16", "08016"), ("02-45", None), ("0645", None), ("x", None), ("", None),
    ("０１０１", None)])
def test_matters_are_told_by_either_standard(given: str, code: str | None) -> None:
    assert translate(given, CATALOGUE.codelists["illegal_build_matters"]) == code


def test_what_a_list_says_goes_before_the_rule() -> None:
    words = Words("甲", "a")
    codes = CodeList("m", words, (Code("a", words, standards=((NEW, "06001"), (OLD, "01-09"))),
                                  Code("b", words, standards=((NEW, "06009"),)),
                                  Code("c", words, standards=((OLD, "02-03"),))))
    assert translate("0109", codes) == "a"  # an exception: the rule says 06009
    assert translate("0101", codes) is None  # 06001 has another number in the older standard
    assert translate("07003", codes) == "c"  # and back
    assert translate("0109", CATALOGUE.codelists["build_type"]) is None


def test_a_wrong_file_of_aliases_stops_the_start(tmp_path: Path) -> None:
    import shutil

    shutil.copytree(ROOT / "layers", tmp_path / "layers")
    file = tmp_path / "layers" / "aliases" / "districts.toml"
    for text, word in (('nosuch = ["x"]', "nosuch"), ('code = "x"', "list of texts"), ("code = [1]", "list of texts")):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(LayerFileError, match=word):
            load_catalogue(tmp_path / "layers", RULES)
    file.write_text('code = ["区划码"]', encoding="utf-8")
    layers = load_catalogue(tmp_path / "layers", RULES).layers
    assert suggest(layers["districts"], ["区划码"])["区划码"] == "code"
    assert suggest(layers["streets"], ["区划码"])["区划码"] is None
