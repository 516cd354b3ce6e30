"""Groups by a saved question: its alternatives and the rest, adding up to the total, with the rights of the reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text

from gisapp.house import House
from tests.conftest import Role

POINTS = "/collections/vendor_points"
Save = Callable[..., str]


@pytest.fixture(scope="module", autouse=True)
def _stalls(house: House) -> None:
    with house.db.begin("tester") as connection:
        connection.execute(text("""
            INSERT INTO layers.vendor_points (point_no, name, kind, status, stalls_cap, manager, geom)
            SELECT 'Q' || n, CASE WHEN n % 2 = 0 THEN '早' ELSE '晚' END || n,
                   (ARRAY(SELECT code FROM codes.vendor_kind ORDER BY code))[1 + n % 3],
                   (ARRAY['01', '02', '03'])[1 + n % 3], CASE WHEN n % 5 > 0 THEN n END, '张三',
                   ST_SetSRID(ST_MakePoint(113.38 + n / 10000.0, 31.69), 4326)
              FROM generate_series(1, 60) AS n"""))


@pytest.fixture
def save(roles: dict[str, Role]) -> Save:
    """Save a question as a reviewer, for everybody; its id."""
    def made(query: dict[str, str], layer: str = "vendor_points", shared: str = "everybody") -> str:
        answer = roles["reviewer"].post("/questions", json={
            "name": "三类摊点", "layer": layer, "query": query, "shared_with": shared})
        assert answer.status_code == 201, answer.json
        return str(answer.json["id"])
    return made


def _ask(role: Role, group_by: str, **more: str) -> Any:
    asked = "".join(f"&{name}={quote(value)}" for name, value in more.items())
    return role.get(f"{POINTS}/statistics?group_by={quote(group_by)}{asked}")


def _counts(answer: Any) -> dict[str, int]:
    assert answer.status_code == 200, answer.json
    return {group["key"][answer.json["groupBy"][0]["name"]]: group["count"] for group in answer.json["groups"]}


def _matched(role: Role, text_: str, **more: str) -> int:
    asked = "".join(f"&{name}={quote(value)}" for name, value in more.items())
    return int(role.get(f"{POINTS}/items?limit=1&filter={quote(text_)}{asked}").json["numberMatched"])


def test_alternatives_in_their_order_and_the_rest(admin: Role, save: Save) -> None:
    first, second, third = "status IN ('01')", "stalls_cap > 30 AND kind <> '99'", "name LIKE '早%'"
    name = f"question.{save({'filter': f'({first}) OR ({second}) OR {third}'})}"
    answer = _ask(admin, name)
    assert _counts(answer) == {
        "1": _matched(admin, first), "2": _matched(admin, f"{second} AND NOT ({first})"),
        "3": _matched(admin, f"{third} AND NOT ({first}) AND (NOT ({second}) OR stalls_cap IS NULL)"),
        "rest": 60 - _matched(admin, f"({first}) OR ({second}) OR {third}")}
    assert sum(_counts(answer).values()) == answer.json["numberMatched"] == 60
    assert answer.json["groupBy"] == [{"name": name, "title": "三类摊点"}]
    titles = [group["title"][name] for group in admin.get(
        f"{POINTS}/statistics?lang=zh&group_by={name}").json["groups"]]
    assert titles[-1] == "其余"
    assert "状态" in titles[0]


def test_one_question_against_all_else_with_sums_and_a_second_key(admin: Role, save: Save) -> None:
    name = f"question.{save({'filter': 'stalls_cap >= 20', 'status': '01,02'})}"
    found = _counts(_ask(admin, name, sum="stalls_cap"))
    assert found == {"1": _matched(admin, "stalls_cap >= 20", status="01,02"), "rest": 60 - found["1"]}
    both = _ask(admin, f"{name},status").json
    assert sum(group["count"] for group in both["groups"]) == 60
    assert all(group["key"]["status"] in ("01", "02") for group in both["groups"] if group["key"][name] == "1")
    narrowed = _ask(admin, name, filter="name LIKE '晚%'").json
    assert sum(group["count"] for group in narrowed["groups"]) == narrowed["numberMatched"] == 30


def test_a_past_moment_and_a_file(admin: Role, save: Save) -> None:
    name = f"question.{save({'filter': 'near(' + repr('school_gates') + ', 50) OR kind IS NOT NULL'})}"
    assert _counts(_ask(admin, name, as_of="2099-01-01T00:00:00Z")) == {"2": 60}
    assert _counts(_ask(admin, name, as_of="2000-01-01T00:00:00Z")) == {}
    lines = _ask(admin, name, f="csv").data.decode("utf-8-sig").splitlines()
    assert lines[0].startswith(f"{name},三类摊点,")
    assert lines[1].startswith("2,")


@pytest.mark.parametrize(("key", "status", "code"), [
    ("question.nothing", 404, "question_unknown"), ("question", 400, "group_unknown"),
    ("question.", 400, "group_unknown")])
def test_an_unknown_question_is_refused(admin: Role, key: str, status: int, code: str) -> None:
    answer = _ask(admin, key)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_another_layers_question_is_refused(admin: Role, save: Save) -> None:
    answer = _ask(admin, f"question.{save({'filter': 'sign_no IS NOT NULL'}, 'rooftop_signs')}")
    assert (answer.status_code, answer.json["code"]) == (400, "group_unknown")


def test_whoever_may_not_ask_it_may_not_group_by_it(roles: dict[str, Role], save: Save) -> None:
    masked = f"question.{save({'filter': 'manager = ' + repr('张三') + ' OR kind IS NULL'})}"
    assert _counts(_ask(roles["reviewer"], masked)) == {"1": 60}
    answer = _ask(roles["viewer"], masked)
    assert (answer.status_code, answer.json["code"]) == (403, "field_masked")
    own = f"question.{save({'status': '01'}, shared='nobody')}"
    assert _ask(roles["viewer"], own).status_code == 404


def test_the_page_offers_it_and_names_its_groups(admin: Role, save: Save) -> None:
    question = save({"filter": "status = '01' OR status = '02'"})
    page = admin.get(f"/statistics?layer=vendor_points&group=question.{question}&lang=zh")
    assert page.status_code == 200
    assert f'<option value="question.{question}" selected>三类摊点</option>' in page.text
    assert '<th scope="col">三类摊点</th>' in page.text
    assert "其余" in page.text


def test_the_page_counts_a_saved_question_and_narrows_it(roles: dict[str, Role], save: Save) -> None:
    number = save({"filter": "stalls_cap > 10"})
    whole = roles["viewer"].get(f"{POINTS}/statistics?filter=stalls_cap > 10").json["total"]["count"]
    page = roles["viewer"].get(f"/statistics?layer=q-{number}&group=status&lang=en")
    assert page.status_code == 200
    assert f"三类摊点 · Records: {whole}" in page.text and "Stall" in page.text
    assert f'href="/collections/q-{number}/statistics?' in page.text
    assert f'<option value="q-{number}" selected>' in page.text
    narrowed = {"filter": "stalls_cap > 10 AND name LIKE '早%'"}
    less = roles["viewer"].get(f"{POINTS}/statistics", query_string=narrowed).json["total"]["count"]
    assert 0 < less < whole
    for asked in ({"filter": "name LIKE '早%'"}, {"and": '{"filter": "name LIKE \'早%\'"}'}):
        answer = roles["viewer"].get("/statistics", query_string={"layer": f"q-{number}", "lang": "en"} | asked)
        assert f"Records: {less}" in answer.text


def test_the_page_counts_no_question_that_is_not_ones_own(roles: dict[str, Role], save: Save) -> None:
    assert roles["viewer"].get(f"/statistics?layer=q-{save({}, shared='nobody')}").status_code == 404
    masked = save({"filter": "manager = '张三'"})
    assert roles["viewer"].get(f"/statistics?layer=q-{masked}").status_code == 403
    assert roles["reviewer"].get(f"/statistics?layer=q-{masked}&lang=en").status_code == 200
