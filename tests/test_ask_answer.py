"""The answer beside the map, a change to many from it, and its chart."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.conftest import Role
from tests.test_api import sign
from tests.test_writes import SIGNS, created


def question(*numbers: str, **more: str) -> str:
    return urlencode({"layer": "rooftop_signs", "ids": ",".join(numbers), **more})


def made(role: Role, count: int, **more: Any) -> list[str]:
    return [created(role, SIGNS, sign(status="01", area_m2=5.0 + at, **more))["id"] for at in range(count)]


def value(role: Role, number: str, name: str) -> Any:
    return role.get(f"{SIGNS}/{number}?f=json").json["properties"][name]


def batch(role: Role, asked: str, **form: Any) -> Any:
    return role.post("/ask/batch", data={"question": asked, **form})


def test_the_answer_names_its_question_its_place_and_each_rows_version(roles: dict[str, Role]) -> None:
    numbers = made(roles["inspector"], 3)
    text = roles["inspector"].get(f"/ask/answer?{question(*numbers, sortby='-area_m2')}").text
    assert re.findall(r'data-row="([^"]+)"', text) == numbers[::-1]
    assert f'value="{numbers[0]}:1"' in text
    assert re.search(r'data-bounds="[\d.,]+"', text)
    assert ",".join(numbers) in unescape(re.search(r'data-further="([^"]+)"', text)[1])  # type: ignore[index]
    assert "ask-batch" not in roles["viewer"].get(f"/ask/answer?{question(*numbers)}").text


def test_a_row_is_found_whatever_page_it_stands_on_if_it_answers(roles: dict[str, Role]) -> None:
    numbers = made(roles["inspector"], 52)
    page = roles["viewer"].get(f"/ask/answer?{question(*numbers, sortby='area_m2')}").text
    assert numbers[51] not in re.findall(r'data-row="([^"]+)"', page)
    found = roles["viewer"].get(f"/ask/answer?{question(*numbers, sortby='area_m2', find=numbers[51])}").text
    assert re.findall(r'data-row="([^"]+)"', found)[0] == numbers[51]
    other = made(roles["inspector"], 1)[0]
    assert other not in roles["viewer"].get(f"/ask/answer?{question(*numbers, find=other)}").text


def test_ticked_records_are_changed_and_those_changed_since_are_refused_by_name(roles: dict[str, Role]) -> None:
    numbers = made(roles["inspector"], 3)
    roles["reviewer"].patch(f"{SIGNS}/{numbers[1]}", json={"properties": {"remark": "quicker"}},
                            headers={"If-Match": '"1"'})
    answer = batch(roles["inspector"], question(*numbers), pick=[f"{one}:1" for one in numbers], field="remark",
                   **{"value.remark": "all"})
    assert answer.status_code == 200
    assert 'data-done="2" data-refused="1"' in answer.text
    assert f'data-refusal="{numbers[1]}"' in answer.text
    assert [value(roles["viewer"], one, "remark") for one in numbers] == ["all", "quicker", "all"]
    request = re.search(r'name="request" value="([^"]+)"', answer.text)[1]  # type: ignore[index]
    batch(roles["inspector"], question(*numbers), act="undo", request=request)
    assert [value(roles["viewer"], one, "remark") for one in numbers] == [None, "quicker", None]


def test_all_that_answer_are_changed_as_they_were_seen(roles: dict[str, Role]) -> None:
    numbers = made(roles["inspector"], 3)
    seen = datetime.now(UTC).isoformat()
    roles["reviewer"].patch(f"{SIGNS}/{numbers[2]}", json={"properties": {"remark": "later"}},
                            headers={"If-Match": '"1"'})
    answer = batch(roles["inspector"], question(*numbers), whole="yes", seen=seen, field="area_m2",
                   **{"value.area_m2": "77.5"})
    assert 'data-done="2" data-refused="1"' in answer.text
    assert [value(roles["viewer"], one, "area_m2") for one in numbers] == [77.5, 77.5, 7]


def test_a_state_that_does_not_follow_is_refused_each_time(roles: dict[str, Role]) -> None:
    numbers = [created(roles["admin"], SIGNS, sign(status=state))["id"] for state in ("01", "07")]
    answer = batch(roles["inspector"], question(*numbers), pick=[f"{one}:1" for one in numbers], field="status",
                   **{"value.status": "02"})
    assert 'data-done="1" data-refused="1"' in answer.text
    assert f'data-refusal="{numbers[1]}"' in answer.text


@pytest.mark.parametrize(("form", "code"), [
    ({"field": "remark"}, 400), ({"field": "sign_no", "pick": "x:1"}, 400), ({"field": "remark", "pick": "x"}, 400),
    ({"field": "remark", "pick": "x:1"}, 400), ({"field": "remark", "whole": "yes"}, 400),
    ({"field": "area_m2", "value.area_m2": "much", "pick": "ID:1"}, 422), ({"act": "undo", "request": "none"}, 404)])
def test_a_wrong_change_is_told_and_changes_nothing(roles: dict[str, Role], form: dict[str, str], code: int) -> None:
    number = made(roles["inspector"], 1)[0]
    answer = batch(roles["inspector"], question(number), **{name: text.replace("ID", number)
                                                            for name, text in form.items()})
    assert answer.status_code == code
    assert 'role="alert"' in answer.text
    assert value(roles["viewer"], number, "version") == 1


def test_who_may_not_write_changes_nothing(roles: dict[str, Role]) -> None:
    number = made(roles["inspector"], 1)[0]
    answer = batch(roles["exporter"], question(number), pick=f"{number}:1", field="remark", **{"value.remark": "x"})
    assert (answer.status_code, answer.json["code"]) == (403, "act_not_allowed")


def test_the_past_is_not_changed(roles: dict[str, Role]) -> None:
    number = made(roles["inspector"], 1)[0]
    asked = question(number, as_of="2100-01-01")
    assert "ask-batch" not in roles["inspector"].get(f"/ask/answer?{asked}").text
    answer = batch(roles["inspector"], asked, pick=f"{number}:1", field="remark", **{"value.remark": "x"})
    assert answer.status_code == 400


def test_the_chart_adds_up_to_the_count(roles: dict[str, Role]) -> None:
    numbers = made(roles["inspector"], 4)
    text = roles["viewer"].get(f"/ask/chart?{question(*numbers)}").text
    assert "data-chart=" in text
    assert re.search(r"<tfoot>.*<td class=\"number\">4</td>", text, re.S)
    dated = roles["viewer"].get(f"/ask/chart?{question(*numbers, group='created_at', unit='year', sum='area_m2')}").text
    assert f"{datetime.now(UTC):%Y}" in dated
    assert "26.00" in dated or ">26<" in dated


def test_columns_are_part_of_the_question(roles: dict[str, Role]) -> None:
    text = roles["viewer"].get("/ask?layer=rooftop_signs&column=area_m2&column=created_by").text
    assert "properties=area_m2%2Ccreated_by" in text
    again = roles["viewer"].get("/ask?layer=rooftop_signs&properties=area_m2,created_by").text
    heads = re.compile(r"<th scope.*?>(.*?)</th>", re.S)
    assert heads.findall(again)[2:] == heads.findall(text)[2:]
    kept = roles["viewer"].post("/ask", data={"layer": "rooftop_signs", "name": "columns", "properties": "area_m2"})
    number = kept.headers["Location"].rsplit("/", 1)[1]
    assert roles["viewer"].get(f"/questions/{number}?f=json").json["query"] == {"properties": "area_m2"}


def test_computed_columns_stand_in_the_table(roles: dict[str, Role]) -> None:
    number = made(roles["inspector"], 1)[0]
    asked = question(number, compute="count_within('rooftop_signs', 100),area_m2 * 2")
    for language, title in (("zh", "附近的户外广告与楼顶广告牌"), ("en", "Outdoor and rooftop signs near by")):
        text = roles["viewer"].get(f"/ask/answer?{asked}&lang={language}").text
        assert title in text
        assert "10.00" in text
    assert roles["viewer"].get("/q/vendors_near_gates?lang=en", follow_redirects=True).status_code == 200
