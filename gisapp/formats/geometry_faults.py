"""Why a row's geometry is refused, and what became of one that was made right, as the report of an import says it."""

from __future__ import annotations

import json
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from gisapp.errors import Problem
from gisapp.repairs import Repair, fault as why_invalid
from gisapp.shapes import check_shape

#: A shape is shown up to so many vertices.
_MOST_TO_SHOW = 500
Note = dict[str, Any]


class GeometryFault(Exception):
    """Why a row's geometry is refused; `more` is what a person may see of it."""

    def __init__(self, code: str, zh: str, en: str, more: Note | None = None) -> None:
        super().__init__(en)
        self.code, self.zh, self.en, self.more = code, zh, en, more or {}

    def row(self) -> Note:
        """The fault as the report lists it."""
        return {"field": "geometry", "code": self.code, "zh": self.zh, "en": self.en, **self.more}


def invalid(shape: BaseGeometry, *, told: bool) -> GeometryFault:
    """The fault of an invalid shape; `told` says whether to try what a repair would make of it."""
    if not told:
        reason, point = why_invalid(shape)
        return fault_of(Problem("geometry_invalid", reason=reason, place=" ".join(map(str, point or "-"))))
    try:
        check_shape(shape)
    except Problem as problem:
        fault = fault_of(problem)
        more = problem.more or {}
        small = shapely.get_num_coordinates(shape) <= _MOST_TO_SHOW
        fault.more = {"geometry": json.loads(shapely.to_geojson(shape)) if small else more.get("point")}
        if more.get("repair"):
            fault.more["repair"] = {key: value for key, value in more["repair"].items() if key != "geometry"}
        return fault
    return unreadable()


def repair_told(done: Repair) -> Note:
    """What a repair did, with the areas in square metres before and after."""
    areas = {"area_before_m2": done.area_before_m2, "area_after_m2": done.area_after_m2}
    return told("geometry_repaired",
                f"几何已修复（{done.reason}），面积 {done.area_before_m2} → {done.area_after_m2} m²",
                f"the geometry was repaired ({done.reason}), area {done.area_before_m2} → {done.area_after_m2} m²",
                **areas)


def told(code: str, zh: str, en: str, **more: Any) -> Note:
    """A line of the report about a geometry that entered."""
    return {"field": "geometry", "code": code, "zh": zh, "en": en, **more}


def unreadable() -> GeometryFault:
    """The fault of a shape that no reader understands."""
    return GeometryFault("geometry_unreadable", "几何无法读取：类型不受支持、已损坏或坐标不是数字",
                         "the geometry cannot be read: an unknown kind, damaged, or coordinates that are no numbers")


def stubs(parts: int) -> GeometryFault:
    """The fault of a line with parts of a single point."""
    return GeometryFault("line_stubs", f"线中有 {parts} 段只有一个点；选择“修复”则去掉",
                         f"{parts} parts of the line have a single point; a repair drops them")


def fault_of(problem: Problem) -> GeometryFault:
    """A problem as the fault of one row."""
    return GeometryFault(problem.code, problem.sentence("zh"), problem.sentence("en"))
