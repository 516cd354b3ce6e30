"""Places in the order of a Hilbert curve, so that those near each other lie near each other in a file."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BITS = 16
_AT_ONCE = 1 << 15  # what fits the processor's cache


def along_the_curve(x: NDArray[Any], y: NDArray[Any], box: NDArray[np.float64]) -> NDArray[np.uint32]:
    """How far along a curve of 2^16 × 2^16 steps through the box (west, south, east, north) each place lies; a place
    that is none lies at its beginning. After Hilbert 1891: in each quarter the curve is turned round or over.
    """
    found = np.empty(len(x), np.uint32)
    for first in range(0, len(x), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        found[part] = _curve(_steps(x[part], box[0], box[2]), _steps(y[part], box[1], box[3]))
    return found


def _steps(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint32]:
    last = (1 << _BITS) - 1
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = (values - low) / ((high - low) or 1.0) * last
    return np.clip(np.nan_to_num(scaled, nan=0.0), 0, last).astype(np.uint32)


def _curve(x: NDArray[np.uint32], y: NDArray[np.uint32]) -> NDArray[np.uint32]:
    found = np.zeros(len(x), np.uint32)
    one = np.uint32(1)
    for bit in range(_BITS - 1, -1, -1):
        right, upper = x >> np.uint32(bit) & one, y >> np.uint32(bit) & one
        found = found << np.uint32(2) | (right * np.uint32(3)) ^ upper
        # In the lower quarters x and y change places, in the lower right one both run backwards before.
        turned = (one - upper) & right
        x, y = x ^ (np.uint32(0) - turned), y ^ (np.uint32(0) - turned)
        swapped = (x ^ y) & (np.uint32(0) - (one - upper))
        x, y = x ^ swapped, y ^ swapped
    return found
