"""A question's collection on the page of questions: asked of its layer, with what the question asks and what is asked
beside it, so that its rows can be read and changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gisapp import published
from gisapp.asking.rows import quoted
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.layers import Field
from gisapp.params import parse_period
from gisapp.permissions import Actor


def of_its_layer(house: House, actor: Actor, args: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The page's arguments with the layer in the place of a question's collection (`layer=q-…`); any others as they
    are. Both questions must hold; columns, order and day are those of the request. Problems: those of
    `published.find`, `parameter_invalid` (400) for periods that do not meet."""
    given = {name: list(texts) for name, texts in args.items()}
    if not published.is_question(wanted := (given.get("layer") or [""])[0].strip()):
        return given
    found = published.find(house, actor, wanted, "zh")
    assert found.question is not None  # noqa: S101  (told to mypy)
    asked = dict(found.question.query)
    twice = {name for name in asked if any(text.strip() for text in given.get(name, []))}
    for name in twice & _BOTH.keys():
        asked[name] = _BOTH[name](asked[name], given.pop(name)[0].strip())
    clauses = [clause(field, asked.pop(field.id)) for field in found.layer.all_fields if field.id in twice]
    if "bbox" in twice:
        clauses.append(f"S_INTERSECTS(geometry, BBOX({asked.pop('bbox')}))")
    texts = [*clauses, *(text for text in (asked.get("filter"), *given.pop("filter", [])) if text)]
    if texts:
        asked["filter"] = texts[0] if len(texts) == 1 else " AND ".join(f"({text})" for text in texts)
    return {name: [text] for name, text in asked.items()} | given | {"layer": [found.layer.id]}


def _meeting(one: str, other: str) -> str:
    """The period that lies in both; one that ends before it begins is refused when it is asked."""
    periods = parse_period(one), parse_period(other)
    first = max((moment for moment, _ in periods if moment), default=None)
    last = min((moment for _, moment in periods if moment), default=None)
    return f"{first.isoformat() if first else '..'}/{last.isoformat() if last else '..'}".replace("+00:00", "Z")


def _common(one: str, other: str) -> str:
    """The ids that both name. Problem `feature_unknown` (404) where there is none: no id at all would ask for all."""
    known = {text.strip() for text in other.split(",")}
    if not (kept := [text for text in one.split(",") if text.strip() in known]):
        raise Problem("feature_unknown", id=other[:60])
    return ",".join(kept)


_BOTH: dict[str, Callable[[str, str], str]] = {
    "datetime": _meeting, "ids": _common, "q": lambda one, other: f"{one} {other}"}


def clause(field: Field, value: str) -> str:
    """A field's parameter (`status=01,02`, `removed_at=2025-01-01/..`) in CQL2 text."""
    listed = ", ".join(quoted(part) for part in value.split(","))
    if field.type == "codes":
        return f"A_OVERLAPS({field.id}, ({listed}))"
    if field.type == "code":
        return f"{field.id} IN ({listed})"
    if field.type in ("date", "datetime") and "/" in value:
        first, _, last = value.partition("/")
        ends = [f"{field.id} {sign} {quoted(end)}" for sign, end in ((">=", first), ("<=", last))
                if end not in ("", "..")]
        return " AND ".join(ends) or f"{field.id} IS NOT NULL"
    return f"{field.id} = {value if field.type in ('number', 'integer', 'boolean') else quoted(value)}"
