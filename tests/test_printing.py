"""Sheets read back as paper: size, words, pages, and metres measured on them."""

from __future__ import annotations

import ctypes
import io
from pathlib import Path
from typing import Any
from uuid import uuid4

import pypdfium2
import pytest
import shapely
from PIL import Image
from pypdfium2 import raw
from pyproj import Transformer

from gisapp.errors import Problem
from gisapp.house import House
from gisapp.printing.paper import PAPERS, SCALES, lay_out
from tests.conftest import Role
from tests.samples import fill, sample_rows, store

MM = 72 / 25.4
ROWS = 5
HERE = {"lon": "113.38", "lat": "31.69"}
SHEET = {"layers": "rooftop_signs,streets,roads"}


@pytest.fixture(scope="module")
def viewer(roles: dict[str, Role]) -> Role:
    return roles["viewer"]


@pytest.fixture(scope="module")
def filled(house: House) -> list[dict[str, Any]]:
    fill(house, "streets", 2)
    fill(house, "roads", 3)
    return fill(house, "rooftop_signs", ROWS)


def opened(role: Role, **query: Any) -> pypdfium2.PdfDocument:
    answer = role.get("/print.pdf", query_string=SHEET | query)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:1500]
    assert answer.headers["Cache-Control"] == "no-store"
    return pypdfium2.PdfDocument(answer.data)


def text_of(document: pypdfium2.PdfDocument, page: int = 0) -> str:
    return str(document[page].get_textpage().get_text_range()).replace("\u3000", " ")


def strokes(page: Any) -> list[tuple[list[tuple[float, float]], tuple[int, int, int]]]:
    """The open paths of a page: corners in mm from the lower left, stroke colour."""
    found = []
    for one in page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH]):
        matrix = raw.FS_MATRIX()
        raw.FPDFPageObj_GetMatrix(one.raw, matrix)
        corners = []
        for n in range(raw.FPDFPath_CountSegments(one.raw)):
            x, y = ctypes.c_float(), ctypes.c_float()
            raw.FPDFPathSegment_GetPoint(raw.FPDFPath_GetPathSegment(one.raw, n), x, y)
            corners.append(((matrix.a * x.value + matrix.c * y.value + matrix.e) / MM,
                            (matrix.b * x.value + matrix.d * y.value + matrix.f) / MM))
        red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
        raw.FPDFPageObj_GetStrokeColor(one.raw, red, green, blue, alpha)
        found.append((corners, (red.value, green.value, blue.value)))
    return found


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("orientation", ["landscape", "portrait"])
def test_a_sheet_has_its_paper_and_its_words(viewer: Role, filled: Any, paper: str, orientation: str) -> None:
    document = opened(viewer, paper=paper, orientation=orientation, title="楼顶广告牌整治挂图", lang="zh")
    short, long = PAPERS[paper]
    wide, tall = (long, short) if orientation == "landscape" else (short, long)
    assert len(document) == 1
    assert document[0].get_size() == pytest.approx((wide * MM, tall * MM), abs=0.01)
    text = text_of(document)
    for words in ("楼顶广告牌整治挂图", "图 例", "比例尺", "查询条件", "CGCS2000", "打印人 viewer", "制图 20",
                  "模拟数据", "北"):
        assert words in text
    document.close()


def test_an_english_sheet(viewer: Role, filled: Any) -> None:
    document = opened(viewer, lang="en", scale="5000")
    text = text_of(document)
    for words in ("Legend", "Scale 1:5000", "1 cm on paper = 50 m", "Question", "Everything, no filter", "SYNTHETIC"):
        assert words in text.replace("  ", " ")
    document.close()


@pytest.mark.parametrize(("scale", "paper"), [(500, "A3"), (1000, "A4"), (5000, "A3")])
def test_a_hundred_metres_are_true_on_paper(viewer: Role, admin: Role, filled: Any, scale: int, paper: str) -> None:
    """A line of 100 m on the ground (plane of the local zone) found again among the lines of the PDF."""
    lon, lat = 113.5, 31.75
    east, north = Transformer.from_crs(4326, 4547, always_xy=True).transform(lon, lat)
    to_degrees = Transformer.from_crs(4547, 4326, always_xy=True)
    ends = [to_degrees.transform(east - 50, north), to_degrees.transform(east + 50, north)]
    made = admin.post("/collections/truck_routes/items", json={
        "type": "Feature", "geometry": shapely.geometry.mapping(shapely.MultiLineString([ends])),
        "properties": {"route_no": uuid4().hex[:8], "name": "T", "leg": "01"}})
    assert made.status_code == 201, made.json
    document = opened(viewer, layers="truck_routes", lon=lon, lat=lat, scale=scale, paper=paper)
    expected = 100_000 / scale
    frame = lay_out(paper, "landscape").frame
    middle = (frame.middle[0], PAPERS[paper][0] - frame.middle[1])
    hits = [corners for corners, _ in strokes(document[0]) if len(corners) == 2
            and abs(corners[1][0] - corners[0][0] - expected) < 0.01 and abs(corners[0][1] - middle[1]) < 0.01]
    assert hits
    assert (hits[0][0][0] + hits[0][1][0]) / 2 == pytest.approx(middle[0], abs=0.01)
    document.close()


def test_a_picture_has_its_pixels(viewer: Role, filled: Any) -> None:
    answer = viewer.get("/print.png", query_string=SHEET | {"dpi": 96, "paper": "A4"})
    assert answer.status_code == 200
    picture = Image.open(io.BytesIO(answer.data))
    assert picture.size == (1123, 794)
    assert picture.info["dpi"] == pytest.approx((96, 96), abs=0.1)


def test_an_atlas_has_a_page_for_each_feature(admin: Role, viewer: Role, filled: list[dict[str, Any]]) -> None:
    document = opened(admin, atlas="rooftop_signs", lang="zh")
    assert len(document) == ROWS + 1
    index = text_of(document)
    assert "目 录" in index
    for number, row in enumerate(sorted(filled, key=lambda row: str(row["sign_no"])), 1):
        assert str(row["sign_no"]) in index
        assert str(row["sign_no"]) in text_of(document, number)
        assert f"第 {number + 1} 页，共 {ROWS + 1} 页" in text_of(document, number)
    document.close()
    refused = viewer.get("/print.pdf?layers=rooftop_signs&atlas=rooftop_signs")
    assert (refused.status_code, refused.json["code"]) == (403, "act_not_allowed")


def test_an_atlas_of_what_the_map_shows(admin: Role, filled: list[dict[str, Any]]) -> None:
    document = opened(admin, atlas="rooftop_signs", bbox="113.3799,31.68,113.3801,31.70", in_view="1")
    assert len(document) == 2
    document.close()


def test_a_long_index_has_a_page_of_its_own(admin: Role, house: House) -> None:
    rows = sample_rows(house, "vendor_points", 60)
    store(house, "vendor_points", rows)
    document = opened(admin, layers="vendor_points", atlas="vendor_points", lang="en")
    assert len(document) == 62
    listed = text_of(document, 1)
    name = house.layer("vendor_points").name_field
    assert all(str(row[name]) in listed for row in rows)
    for number in (2, 61):
        assert f"Page {number + 1} of 62" in text_of(document, number)
    document.close()


@pytest.mark.parametrize(("query", "code"), [
    ({"scale": "777"}, "parameter_invalid"), ({"paper": "A0"}, "parameter_invalid"),
    ({"lon": "x", "lat": "1"}, "parameter_invalid"), ({"nonsense": "1"}, "parameter_unknown"),
    ({"layers": "nowhere"}, "layer_unknown"), ({"rooftop_signs.bbox": "1,1,2,2"}, "parameter_invalid"),
    ({"layers": "waste_sites"}, "print_nothing"), ({"lon": "10", "lat": "50"}, "crs_unsupported"),
    ({"atlas": "streets"}, "parameter_invalid"),
    ({"atlas": "rooftop_signs", "rooftop_signs.sign_no": "none such"}, "print_atlas_size"),
    ({"bbox": "1,2"}, "parameter_invalid"), ({"title": "长" * 81}, "parameter_invalid"),
    ({"as_of": "yesterday"}, "parameter_invalid"),
])
def test_what_cannot_be_printed_is_said(admin: Role, filled: Any, query: dict[str, str], code: str) -> None:
    answer = admin.get("/print.pdf", query_string=SHEET | query)
    assert answer.status_code in (400, 404, 422)
    assert answer.json["code"] == code


def test_too_many_features_are_refused_or_left_out(
        house: House, admin: Role, filled: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the layers a map is about none may be missing; ground that is too dense is left out, and the sheet says so."""
    from gisapp.permissions import SYSTEM
    from gisapp.printing import content
    from gisapp.printing.ground import Window
    from gisapp.selection import read_selection

    monkeypatch.setattr(content, "MOST", 1)
    selection = read_selection(house, SYSTEM, {"layers": ["rooftop_signs,roads"]})
    window = Window(113.38, 31.69, 5000, lay_out("A4", "landscape").frame)
    by_id = {layer.id: layer for layer in selection.layers}
    assert content.drawn(house, SYSTEM, by_id["roads"], selection, window).left_out
    with pytest.raises(Exception, match="print_too_many"):
        content.drawn(house, SYSTEM, by_id["rooftop_signs"], selection, window)


def test_personal_data_is_on_no_sheet(roles: dict[str, Role], house: House) -> None:
    """Not the values of a page of an atlas, and no question that leans on them."""
    personal = [field.id for field in house.layer("illegal_builds").fields if field.personal]
    assert personal
    rows = [row | dict.fromkeys(personal, "8642097531") for row in sample_rows(house, "illegal_builds", 3)]
    store(house, "illegal_builds", rows)
    document = opened(roles["admin"], layers="illegal_builds", atlas="illegal_builds", lang="zh")
    text = "".join(text_of(document, page) for page in range(len(document)))
    assert len(document) == 4
    assert "8642097531" not in text
    for name in personal:
        assert house.layer("illegal_builds").field(name).title.zh + "：" not in text
    document.close()
    for role in ("viewer", "admin"):
        for asked in ({f"illegal_builds.{personal[0]}": "张三"}, {"illegal_builds.filter": f"{personal[0]}='张三'"}):
            refused = roles[role].get("/print.pdf", query_string={"layers": "illegal_builds"} | asked | HERE)
            assert (refused.status_code, refused.json["code"]) == (403, "field_masked")


def test_the_question_is_printed_in_words(admin: Role, house: House, filled: Any) -> None:
    state = house.layer("rooftop_signs").states[0]
    document = opened(admin, **{"rooftop_signs.status": state.id, "rooftop_signs.filter": "area_m2 > 0.5"},
                      datetime="2020-01-01/2030-12-31", lang="zh")
    text = "".join(text_of(document).split())  # a sentence may run over several lines
    assert "广告面积大于0.5m²" in text
    assert f"状态={state.title.zh}" in text
    assert "2020-01-01至2030-12-31" in text
    document.close()


def test_the_sheet_of_another_day(admin: Role, filled: Any) -> None:
    document = opened(admin, as_of="2020-01-01", lang="zh", **HERE)
    text = text_of(document)
    assert "2020-01-0" in text
    assert "时的状况" in text
    assert "本图范围内没有要素" in text
    document.close()


def test_what_is_larger_than_a_sheet_is_cut_and_said(admin: Role, filled: Any) -> None:
    document = opened(admin, bbox="100,20,130,40", lang="zh")
    text = "".join(text_of(document).split())
    assert "1:200000" in text
    assert "只绘出中部" in text
    document.close()
    document = opened(admin, bbox="113.37,31.68,113.39,31.70", lang="zh")
    assert "只绘出中部" not in "".join(text_of(document).split())
    document.close()


def test_an_atlas_of_another_day(admin: Role, filled: list[dict[str, Any]]) -> None:
    document = opened(admin, atlas="rooftop_signs", as_of="2099-01-01", lang="zh")
    assert len(document) == ROWS + 1
    document.close()


def test_a_sheet_is_noted_in_the_access_log(admin: Role, filled: Any) -> None:
    opened(admin, **HERE).close()
    assert "Printed" in admin.get("/admin/log?lang=en").get_data(as_text=True)


def test_any_chinese_font_will_do_and_none_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from gisapp.printing import typeface

    monkeypatch.setattr(typeface, "NAMES", ())
    find = typeface._paths.__wrapped__
    regular, _ = find()
    assert typeface._draws_chinese(regular)
    monkeypatch.setattr(typeface, "FOLDERS", (str(tmp_path),))
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    with pytest.raises(Problem, match="print_font_missing"):
        find()


def test_scales_are_in_order() -> None:
    assert list(SCALES) == sorted(SCALES)


@pytest.mark.parametrize(("language", "heading"), [("zh", "打印地图"), ("en", "Print the map")])
def test_the_form(viewer: Role, filled: Any, language: str, heading: str) -> None:
    page = viewer.get(f"/print?layers=rooftop_signs&lang={language}&rooftop_signs.status=07&title=%3Cb%3E")
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    assert heading in text
    assert 'name="rooftop_signs.status" value="07"' in text
    assert "<b>" not in text
    assert 'name="atlas"' not in text  # for those who may export
