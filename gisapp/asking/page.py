"""The page of questions: rows or text to one filter, its answer as count, sums and table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gisapp import features, listing
from gisapp.asking.collection import clause, of_its_layer
from gisapp.asking.reading import sheet_of
from gisapp.asking.rows import AREAS, RELATIONS, Group, Row, Sheet, write, write_area
from gisapp.errors import Problem
from gisapp.features import open_layer, visible_names
from gisapp.formats.question import in_words
from gisapp.house import House
from gisapp.layers import Field, Layer
from gisapp.listing import Listing
from gisapp.panels import Writer
from gisapp.params import Query, parse, parse_id
from gisapp.permissions import Actor
from gisapp.sql import questions as sql_questions
from gisapp.style import is_reference

ROWS = 50
MOST_GROUPS, MOST_ROWS, MOST_SUMS = 8, 12, 6
#: Parameters of an items request that the page takes as they are; `properties` are its columns.
PLAIN = ("datetime", "as_of", "q", "compute", "sortby", "ids", "bbox", "properties")


@dataclass
class Asked:
    """What is asked: `text` is the filter, `sheet` its rows or None where rows cannot say it."""

    layer: Layer
    text: str = ""
    sheet: Sheet | None = field(default_factory=Sheet)
    plain: dict[str, str] = field(default_factory=dict)
    columns: list[Field] = field(default_factory=list)

    @property
    def args(self) -> dict[str, str]:
        """The parameters of an items request that asks the same."""
        return {**({"filter": self.text} if self.text else {}), **self.plain}


@dataclass(frozen=True)
class Answer:
    """A page of rows, the sums by title, the question in words, the layers that it is held against. `bounds` are
    those of all that answers, in degrees, lon first; `chosen` is the row that was looked for, if it answers."""

    page: Listing
    sums: list[tuple[str, str]]
    words: str
    others: list[str]
    bounds: tuple[float, float, float, float] | None = None
    chosen: listing.Row | None = None


def read(house: House, actor: Actor, args: Mapping[str, Sequence[str]]) -> Asked:
    """What the page's address asks: an edited text wins over the rows, the rows over an untouched text.

    Problems: `layer_unknown` (404), `act_not_allowed` (403), those of `of_its_layer`. A text that is not CQL2 is kept
    as it is, without rows.
    """
    args = of_its_layer(house, actor, args)
    one = {name: given[0].strip() for name, given in args.items() if given}
    layer, _ = open_layer(house, actor, one.get("layer") or _first(house), "read")
    asked = Asked(layer, _with_fields(layer, one), plain={name: one[name] for name in PLAIN if one.get(name)})
    if period := _period(one):
        asked.plain["datetime"] = period
    asked.columns = _columns(layer, asked, args.get("column", ()), visible_names(actor, layer))
    if one.get("was", layer.id) != layer.id:  # another layer was chosen: rows and text were about the old one
        asked.text, asked.plain, asked.columns = "", {}, listing.columns(layer)
        return asked
    rows = _sheet(args) if "wrote" in one else None
    if rows is not None and asked.text == one["wrote"]:
        asked.sheet, asked.text = rows, write(rows, layer, house.catalogue.layers)
    else:
        asked.sheet = _read_back(house, layer, asked.text)
    if "within" in one:
        _put_within(house, asked, *one["within"].partition(":")[::2])
    return asked


def _read_back(house: House, layer: Layer, text: str) -> Sheet | None:
    try:
        return sheet_of(text, layer, house.catalogue)
    except Problem:
        return None


def _put_within(house: House, asked: Asked, area: str, place: str) -> None:
    """Ask the same of another area: kind and place, as a sheet has them; of everywhere without a kind."""
    if asked.sheet is not None:
        asked.sheet = replace(asked.sheet, area=area if area in AREAS else "", place=place)
        asked.text = write(asked.sheet, asked.layer, house.catalogue.layers)
    elif clause := write_area(Sheet(area=area, place=place)):
        asked.text = f"({asked.text}) AND {clause}" if asked.text else clause


def _with_fields(layer: Layer, one: Mapping[str, str]) -> str:
    """The filter's text; what a map's filter asks of single fields by name goes into it."""
    found = [clause(field, one[field.id]) for field in layer.all_fields if one.get(field.id)]
    text = one.get("filter", "")
    return " AND ".join([*found, *([f"({text})" if found else text] if text else [])])


def _columns(layer: Layer, asked: Asked, ticked: Sequence[str], known: Sequence[str]) -> list[Field]:
    """The columns of the table: those ticked, else those that the question carries, else the usual ones."""
    usual = listing.columns(layer)
    names = list(ticked) or asked.plain.get("properties", "").split(",")
    chosen = [layer.field(name) for name in dict.fromkeys(names) if name in known and name not in _always(layer)]
    asked.plain.pop("properties", None)
    if not chosen or set(chosen) == set(usual):
        return usual
    asked.plain["properties"] = ",".join(one.id for one in chosen)
    return chosen


def _always(layer: Layer) -> tuple[str, ...]:
    return layer.name_field, "status"


def _first(house: House) -> str:
    return next(layer.id for layer in house.catalogue.layers.values() if not is_reference(layer))


def _period(one: Mapping[str, str]) -> str:
    ends = one.get("from", ""), one.get("to", "")
    return f"{ends[0] or '..'}/{ends[1] or '..'}" if any(ends) else ""


def _sheet(args: Mapping[str, Sequence[str]]) -> Sheet | None:
    """The rows of the form, with what its button adds or takes away; None when the form had none."""
    groups = []
    for number in range(MOST_GROUPS):
        kind = _one(args, f"g{number}.kind")
        if kind in ("all", "any", "none"):
            names = [f"g{number}.{place}." for place in range(MOST_ROWS)]
            found = [_row(args, name) for name in names if f"{name}field" in args]
            groups.append(Group(kind, tuple(found) or (Row(),)))
    if not groups:
        return None
    sheet = Sheet(tuple(groups), _one(args, "join") or "and", _one(args, "area"), _one(args, "place"))
    return _pressed(sheet, _one(args, "do"))


def _one(args: Mapping[str, Sequence[str]], name: str) -> str:
    return (args.get(name) or [""])[0].strip()


def _row(args: Mapping[str, Sequence[str]], prefix: str) -> Row:
    inside = [f"{prefix}i.{number}." for number in range(MOST_ROWS) if f"{prefix}i.{number}.field" in args]
    return Row(_one(args, f"{prefix}field"), _one(args, f"{prefix}op"),
               tuple(one.strip() for one in args.get(f"{prefix}v", ()) if one.strip()), _one(args, f"{prefix}to"),
               _one(args, f"{prefix}layer"), _one(args, f"{prefix}metres"), _one(args, f"{prefix}n"),
               tuple(_row(args, one) for one in inside), "any" if _one(args, f"{prefix}i.kind") == "any" else "all")


def _pressed(sheet: Sheet, act: str) -> Sheet:
    """`row.<group>` adds a row, `drop.<group>.<row>` takes one away, `group` adds a group; `inner.<group>.<row>` adds a
    condition on the other layer, `less.<group>.<row>.<number>` takes one away."""
    name, *numbers = act.split(".")
    if not all(one.isdigit() and int(one) < MOST_ROWS for one in numbers):
        return sheet
    groups, at = list(sheet.groups), [int(one) for one in numbers]
    if name == "group" and len(groups) < MOST_GROUPS:
        groups.append(Group("any"))
    elif name == "row" and len(at) == 1 and at[0] < len(groups) and len(groups[at[0]].rows) < MOST_ROWS:
        groups[at[0]] = replace(groups[at[0]], rows=(*groups[at[0]].rows, Row()))
    elif name == "drop" and len(at) == 2 and at[0] < len(groups):
        kept = tuple(row for number, row in enumerate(groups[at[0]].rows) if number != at[1])
        groups[at[0]] = replace(groups[at[0]], rows=kept)
    elif name in ("inner", "less") and len(at) > 1 and at[0] < len(groups) and at[1] < len(groups[at[0]].rows):
        rows = list(groups[at[0]].rows)
        inner = rows[at[1]].inner or (Row(),)
        inner = (*inner, Row()) if name == "inner" else tuple(one for n, one in enumerate(inner) if [n] != at[2:])
        rows[at[1]] = replace(rows[at[1]], inner=inner[:MOST_ROWS])
        groups[at[0]] = replace(groups[at[0]], rows=tuple(rows))
    return replace(sheet, groups=tuple(group for group in groups if group.rows) or (Group(),))


def answer(house: House, actor: Actor, asked: Asked, after: str | None, language: str,
           look_for: str | None = None) -> Answer:
    """What answers the question, from the page key `after` on; `look_for` is the id of a feature whose row is wanted,
    whatever page it stands on. Problems: those of `params.parse`, `field_masked`."""
    layer, given = asked.layer, {"limit": str(ROWS), "sortby": asked.layer.name_field, **asked.args}
    if after:
        given["after"] = after
    query = parse({name: [text] for name, text in given.items()}, layer, house.catalogue)
    page = listing.page(house, actor, layer.id, query, language, asked.columns)
    plain = replace(query, computed=(), after=None, sortby=(), properties=None)
    words = in_words(layer, house.catalogue, plain).get(language)
    chosen = None
    if look_for and not any(row.id == look_for for row in page.rows):
        one = replace(plain, limit=1, computed=query.computed, also=(*plain.also, Query(ids=(parse_id(look_for),))))
        chosen = next(iter(listing.page(house, actor, layer.id, one, language, asked.columns).rows), None)
    return Answer(page, _sums(house, actor, layer, plain, language), words, sorted(query.others),
                  features.extent(house, actor, layer.id, plain), chosen)


def _sums(house: House, actor: Actor, layer: Layer, query: Query, language: str) -> list[tuple[str, str]]:
    """Fields that can be added up (areas, volumes, numbers of things), with their sums."""
    layer, table = features.open_layer(house, actor, layer.id, "read", query)
    known = visible_names(actor, layer)
    fields = [one for one in layer.all_fields if one.id in known and _adds_up(one)][:MOST_SUMS]
    with house.db.read() as connection:
        row = connection.execute(sql_questions.sums(layer, table, query, [one.id for one in fields])).one()
    writer = Writer.of(house, language)
    found: list[tuple[Field, Any]] = list(zip(fields, row[1:], strict=True))
    return [(one.title.get(language), writer.text(one, float(total) if one.type == "number" else int(total)))
            for one, total in found if total is not None]


def _adds_up(one: Field) -> bool:
    return one.type in ("number", "integer") and one.id.endswith(("_m2", "_m3", "_t", "_cap", "_used", "geom_length_m"))


def relations(layer: Layer) -> list[str]:
    """The relations that a layer of this geometry can have."""
    areas, points = "Polygon" in layer.geometry, "Point" in layer.geometry
    return [name for name in RELATIONS if not (name == "overlaps" and not areas) and not (name == "crosses" and points)]
