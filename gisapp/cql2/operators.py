"""The standard's operators by kind, in lower case as the parser's JSON tree is read."""

from __future__ import annotations

COMPARISONS = ("=", "<>", "<", ">", "<=", ">=", "between", "in")
SPATIAL = ("s_intersects", "s_disjoint", "s_equals", "s_touches", "s_crosses", "s_within", "s_contains", "s_overlaps")
TEMPORAL = ("t_after", "t_before", "t_contains", "t_disjoint", "t_during", "t_equals", "t_finishedby", "t_finishes",
            "t_intersects", "t_meets", "t_metby", "t_overlappedby", "t_overlaps", "t_startedby", "t_starts")
ARRAYS = ("a_equals", "a_contains", "a_containedby", "a_overlaps")
ARITHMETIC = ("+", "-", "*", "/", "%", "^", "div")

_MOST = 1000
#: Name → kinds of the arguments (the last one may come again up to the most), kind of the result, the most.
OPERATORS: dict[str, tuple[tuple[str, ...], str, int]] = {
    "and": (("boolean", "boolean"), "boolean", _MOST), "or": (("boolean", "boolean"), "boolean", _MOST),
    "not": (("boolean",), "boolean", 1),
    "casei": (("text",), "text", 1), "accenti": (("text",), "text", 1),
    **dict.fromkeys(ARITHMETIC, (("number", "number"), "number", 2)),
}
