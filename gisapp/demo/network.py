"""The road network as a graph, and the way trucks take through it."""

import heapq
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely import LineString, Point, STRtree

from gisapp.demo.frame import Floats
from gisapp.demo.plan import Plan

Node = tuple[float, float]

# How much longer than it is a metre of each class feels to a loaded truck.
_COST = {"expressway": 0.8, "arterial": 1.0, "secondary": 1.25, "branch": 1.9, "lane": 40.0, "track": 3.0}


@dataclass
class Edge:
    """A stretch of road between two nodes, in metres of the local frame."""

    street: int
    points: Floats
    kind: str
    place: str  # "old", "inner" (inside the ring) or "outer"

    @property
    def ends(self) -> tuple[Node, Node]:
        return _key(self.points[0]), _key(self.points[-1])


@dataclass
class Network:
    edges: list[Edge]
    links: dict[Node, list[tuple[Node, int, float]]] = field(default_factory=dict)

    def link(self) -> None:
        """Builds the graph; called once all access points are in."""
        links: dict[Node, list[tuple[Node, int, float]]] = defaultdict(list)
        for number, edge in enumerate(self.edges):
            a, b = edge.ends
            cost = float(np.hypot(*np.diff(edge.points, axis=0).T).sum()) * _COST[edge.kind]
            cost *= 1.0 if edge.place == "outer" else 1.7 if edge.kind != "expressway" else 1.0
            links[a].append((b, number, cost))
            links[b].append((a, number, cost))
        self.links = dict(links)

    def tree(self, start: Node, extra: dict[int, float] | None = None) -> dict[Node, tuple[Node, int]]:
        """For every node the node and edge before it on the cheapest way from `start` (Dijkstra)."""
        more = extra or {}
        cost, before = {start: 0.0}, {start: (start, -1)}
        waiting = [(0.0, start)]
        while waiting:
            spent, at = heapq.heappop(waiting)
            if spent > cost[at]:
                continue
            for to, edge, price in self.links[at]:
                total = spent + price * more.get(edge, 1.0)
                if total < cost.get(to, np.inf):
                    cost[to], before[to] = total, (at, edge)
                    heapq.heappush(waiting, (total, to))
        return before

    def path(self, before: dict[Node, tuple[Node, int]], end: Node) -> tuple[Floats, list[int]]:
        """The way to `end`: its points in the direction of travel, and the edges used."""
        parts, used, at = [np.array([end])], [], end
        while before[at][1] >= 0:
            at, number = before[at]
            points = self.edges[number].points
            parts.append(points[:-1] if _key(points[0]) == at else points[:0:-1])
            used.append(number)
        return np.vstack(parts[::-1]), used[::-1]


def _key(point: Floats) -> Node:
    return float(point[0]), float(point[1])


def _place(plan: Plan, edge: LineString) -> str:
    middle = edge.interpolate(0.5, normalized=True)
    if plan.old_town.contains(middle):
        return "old"
    return "inner" if plan.ring.contains(middle) and plan.ring.exterior.distance(middle) > 2 else "outer"


def network(plan: Plan) -> Network:
    """The roads of the plan, noded."""
    edges = [
        Edge(owner, shapely.get_coordinates(line), plan.streets[owner].kind, _place(plan, line))
        for line, owner in zip(plan.edges, plan.owner, strict=True)
        if owner >= 0
    ]
    return Network(edges)


def access(net: Network, shapes: list[shapely.Polygon], plan: Plan) -> tuple[list[Node], list[Point]]:
    """For each site a new node on the nearest fit road, and the gate on the site's edge facing it."""
    fit = [i for i, e in enumerate(net.edges) if e.kind in {"arterial", "secondary", "branch", "track"}]
    nodes, gates = [], []
    for shape in shapes:
        lines = [LineString(net.edges[i].points) for i in fit]
        tree = STRtree(lines)
        near = tree.query(shape, predicate="dwithin", distance=60.0)
        pick = int(
            min(
                near, key=lambda n: _dearness(net.edges[fit[n]], lines[n], shape), default=tree.nearest(shape)
            )
        )
        node, new = _split(net, fit[pick], shape)
        fit.extend(new)
        nodes.append(node)
        gates.append(
            shapely.Point(shapely.get_coordinates(shapely.shortest_line(shape.exterior, Point(node)))[0])
        )
    return nodes, gates


def _dearness(edge: Edge, line: LineString, shape: shapely.Polygon) -> tuple[int, float]:
    """Side streets before main ones, as gates are built; then the road with the longest front."""
    order = {"branch": 0, "secondary": 1, "track": 2, "arterial": 3}[edge.kind]
    front = line.intersection(shape.buffer(32.0)).length
    return (order if front > 25 else order + 4, -front)


def _middle(front: LineString | shapely.MultiLineString) -> Point:
    part = max(shapely.get_parts(front), key=lambda p: p.length)
    return part.interpolate(0.5, normalized=True)


def _split(net: Network, number: int, shape: shapely.Polygon) -> tuple[Node, list[int]]:
    """A node on the edge beside the site's middle; the edge becomes two."""
    edge = net.edges[number]
    line = LineString(edge.points)
    front = line.intersection(shape.buffer(36.0))
    at = line.project(_middle(front) if front.length > 0 else shape.centroid)
    at = float(np.clip(at, min(8.0, 0.4 * line.length), line.length - min(8.0, 0.4 * line.length)))
    point = shapely.get_coordinates(line.interpolate(at))
    along = shapely.line_locate_point(line, shapely.points(edge.points))
    along[-1] = line.length
    first = np.vstack([edge.points[along < at - 1e-6], point])
    second = np.vstack([point, edge.points[along > at + 1e-6]])
    net.edges[number] = Edge(edge.street, first, edge.kind, edge.place)
    net.edges.append(Edge(edge.street, second, edge.kind, edge.place))
    return _key(point[0]), [len(net.edges) - 1]
