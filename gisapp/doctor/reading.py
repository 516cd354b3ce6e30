"""One way to read a file, and what is to be said of all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gisapp.formats.frames import Frame, parse_frame

#: A reading speaks for itself when it stands out from chance so much, and from the next one by so much.
_STRONG, _MARGIN = 3.5, 2.0
#: A shifted reading is proposed only where the evidence makes up for its being four times rarer than a plain one:
#: half the difference of the squared strengths above ln 4.
_RARER = 2.8
#: So much less of a file may lie in the city before a plain reading is not likelier for being plain.
_AS_MUCH = 0.1


@dataclass
class Reading:
    """Where the points of a file would lie in a frame, and what speaks for it.

    `inside`, `roads`, `buildings`, `named` are shares from 0 to 1, None where nothing can be said; `strength` counts
    by how many standard deviations the reading stands out from chance; `shift_m` is how far it moves the points from
    where the file's own reading has them, None when that lies nowhere; `missed` counts the points outside the areas
    that the file names.
    """

    frame: Frame
    inside: float = 0.0
    roads: float | None = None
    buildings: float | None = None
    named: float | None = None
    strength: float = 0.0
    shift_m: float | None = 0.0
    missed: float = 0.0
    marks: dict[str, float] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """From 0 to 1: the share inside the city, halved where nothing else speaks for the reading."""
        return round(self.inside * (0.5 + 0.5 * min(1.0, self.strength / 10)), 3)

    @property
    def in_city(self) -> bool:
        return self.inside >= 0.5


def verdict_on(offered: Sequence[Reading], own: Frame | None) -> dict[str, Any]:
    """`verdict`, a sentence in both languages and `chosen`, the frame to take unless a person knows better.

    `offered` has the best first and, where the file names a system, the file's own reading `own` among them.
    """
    best = _likeliest(offered)
    mine = next((reading for reading in offered if own is not None and reading.frame == own), None)
    if best is None or not best.in_city:
        return _lost(mine)
    proven = _stands_out(best, offered)
    if mine is None:
        return _missing(best, proven)
    if not mine.in_city:
        return _told("outside", best, f"按文件自己的坐标系读取，数据不在辖区内；按“{best.frame.title.zh}”读取则在",
                     f"read in the file's own system they fall off the city; as “{best.frame.title.en}” they do not")
    if best is not mine and proven and best.strength - mine.strength >= _MARGIN:
        return _told("doubtful", best,
                     f"按“{best.frame.title.zh}”读取（平移约 {_whole(best)} 米）与道路、建筑或区划明显更吻合",
                     f"read as “{best.frame.title.en}” (about {_whole(best)} m away) they clearly fit roads, buildings "
                     "or areas better")
    if mine.roads is None and mine.buildings is None and mine.strength < _STRONG:
        return _told("unknown", mine, "还没有道路、建筑可比，看不出是否偏移；请以来源单位的说明为准",
                     "there are no roads or buildings yet to compare with, so a shift would not show; go by what the "
                     "sender says")
    if mine.strength < _STRONG:
        return _told("unknown", mine, "在辖区内，但数据太少，或附近没有道路、建筑可比，看不出是否偏移；请在地图上核对",
                     "they lie in the city, but are too few, or too far from roads and buildings, to tell whether they "
                     "are shifted; compare them on the map")
    return _told("fits", mine, "与本市的区划、道路和建筑没有矛盾",
                 "nothing in the city speaks against the file's own reading")


def without_city(told: dict[str, Any]) -> dict[str, Any]:
    """The same verdict where the office has no areas yet: nothing was held against the city, only against China's
    bounds, in which any zone lies, so that none is proposed."""
    zh, en = told["zh"].replace("辖区内", "中国范围内"), told["en"]
    for words, plain in (("off the city", "outside of China"), ("the city", "China")):
        en = en.replace(words, plain)
    guessed = told["verdict"] == "missing" and told["chosen"] and parse_frame(told["chosen"]).crs.projected
    return told | {"zh": f"{zh}（本系统还没有区划，无从核对是否在本市）", "chosen": None if guessed else told["chosen"],
                   "en": f"{en} (there are no districts here yet, so whether they lie in your city was not looked at)"}


def _likeliest(offered: Sequence[Reading]) -> Reading | None:
    """The best one; a plain one instead of a shifted one that hardly fits better: a few points prove no shift."""
    best = offered[0] if offered else None
    if best is None or not best.frame.datum:
        return best
    plain = next((one for one in offered if not one.frame.datum and one.inside >= best.inside - _AS_MUCH), None)
    return best if plain is None or _outweighs(best, plain) > _RARER else plain


def _outweighs(best: Reading, plain: Reading) -> float:
    """How much more speaks for the one than for the other, as a difference of squared strengths.

    Points that name their areas are asked one by one: McNemar's chi-squared over the points that one of the readings
    misses (Psychometrika 12, 1947, 153-157), at its least, as if no point were missed by both.
    """
    fewer, either = plain.missed - best.missed, plain.missed + best.missed
    told = fewer ** 2 / either if fewer > 0 else 0.0
    return max(best.strength ** 2 - plain.strength ** 2, told)


def _stands_out(best: Reading, offered: Sequence[Reading]) -> bool:
    others = [reading.strength for reading in offered if reading is not best and reading.in_city]
    return best.strength >= _STRONG and best.strength - max(others, default=0.0) >= _MARGIN


def _lost(mine: Reading | None) -> dict[str, Any]:
    if mine is not None:
        return {"verdict": "outside", "chosen": None, "zh": "数据不在辖区内，换坐标系读取也不在；请向提供者核对坐标系",
                "en": "the data fall off the city in every reading tried; ask the sender for the system"}
    return {"verdict": "missing", "chosen": None,
            "zh": "文件没有坐标系，按常见坐标系读取都不在辖区内；请向提供者核对，若用自定义中央子午线，请填写",
            "en": "the file names no system, and in none of the usual ones do the data lie in the city; ask the "
                  "sender, and give the central meridian if it is one of its own"}


def _missing(best: Reading, proven: bool) -> dict[str, Any]:
    if proven:
        return _told("missing", best, f"文件没有坐标系；按“{best.frame.title.zh}”读取与道路、建筑或区划最吻合",
                     f"the file names no system; read as “{best.frame.title.en}” roads, buildings or areas fit best")
    return _told("missing", best, "文件没有坐标系，有几种读法都落在辖区内；请在地图上比较后选择",
                 "the file names no system, and several readings fall into the city; compare them on the map")


def _told(verdict: str, chosen: Reading, zh: str, en: str) -> dict[str, Any]:
    return {"verdict": verdict, "chosen": chosen.frame.name, "zh": zh, "en": en}


def _whole(reading: Reading) -> str:
    return "?" if reading.shift_m is None else str(round(reading.shift_m))
