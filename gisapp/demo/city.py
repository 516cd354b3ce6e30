"""One fictional city, from its seed to the features of every layer."""

from dataclasses import dataclass, field

from gisapp.demo import limits, reference, words
from gisapp.demo.areas import Areas, divide
from gisapp.demo.buildings import Building, build
from gisapp.demo.builds import illegal_builds, outlines
from gisapp.demo.feature import Feature
from gisapp.demo.frame import stream
from gisapp.demo.ground import Parcel, parcels
from gisapp.demo.network import Network, network
from gisapp.demo.plan import Plan, draw_plan
from gisapp.demo.reference import Names
from gisapp.demo.signs import rooftop_signs
from gisapp.demo.vendors import vendor_points
from gisapp.demo.waste import COMPANIES, Site, places, truck_routes, waste_sites

SEED = 2024
DISTRICTS = ("421303", "421398")  # the first is a real code, its name here is not; the second is nobody's


@dataclass
class City:
    """The parts a city is made of; all coordinates in metres of the local frame."""

    seed: int
    plan: Plan
    ground: list[Parcel]
    built: list[Building]
    areas: Areas
    net: Network
    names: Names
    sites: list[Site]
    features: dict[str, list[Feature]] = field(default_factory=dict)


def make_city(seed: int = SEED, tag: str = "", districts: tuple[str, str] = DISTRICTS) -> City:
    """The city of this seed, with all features by layer id; `tag` keeps codes of several cities apart."""
    plan = draw_plan(seed)
    ground = parcels(plan)
    built = build(plan, ground)
    areas = divide(plan, built, districts)
    names = reference.name_all(plan, ground)
    net = network(plan)
    sites = places(plan, ground, net, names.parcels, tag)
    net.link()
    city = City(seed, plan, ground, built, areas, net, names, sites)
    for feature in [*_reference(city, tag), *_mission(city, tag)]:
        city.features.setdefault(feature.layer, []).append(feature)
    return city


def _reference(city: City, tag: str) -> list[Feature]:
    return [
        *limits.territories(city.areas, tuple(words.DISTRICT_NAMES), city.plan),
        *reference.blocks(city.ground, city.names, tag),
        *reference.roads(city.plan, city.net, city.names, tag),
        *reference.buildings(city.built, city.ground, city.names, tag),
        *reference.school_gates(city.plan, city.ground, city.net, city.names, tag),
        *limits.control_lines(city.plan, city.ground, tag),
        *limits.restricted_areas(city.plan, city.ground, tag),
    ]


def _mission(city: City, tag: str) -> list[Feature]:
    plan, addresses = city.plan, city.names.addresses
    firms = words.companies(stream(city.seed, "companies"), COMPANIES)
    builds = illegal_builds(plan, city.ground, city.built, addresses, tag)
    return [
        *builds,
        *rooftop_signs(plan, city.built, city.net, addresses, tag),
        *vendor_points(plan, city.ground, city.built, outlines(builds), addresses, tag),
        *waste_sites(plan, city.sites, addresses, firms),
        *truck_routes(plan, city.sites, city.net, city.names.roads, firms, tag),
    ]
