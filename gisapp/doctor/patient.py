"""A source under examination: a sample of its shapes laid over the city in every reading worth trying."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import shapely
from sqlalchemy import Connection

from gisapp.doctor.places import CHANCES, Points, in_china, mercator, metres, moved, pairs, probes, some
from gisapp.doctor.reading import Reading, verdict_on, without_city
from gisapp.formats.frames import Frame, parse_frame, rarer_readings, readings
from gisapp.house import House
from gisapp.sql import doctor as sql_doctor

#: Layers whose areas together are the city, the first that holds anything; and those whose areas a file may name.
_CITY = ("districts", "streets", "squadron_territories")
_NAMED = ("communities", "streets", "districts")
#: How far from a feature a point may lie to count, in metres.
_REACH = {"roads": 25.0, "buildings": 15.0}
_ANCHORS = 24
#: How many readings are compared closely, and how many are offered.
_CLOSELY, _OFFERED = 9, 6
#: Readings nearer to each other than this, in metres, are one.
_ALIKE_M = 0.5
_SHOWN, _SHOWN_VERTICES = 20, 200


class Patient:
    """One source: a sample of its shapes in the file's own numbers, beside the city that the database holds."""

    def __init__(self, connection: Connection, house: House, shapes: Any, labels: dict[str, list[str | None]]) -> None:
        self._connection, self._house = connection, house
        self._shapes = shapes
        self._labels = labels
        self._middles = shapely.get_coordinates(shapely.point_on_surface(shapes))
        self._probes = probes(shapes)
        self._layers = {name for name in {*_CITY, *_NAMED, *_REACH} & house.catalogue.layers.keys()
                        if not sql_doctor.is_empty(connection, name)}

    def diagnosis(self, declared: str | None, like: str | None = None) -> dict[str, Any]:
        """The verdict and the readings to choose from, as plain JSON. `like` is the system of ours whose projection
        the file's has."""
        own, alike = (parse_frame(name) if name else None for name in (declared, like))
        x, y = map(float, np.median(self._middles, axis=0))
        tried = [Reading(frame) for frame in readings(x, y, own, alike)]
        self._look_inside(tried)
        # Some meridian lays any numbers into the city: of a file that names its system that is no evidence.
        if own is None and not any(reading.in_city for reading in tried):
            rarer = [Reading(frame) for frame in rarer_readings(x, y)]
            self._look_inside(rarer)
            tried += [reading for reading in rarer if reading.in_city]
        inside = [reading for reading in tried if reading.in_city]
        base = tried[0] if own else inside[0] if inside else None
        close = self._distinct(inside, base)[:_CLOSELY]
        if close:
            self._compare(close)
        offered = self._offered(tried, close, base)
        told = verdict_on(offered, own)
        return (told if self._city else without_city(told)) | {
            "city": self._city is not None, "choices": [self._choice(reading) for reading in offered]}

    @property
    def _city(self) -> str | None:
        return next((name for name in _CITY if name in self._layers), None)

    def _look_inside(self, tried: list[Reading]) -> None:
        """The share of some points that each reading lays into the city; into China's box where no city is known."""
        anchors = some(self._middles, _ANCHORS)
        places = [reading.frame.to_stored(anchors) for reading in tried]
        city = self._city
        shares = sql_doctor.shares_inside(self._connection, city, [pairs(p) for p in places]) if city else None
        for number, reading in enumerate(tried):
            reading.inside = shares[number] if shares else float(in_china(places[number]).mean())

    def _distinct(self, inside: list[Reading], base: Reading | None) -> list[Reading]:
        """Readings that differ, each with how far it moves the points from where the base has them."""
        anchors = some(self._middles, _ANCHORS)
        start = (base or inside[0]).frame.to_stored(anchors) if inside else anchors
        kept, seen = list[Reading](), list[Points]()
        for reading in inside:
            places = reading.frame.to_stored(anchors)
            far = metres(start, places)
            reading.shift_m = round(far, 1) if np.isfinite(far) else None
            if all(metres(places, other) > _ALIKE_M for other in seen):
                kept.append(reading)
                seen.append(places)
        return sorted(kept, key=lambda reading: (-reading.inside, reading is not base))

    def _compare(self, close: list[Reading]) -> None:
        """Fill in what speaks for each reading, against what chance alone would say."""
        first = close[0].frame
        for name, measure, points in self._measures():
            places = [reading.frame.to_stored(points) for reading in close]
            chance = [moved(first.to_stored(points), n) for n in range(CHANCES)]
            shares = measure(places + chance)
            if shares is None:
                continue
            usual, spread = float(np.mean(shares[len(close):])), float(np.std(shares[len(close):]))
            for reading, share in zip(close, shares, strict=False):
                setattr(reading, name, round(share, 3))
                reading.missed = (1 - share) * len(points) if name == "named" else reading.missed
                # A spread that is small by luck proves nothing.
                reading.marks[name] = (share - usual) / max(spread, 0.35 / np.sqrt(len(points)), 0.004)
        for reading in close:
            # To be farther from everything than chance would have it is no evidence: the countryside is, too.
            reading.strength = float(np.hypot.reduce([0.0, *(max(mark, 0.0) for mark in reading.marks.values())]))

    def _measures(self) -> list[tuple[str, Any, Points]]:
        found: list[tuple[str, Any, Points]] = [
            (name, self._nearness(name), self._probes) for name in _REACH if name in self._layers]
        named = self._named()
        return [*found, named] if named else found

    def _nearness(self, layer_id: str) -> Any:
        def measure(groups: list[Points]) -> list[float] | None:
            wide = 1 / np.cos(np.radians(float(np.clip(np.nanmedian(groups[0][:, 1]), -80, 80))))
            flat = [pairs(mercator(places)) for places in groups]
            return sql_doctor.nearness(self._connection, layer_id, flat, _REACH[layer_id] * wide)
        return measure

    def _named(self) -> tuple[str, Any, Points] | None:
        """The finest areas that a column of the file names, and a measure of how many points lie in theirs."""
        for layer_id in (name for name in _NAMED if name in self._layers):
            for words in self._labels.values():
                if len(words) != len(self._middles):
                    continue
                known = sql_doctor.known_names(self._connection, layer_id, "name", sorted({w for w in words if w}))
                rows = [n for n, word in enumerate(words) if word in known]
                if len(known) > 1 and len(rows) >= len(words) / 2:
                    names = [str(words[n]) for n in rows]
                    return "named", self._belonging(layer_id, names), self._middles[rows]
        return None

    def _belonging(self, layer_id: str, names: list[str]) -> Any:
        def measure(groups: list[Points]) -> list[float] | None:
            flat = [pairs(places) for places in groups]
            return sql_doctor.shares_named(self._connection, layer_id, "name", flat, names)
        return measure

    def _offered(self, tried: list[Reading], close: list[Reading], base: Reading | None) -> list[Reading]:
        """The best first; the file's own reading is always among them."""
        best = sorted(close or tried, key=lambda r: (-r.score, -r.strength, r.shift_m or 0))[:_OFFERED]
        return best if base is None or base in best else [*best[:_OFFERED - 1], base]

    def _choice(self, reading: Reading) -> dict[str, Any]:
        stored = reading.frame.to_stored(shapely.get_coordinates(self._shapes))
        box = [*np.nanmin(stored, axis=0), *np.nanmax(stored, axis=0)]
        title = reading.frame.title
        return {"frame": reading.frame.name, "title": {"zh": title.zh, "en": title.en}, "score": reading.score,
                "inside": round(reading.inside, 3), "roads": reading.roads, "buildings": reading.buildings,
                "named": reading.named, "strength": round(reading.strength, 1), "shift_m": reading.shift_m,
                "bounds": [round(float(number), 6) for number in box] if np.isfinite(box).all() else None,
                "geometry": self._shown(reading.frame)}

    def _shown(self, frame: Frame) -> dict[str, Any]:
        """Some of the shapes where this reading has them."""
        small = self._shapes[shapely.get_num_coordinates(self._shapes) <= _SHOWN_VERTICES]
        some = small[::max(1, len(small) // _SHOWN)][:_SHOWN]
        moved = shapely.transform(some, frame.to_stored)
        whole = [json.loads(text) for text in shapely.to_geojson(shapely.set_precision(
            moved[np.isfinite(shapely.bounds(moved)).all(axis=1)], 1e-7, mode="pointwise"))]
        return {"type": "GeometryCollection", "geometries": whole}
