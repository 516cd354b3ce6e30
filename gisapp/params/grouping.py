"""What statistics are asked for: groups, sums, their order; text in, a frozen `Grouping` out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gisapp.errors import Problem
from gisapp.layers import ASSIGNED_FIELDS, Field, Layer
from gisapp.params.faults import invalid

UNITS = ("day", "week", "month", "quarter", "year")
HEXAGON, QUESTION = "hexagon", "question"
#: Key of the features that answer none of a question's alternatives; most alternatives.
REST, MOST_CASES = "rest", 50
#: Side of a hexagon in metres: least, most, and what `hexagon` alone means.
SIDES = (20, 20_000, 250)
MOST_KEYS, MOST_SUMS, MOST_GROUPS = 3, 8, 5_000
#: Parameters of statistics beside those of the question.
OWN = ("group_by", "sum", "until", "sortby", "limit")
_TEXTS = ("created_by", "updated_by")


@dataclass(frozen=True)
class Key:
    """What groups are made by: a field; of a date its `unit`; hexagons of `side` metres; or the alternatives of a saved
    `question`, whose `cases` are queries asked in their order (both without a field)."""

    name: str
    field: Field | None = None
    unit: str | None = None
    side: int | None = None
    question: str | None = None
    cases: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Grouping:
    """`order` is a column ("key", "count" or a summed field) and whether it descends; without `limit` all groups.
    `until` is the date at which a feature leaves the stock."""

    keys: tuple[Key, ...] = ()
    sums: tuple[Field, ...] = ()
    order: tuple[str, bool] = ("key", False)
    limit: int | None = None
    until: Field | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that the answer tells of."""
        used = [*(key.field for key in self.keys), *self.sums, self.until]
        return tuple(dict.fromkeys(field.id for field in used if field))

    @property
    def dated(self) -> Key | None:
        """The only key, when it is a date: what a trend is made of."""
        return self.keys[0] if len(self.keys) == 1 and self.keys[0].unit else None


def names_of(text: str | None) -> list[str]:
    """Names behind commas, each once."""
    return list(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))


def groupable(field: Field) -> bool:
    """Whether groups can be made by the field's values."""
    return field.type in ("code", "codes", "boolean", "date", "datetime") or field in ASSIGNED_FIELDS or (
        field.derived and field.id in _TEXTS)


def summable(field: Field) -> bool:
    """Whether adding up the field's values says something."""
    return field.type in ("integer", "number") and field.id != "version"


def fields_named(args: Mapping[str, Sequence[str]], layer: Layer) -> list[str]:
    """The layer's fields that the parameters of statistics name, for the reader's rights to be asked first."""
    parts = [name for one in ("group_by", "sum", "until") for text in args.get(one, ()) for name in names_of(text)]
    return [name.partition(".")[0] for name in parts if layer.has_field(name.partition(".")[0])]


def parse_grouping(args: Mapping[str, Sequence[str]], layer: Layer) -> Grouping:
    """The groups and sums that the arguments ask for. Problems: `group_unknown`, `sum_unknown`,
    `parameter_repeated`, `parameter_invalid` (400)."""
    values = {name: given[0] for name, given in args.items() if name in OWN}
    if repeated := [name for name in values if len(args[name]) > 1]:
        raise Problem("parameter_repeated", name=repeated[0])
    keys = tuple(_key(name, layer) for name in names_of(values.get("group_by")))
    sums = tuple(_sum(name, layer) for name in names_of(values.get("sum")))
    if len(keys) > MOST_KEYS or len(sums) > MOST_SUMS:
        raise invalid("group_by" if len(keys) > MOST_KEYS else "sum", f"最多 {MOST_KEYS} 个分组、{MOST_SUMS} 个合计",
                      f"at most {MOST_KEYS} groups and {MOST_SUMS} sums")
    if sum(key.field is not None and key.field.type == "codes" for key in keys) > 1:
        raise invalid("group_by", "多值代码字段只能用一个", "takes one field with several codes only")
    if sum(key.side is not None for key in keys) > 1:
        raise invalid("group_by", "六边形只能用一种边长", "takes hexagons of one size only")
    return Grouping(keys, sums, _order(values.get("sortby"), sums), _limit(values.get("limit")),
                    _until(values.get("until"), keys, layer))


def _key(name: str, layer: Layer) -> Key:
    base, _, more = name.partition(".")
    if base == HEXAGON:
        return Key(name, side=_side(more))
    if base == QUESTION and more:
        return Key(name, question=more)
    field = layer.field(base) if layer.has_field(base) else None
    if field is None or not groupable(field):
        raise Problem("group_unknown", name=name[:60], known=", ".join(known_groups(layer)))
    dated = field.type in ("date", "datetime")
    if (more and not dated) or (more and more not in UNITS):
        raise Problem("group_unknown", name=name[:60], known=", ".join(known_groups(layer)))
    return Key(name, field, (more or "month") if dated else None)


def known_groups(layer: Layer) -> list[str]:
    """What `group_by` may name."""
    fields = [one for one in layer.all_fields if groupable(one) and not one.personal]
    return [*(f"{one.id}.month" if one.type in ("date", "datetime") else one.id for one in fields),
            f"{HEXAGON}.{SIDES[2]}", f"{QUESTION}.<id>"]


def _side(text: str) -> int:
    side = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else (0 if text else SIDES[2])
    if not SIDES[0] <= side <= SIDES[1]:
        raise invalid("group_by", f"六边形边长应为 {SIDES[0]} 至 {SIDES[1]} 米，例如 hexagon.250",
                      f"hexagons have sides of {SIDES[0]} to {SIDES[1]} metres, such as hexagon.250")
    return side


def _sum(name: str, layer: Layer) -> Field:
    if layer.has_field(name) and summable(layer.field(name)):
        return layer.field(name)
    known = [one.id for one in layer.all_fields if summable(one) and not one.personal]
    raise Problem("sum_unknown", name=name[:60], known=", ".join(known) or "-")


def _order(text: str | None, sums: tuple[Field, ...]) -> tuple[str, bool]:
    name = (text or "key").removeprefix("-")
    known = ("key", "count", *(field.id for field in sums))
    if name not in known:
        raise invalid("sortby", " / ".join(known), " / ".join(known))
    return name, (text or "").startswith("-")


def _limit(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) <= MOST_GROUPS):
        raise invalid("limit", f"应为 1 到 {MOST_GROUPS}", f"wants a number from 1 to {MOST_GROUPS}")
    return int(text)


def _until(text: str | None, keys: tuple[Key, ...], layer: Layer) -> Field | None:
    if not text:
        return None
    if len(keys) != 1 or not keys[0].unit:
        raise invalid("until", "只用于按一个日期分组", "goes with groups by one date only")
    if not layer.has_field(text) or layer.field(text).type not in ("date", "datetime"):
        raise Problem("group_unknown", name=text[:60], known=", ".join(
            one.id for one in layer.all_fields if one.type in ("date", "datetime")))
    return layer.field(text)
