"""Ten thousand random edits with undo and redo, by two people, against a plain model of what must come out.

The model knows each feature's versions and which one is valid. Every answer of a service is held against it at
once; at the end of each run the whole history, the layer at noted moments and the differences between them.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from multiprocessing import get_context
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from gisapp import changes, features, history
from gisapp.config import Settings
from gisapp.errors import Problem
from gisapp.house import House, make_house
from gisapp.params import Query
from gisapp.permissions import Actor

EDITS = 10_000
DEEDS_OF_A_RUN = 100
#: Some deeds are refused, as they must be; the others are at least EDITS.
RUNS = 110
MOST_FEATURES = 6
ME, OTHER = Actor("1", "me", "reviewer"), Actor("2", "other", "admin")
#: What a version changes by itself.
OWN = ("version", "updated_at", "updated_by")
STATES = {"rooftop_signs": ("00", "01", "04"), "illegal_builds": ("01", "02", "10")}

Content = dict[str, Any]
CONTENTS = st.fixed_dictionaries({
    "remark": st.sampled_from([None, "一", "two", "<三>"]), "state": st.integers(0, 2), "place": st.integers(0, 9)})


@dataclass
class Known:
    """A feature as the model has it: content and log by version; `now` is None while it is deleted."""

    id: UUID
    now: int | None
    last: int
    contents: dict[int, Content] = field(default_factory=dict)
    log: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Act:
    """A step of mine: the version before and after it, None for not being there."""

    one: Known
    before: int | None
    after: int | None


def geometry(layer: str, place: int) -> dict[str, Any]:
    """A point, or every other time a square, whose coordinates survive text."""
    x, y = round(113.38 + place / 1000, 4), 31.69
    if layer == "rooftop_signs" or place % 2:
        return {"type": "Point", "coordinates": [x, y]}
    ring = [[x, y], [round(x + 0.0004, 4), y], [round(x + 0.0004, 4), 31.6904], [x, 31.6904], [x, y]]
    return {"type": "MultiPolygon", "coordinates": [[ring]]}


def plain(feature: dict[str, Any]) -> Content:
    """A feature without what each version changes by itself."""
    properties = {name: value for name, value in feature["properties"].items() if name not in OWN}
    return {"geometry": feature["geometry"], "properties": properties}


class Edits:
    """Two people edit a handful of features of one layer; I undo and redo what I did."""

    def __init__(self, house: House, layer: str, tally: dict[str, int]) -> None:
        self.house, self.layer, self.tally = house, layer, tally
        self.known: list[Known] = []
        self.done: list[Act] = []
        self.undone: list[Act] = []
        self.moments: list[tuple[datetime, dict[UUID, Content]]] = []

    # --- what people do --------------------------------------------------------------------------------------

    def create(self, which: int, _number: int, content: Content) -> None:
        if len(self.known) == MOST_FEATURES:
            self.change(which, 0, content)
            return
        name = {"rooftop_signs": {"sign_no": uuid4().hex[:20], "sign_kind": "01", "area_m2": 1},
                "illegal_builds": {"case_no": uuid4().hex[:20], "build_type": "01"}}[self.layer]
        written = self.members(content)
        found = changes.create(self.house, ME, self.layer, {
            "type": "Feature", **written, "properties": name | written["properties"]})
        one = Known(found.id, None, 0)
        self.known.append(one)
        self.accept(one, found, "insert", written)
        self.do(Act(one, None, 1))

    def change(self, which: int, number: int, content: Content) -> None:
        one, written = self.pick(which), self.members(content, ("all", "remark", "state", "place")[number % 4])
        if one.now is None:
            self.refused("feature_unknown", changes.update, one.id, written, one.last)
            self.go_back(which, number, content)
            return
        before = one.now
        self.change_as(ME, one, written)
        self.do(Act(one, before, one.now))

    def delete(self, which: int, _number: int, content: Content) -> None:
        one = self.pick(which)
        if one.now is None:
            self.refused("feature_unknown", changes.delete, one.id, one.last)
            self.go_back(which, 1, content)
            return
        before = one.now
        self.reach(one, None, before)
        self.do(Act(one, before, None))

    def go_back(self, which: int, number: int, _content: Content) -> None:
        one = self.pick(which)
        before = one.now
        self.reach(one, max(one.last - number, 1), before)
        self.do(Act(one, before, one.now))

    def undo(self, which: int, number: int, content: Content) -> None:
        if not self.done:
            self.create(which, number, content)
            return
        act = self.done.pop()
        self.turn(act, act.before, act.after, self.undone)

    def redo(self, which: int, number: int, content: Content) -> None:
        if not self.undone:
            self.undo(which, number, content)
            return
        act = self.undone.pop()
        self.turn(act, act.after, act.before, self.done)

    def somebody_else(self, which: int, number: int, content: Content) -> None:
        one = self.pick(which)
        if one.now is None:
            self.go_back(which, number, content)
        else:
            self.change_as(OTHER, one, self.members(content, "remark"))

    def stale(self, which: int, number: int, content: Content) -> None:
        one = self.pick(which)
        if one.now is None or one.now <= number:
            self.change(which, number, content)
        else:
            self.refused("version_stale", changes.update, one.id, self.members(content), one.now - number)

    def note_moment(self) -> None:
        there = {one.id: one.contents[one.now] for one in self.known if one.now is not None}
        self.moments.append((datetime.now(UTC), there))

    # --- how it is done, and what must come out --------------------------------------------------------------

    def pick(self, which: int) -> Known:
        return self.known[which % len(self.known)]

    def members(self, content: Content, only: str = "all") -> dict[str, Any]:
        wanted = {"remark", "state", "place"} if only == "all" else {only}
        properties = {"remark": content["remark"]} if "remark" in wanted else {}
        if "state" in wanted:
            properties["status"] = STATES[self.layer][content["state"]]
        return {"properties": properties} | (
            {"geometry": geometry(self.layer, content["place"])} if "place" in wanted else {})

    def do(self, act: Act) -> None:
        self.done.append(act)
        self.undone.clear()

    def turn(self, act: Act, target: int | None, expected: int | None, onto: list[Act]) -> None:
        """Undo or redo, unless somebody else was there meanwhile: then it is refused and forgotten."""
        one = act.one
        if one.now != expected:
            code = "version_required" if expected is None else "version_stale"
            if one.now is None:
                code = "feature_unknown" if target is None else "feature_deleted"
            if target is None:
                self.refused(code, changes.delete, one.id, expected)
            else:
                self.refused(code, history.restore, one.id, target, expected)
            return
        self.reach(one, target, expected)
        there = one.now
        onto.append(Act(one, there, expected) if onto is self.undone else Act(one, expected, there))
        self.renumber(one, {target: there, expected: expected})

    def renumber(self, one: Known, numbers: dict[int | None, int | None]) -> None:
        """The content that earlier steps led to or left now lies under a newer number."""
        for acts in (self.done, self.undone):
            for place, act in enumerate(acts):
                if act.one is one:
                    acts[place] = Act(one, numbers.get(act.before, act.before), numbers.get(act.after, act.after))

    def change_as(self, actor: Actor, one: Known, written: dict[str, Any]) -> None:
        before = one.contents[one.now or 0]
        found = changes.update(self.house, actor, self.layer, one.id, written, one.now)
        self.accept(one, found, "update", written)
        untouched = {"remark", "status"} - written["properties"].keys()
        now = one.contents[one.last]
        assert all(now["properties"][name] == before["properties"][name] for name in untouched)
        assert "geometry" in written or now["geometry"] == before["geometry"]

    def reach(self, one: Known, target: int | None, expected: int | None) -> None:
        """Bring a feature to one of its versions, or out of the layer."""
        if target is None:
            changes.delete(self.house, ME, self.layer, one.id, expected)
            one.log.append((one.last, "delete"))
            one.now = None
            self.tally["edits"] += 1
            return
        found = history.restore(self.house, ME, self.layer, one.id, target, expected)
        assert found.created == (expected is None)
        self.accept(one, found, "restore" if expected is None else "update")
        assert one.contents[one.last] == one.contents[target]

    def accept(self, one: Known, found: features.Found, operation: str, written: dict[str, Any] | None = None) -> None:
        """The answer of a write: the next version, holding what was written."""
        assert found.version == one.last + 1
        feature = json.loads(found.feature)
        assert feature["properties"]["version"] == found.version
        one.now = one.last = found.version
        one.contents[found.version] = plain(feature)
        one.log.append((found.version, operation))
        self.tally["edits"] += 1
        for name, value in (written or {"properties": {}})["properties"].items():
            assert feature["properties"][name] == value
        assert not written or feature["geometry"] == written.get("geometry", feature["geometry"])

    def refused(self, code: str, service: Any, *given: Any) -> None:
        with pytest.raises(Problem) as caught:
            service(self.house, ME, self.layer, *given)
        assert caught.value.code == code
        self.tally["refused"] += 1

    # --- at the end ------------------------------------------------------------------------------------------

    def check(self) -> None:
        self.note_moment()
        for one in self.known:
            self.check_history(one)
        ids = tuple(one.id for one in self.known)
        for moment, there in self.moments:
            page = features.list_features(self.house, ME, self.layer, Query(ids=ids, as_of=moment))
            assert {UUID(f["id"]): plain(f) for f in map(json.loads, page.features)} == there
        for (first, before), (last, after) in pairwise(self.moments):
            found = history.compare(self.house, ME, self.layer, Query(ids=ids), first, last)
            assert {(f["id"], f["properties"]["change"]) for f in found.features} == set(differing(before, after))

    def check_history(self, one: Known) -> None:
        story = history.story(self.house, ME, self.layer, one.id, "en", limit=200)
        assert [(v.number, v.operation) for v in reversed(story.versions)] == one.log[-200:]
        assert story.current == one.now
        if one.now is None:
            with pytest.raises(Problem, match="feature_unknown"):
                features.get(self.house, ME, self.layer, one.id)
        else:
            now = json.loads(features.get(self.house, ME, self.layer, one.id).feature)
            assert plain(now) == one.contents[one.now]


def differing(before: dict[UUID, Content], after: dict[UUID, Content]) -> list[tuple[str, str]]:
    """Ids with what happened to them between two pictures of the layer."""
    kinds = {(False, True): "added", (True, False): "removed", (True, True): "changed"}
    return [(str(key), kinds[(key in before, key in after)]) for key in before.keys() | after.keys()
            if before.get(key) != after.get(key)]


DEEDS = st.tuples(
    st.sampled_from(("change", "undo", "undo", "redo", "create", "change", "delete", "go_back", "somebody_else",
                     "stale")),
    st.integers(0, MOST_FEATURES - 1), st.integers(1, 12), CONTENTS)


def edit(house_settings: Settings, layer: str) -> dict[str, int]:
    """Half of the runs, on one layer; how many edits were made and how many refused."""
    tally = {"edits": 0, "refused": 0}
    house = make_house(house_settings, house_settings.database_url)

    @settings(max_examples=RUNS // len(STATES), deadline=None, derandomize=True, database=None,
              phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
    @given(CONTENTS, st.lists(DEEDS, min_size=DEEDS_OF_A_RUN, max_size=DEEDS_OF_A_RUN))
    def run(first: Content, deeds: list[tuple[str, int, int, Content]]) -> None:
        edits = Edits(house, layer, tally)
        edits.create(0, 0, first)
        for place, (name, which, number, content) in enumerate(deeds):
            getattr(edits, name)(which, number, content)
            if place % 40 == 0:
                edits.note_moment()
        edits.check()

    try:
        run()
    finally:
        house.db.close()
    return tally


def test_ten_thousand_edits_with_undo_and_redo(settings: Settings) -> None:
    # One process for each layer: alone, it would wait for the database half of the time.
    with ProcessPoolExecutor(len(STATES), mp_context=get_context("spawn")) as pool:
        tallies = list(pool.map(edit, [settings] * len(STATES), STATES))
    assert sum(tally["edits"] for tally in tallies) >= EDITS
    assert sum(tally["refused"] for tally in tallies) >= EDITS // 50
