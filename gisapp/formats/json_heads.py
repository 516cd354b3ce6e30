"""What stands before the features of a JSON file: its type, its system; and what it lacks put right."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

#: So much is looked at: nobody writes more before the features.
_MOST = 64 * 2**10
_KEY = re.compile(r'\s*,?\s*"([^"\\]{1,100})"\s*:\s*')


def head(path: Path) -> tuple[dict[str, Any], bool]:
    """The members of the object before its `features`, as far as they can be read, and whether features come."""
    with path.open("rb") as file:
        text = file.read(_MOST).removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").lstrip()
    members: dict[str, Any] = {}
    place = 1
    while text.startswith("{") and (key := _KEY.match(text, place)):
        if key[1] == "features":
            return members, True
        try:
            members[key[1]], place = json.JSONDecoder().raw_decode(text, key.end())
        except (ValueError, RecursionError):
            break
    return members, False


def named_system(path: Path) -> str:
    """The name in the old `crs` member of a GeoJSON; nothing where there is none."""
    crs = head(path)[0].get("crs")
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    return name.strip()[:200] if isinstance(name, str) else ""


def with_type(path: Path) -> None:
    """Say of an object with features that it is the collection which it must be, where it says nothing of its type."""
    members, features = head(path)
    if features and "type" not in members:
        rewritten(path, b'{"type":"FeatureCollection",', b"{", b"")


def rewritten(path: Path, start: bytes, instead_of: bytes, end: bytes) -> None:
    """The text with another start and end, without mark of its encoding."""
    other = path.with_name(f"{path.name}.whole")
    with path.open("rb") as given, other.open("wb") as sink:
        sink.write(start)
        sink.write(given.read(2**20).removeprefix(b"\xef\xbb\xbf").lstrip().removeprefix(instead_of))
        shutil.copyfileobj(given, sink, 2**20)
        sink.write(end)
    other.replace(path)
