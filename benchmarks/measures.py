"""What is measured: one function a row of goals, each interleaving what it compares, each answering with lines."""

from __future__ import annotations

import random
import statistics
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from benchmarks import databank, servers, session
from benchmarks.client import Round, drive, get
from benchmarks.exporting import exporting
from benchmarks.first_view import first_view
from benchmarks.ground import WANTED, Ground
from benchmarks.importing import importing
from benchmarks.items import items, stream
from benchmarks.memory import memory
from benchmarks.session import Asked

ROUNDS = 3
Line = tuple[str, str]


def _median(rounds: Sequence[float]) -> float:
    return statistics.median(rounds)


def _check(name: str, found: Round) -> Round:
    wrong = {status: count for status, count in found.statuses.items() if status not in (200, 204, 304)}
    assert not wrong, f"{name} answered {wrong}"
    return found


def _said(found: Sequence[Round]) -> str:
    middle = _median([one.median for one in found])
    return (f"{_median([one.rate for one in found]):.1f}/s, p50 {middle * 1000:.0f} ms, "
            f"p99 {_median([one.quantile(0.99) for one in found]) * 1000:.0f} ms, "
            f"{sum(found[0].sizes) / len(found[0].sizes) / 1024:.0f} KiB a tile")


def _interleave(runs: dict[str, Callable[[], Round]]) -> dict[str, list[Round]]:
    found: dict[str, list[Round]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            found[name].append(_check(name, run()))
    return found


class Comparison:
    """This application, tipg and MapServer side by side on the same tiles."""

    def __init__(self, ground: Ground, stack: ExitStack) -> None:
        self.ground = ground
        self.port, _ = stack.enter_context(servers.gisapp(ground))
        self.plain_port, _ = stack.enter_context(servers.gisapp(ground, "benchmarks.unthinned:app"))
        self.tipg_port, _ = stack.enter_context(servers.tipg(ground))
        found = stack.enter_context(servers.mapserver(ground, session.STYLE))
        self.mapserver_port = found[0] if found else None
        self.cookie = ground.sign_in(self.port)
        self.plain_cookie = ground.sign_in(self.plain_port)

    def ours(self, asked: Sequence[Asked], clients: int, *, kept: bool = False, query: str = "") -> Round:
        if not kept:
            self.ground.forget_tiles()
        requests = [get(session.ours(one) + query, Cookie=self.cookie, Accept_Encoding="gzip") for one in asked]
        return drive(self.port, requests, clients)

    def unthinned(self, asked: Sequence[Asked], clients: int, query: dict[str, str] | None = None) -> Round:
        self.ground.forget_tiles()
        requests = [get(session.ours(one) + (query or {}).get(one[0], ""), Cookie=self.plain_cookie,
                        Accept_Encoding="gzip") for one in asked]
        return drive(self.plain_port, requests, clients)

    def tipg(self, asked: Sequence[Asked], clients: int, *, every: bool = False) -> Round:
        return drive(self.tipg_port, [get(session.tipgs(one, every=every)) for one in asked], clients)

    def mapserver(self, asked: Sequence[Asked], clients: int) -> Round:
        assert self.mapserver_port
        return drive(self.mapserver_port, [get(session.mapservers(one)) for one in asked], clients)


def _shuffled(asked: Sequence[Asked]) -> list[Asked]:
    mixed = list(asked)
    random.Random(7).shuffle(mixed)
    return mixed


def tiles(ground: Ground) -> Iterator[Line]:
    """Uncached tiles of zooms 14 to 17 against tipg, MapServer and pgbench."""
    with ExitStack() as stack:
        side = Comparison(ground, stack)
        for name, layers, crowds in (("all three layers", tuple(WANTED), (8, 1)), ("builds", ("illegal_builds",), (8,)),
                                     ("signs and routes", ("rooftop_signs", "truck_routes"), (8,))):
            asked = _shuffled(session.looks(ground, 14, 17, layers))
            yield f"{name}: tiles in the session", str(len(asked))
            for clients in crowds:
                yield from _compared(f"{name}, style attributes, {clients} clients", _interleave(
                    _contest(side, asked, clients)))
            names = {layer: "?properties=" + ",".join(_attributes(ground, layer)) for layer in layers}
            yield from _compared(f"{name}, all attributes, 8 clients", _interleave({
                "gisapp, nothing thinned": lambda a=asked, n=names: side.unthinned(a, 8, n),
                "tipg": lambda a=asked: side.tipg(a, 8, every=True)}))
            yield from _against_pgbench(ground, side, name, asked)


def _contest(side: Comparison, asked: Sequence[Asked], clients: int) -> dict[str, Callable[[], Round]]:
    runs = {"gisapp": lambda: side.ours(asked, clients),
            "gisapp, nothing thinned": lambda: side.unthinned(asked, clients),
            "tipg": lambda: side.tipg(asked, clients)}
    if side.mapserver_port:
        runs["MapServer"] = lambda: side.mapserver(asked, clients)
    return runs


def _attributes(ground: Ground, layer: str) -> list[str]:
    """All columns that a viewer may see."""
    from gisapp.features import visible_names
    from gisapp.house import make_house

    house = make_house(ground.settings(1), ground.cluster.app_url)
    house.db.close()
    return [name for name in visible_names(databank.VIEWER, house.layer(layer)) if name != "id"]


def _compared(what: str, found: dict[str, list[Round]]) -> Iterator[Line]:
    for name, rounds in found.items():
        yield f"{what}: {name}", _said(rounds)
    first = found[next(iter(found))]
    for name in [name for name in found if name != next(iter(found))]:
        rate = _median([a.rate / b.rate for a, b in zip(first, found[name], strict=True)])
        tail = _median([a.quantile(0.99) / b.quantile(0.99) for a, b in zip(first, found[name], strict=True)])
        yield f"{what}: against {name}", f"{rate:.2f} x the rate, {tail:.2f} x the p99"


def _against_pgbench(ground: Ground, side: Comparison, name: str, asked: Sequence[Asked]) -> Iterator[Line]:
    written = databank.statements(ground, asked)
    pairs = [(_check("gisapp", side.ours(asked, 8)).rate, databank.run_statements(ground, written, 8))
             for _ in range(ROUNDS)]
    yield f"{name}: our SQL by pgbench, 8 clients", f"{_median([b for _, b in pairs]):.1f}/s"
    yield f"{name}: gisapp against our SQL by pgbench", f"{_median([a / b for a, b in pairs]):.2f} x"


def overview(ground: Ground) -> Iterator[Line]:
    """Zooms 6 to 12 of a million builds against the textbook query at zoom 8; zoom 13 against zoom 14."""
    asked = session.overview(ground)
    [heart] = session.busiest(ground, "illegal_builds", 12, 1)
    with ExitStack() as stack:
        port, _ = stack.enter_context(servers.gisapp(ground))
        cookie = ground.sign_in(port)

        def ours(tiles: Sequence[Asked]) -> Round:
            ground.forget_tiles()
            return _check("gisapp", drive(port, [get(session.ours(one), Cookie=cookie) for one in tiles], 1))

        ours(asked)
        ratios, times, longest = [], [], []
        for _ in range(ROUNDS):
            place = session.Address(8, heart[1].x >> 4, heart[1].y >> 4)
            seconds, size = databank.textbook(ground, "illegal_builds", place)
            found = ours(asked)
            at_eight = [ours([("illegal_builds", place)]).median for _ in range(9)]
            ratios.append(seconds / statistics.mean(found.times))
            times.append(_median(at_eight))
            longest.append(seconds)
        yield "textbook query, zoom 8", f"{_median(longest) * 1000:.0f} ms, {size / 2**20:.1f} MiB"
        largest = max(found.sizes) / 1024
        yield "zooms 6–12, each tile made", f"{len(asked)} tiles, {_said([found])}, largest {largest:.0f} KiB"
        yield ("zooms 6–12 against the textbook query",
               f"{_median(ratios):.0f} x (at zoom 8 alone {_median(longest) / _median(times):.0f} x)")
        for z in (13, 14):
            near = _shuffled(session.busiest(ground, "illegal_builds", z, 100))
            yield f"zoom {z}, the 100 fullest tiles, 1 client", _said([ours(near) for _ in range(ROUNDS)])


def worst(ground: Ground) -> Iterator[Line]:
    """The largest and the slowest tile anywhere: all of zooms 0 to 11, the 40 fullest of each closer zoom."""
    with ExitStack() as stack:
        port, _ = stack.enter_context(servers.gisapp(ground))
        cookie = ground.sign_in(port)
        for layer in WANTED:
            low = {(layer, session.Address(z, a.x >> (11 - z), a.y >> (11 - z))) for _, a in
                   session.overview(ground, (layer,)) if a.z == 11 for z in range(12)}
            asked = sorted(low, key=str) + [one for z in range(12, 19) for one in session.busiest(ground, layer, z, 40)]
            ground.forget_tiles()
            found = _check("gisapp", drive(port, [get(session.ours(one), Cookie=cookie) for one in asked], 1))
            ground.forget_tiles()
            again = _check("gisapp", drive(port, [get(session.ours(one), Cookie=cookie) for one in asked], 1))
            times = [min(pair) for pair in zip(found.times, again.times, strict=True)]
            slow, large = times.index(max(times)), found.sizes.index(max(found.sizes))
            yield (f"worst of {layer} ({len(asked)} tiles)",
                   f"{times[slow] * 1000:.0f} ms at zoom {asked[slow][1].z}, "
                   f"{found.sizes[large] / 1024:.0f} KiB unpacked at zoom {asked[large][1].z}")


def revisited(ground: Ground) -> Iterator[Line]:
    """Tiles of an unchanged layer asked for again, against tipg and against pgbench reading finished tiles."""
    asked = _shuffled(session.looks(ground, 14, 17))
    many = _shuffled(asked * 10)
    with ExitStack() as stack:
        side = Comparison(ground, stack)
        _check("gisapp", side.ours(asked, 8))
        found = _interleave({"gisapp, tiles sent": lambda: side.ours(many, 8, kept=True),
                             "tipg": lambda: side.tipg(asked, 8)})
        yield from _compared("revisited, 8 clients", found)
        etags = _etags(side.port, asked, side.cookie)
        known = [get(session.ours(one), Cookie=side.cookie, If_None_Match=etags[one]) for one in many]
        told = [_check("gisapp", drive(side.port, known, 8)) for _ in range(ROUNDS)]
        yield "revisited, 8 clients: gisapp, 304 answered", _said(told)
        yield ("revisited: 304 against tipg",
               f"{_median([a.rate / b.rate for a, b in zip(told, found['tipg'], strict=True)]):.1f} x the rate")
        pairs = [(side.ours(many, 8, kept=True).rate, databank.run_finished(ground, len(many), 8))
                 for _ in range(ROUNDS)]
        yield "finished tiles by pgbench, 8 clients", f"{_median([b for _, b in pairs]):.0f}/s"
        yield "revisited: gisapp against pgbench", f"{_median([a / b for a, b in pairs]):.2f} x"


def _etags(port: int, asked: Sequence[Asked], cookie: str) -> dict[Asked, str]:
    found = {}
    for one in asked:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{session.ours(one)}", headers={"Cookie": cookie})
        with urllib.request.urlopen(request) as answer:  # noqa: S310  our own address
            found[one] = answer.headers["ETag"]
    return found


def identify(ground: Ground) -> Iterator[Line]:
    """A click on all layers, at the busiest and at ordinary places."""
    from gisapp.house import make_house

    house = make_house(ground.settings(1), ground.cluster.app_url)
    layers = ",".join(house.catalogue.layers)
    house.db.close()
    clicks = [row for layer in WANTED for row in ground.rows(
        f"SELECT ST_X(p), ST_Y(p) FROM (SELECT ST_PointOnSurface(geom) AS p FROM layers.{layer} "
        "TABLESAMPLE SYSTEM (5) REPEATABLE (1) WHERE geom IS NOT NULL LIMIT 60) AS q")]
    with servers.gisapp(ground) as (port, _):
        cookie = ground.sign_in(port)
        for zoom in (8, 11, 13, 15, 17, 19):
            asked = [get(f"/identify?lon={lon}&lat={lat}&zoom={zoom}&layers={layers}&f=json", Cookie=cookie)
                     for lon, lat in clicks]
            drive(port, asked, 1)
            found = _check("identify", drive(port, asked, 1))
            yield (f"identify at zoom {zoom}, all layers, {len(asked)} clicks",
                   f"p50 {found.median * 1000:.0f} ms, p99 {found.quantile(0.99) * 1000:.0f} ms, "
                   f"slowest {max(found.times) * 1000:.0f} ms")


def wsgi(ground: Ground) -> Iterator[Line]:
    """granian against gunicorn's threads, on finished tiles and on a page that asks nothing."""
    asked = _shuffled(session.looks(ground, 14, 17))
    with ExitStack() as stack:
        ports = {"granian": stack.enter_context(servers.gisapp(ground))[0],
                 "gunicorn gthread": stack.enter_context(servers.gunicorn(ground))[0]}
        cookies = {name: ground.sign_in(port) for name, port in ports.items()}

        def run(name: str, paths: Sequence[str], times: int) -> Round:
            return drive(ports[name], [get(p, Cookie=cookies[name], Accept_Encoding="gzip") for p in paths] * times, 8)

        for what, paths, times in (("finished tiles", [session.ours(one) for one in asked], 6),
                                   ("/healthz", ["/healthz"], 4000)):
            for name in ports:
                run(name, paths, 1)
            yield from _compared(what, _interleave(
                {name: lambda n=name, p=paths, t=times: run(n, p, t) for name in ports}))


ALL = {"tiles": tiles, "overview": overview, "worst": worst, "revisited": revisited, "identify": identify,
       "wsgi": wsgi, "memory": memory, "first-view": first_view, "items": items, "stream": stream,
       "import": importing, "export": exporting}
