"""Units that ledgers write behind a number: 35㎡ in a column of square metres is 35."""

from __future__ import annotations

import unicodedata

#: What people call a unit of the layer files, as NFKC writes it, the longest first.
_NAMES = {
    "m²": ("平方米", "平米", "m^2", "m2"), "m³": ("立方米", "立方", "m^3", "m3"), "m": ("米", "m"), "t": ("吨", "t"),
    "km": ("公里", "千米", "km"), "km/h": ("公里/小时", "千米/小时", "公里/时", "km/h"), "%": ("%",)}


def without_unit(text: str, unit: str | None) -> str:
    """The text without the unit at its end where that is the field's own; any other unit stays, and is refused."""
    plain = unicodedata.normalize("NFKC", text).strip()
    for name in _NAMES.get(unit or "", ()):
        number = plain[:-len(name)].rstrip()
        if plain.casefold().endswith(name) and number[-1:].isdecimal():
            return number
    return text
