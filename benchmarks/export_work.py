"""The child that makes a file, for measuring: the product's own, without the proof or the pack where asked so."""

from __future__ import annotations

import importlib
import resource
from typing import Any

from gisapp.formats import FILE_FORMATS, work as product

#: The functions by which the formats read back what they wrote.
_PROOFS = ("prove", "prove_some", "prove_features", "prove_unordered", "_prove_texts", "_prove_places",
           "_prove_marks", "prove_sheets", "prove_drawing")


def work(order: dict[str, Any]) -> dict[str, Any]:
    """As `gisapp.formats.work.work`; `unproven` leaves the reading back out, `bare` digests and pack."""
    module = importlib.import_module(FILE_FORMATS[order["format"]].module)
    if order["unproven"]:
        for name in _PROOFS:
            if hasattr(module, name):
                setattr(module, name, lambda *_, **__: None)
    if order["bare"]:
        product._bound = lambda *_: {"path": "", "rows": 0}
    answer = product.work(order)
    return answer | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
