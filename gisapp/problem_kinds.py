"""What a problem is made of, and the problems of filters and of printing. All stand in `gisapp.errors.PROBLEMS`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProblemKind:
    """Status and sentences of a problem; the sentences are `str.format` templates over its parameters."""

    status: int
    zh: str
    en: str


FILTER_PROBLEMS: dict[str, ProblemKind] = {
    "filter_invalid": ProblemKind(
        400, "筛选条件不能使用：{reason}。", "The filter cannot be used: {reason}."),
    "filter_too_large": ProblemKind(
        400, "筛选条件过长或过于复杂：{reason}。", "The filter is too long or too complex: {reason}."),
    "filter_no_value": ProblemKind(
        422, "筛选条件中的计算没有结果（例如数值溢出）。",
        "The filter reckons a number that cannot be, or is too large."),
}

PRINT_PROBLEMS: dict[str, ProblemKind] = {
    "print_font_missing": ProblemKind(
        503, "服务器没有中文字体，无法打印。请管理员安装 fonts-noto-cjk。",
        "The server has no Chinese font to print with. Ask an administrator to install fonts-noto-cjk."),
    "print_too_many": ProblemKind(
        422, "“{layer}”在本图中超过 {limit} 个要素。请用更大的比例尺或缩小查询范围。",
        "More than {limit} features of {layer} lie on this sheet. Take a larger scale or narrow the question."),
    "print_nothing": ProblemKind(
        422, "没有符合条件的要素，无法确定图幅位置。请修改条件或给出 lon、lat。",
        "Nothing answers the question, so the sheet has no place. Change the question or give lon and lat."),
    "print_atlas_size": ProblemKind(
        422, "图册每个要素一页，当前 {count} 个；应为 1 至 {limit} 个。请修改查询条件。",
        "An atlas has a page for each of 1 to {limit} features; the question found {count}. Change it."),
    "map_file_too_many": ProblemKind(
        422, "“{layer}”在视野内有 {count} 个要素，单个文件最多 {limit} 个。请放大地图、增加筛选条件或关闭该图层。",
        "{layer} has {count} features in view; a file takes {limit}. Zoom in, filter, or switch the layer off."),
    "map_file_too_large": ProblemKind(
        422, "文件将有 {size} MB，上限 {limit} MB。请放大地图、增加筛选条件或关闭部分图层。",
        "The file would have {size} MB; the limit is {limit} MB. Zoom in, filter, or switch layers off."),
}
