"""Features page by page against tipg on the same tables, and everything as one stream."""

from __future__ import annotations

import math
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

from benchmarks import servers, session
from benchmarks.client import Round, drive, get
from benchmarks.ground import Ground

ROUNDS = 3
LAYER = "illegal_builds"
#: A screen of 1440 × 900 px: the zoom and the page that are asked of it.
LOOKS = ((100, (17, 15, 14, 13)), (1000, (16, 14, 13)), (10_000, (14, 13)))
#: A planner's session: of each place so many looks at each of these zooms, the next a part of a screen aside.
SESSION_ZOOMS, SESSION_PANS = (13, 14, 15, 16, 17), 3
_PIXEL_M = 156543.03392
Line = tuple[str, str]
#: A filter as this application takes it and as tipg does: CQL2 text is the same for both.
FILTERS = ("status = '05'", "illegal_area_m2 > 200 AND build_type IN ('01', '02')")


def _places(ground: Ground, many: int) -> list[tuple[float, float]]:
    rows = ground.rows(f"SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_PointOnSurface(geom) AS p FROM layers.{LAYER}"
                       " TABLESAMPLE SYSTEM (2) REPEATABLE (1) WHERE geom IS NOT NULL) AS q")
    return random.Random(5).sample(rows, many)


def _screen(place: tuple[float, float], zoom: int) -> str:
    """The box of a screen around a place, degrees."""
    metres = _PIXEL_M / 2**zoom
    wide, high = 720 * metres / 111319.49, 450 * metres / 111319.49 * math.cos(math.radians(place[1]))
    return f"{place[0] - wide:.6f},{place[1] - high:.6f},{place[0] + wide:.6f},{place[1] + high:.6f}"


def _session(places: Sequence[tuple[float, float]]) -> list[str]:
    """The boxes of a session of zooming in on each place and panning there, no box twice, in a shuffled order."""
    chance, boxes = random.Random(9), []
    for place in places:
        for zoom in SESSION_ZOOMS:
            lon, lat = place
            for _ in range(SESSION_PANS):
                boxes.append(_screen((lon, lat), zoom))
                step = _PIXEL_M / 2**zoom / 111319.49
                lon, lat = lon + chance.uniform(-900, 900) * step, lat + chance.uniform(-500, 500) * step
    chance.shuffle(boxes)
    return boxes


class _Sides:
    """This application and tipg on the same questions; what each used of the processor, their database included."""

    def __init__(self, ground: Ground, stack: ExitStack) -> None:
        self.ground = ground
        self.port, self.pid = stack.enter_context(servers.gisapp(ground))
        self.tipg_port, self.tipg_pid = stack.enter_context(servers.tipg(ground))
        self.cookie = ground.sign_in(self.port)
        self.forms = {
            "gisapp": lambda asked: get(f"/collections/{LAYER}/items?f=json&{asked}", Cookie=self.cookie),
            "tipg": lambda asked: get(f"/collections/layers.{LAYER}/items?f=geojson&{asked}")}

    def run(self, name: str, requests: Sequence[bytes], clients: int) -> tuple[Round, float]:
        port, pid = (self.port, self.pid) if name == "gisapp" else (self.tipg_port, self.tipg_pid)
        before = _processor_s(pid) + _processor_s(self.ground.cluster.pid)
        found = drive(port, requests, clients)
        assert set(found.statuses) <= {200, 204}, (name, found.statuses)
        return found, (_processor_s(pid) + _processor_s(self.ground.cluster.pid) - before) / len(requests)


def _processor_s(pid: int | None) -> float:
    """Seconds of the processor that a process and all under it have used so far."""
    total, todo = 0, [str(pid)]
    while todo:
        one = todo.pop()
        try:
            total += sum(map(int, Path(f"/proc/{one}/stat").read_text().rpartition(") ")[2].split()[11:15]))
            todo += Path(f"/proc/{one}/task/{one}/children").read_text().split()
        except FileNotFoundError:
            continue
    return total / os.sysconf("SC_CLK_TCK")


def _compared(what: str, sides: _Sides, asked: dict[str, list[bytes]], clients: int = 8) -> Iterator[Line]:
    found: dict[str, list[tuple[Round, float]]] = {name: [] for name in asked}
    for name, requests in asked.items():  # connections opened, plans made, on both sides
        sides.run(name, requests[:4] * 4, clients)
    for _ in range(ROUNDS):
        for name, requests in asked.items():
            found[name].append(sides.run(name, requests, clients))
    for name, rounds in found.items():
        rate, spent = (statistics.median(values) for values in (
            [one.rate for one, _ in rounds], [cpu for _, cpu in rounds]))
        size = statistics.mean(rounds[0][0].sizes) / 1024
        yield f"{what}: {name}", f"{rate:.1f}/s, {spent * 1000:.1f} ms of processor a request, {size:.0f} KiB"
    pairs = list(zip(found["gisapp"], found["tipg"], strict=True))
    yield (f"{what}: against tipg",
           f"{statistics.median(a.rate / b.rate for (a, _), (b, _) in pairs):.1f} x the rate, "
           f"{statistics.median(b / a for (_, a), (_, b) in pairs):.1f} x less processor")


def items(ground: Ground) -> Iterator[Line]:
    """Pages of a box, ordered and counted; filtered; counts alone; filtered tiles; and whether a worker tires."""
    with ExitStack() as stack:
        sides = _Sides(ground, stack)
        more = _places(ground, 72)
        places = more[:24]
        for limit, zooms in LOOKS:
            for zoom in zooms:
                # Of what takes a few milliseconds so many that a round is long enough to be measured.
                looked = more if limit == 100 and zoom > 14 else places[:max(8, 2400 // limit)]
                asked = [f"bbox={_screen(place, zoom)}&limit={limit}" for place in looked]
                yield from _compared(f"items, limit {limit}, a screen at zoom {zoom}", sides, _both(sides, asked))
        yield from _mixed(sides, places[:8])
        for text in FILTERS:
            filtered = f"limit=100&filter-lang=cql2-text&filter={quote(text)}"
            asked = [f"bbox={_screen(place, 14)}&{filtered}" for place in places]
            yield from _compared(f"items, limit 100, zoom 14, {text}", sides, _both(sides, asked))
        asked = [f"bbox={_screen(place, 14)}&limit=1&properties=case_no" for place in places]
        yield from _compared("count (numberMatched of a page of one), zoom 14", sides, _both(sides, asked))
        yield from _filtered_tiles(ground, sides)
        yield from _lasting(sides, places)


def _mixed(sides: _Sides, places: Sequence[tuple[float, float]]) -> Iterator[Line]:
    """The session as a whole: the time that all of it takes is what its reader waits."""
    for limit in (100, 1000):
        asked = [f"bbox={box}&limit={limit}" for box in _session(places)]
        yield from _compared(f"items, limit {limit}, a session over zooms {SESSION_ZOOMS[0]}–{SESSION_ZOOMS[-1]}, "
                             f"{len(asked)} boxes", sides, _both(sides, asked))


def _both(sides: _Sides, asked: Sequence[str]) -> dict[str, list[bytes]]:
    return {name: [form(one) for one in asked] for name, form in sides.forms.items()}


def _filtered_tiles(ground: Ground, sides: _Sides) -> Iterator[Line]:
    looks = session.looks(ground, 14, 17, (LAYER,))
    asked = f"filter-lang=cql2-text&filter={quote(FILTERS[1])}"
    requests = {"gisapp": [get(f"{session.ours(one)}?properties=status&{asked}", Cookie=sides.cookie) for one in looks],
                "tipg": [get(f"{session.tipgs(one)}&{asked}") for one in looks]}
    run: Callable[[str, Sequence[bytes], int], tuple[Round, float]] = sides.run

    def uncached(name: str, sent: Sequence[bytes], clients: int) -> tuple[Round, float]:
        ground.forget_tiles()
        return run(name, sent, clients)

    sides.run = uncached  # type: ignore[method-assign]
    yield from _compared("tiles with a filter, zooms 14–17 uncached, style attributes", sides, requests)
    sides.run = run  # type: ignore[method-assign]


def _lasting(sides: _Sides, places: Sequence[tuple[float, float]]) -> Iterator[Line]:
    asked = _both(sides, [f"bbox={_screen(place, 17)}&limit=100" for place in places])["gisapp"]
    found, _ = sides.run("gisapp", (asked * 50)[:1000], 1)
    fifths = [statistics.median(found.times[at:at + 200]) for at in range(0, 1000, 200)]
    yield ("items, limit 100: the last fifth of 1 000 requests against the first",
           f"{fifths[0] / fifths[-1]:.2f} x the rate (medians of the fifths: "
           + ", ".join(f"{one * 1000:.1f}" for one in fifths) + " ms)")


def stream(ground: Ground) -> Iterator[Line]:
    """A million features as one stream of GeoJSON: how fast, and what the server's processes grow by."""
    with ExitStack() as stack:
        port, pid = stack.enter_context(servers.gisapp(ground))
        cookie = ground.sign_in(port, "exporter")
        _read(port, f"/collections/{LAYER}/stream?f=ndjson&bbox=113.38,31.69,113.39,31.7", cookie, pid)
        for kind in ("ndjson", "geojson"):
            before = _resident_mb(pid)
            seconds, size, lines, most = _read(port, f"/collections/{LAYER}/stream?f={kind}", cookie, pid)
            grown = max(later - earlier for earlier, later in zip(before, most, strict=True))
            yield (f"everything as {kind}", f"{lines} lines, {size / 1e6:.0f} MB in {seconds:.1f} s, "
                   f"{size / 1e6 / seconds:.0f} MB/s; the worker grows by {grown:.0f} MB at most")


def _read(port: int, path: str, cookie: str, pid: int) -> tuple[float, int, int, list[float]]:
    """Seconds, bytes, lines, and the most that each process held meanwhile (MB)."""
    began, size, lines, most, looked = time.perf_counter(), 0, 0, _resident_mb(pid), 0.0
    with closing(HTTPConnection("127.0.0.1", port, timeout=120)) as link:
        link.request("GET", path, headers={"Cookie": cookie})
        answer = link.getresponse()
        assert answer.status == 200, answer.status
        while part := answer.read(1 << 18):
            size += len(part)
            lines += part.count(b"\n")
            if time.perf_counter() - looked > 0.1:
                looked = time.perf_counter()
                most = list(map(max, most, _resident_mb(pid)))
    return time.perf_counter() - began, size, lines, most


def _resident_mb(pid: int) -> list[float]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(next(line for line in Path(f"/proc/{one}/status").read_text().splitlines()
                     if line.startswith("VmRSS")).split()[1]) * 1024 / 1e6 for one in (str(pid), *children)]
