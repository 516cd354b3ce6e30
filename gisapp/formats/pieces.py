"""Values as pieces of bytes that are joined row by row: what the records of a binary format are put together from."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gisapp.formats.texts import parts

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")

_NOTHING = pa.scalar(b"", pa.binary())
_REPLACED = pc.JoinOptions(null_handling="replace", null_replacement="")


def joined(pieces: Sequence[pa.Array]) -> pa.Array:
    """The pieces of each row end to end; a missing one is nothing. All are of bytes, at least one is given."""
    return pc.binary_join_element_wise(*pieces, _NOTHING, options=_REPLACED)


def blocks(bounds: Ints, data: NDArray[Any]) -> pa.Array:
    """Bytes that lie end to end; `bounds` is where each block begins and where the last one ends."""
    return pa.Array.from_buffers(pa.binary(), len(bounds) - 1, [None, pa.py_buffer(bounds.astype(np.int32)),
                                                                pa.py_buffer(data)])


def cells(rows: Bytes, there: Flags) -> pa.Array:
    """Rows of a matrix as the pieces of those that are `there`, nothing for the others."""
    bounds = np.concatenate([[0], np.cumsum(there)]) * rows.shape[1]
    return blocks(bounds, np.ascontiguousarray(rows))


def masked(rows: Bytes, mask: Flags) -> pa.Array:
    """Of each row of a matrix the bytes that the mask has."""
    return blocks(np.concatenate([[0], np.cumsum(mask.sum(axis=1))]), rows[mask])


def coded(values: pa.Array, tell: Callable[[str], bytes]) -> pa.Array:
    """What is told of each text; every different one is told once."""
    known = values.dictionary_encode()
    return pa.array([tell(text) for text in known.dictionary.to_pylist()], pa.binary()).take(known.indices)


def there(values: pa.Array) -> Flags:
    """Which values there are."""
    found: Flags = values.is_valid().to_numpy(zero_copy_only=False)
    return found


def lengths(values: pa.Array) -> Ints:
    """Bytes of each text (UTF-8) or piece, 0 for a missing one."""
    found = np.diff(parts(values)[0])
    return np.where(there(values), found, 0) if values.null_count else found


def spread(count: int, width: int, *columns: NDArray[Any]) -> Bytes:
    """A matrix of bytes: the columns (all of one length, or one value for all) beside each other."""
    found = np.empty((count, width), np.uint8)
    at = 0
    for column in columns:
        size = column.dtype.itemsize
        found[:, at:at + size] = np.ascontiguousarray(np.atleast_1d(column)).view(np.uint8).reshape(-1, size)
        at += size
    return found


def side_by_side(threads: ThreadPoolExecutor, make: Callable[[_Given], _Made], batches: Iterable[_Given],
                 ahead: int = 3) -> Iterator[_Made]:
    """What is made of each batch, in their order, by several threads at once: Arrow and NumPy let each other run."""
    waiting: deque[Future[_Made]] = deque()
    for batch in batches:
        waiting.append(threads.submit(make, batch))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
