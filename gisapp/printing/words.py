"""What a sheet says by itself, in zh and en. The child has no web application, so no gettext."""

from __future__ import annotations

from gisapp.words import Words

WORDS = {
    "legend": Words("图　例", "Legend"),
    "here": Words("本图共 {count} 处", "{count} on this sheet"),
    "question": Words("查询条件", "Question"),
    "scale": Words("比例尺", "Scale"),
    "one_cm": Words("图上 1 厘米 = 实地 {metres} 米", "1 cm on paper = {metres} m"),
    "left_out": Words("过密未绘：{titles}", "Too dense to draw: {titles}"),
    "cut": Words("范围超出最小比例尺的图幅，只绘出中部",
                 "Larger than a sheet of the smallest scale: only the middle is shown"),
    "more": Words("另有 {count} 项", "{count} more"),
    "crs": Words("CGCS2000 三度带高斯–克吕格投影，中央子午线 {meridian}°E，坐标网单位千米",
                 "CGCS2000 3-degree Gauss–Krüger, central meridian {meridian}°E, grid in km"),
    "made": Words("制图 {moment}", "Made {moment}"),
    "by": Words("打印人 {name}", "Printed by {name}"),
    "index": Words("目　录", "Index"),
    "pages": Words("页码", "page"),
    "page": Words("第 {page} 页，共 {pages} 页", "Page {page} of {pages}"),
    "synthetic": Words("模拟数据", "SYNTHETIC"),
    "synthetic_long": Words("模拟数据，地点与案件均为虚构", "Synthetic data: fictional places and cases"),
    "in_view": Words("图册限于地图视野内的要素", "Pages for what lies within the view of the map"),
    "north": Words("北", "N"),
    "feature": Words("要素信息", "Record"),
    "empty": Words("本图范围内没有要素", "Nothing lies within this sheet"),
    "map_of": Words("{layer}分布图", "{layer}"),
    "map": Words("综合行政执法一张图", "Enforcement map"),
    "and": Words("、", " and "),
    "ground": Words("底图", "Ground"),
    "other": Words("其他", "Other"),
}


def say(name: str, language: str, /, **values: object) -> str:
    """The sentence of that name in "zh" or "en"."""
    return WORDS[name].get(language).format(**values)
