"""Truck routes by the ten thousand: every crossing of the city to every disposal site, along the roads."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import shapely

from gisapp.demo import words
from gisapp.demo.city import City
from gisapp.demo.crowd import Columns, common, dates, drawn
from gisapp.demo.frame import Floats, Rng, to_lonlat
from gisapp.demo.rows import ewkb

_SHORTEST = 700.0  # metres; nearer to a disposal site nothing needs a route


class Fleet:
    """Ways from everywhere to the city's disposal sites, each found once."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.goals = [s for s in city.sites if s.kind in {"03", "04", "07"}]
        self.trees = [city.net.tree(goal.node) for goal in self.goals]
        self._known: dict[tuple[int, int], tuple[Floats, str]] = {}

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """Node and goal of every way that is long enough; nodes are those of roads that trucks use."""
        fit = {end for e in self.city.net.edges if e.kind not in {"lane", "track"} for end in e.ends}
        self.nodes = sorted(fit & set(self.trees[0]))
        at = np.array(self.nodes)
        far = [np.hypot(*(at - np.array(goal.node)).T) > _SHORTEST for goal in self.goals]
        return [(int(n), g) for g, mask in enumerate(far) for n in np.flatnonzero(mask)]

    def way(self, pair: tuple[int, int]) -> tuple[Floats, str]:
        """From the disposal site to the node: points and the names of the roads."""
        if pair not in self._known:
            node, goal = pair
            points, edges = self.city.net.path(self.trees[goal], self.nodes[node])
            names = [self.city.names.roads[self.city.net.edges[e].street] for e in edges]
            passed = [name for i, name in enumerate(names) if i == 0 or name != names[i - 1]]
            self._known[pair] = points, "、".join(passed)[:480]
        return self._known[pair]


def routes(fleet: Fleet, count: int, tag: str, rng: Rng, shift: tuple[float, float]) -> Columns:
    """Pairs of a loaded leg and its return, moved by `shift` metres."""
    half = (count + 1) // 2
    chosen = rng.choice(len(fleet.pairs), half, replace=half > len(fleet.pairs))
    ways = [fleet.way(fleet.pairs[i]) for i in chosen.tolist()]
    legs = [
        (points[::-1] if loaded else points, names) for points, names in ways for loaded in (True, False)
    ][:count]
    owner = np.repeat(np.arange(half), 2)[:count]
    loaded = np.arange(count) % 2 == 0
    found = np.repeat(rng.integers(400, 960, half), 2)[:count]
    made = common(rng, count, found) | {"geom": _lines([points for points, _ in legs], shift)}
    made["leg"] = np.where(loaded, "01", "02")
    made["road_names"] = [names for _, names in legs]
    made["route_no"] = [f"LX{tag}{o + 1:06d}{'Z' if z else 'K'}" for o, z in zip(owner, loaded, strict=True)]
    goals = [fleet.goals[fleet.pairs[i][1]] for i in chosen[owner].tolist()]
    made["name"] = [f"示例工地{o + 1:06d}—{g.name}" for o, g in zip(owner, goals, strict=True)]
    return made | _permits(owner, found, tag, rng)


def _lines(lines: list[Floats], shift: tuple[float, float]) -> list[str]:
    points, owner = np.vstack(lines), np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    shapes = to_lonlat(shapely.linestrings(points, indices=owner), *shift)
    return ewkb(shapely.multilinestrings(shapes, indices=np.arange(len(lines))))


def _permits(owner: Any, found: Any, tag: str, rng: Rng) -> Columns:
    """What both legs of a permit share."""
    count, half = len(owner), int(owner.max()) + 1
    plates = [";".join(f"演示Z{n:04d}" for n in row) for row in rng.integers(1, 9999, (half, 3)).tolist()]
    until = found + np.repeat(rng.integers(60, 300, half), 2)[:count]
    return {
        "status": drawn(rng, ["03", "02", "01", "04"], half, [30, 4, 2, 4])[owner],
        "permit_no": [f"示渣核〔2026〕{tag}{o + 1:06d}号" for o in owner],
        "company_name": drawn(rng, [f"示例渣土运输{n:02d}有限公司{words.MARK}" for n in range(1, 65)], half)[
            owner
        ],
        "contact": drawn(rng, [words.person(n) for n in range(4000, 4064)], half)[owner],
        "contact_phone": drawn(rng, [words.phone(n) for n in range(40_000, 40_064)], half)[owner],
        "vehicle_kind": ["01"] * count,
        "plates": np.array(plates, dtype=object)[owner],
        "truck_count": ["3"] * count,
        "waste_kinds": ["{01}"] * count,
        "effective_from": dates(found),
        "effective_to": dates(until),
        "time_windows": drawn(rng, ["22:00-05:00", "22:00-06:00", "21:00-05:00"], half)[owner],
        "buffer_m": ["50.0"] * count,
        "speed_limit_kmh": drawn(rng, ["40", "50", "60"], half)[owner],
        "issue_dept": [words.DEPARTMENT] * count,
        "geom_source": ["03"] * count,
    }
