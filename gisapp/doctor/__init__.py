"""The datum doctor: in which system, datum and axis order the numbers of a file are meant, told by the city itself.

Every reading worth trying is laid over the districts; those that fall into the city are compared by how near their
points come to roads and buildings, and by whether they lie in the areas that the file itself names. What a random
shift of 200 to 1400 m would score by chance is measured too: only what stands out from that is evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from gisapp.doctor.patient import Patient
from gisapp.house import House


def examine(house: House, found: list[dict[str, Any]]) -> None:
    """Give each source of a look its `datum`: a verdict, what to choose and the choices; its `shapes` and `labels` go.

    A source without shapes has None.
    """
    for source in found:
        shapes = _opened(source.pop("shapes", []))
        labels = source.pop("labels", {})
        source["datum"] = None
        if len(shapes):
            with house.db.snapshot() as connection:
                patient = Patient(connection, house, shapes, labels)
                source["datum"] = patient.diagnosis(source["crs"], source.get("crs_like"))
            if not source["crs"] and source.get("crs_found"):
                _name_the_system(source["datum"], source["crs_found"])


def _name_the_system(datum: dict[str, Any], found: str) -> None:
    """A file that names a system which cannot be converted is not one without: Xian 1980 is no CGCS2000."""
    datum["zh"] = datum["zh"].replace("文件没有坐标系", f"文件的坐标系是“{found}”，与本系统之间没有公开的换算参数")
    datum["en"] = datum["en"].replace("the file names no system", f"the file names “{found}”, for which no conversion "
                                                                  "is known here")


def _opened(hexes: Sequence[str]) -> Any:
    """Shapes whose numbers may be coordinates at all."""
    shapes = shapely.force_2d(shapely.from_wkb(np.array([bytes.fromhex(h) for h in hexes], dtype=object),
                                               on_invalid="ignore")) if hexes else np.array([], dtype=object)
    box = shapely.bounds(shapes)
    return shapes[np.isfinite(box).all(axis=1) & (np.abs(box) < 1e9).all(axis=1)] if len(shapes) else shapes
