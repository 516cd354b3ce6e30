"""The shifted coordinates of Chinese web maps: published vectors, inverses, and where the shift applies."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import Geod

from gisapp import datums

GEOD = Geod(ellps="WGS84")
#: Longitude, latitude; metres from WGS 84 to GCJ-02 and to BD-09.
OFFSETS = {"Suizhou": (113.38, 31.69, 624.9, 1294.1), "Huangdao": (120.05, 35.96, 481.8, 1256.1),
           "Jiange": (105.46, 32.03, 425.6, 1062.1), "Changji": (87.30, 44.01, 286.9, 1102.8),
           "Hailing": (119.92, 32.49, 508.9, 1130.6)}
MAINLAND = {"Beijing": (116.4, 39.9), "Shenzhen": (114.06, 22.54), "Luohu": (114.118, 22.534),
            "Zhuhai": (113.576, 22.27), "Gongbei": (113.549, 22.222), "Hengqin": (113.53, 22.13),
            "Xiamen": (118.09, 24.48), "Sanya": (109.5, 18.25), "Dandong": (124.38, 40.13), "Heihe": (127.5, 50.245),
            "Ruili": (97.85, 24.01), "Dongxing": (107.97, 21.545), "Zhoushan": (122.2, 30.0),
            "Kashgar": (75.99, 39.47), "Manzhouli": (117.38, 49.598), "Shengshan": (122.81, 30.73),
            "Dongji": (122.68, 30.19), "Dachen": (121.9, 28.45), "Zhangzi": (122.73, 39.02),
            "Yongxing": (112.34, 16.83), "Dangan": (114.3, 22.06)}
ELSEWHERE = {"Hong Kong": (114.17, 22.32), "Sheung Shui": (114.128, 22.501), "Lantau": (113.94, 22.26),
             "Macau": (113.543, 22.19), "Coloane": (113.56, 22.12), "Taipei": (121.5, 25.04),
             "Kaohsiung": (120.3, 22.62), "Penghu": (119.57, 23.57), "Kinmen": (118.32, 24.44),
             "Matsu": (119.94, 26.155), "Dongyin": (120.49, 26.37), "Wuqiu": (119.45, 24.98),
             "Lo Wu": (114.113, 22.527), "Tung Ping Chau": (114.43, 22.54),
             "Tokyo": (139.7, 35.7), "Seoul": (127.0, 37.55), "Hanoi": (105.85, 21.03),
             "Kathmandu": (85.3, 27.7), "null island": (0.0, 0.0), "Ulaanbaatar": (106.9, 47.9),
             "Blagoveshchensk": (127.54, 50.28), "swapped": (31.69, 113.38)}


def _random() -> tuple[datums.Degrees, datums.Degrees]:
    dice = np.random.default_rng(7)
    return dice.uniform(74, 134, 20_000), dice.uniform(18.5, 53, 20_000)


@pytest.mark.parametrize("place", OFFSETS)
def test_the_shift_at_known_places(place: str) -> None:
    lon, lat, gcj, bd = OFFSETS[place]
    shifted = [GEOD.inv(lon, lat, *(float(v) for v in shift(lon, lat)))[2] for shift in datums.FROM_WGS84.values()]
    assert shifted == pytest.approx([gcj, bd], abs=0.1)


def test_published_vectors() -> None:
    assert datums.wgs84_to_gcj02(116.404, 39.915) == pytest.approx((116.41024449916938, 39.91640428150164), abs=1e-12)
    assert datums.gcj02_to_bd09(116.404, 39.915) == pytest.approx((116.41036949371029, 39.92133699351021), abs=1e-12)


@pytest.mark.parametrize("name", datums.FROM_WGS84)
def test_inverses_come_back_within_a_hundredth_of_a_millimetre(name: str) -> None:
    lon, lat = _random()
    there = datums.FROM_WGS84[name](lon, lat)
    back = datums.TO_WGS84[name](*there)
    assert GEOD.inv(lon, lat, *there)[2].min() > 10
    assert GEOD.inv(lon, lat, *back)[2].max() < 1e-5


def test_bd09_comes_back_to_gcj02() -> None:
    lon, lat = _random()
    assert GEOD.inv(lon, lat, *datums.bd09_to_gcj02(*datums.gcj02_to_bd09(lon, lat)))[2].max() < 1e-5


@pytest.mark.parametrize("place", MAINLAND)
def test_the_shift_applies(place: str) -> None:
    assert datums.on_mainland(*MAINLAND[place])


@pytest.mark.parametrize("place", ELSEWHERE)
def test_the_shift_does_not_apply(place: str) -> None:
    assert not datums.on_mainland(*ELSEWHERE[place])


def test_what_is_no_number_is_nowhere() -> None:
    lon, lat = np.array([np.nan, np.inf, 113.38]), np.array([31.69, 31.69, 31.69])
    assert datums.on_mainland(lon, lat).tolist() == [False, False, True]
    for shift in (*datums.FROM_WGS84.values(), *datums.TO_WGS84.values()):
        assert np.isfinite(shift(lon, lat)[0]).tolist() == [False, False, True]
