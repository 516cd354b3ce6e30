"""Objects of a drawing read back from its lines by array operations, some megabytes at a time.

GDAL takes three minutes of processor for a million features, and half a gigabyte for fifty thousand. A DXF is pairs of
lines, a code and a value: https://help.autodesk.com/view/OARX/2024/ENU/?guid=GUID-235B22E0-A567-4CF6-92D3-38A2306D73F3
"""

from __future__ import annotations

from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisapp.formats.drawing import LABEL, LINE, POINT, RING
from gisapp.formats.dxf_texts import APPLICATION, END
from gisapp.formats.pieces import Flags, Ints

_CHUNK = 1 << 21
_BEGIN = f"ENTITIES{END}".encode()
_FINISH = f"  0{END}ENDSEC{END}  0{END}EOF{END}".encode()
_STARTS = [f"  0{END}{name}{END}".encode() for name in ("POINT", "POLYLINE", "TEXT")]


class DrawingReader:
    """Hands out the objects of a drawing in pieces of any size, as tables: `kind`, `layer`, `data` (its groups with
    their codes), `line` (the text of a label) and the coordinates `x` and `y` as lists, a closed line's end not among
    them. ValueError where the file is none of ours."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._over = file, False
        self._bytes = b""
        while (begin := self._bytes.find(_BEGIN)) < 0:
            if not (more := file.read(_CHUNK)):
                raise ValueError("no objects")
            self._bytes += more
        self._bytes = self._bytes[begin + len(_BEGIN):]
        self._waiting: list[pa.Table] = []

    def take(self, count: int) -> pa.Table | None:
        """So many objects, or what is left; None where nothing is."""
        while sum(map(len, self._waiting)) < count and (more := self._next()) is not None:
            self._waiting.append(more)
        if not self._waiting:
            return None
        whole = pa.concat_tables(self._waiting)
        self._waiting = [whole.slice(count)] if len(whole) > count else []
        return whole.slice(0, count)

    def _next(self) -> pa.Table | None:
        """The objects that the next bytes hold as wholes."""
        while not self._over:
            more = self._file.read(_CHUNK)
            self._bytes += more
            self._over = not more
            cut = self._finish() if self._over else max(self._bytes.rfind(start) for start in _STARTS)
            if cut > 0:
                body, self._bytes = self._bytes[:cut], self._bytes[cut:]
                return _objects(body)
        return None

    def _finish(self) -> int:
        if not self._bytes.endswith(_FINISH):
            raise ValueError("the end is missing")
        return len(self._bytes) - len(_FINISH)


def _objects(body: bytes) -> pa.Table:
    lines = pc.split_pattern(pa.array([body.decode("gbk")]), END).values
    if len(lines) % 2 != 1 or lines[-1].as_py():
        raise ValueError("a code without a value")
    values = lines.take(pa.array(np.arange(1, len(lines), 2)))
    codes = pc.utf8_ltrim_whitespace(lines.take(pa.array(np.arange(0, len(lines) - 1, 2)))).cast(pa.int32()).to_numpy()
    at = np.flatnonzero(codes == 0)
    names = values.take(pa.array(at))
    inner = _is(names, "VERTEX") | _is(names, "SEQEND")
    if not len(at) or at[0] or inner[0]:
        raise ValueError("no beginning")
    owner_of_entity = np.cumsum(~inner) - 1
    owners = np.repeat(owner_of_entity, np.diff(np.append(at, len(codes))))
    return _table(values, codes, owners, names, inner, owner_of_entity)


def _is(names: pa.Array, name: str) -> Flags:
    found: Flags = pc.equal(names, name).to_numpy(zero_copy_only=False)
    return found


def _table(values: pa.Array, codes: Ints, owners: Ints, names: pa.Array, inner: Flags, entities: Ints) -> pa.Table:
    count = int(entities[-1]) + 1

    def one(code: int, default: str | None = None) -> pa.Array:
        """The value of each object that has this code once."""
        chosen = codes == code
        found = np.full(count, -1)
        found[owners[chosen]] = np.flatnonzero(chosen)
        taken = values.take(pa.array(found, mask=found < 0))
        return taken if default is None else taken.fill_null(default)

    begun = names.filter(pa.array(~inner))
    closed = _is(one(70, "0"), "1")
    kinds = np.select([_is(begun, "POINT"), _is(begun, "TEXT"), closed], [POINT, LABEL, RING], LINE)
    layers = values.filter(pa.array(codes == 8))
    layer = layers.filter(pa.array(~inner)) if len(layers) == len(entities) else layers
    lines = int((kinds == LINE).sum() + (kinds == RING).sum())
    if (len(layer) != count or not layers.equals(layer.take(pa.array(entities)))
            or int(_is(begun, "POLYLINE").sum()) != lines or int(_is(names, "SEQEND").sum()) != lines
            or int(_is(one(1001, ""), APPLICATION).sum()) != count):
        raise ValueError("an object that is not whole")
    groups = _lists(values, codes, owners, count, 1000)
    data = pc.binary_join(pa.ListArray.from_arrays(groups.offsets, pc.binary_join_element_wise(
        f"1000{END}", groups.values, END, "")), "")
    x, y = (_lists(values, codes, owners, count, code, pa.float64()) for code in (10, 20))
    return pa.table({"kind": kinds, "layer": layer, "data": data, "line": one(1), "x": x, "y": y})


def _lists(values: pa.Array, codes: Ints, owners: Ints, count: int, code: int,
           kind: pa.DataType | None = None) -> pa.ListArray:
    """All values of each object that have this code."""
    chosen = codes == code
    bounds = np.concatenate([[0], np.cumsum(np.bincount(owners[chosen], minlength=count))])
    found = values.filter(pa.array(chosen))
    return pa.ListArray.from_arrays(pa.array(bounds, pa.int32()), found if kind is None else found.cast(kind))
