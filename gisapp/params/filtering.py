"""Free text and CQL2 out of a request's parameters."""

from __future__ import annotations

from collections.abc import Mapping

from gisapp.cql2 import LANGUAGES, Filter, parse_filter
from gisapp.layers import Catalogue, Layer
from gisapp.params.faults import invalid
from gisapp.params.places import parse_crs_argument

MOST_WORDS, LONGEST_TEXT = 8, 120


def parse_words(text: str | None) -> tuple[str, ...]:
    """The words of `q=`; all of them must stand in a feature's texts."""
    words = tuple(dict.fromkeys((text or "").split()))
    if len(words) > MOST_WORDS or len(text or "") > LONGEST_TEXT or "\x00" in (text or ""):
        raise invalid("q", f"最多 {MOST_WORDS} 个词，{LONGEST_TEXT} 个字符",
                      f"at most {MOST_WORDS} words and {LONGEST_TEXT} characters")
    return words


def read_filter(values: Mapping[str, str], layer: Layer, catalogue: Catalogue) -> Filter | None:
    """The filter of `filter=`, in the language of `filter-lang=`, its coordinates in `filter-crs=`."""
    language = values.get("filter-lang")
    if language is not None and language not in LANGUAGES:
        raise invalid("filter-lang", " / ".join(LANGUAGES), " / ".join(LANGUAGES))
    crs = parse_crs_argument(values.get("filter-crs"))
    text = values.get("filter", "")
    return parse_filter(text, language, crs, layer, catalogue) if text.strip() else None
