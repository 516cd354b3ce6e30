"""CQL2, the filter language of OGC 21-065: text or JSON in, a typed tree out, checked against a layer's properties.

    language     text and JSON to one JSON tree, with guards on length and depth
    tree         what a filter is made of, typed
    check        the JSON tree against the properties of a layer
    values       literals: numbers, instants, geometries
    functions    what may be called, with its arguments; other layers' relations among it

SQL is made of the tree by `gisapp.sql.cql2`.
"""

from __future__ import annotations

from gisapp.cql2.check import parse_computed, parse_filter
from gisapp.cql2.language import LANGUAGES
from gisapp.cql2.tree import Computed, Filter

#: The parts of the standard that hold; whatever belongs to none of them is refused.
CLASSES = (
    "cql2-text", "cql2-json", "basic-cql2", "advanced-comparison-operators", "case-insensitive-comparison",
    "accent-insensitive-comparison", "basic-spatial-functions", "basic-spatial-functions-plus", "spatial-functions",
    "temporal-functions", "array-functions", "property-property", "functions", "arithmetic",
)

__all__ = ["CLASSES", "LANGUAGES", "Computed", "Filter", "parse_computed", "parse_filter"]
