"""Every word of the application is there in Chinese, and its placeholders agree."""

from __future__ import annotations

import re
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from gisapp.config import ROOT
from gisapp.views.languages import compile_catalogues

FOLDER = ROOT / "gisapp" / "translations"
METHODS = [("**.py", "python"), ("**.html", "jinja2")]
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}


def _used() -> set[str]:
    found = extract_from_dir(str(ROOT / "gisapp"), METHODS, keywords=KEYWORDS)
    return {words if isinstance(words, str) else words[0] for _file, _line, words, *_rest in found}


def _translated() -> dict[str, str]:
    with (FOLDER / "zh" / "LC_MESSAGES" / "messages.po").open("rb") as text:
        catalogue = read_po(text, locale="zh")
    return {one.id if isinstance(one.id, str) else one.id[0]: one.string if isinstance(one.string, str)
            else one.string[0] for one in catalogue if one.id and not one.fuzzy}


def test_nothing_is_left_in_english() -> None:
    translated = _translated()
    assert sorted(word for word in _used() if not translated.get(word)) == []


def test_nothing_is_kept_that_is_not_used() -> None:
    assert sorted(set(_translated()) - _used()) == []


def test_placeholders_agree() -> None:
    for english, chinese in _translated().items():
        assert sorted(re.findall(r"%\(\w+\)\w", english)) == sorted(re.findall(r"%\(\w+\)\w", chinese)), english


def test_catalogues_are_compiled_at_the_start(tmp_path: Path) -> None:
    compile_catalogues(FOLDER, tmp_path)
    with (tmp_path / "zh" / "LC_MESSAGES" / "messages.mo").open("rb") as binary:
        assert read_mo(binary).get("Map").string == "地图"  # type: ignore[union-attr]
