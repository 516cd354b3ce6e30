"""What a sender's words must lose before the database's JSON and texts can hold them."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any


def storable(value: Any) -> Any:
    """The value, lists and objects within it too, without NUL and halves of characters; numbers that are none as
    texts."""
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(name): storable(one) for name, one in value.items()}
    return [storable(one) for one in value] if isinstance(value, list) else value


def is_storable(value: Any) -> bool:
    """Whether the value of a JSON document can be stored as it is."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):
        return False
    return "\\u0000" not in text
