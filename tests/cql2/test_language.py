"""CQL2 as a language: both encodings are one filter, what cannot be read is refused in time, names and kinds are
checked against the layer."""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from gisapp.catalogue import load_catalogue
from gisapp.cql2 import language
from gisapp.errors import Problem
from gisapp.layers import Catalogue, FilterLimits
from gisapp.params import parse
from tests.conftest import ROOT, SHARED

EXAMPLES = SHARED / "ogc" / "cql2" / "examples"
TEXTS = sorted((EXAMPLES / "text").glob("*.txt"))


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(ROOT / "layers", ("no_overlap",))


def _floats(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _floats(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_floats(value) for value in tree]
    return float(tree) if isinstance(tree, int) and not isinstance(tree, bool) else tree


@pytest.mark.skipif(not TEXTS, reason="the examples (../shared) are not here")
@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_example_is_one_filter_in_both_encodings(path: Path) -> None:
    twin = EXAMPLES / "json" / f"{path.stem.split('-alt')[0]}.json"
    text = language.read(path.read_text("utf-8").strip(), "cql2-text", FilterLimits())
    assert _floats(text) == _floats(language.read(twin.read_text("utf-8"), "cql2-json", FilterLimits()))


def refusal(catalogue: Catalogue, text: str, layer: str = "vendor_points", **more: str) -> Problem:
    """The problem that a filter meets."""
    with pytest.raises(Problem) as found:
        parse({"filter": [text], **{name: [value] for name, value in more.items()}}, catalogue.layers[layer], catalogue)
    return found.value


@pytest.mark.parametrize("text", [
    "(" * 30, "(" * 3000, "(" * 12 + "a=1 and " * 1000 + "b=" + ")" * 12, "not " * 3000 + "kind='01'",
    "stalls_cap=" + "1+" * 3000 + "1", "stalls_cap=" + "-" * 3000 + "1", "stalls_cap=1" + "=1" * 3000,
    "stalls_cap=" + "-(" * 300 + "1" + ")" * 300, "x" * 20_001, "stalls_cap=" + "1-" * 3000 + "1",
    "stalls_cap=" + "1 -1 " * 2000, "stalls_cap in (" + "1+" * 1000 + "1)",
])
def test_filter_that_would_hang_or_end_the_process_is_refused_at_once(catalogue: Catalogue, text: str) -> None:
    started = process_time()
    assert refusal(catalogue, text).code == "filter_too_large"
    assert process_time() - started < 5


@pytest.mark.parametrize("text", [
    "kind = = 1", "kind = '01' x", "'", "kind='01' and", "[1]", "{", "{}", '{"op":"="}', '{"op":1,"args":[]}',
    '{"op":"and","args":' + "[" * 500 + "]" * 500 + "}", "kind='\x00'",
    # names and kinds
    "nothing = 1", "kind = 1", "stalls_cap = 'x'", "stalls_cap", "'x'", "season_to > 5", "geom = 1",
    "season_to > 'soon'", "season_to > TIMESTAMP('2024-01-01T00:00:00Z')", "name LIKE kind", "name + 1 = 2",
    "categories = '01'", "stalls_cap BETWEEN 1 AND 'x'", "stalls_cap IN (1, 'x')", "casei(stalls_cap) = 'x'",
    "A_CONTAINS(categories, (1, 2))", "A_CONTAINS(name, ('a', 'b'))", "NOT kind", "T_AFTER(kind, DATE('2024-01-01'))",
    "T_AFTER(season_to, INTERVAL('..', '..'))", "T_AFTER(season_to, INTERVAL('2024-01-01', '2024-01-01T00:00:00Z'))",
    "T_AFTER(season_to, DATE('2024-13-01'))", "created_at > TIMESTAMP('x')", "stalls_cap = 1e999",
    # geometry
    "S_INTERSECTS(geom, kind)", "S_INTERSECTS(geom, POLYGON((0 0, 1 1, 1 0, 0 1, 0 0)))",
    "S_INTERSECTS(geom, POINT(500 1))",
    "S_TOUCHES(geom, GEOMETRYCOLLECTION(POINT(1 1), LINESTRING(0 0, 1 1)))", "S_INTERSECTS(geom, BBOX(1, 2, 3))",
    '{"op":"s_intersects","args":[{"property":"geom"},{"type":"Point","coordinates":["a",1]}]}',
    '{"op":"s_intersects","args":[{"property":"geom"},{"type":"Point","coordinates":[]}]}',
    # functions
    "foo(kind) = 1", "near('nowhere', 50)", "near('school_gates')", "near('school_gates', 60000)",
    "near('school_gates', -1)", "near('school_gates', 50, nothing = 1)", "near('school_gates', 50, 7)",
    "near(kind, 50)", "inside('school_gates')", "overlap_area('districts') > 1", "nearest('school_gates', 0)",
    "nearest('school_gates', 1.5)", "open_days('9')", "open_days()", "open_now(5)", "near('school_gates', true)",
    "inside('streets', 5)", "around(5, 5)",
])
def test_filter_that_is_none_is_refused(catalogue: Catalogue, text: str) -> None:
    assert refusal(catalogue, text).code == "filter_invalid"


def test_layer_without_opening_hours_is_never_open(catalogue: Catalogue) -> None:
    assert refusal(catalogue, "open_now()", "illegal_builds").code == "filter_invalid"


def test_language_and_system_that_are_unknown_are_refused(catalogue: Catalogue) -> None:
    assert refusal(catalogue, "kind='01'", **{"filter-lang": "ecql"}).code == "parameter_invalid"
    assert refusal(catalogue, "kind='01'", **{"filter-crs": "EPSG:27700"}).code == "crs_unsupported"


def test_depth_is_limited_in_both_encodings(catalogue: Catalogue) -> None:
    tree: dict[str, Any] = {"op": "=", "args": [{"property": "kind"}, "01"]}
    for _ in range(40):
        tree = {"op": "not", "args": [tree]}
    assert refusal(catalogue, json.dumps(tree)).code == "filter_too_large"
    assert refusal(catalogue, "not " * 40 + "kind='01'").code == "filter_too_large"


def test_long_drawn_shape_passes(catalogue: Catalogue) -> None:
    ring = ",".join(f"{113 + n / 1000:.6f} {31 + (n % 2) / 1e6:.6f}" for n in range(400))
    text = f"kind = '01' AND (S_INTERSECTS(geom, LINESTRING({ring})) OR kind = '02')"
    query = parse({"filter": [text]}, catalogue.layers["vendor_points"], catalogue)
    assert query.filter is not None and query.filter.uses.fields == {("vendor_points", "kind")}


def test_other_layers_fields_are_known_as_theirs(catalogue: Catalogue) -> None:
    text = "near('school_gates', 50, school_kind = '01' AND inside('streets', name = 'x')) AND open_now()"
    query = parse({"filter": [text]}, catalogue.layers["vendor_points"], catalogue)
    assert query.filter is not None
    assert {("school_gates", "school_kind"), ("streets", "name")} < query.filter.uses.fields
    assert query.filter.uses.layers == {"school_gates", "streets"}
    assert query.filter.uses.moment and query.fleeting
