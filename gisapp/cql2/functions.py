"""What may be called in a filter beside the standard's own: questions about other layers, and about the time.

The same table checks the calls, answers /functions and makes the list in docs/filters.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from gisapp.words import Words

#: Farther than this nobody asks of a city, and the index would be of no use.
MOST_METRES = 50_000
MOST_NEAREST = 100
MOST_OFFSET = 36_600


@dataclass(frozen=True)
class Argument:
    """`kind` is layer, metres, shape, area, filter, key (code or UUID of a feature), count, day, moment or offset;
    `optional` may be left out, `many` may come again."""

    name: str
    kind: str
    title: Words
    optional: bool = False
    many: bool = False


@dataclass(frozen=True)
class Function:
    """`returns` is boolean, number or date; a number has a `unit`."""

    name: str
    returns: str
    arguments: tuple[Argument, ...]
    title: Words
    unit: str = ""


_LAYER = Argument("layer", "layer", Words("另一图层的编号（也可以是本图层，此时不与自身比较）",
                                          "Id of the other layer (or of this one, without the feature itself)"))
_METRES = Argument("metres", "metres", Words(f"距离，米，椭球面上量算，最大 {MOST_METRES}",
                                             f"Distance in metres on the ellipsoid, at most {MOST_METRES}"))
_SHAPE = Argument("geometry", "shape", Words("几何，如 POINT(113.38 31.69)", "A geometry, such as POINT(113.38 31.69)"))
_AREA = Argument("area", "area", Words("由文件上传的范围的编号（UUID）",
                                       "Id (UUID) of an area that came out of a file"))
_FILTER = Argument("filter", "filter", Words("对另一图层的条件，用它的字段书写",
                                             "Condition on the other layer, in its own fields"), optional=True)
_KEY = Argument("key", "key", Words("另一图层中一个要素的代码（code）或编号（UUID），也可写条件",
                                    "Code or id (UUID) of one feature of the other layer, or a condition"),
                optional=True)
_COUNT = Argument("k", "count", Words(f"个数，1 至 {MOST_NEAREST}", f"How many, 1 to {MOST_NEAREST}"))
_DAY = Argument("day", "day", Words("日期，或星期的代码（1 为周一，7 为周日），任一天即可",
                                    "A date, or codes of weekdays (1 Monday, 7 Sunday); any will do"), many=True)
_MOMENT = Argument("moment", "moment", Words("时刻，缺省为现在（或 as_of 的时刻）",
                                             "A moment; now (or that of as_of) without it"), optional=True)

_OFFSET = Argument("offset", "offset", Words("加减的数目，可为负，缺省为 0", "How many, may be negative; 0 without it"),
                   optional=True)

FUNCTIONS: dict[str, Function] = {one.name: one for one in (
    Function("near", "boolean", (_LAYER, _METRES, _FILTER), Words(
        "与另一图层的某个要素相距不超过若干米", "Lies within so many metres of a feature of the other layer")),
    Function("around", "boolean", (_SHAPE, _METRES), Words(
        "与一个所给几何相距不超过若干米", "Lies within so many metres of a given geometry")),
    Function("in_area", "boolean", (_AREA,), Words(
        "与由文件上传的范围相交", "Meets an area that came out of a file")),
    Function("inside", "boolean", (_LAYER, _KEY), Words(
        "代表点落在另一图层的某个面内（与区县、街道的归属规则相同）",
        "Its representative point lies in an area of the other layer (the rule by which districts and streets are "
        "assigned)")),
    Function("overlaps", "boolean", (_LAYER, _FILTER), Words(
        "与另一图层的某个面在内部相交（只碰边界不算）",
        "Shares some of its interior with an area of the other layer (touching is not enough)")),
    Function("overlap_area", "number", (_LAYER, _FILTER), Words(
        "与另一图层重叠部分的面积", "Area that it shares with the other layer"), "m²"),
    Function("overlap_share", "number", (_LAYER, _FILTER), Words(
        "重叠部分占本要素面积的比例（0 至 1）", "The shared area as a part of its own (0 to 1)")),
    Function("crosses", "boolean", (_LAYER, _FILTER), Words(
        "穿过另一图层的某个要素（线与线相交于一点，或线穿过面）",
        "Crosses a feature of the other layer (line and line at a point, or a line through an area)")),
    Function("nearest", "boolean", (_LAYER, _COUNT, _FILTER), Words(
        "对另一图层的某个要素来说，是本图层中最近的 k 个之一",
        "Is one of the k features of this layer that are nearest to some feature of the other layer")),
    Function("distance", "number", (_LAYER, _FILTER), Words(
        "到另一图层最近要素的距离；没有要素时为空",
        "Distance to the nearest feature of the other layer; no value when it has none"), "m"),
    Function("count_within", "number", (_LAYER, _METRES, _FILTER), Words(
        "另一图层在若干米内的要素个数", "How many features of the other layer lie within so many metres")),
    Function("open_days", "boolean", (_DAY,), Words(
        "按经营日（运输日、限行日）在所给的某一天开放；给日期时还看设置期限",
        "Is open on one of the days by its weekdays; of a date its season is asked, too")),
    Function("today", "date", (_OFFSET,), Words(
        "今天（城市时区；有 as_of 时为那一天），可加减天数",
        "Today on the city's clock (the day of as_of), plus so many days")),
    Function("month_start", "date", (_OFFSET,), Words(
        "本月第一天，可加减月数", "The first day of this month, plus so many months")),
    Function("open_now", "boolean", (_MOMENT,), Words(
        "此刻开放：时段（含跨零点）、星期、设置期限都符合；没有时段表示全天",
        "Is open at this moment by its time slots (past midnight too), weekdays and season; no slots mean all day")),
)}

#: Fields that say when a thing is open, by their role; the first that the layer has.
SLOT_FIELDS = ("open_hours", "time_windows", "peak_hours")
SEASON_FIELDS = (("season_from", "season_to"), ("effective_from", "effective_to"))
WEEKDAYS = "weekdays"
