"""What a format could not hold as it was: report.csv, a line for each value, and the counts of them."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any

from gisapp.words import Words

#: Kinds of loss, in the order in which they are told.
LOSSES = {
    "left_out": Words("要素不在该坐标适用范围内，未写入", "feature where these coordinates do not apply, left out"),
    "unplaced": Words("要素没有几何，未写入", "feature without geometry, left out"),
    "no_geometry": Words("几何无法写入，该处留空", "geometry cannot be held, left empty"),
    "point_only": Words("线或面只用其上一点表示", "line or area told by a point on it only"),
    "second_left_out": Words("第二几何无法写入", "second geometry cannot be held"),
    "no_room": Words("字段数超出上限，未写入", "more fields than the format takes, left out"),
    "split": Words("一个要素拆成多个对象", "one feature split into several objects"),
    "cut": Words("文字超出字段长度，已截断", "text longer than its field, cut"),
    "replaced": Words("字符无法保存，已用 〓 代替", "characters that cannot be held, replaced by 〓"),
    "trimmed": Words("首尾空格不能保存，已去掉", "leading or trailing spaces cannot be held, removed"),
    "defused": Words("文字像公式，前面加了单引号", "text like a formula, an apostrophe put before it"),
    "photo_shown": Words("照片含拍摄位置等信息，只给出图片", "photo that tells a place or a device, the picture alone"),
    "photo_lost": Words("照片文件缺失或已改变，未写入", "photo missing on disk or changed, left out"),
    "rounded": Words("数值或时间超出精度，已舍入", "number or time beyond the precision, rounded"),
}
#: So many lines are kept for the page; all are in report.csv.
MOST_SHOWN = 200


class LossBook:
    """report.csv: a line for each value that was changed or left out, with the feature's id."""

    HEADINGS = ("file", "row", "id", "field", "kind", "说明", "meaning", "original", "written")

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._csv = csv.writer(self._file)
        self._csv.writerow(self.HEADINGS)
        self.counts: Counter[str] = Counter()
        self.shown: list[dict[str, str]] = []

    def __enter__(self) -> LossBook:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._file.close()

    def add(self, file: str, row: int, feature: str, column: str, kind: str, original: str, written: str) -> None:
        """Note one value; `row` counts from 1 within the file."""
        self.counts[kind] += 1
        words = LOSSES[kind]
        self._csv.writerow((file, row, feature, column, kind, words.zh, words.en, defused(original),
                            defused(written)))
        if len(self.shown) < MOST_SHOWN:
            self.shown.append({"file": file, "row": str(row), "id": feature, "field": column, "kind": kind,
                               "original": original[:120], "written": written[:120]})


#: What a spreadsheet may run: a sign at the beginning (wide forms too), or a sign behind apostrophes of ours.
_FORMULA = re.compile(r"'*[=+\-@＝＋－＠\t\r\n]")


def defused(value: Any) -> str:
    """A text that a spreadsheet shows and does not run: an apostrophe before a leading = + - @, tab or line end.

    A text that begins with apostrophes and such a sign gets one more, so that taking one away always gives back
    what was there.

    >>> defused("=1+1"), defused("'=1+1"), defused("it's")
    ("'=1+1", "''=1+1", "it's")
    """
    text = "" if value is None else str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def armed(text: str) -> str:
    """The text as it was before `defused`."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
