"""What a problem is made of, and the problems of filters. All of them stand in `gisapp.errors.PROBLEMS`."""

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
        422, "筛选条件中的计算没有结果（例如数值溢出）。", "The filter reckons a number that cannot be, or is too large."),
}
