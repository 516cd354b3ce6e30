"""What the database finds wrong with waiting rows, all at once: one statement a question, never one a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from geoalchemy2 import Geography
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    Table,
    Text,
    and_,
    case,
    cast,
    column,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from gisapp.layers import Layer
from gisapp.sql.marking import is_wide
from gisapp.sql.shapes import shown
from gisapp.tables import LAYERS

Words = tuple[ColumnElement[Any] | str, ColumnElement[Any] | str]
TERRITORIES = ("district_code", "street_code", "community_code", "grid_code", "squadron_code")
_SLIVER = 2e-7
#: By how much a distance on the ellipsoid may differ from one on the sphere that Web Mercator takes, either way, with
#: room for the neighbour's latitude. Between them lie few pairs, and only those are measured on the ellipsoid.
_NEARER, _FARTHER = 0.99, 1.013


def good(stage: FromClause) -> ColumnElement[bool]:
    """Rows that may enter."""
    return and_(stage.c["_verdict"] != "refused", stage.c["_act"] != "skip")


def refuse(connection: Connection, stage: Table, where: ColumnElement[bool], field: str, code: str,
           words: Words) -> int:
    """Refuse the rows for which `where` holds, with a reason in Chinese and English; how many."""
    fault = func.jsonb_build_array(func.jsonb_build_object(
        "field", cast(field, Text), "code", cast(code, Text), "zh", cast(words[0], Text), "en", cast(words[1], Text)))
    reasons = func.coalesce(stage.c["_faults"], cast([], JSONB)).op("||")(fault)
    return connection.execute(update(stage).values(_verdict="refused", _faults=reasons).where(where)).rowcount


def repeated(connection: Connection, stage: Table, name: str) -> None:
    """Refuse a row whose value stands in an earlier row that is not refused."""
    value, line = stage.c[name], stage.c["_line"]
    # Few values are there twice, so that the others need no sorting.
    twice = select(value).where(value.isnot(None)).group_by(value).having(func.count() > 1)
    ranked = select(line.label("line"), func.row_number().over(partition_by=value, order_by=line).label("place")).where(
        value.in_(twice), stage.c["_verdict"] != "refused").subquery()
    later = select(ranked.c.line).where(ranked.c.place > 1)
    said = cast(value, Text)
    refuse(connection, stage, line.in_(later), name, "value_repeated",
           (literal("与文件中前面的行重复：") + said, literal("repeats an earlier row of the file: ") + said))


def missing(connection: Connection, stage: Table, name: str) -> None:
    """Refuse new rows without a value that every feature of the layer has."""
    refuse(connection, stage, and_(stage.c[name].is_(None), stage.c["_act"] == "insert",
                                   stage.c["_verdict"] != "refused"), name, "required", ("必填", "is required"))


def meet_by(connection: Connection, table: Table, stage: Table, name: str, by: str) -> int:
    """Note of rows that meet none yet the feature that has the same value of `name`; how many do."""
    return connection.execute(update(stage).values(_twin=table.c.id, _twin_by=by, _twin_version=table.c.version).where(
        stage.c["_twin"].is_(None), stage.c[name] == table.c[name])).rowcount


def meet_by_place(connection: Connection, layer: Layer, table: Table, stage: Table, kind: str | None,
                  metres: float) -> int:
    """Note of rows that meet none yet the nearest feature within `metres` (on the ellipsoid) of the same `kind`; how
    many do."""
    mine = _placed(layer, stage, kind)
    apart = select(table.c.id, table.c.version, func.ST_Distance(table.c.geom_3857, mine.c.flat).label("flat"),
                   shown(layer, table).label("shape")).where(
        table.c.geom_3857.op("&&")(func.ST_Expand(mine.c.flat, metres * _FARTHER / mine.c.least)),
        *([table.c[kind].is_not_distinct_from(mine.c.kind)] if kind else [])
        ).correlate(mine).offset(0).subquery("apart")
    exact = func.ST_Distance(cast(apart.c.shape, Geography), cast(mine.c.shape, Geography)) <= metres
    within = case((apart.c.flat * mine.c.most * _FARTHER <= metres, True),
                  (apart.c.flat * mine.c.least * _NEARER > metres, False), else_=exact)
    near = select(apart.c.id, apart.c.version).where(within).order_by(apart.c.flat, apart.c.id).limit(1).lateral("near")
    met = select(mine.c.line, near.c.id, near.c.version).select_from(mine).join(near, literal(True)).subquery()
    return connection.execute(update(stage).values(
        _twin=met.c.id, _twin_by="place", _twin_version=met.c.version).where(stage.c["_line"] == met.c.line)).rowcount


def _placed(layer: Layer, stage: Table, kind: str | None) -> FromClause:
    """Rows that meet none yet with their shape, its like in Web Mercator, and how many metres a unit of that is there:
    between `least` and `most`, on the sphere."""
    here = shown(layer, stage)
    low, high = func.ST_YMin(here), func.ST_YMax(here)
    scales = [func.cos(func.radians(func.least(edge, 85.0))) for edge in (
        func.greatest(func.abs(low), func.abs(high)),
        case((and_(low <= 0, high >= 0), 0.0), else_=func.least(func.abs(low), func.abs(high))))]
    return select(stage.c["_line"].label("line"), (stage.c[kind] if kind else literal(None)).label("kind"),
                  here.label("shape"), func.ST_Transform(here, 3857).label("flat"), scales[0].label("least"),
                  scales[1].label("most")).where(
        stage.c["_twin"].is_(None), stage.c["_verdict"] != "refused", here.isnot(None)).offset(0).subquery("mine")


def taken(connection: Connection, table: Table, stage: Table, name: str) -> None:
    """Refuse rows that bring a value which another feature than the one they meet has already."""
    other = exists().where(table.c[name] == stage.c[name], table.c.id.is_distinct_from(stage.c["_twin"]))
    # A row that changes a feature leaves it its id.
    meant = stage.c["_act"] == "insert" if name == "id" else true()
    said = cast(stage.c[name], Text)
    refuse(connection, stage, and_(good(stage), meant, other), name, "value_taken",
           (literal("图层中已有该值：") + said, literal("the layer has this value already: ") + said))


def refuse_met(connection: Connection, stage: Table, by: str, name: str) -> None:
    """Refuse rows that meet a feature by `by`."""
    said = cast(stage.c[name], Text)
    refuse(connection, stage, and_(stage.c["_twin_by"] == by, stage.c["_verdict"] != "refused"), name, "value_taken",
           (literal("图层中已有该值：") + said, literal("the layer has this value already: ") + said))


def missing_shape(connection: Connection, layer: Layer, stage: Table) -> None:
    """Refuse new rows without a place."""
    refuse(connection, stage, and_(shown(layer, stage).is_(None), stage.c["_act"] == "insert",
                                   stage.c["_verdict"] != "refused"), "geometry", "geometry_missing",
           ("缺少几何", "has no geometry"))


def met_twice(connection: Connection, stage: Table) -> None:
    """Refuse a row that would change a feature which an earlier row changes."""
    twin, line = stage.c["_twin"], stage.c["_line"]
    ranked = select(line.label("line"), func.row_number().over(partition_by=twin, order_by=line).label("place")).where(
        stage.c["_act"] == "update", stage.c["_verdict"] != "refused").subquery()
    refuse(connection, stage, line.in_(select(ranked.c.line).where(ranked.c.place > 1)), "id", "feature_repeated",
           ("前面的行已更新同一条记录", "an earlier row changes the same record"))


def set_acts(connection: Connection, stage: Table, by: Mapping[str, str], new: str) -> None:
    """What becomes of each row: by the way in which it meets a feature, and `new` where it meets none. Rows come as
    ones that are inserted."""
    act = case(*((stage.c["_twin_by"] == way, act) for way, act in by.items()), else_="insert")
    connection.execute(update(stage).values(_act=act).where(stage.c["_twin"].isnot(None)))
    if new != "insert":
        connection.execute(update(stage).values(_act=new).where(stage.c["_twin"].is_(None)))


def set_act(connection: Connection, stage: Table, lines: Sequence[int], act: str) -> int:
    """Choose for single rows that meet a feature by place; how many."""
    chosen = func.any(cast(list(lines), ARRAY(Integer)))  # as one value: a statement has no room for very many
    return connection.execute(update(stage).values(_act=act).where(
        stage.c["_line"] == chosen, stage.c["_twin_by"] == "place", stage.c["_verdict"] != "refused")).rowcount


def state_pairs(connection: Connection, table: Table, stage: Table) -> list[tuple[str, str]]:
    """The changes of state that updates would make, each once."""
    rows = connection.execute(select(table.c.status, stage.c.status).distinct().select_from(stage).join(
        table, table.c.id == stage.c["_twin"]).where(
        stage.c["_act"] == "update", good(stage), stage.c.status.isnot(None), stage.c.status != table.c.status))
    return [(old, new) for old, new in rows]


def refuse_states(connection: Connection, table: Table, stage: Table, pairs: Sequence[tuple[str, str]]) -> None:
    """Refuse updates that would make one of these changes of state."""
    before = select(table.c.status).where(table.c.id == stage.c["_twin"]).scalar_subquery()
    refuse(connection, stage, and_(stage.c["_act"] == "update", good(stage),
                                   tuple_(before, stage.c.status).in_(list(pairs))), "status", "state_not_reachable",
           (literal("不能从状态 ") + before + literal(" 改为 ") + stage.c.status,
            literal("state ") + stage.c.status + literal(" may not follow ") + before))


def _code_at(layer: Layer, stage: Table, name: str) -> ColumnElement[Any]:
    """The territory code of a row's representative point."""
    place = func.gisapp.place_of(shown(layer, stage))
    return select(column(name)).select_from(
        func.gisapp.territory(place).table_valued(*(column(one) for one in TERRITORIES))).scalar_subquery()


def outside(connection: Connection, layer: Layer, stage: Table, name: str, code: str, reason: str) -> None:
    """Refuse rows whose place is not in the territory `code` of the kind `name`; `reason` is the fault's code."""
    refuse(connection, stage, and_(good(stage), _code_at(layer, stage, name).is_distinct_from(code)), "geometry",
           reason, (f"不在区域 {code} 内", f"lies outside of territory {code}"))


def not_owned(connection: Connection, table: Table, stage: Table, squadron: str) -> None:
    """Refuse updates of features of other squadrons."""
    foreign = exists().where(table.c.id == stage.c["_twin"], table.c.squadron_code.is_distinct_from(squadron))
    refuse(connection, stage, and_(good(stage), stage.c["_act"] == "update", foreign), "id", "outside_territory",
           (f"现有记录不属于中队 {squadron}", f"the present record is not of squadron {squadron}"))


def overlapping(connection: Connection, layer: Layer, table: Table, stage: Table,
                gone: Select[Any] | None) -> None:
    """Refuse areas that overlap one of the layer that stays as it is, or one of an earlier row. `gone` selects the
    ids of features that the import deletes."""
    mine, other = stage.c.geom, stage.alias("other")
    shared = func.ST_Intersection(mine, table.c.geom)
    leaves = select(other.c["_twin"]).where(other.c["_act"] == "update", other.c["_verdict"] != "refused",
                                            other.c.geom.isnot(None))
    stays = [table.c.id.notin_(leaves)] + ([table.c.id.notin_(gone)] if gone is not None else [])
    there = select(cast(table.c[layer.name_field], Text)).where(
        *_overlap(mine, table.c.geom, shared), *stays).limit(1).correlate(stage).scalar_subquery()
    _refuse_overlaps(connection, stage, there)
    shared = func.ST_Intersection(mine, other.c.geom)
    earlier = select(literal("第 ") + cast(other.c["_row"], Text) + literal(" 行 / row ") + cast(other.c["_row"], Text)
                     ).where(other.c["_line"] < stage.c["_line"], good(other), *_overlap(mine, other.c.geom, shared)
                             ).limit(1).correlate(stage).scalar_subquery()
    _refuse_overlaps(connection, stage, earlier)


def _overlap(mine: ColumnElement[Any], theirs: ColumnElement[Any], shared: ColumnElement[Any]) -> list[Any]:
    return [theirs.op("&&")(mine), func.ST_Intersects(mine, theirs), not_(func.ST_Touches(mine, theirs)),
            is_wide(shared)]


def _refuse_overlaps(connection: Connection, stage: Table, title: ColumnElement[Any]) -> None:
    found = select(stage.c["_line"].label("line"), title.label("title")).where(
        good(stage), stage.c.geom.isnot(None)).cte("found").prefix_with("MATERIALIZED", dialect="postgresql")
    lines = select(found.c.line).where(found.c.title.isnot(None))
    named = select(found.c.title).where(found.c.line == stage.c["_line"]).scalar_subquery()
    refuse(connection, stage, stage.c["_line"].in_(lines), "geometry", "rule_broken",
           (literal("与“") + named + literal("”重叠"), literal("overlaps “") + named + literal("”")))


def beyond_territory(connection: Connection, layer: Layer, table: Table, stage: Table) -> None:
    """Refuse shapes that do not lie whole inside the squadron territory of their representative point."""
    areas = table.metadata.tables[f"{LAYERS}.squadron_territories"].alias("area")
    shape = shown(layer, stage)
    whole = select(func.ST_Buffer(func.ST_Union(areas.c.geom), _SLIVER, 2)).where(
        areas.c.code == _code_at(layer, stage, "squadron_code")).correlate(stage).scalar_subquery()
    placed = select(stage.c["_line"].label("line"), shape.label("shape"), whole.label("whole")).where(
        good(stage), shape.isnot(None)).cte("placed").prefix_with("MATERIALIZED", dialect="postgresql")
    rest = func.ST_Difference(placed.c.shape, placed.c.whole)
    wide = or_(func.ST_Dimension(rest) == 0, func.ST_Length(rest) > 1e-9, is_wide(rest))
    lines = select(placed.c.line).where(or_(placed.c.whole.is_(None), and_(
        not_(func.ST_CoveredBy(placed.c.shape, placed.c.whole)), not_(func.ST_IsEmpty(rest)), wide)))
    refuse(connection, stage, stage.c["_line"].in_(lines), "geometry", "rule_broken",
           ("超出中队辖区", "reaches beyond the squadron territory"))


def note_same(connection: Connection, layer: Layer, table: Table, stage: Table, names: Sequence[str]) -> None:
    """Mark updates that change nothing: equal values of `names`, equal shapes to 1e-7 degree."""
    changed = or_(false(), *(differs(layer, table, stage, name) for name in names))
    connection.execute(update(stage).values(_same=not_(changed)).where(
        stage.c["_twin"] == table.c.id, stage.c["_act"] == "update", stage.c["_verdict"] != "refused"))


def differs(layer: Layer, table: Table, stage: Table, name: str) -> ColumnElement[bool]:
    """Whether a row brings another value than its feature has; a shape or state left out changes nothing."""
    old, new = table.c[name], stage.c[name]
    second = layer.second_geometry.id if layer.second_geometry else None
    if name in ("geom", second):
        # As text first: most shapes that came back unchanged are equal to the last bit.
        far = case((old.is_(None), literal(True)), (func.ST_AsBinary(old) == func.ST_AsBinary(new), literal(False)),
                   else_=func.ST_HausdorffDistance(old, new) > 1e-7)
        return and_(new.isnot(None), far)
    if name in ("status", "synthetic"):
        return and_(new.isnot(None), new != old)
    return old.is_distinct_from(new)


def comparable(layer: Layer, columns: Sequence[str]) -> list[str]:
    """Of the columns that a check took from the file those in which row and feature can differ."""
    return [name for name in columns if not name.startswith("_") and name != "id"]
