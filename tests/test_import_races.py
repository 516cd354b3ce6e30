"""Somebody else is quicker than an import, its undoing, or the other window of who imports: nothing is lost unseen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gisapp.house import House
from tests.conftest import Role
from tests.test_import_desk import SIGNS, by_number, checked, committed
from tests.test_imports import emptied, sign

ITEMS = f"/collections/{SIGNS}/items"


def edited(role: Role, house: House, number: str, area: int) -> None:
    row = by_number(house)[number]
    done = role.patch(f"{ITEMS}/{row['id']}", json={"properties": {"area_m2": area}},
                      headers={"If-Match": f'"{row["version"]}"'})
    assert done.status_code in (200, 204), done.json


def first(monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], Any]) -> None:
    """Let `act` happen once, right before the function of that name is called."""
    module, _, attribute = name.rpartition(".")
    target = __import__(module, fromlist=[attribute])
    real, done = getattr(target, attribute), []

    def before(*args: Any, **more: Any) -> Any:
        if not done:
            done.append(True)
            act()
        return real(*args, **more)

    monkeypatch.setattr(target, attribute, before)


def replacing(admin: Role, house: House) -> str:
    """A checked import that leaves R-1 and deletes R-2."""
    emptied(house, SIGNS)
    committed(admin, checked(admin, SIGNS, sign("R-1"), sign("R-2"))[0])
    number, found = checked(admin, SIGNS, sign("R-1", address="新"), mode="replace", key="sign_no",
                            territory={"level": "all"})
    assert found["counts"]["delete"] == 1
    return number


def entered(admin: Role) -> None:
    made = admin.post(ITEMS, json=sign("R-3"))
    assert made.status_code == 201, made.json


def refused(admin: Role, number: str, act: str = "commit") -> str:
    answer = admin.post(f"/imports/{number}/{act}", json={})
    assert answer.status_code == 409, answer.json
    return str(answer.json["code"])


def test_a_replacement_deletes_only_what_was_shown(admin: Role, house: House) -> None:
    number = replacing(admin, house)
    entered(admin)
    assert refused(admin, number) == "import_stale"
    assert set(by_number(house)) == {"R-1", "R-2", "R-3"}


def test_a_replacement_deletes_nothing_that_was_changed_since(admin: Role, house: House) -> None:
    number = replacing(admin, house)
    edited(admin, house, "R-2", 77)
    assert refused(admin, number) == "import_stale"
    assert float(by_number(house)["R-2"]["area_m2"]) == 77


@pytest.mark.parametrize("meanwhile", ["entered", "edited"])
def test_nor_in_the_midst_of_the_commit(
        admin: Role, house: House, monkeypatch: pytest.MonkeyPatch, meanwhile: str) -> None:
    number = replacing(admin, house)
    first(monkeypatch, "gisapp.sql.take_in.remove",
          lambda: entered(admin) if meanwhile == "entered" else edited(admin, house, "R-2", 77))
    assert refused(admin, number) == "import_stale"
    assert "R-2" in by_number(house) and ("R-3" in by_number(house)) == (meanwhile == "entered")


def test_a_change_in_the_midst_of_a_commit_is_not_overwritten(
        admin: Role, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    emptied(house, SIGNS)
    committed(admin, checked(admin, SIGNS, sign("U-1"), sign("U-2"))[0])
    number, _ = checked(admin, SIGNS, sign("U-1", area_m2=7), sign("U-2", area_m2=7), twins={"key": "update"})
    first(monkeypatch, "gisapp.sql.take_in.change", lambda: edited(admin, house, "U-2", 88))
    assert refused(admin, number) == "import_stale"
    found = by_number(house)
    assert (float(found["U-2"]["area_m2"]), found["U-1"]["version"]) == (88, 1)


def test_a_change_in_the_midst_of_an_undoing_is_not_taken_back(
        admin: Role, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    emptied(house, SIGNS)
    committed(admin, checked(admin, SIGNS, sign("T-1"))[0])
    number, _ = checked(admin, SIGNS, sign("T-1", area_m2=7), sign("T-2"), twins={"key": "update"})
    committed(admin, number)
    first(monkeypatch, "gisapp.sql.take_in.take_back", lambda: edited(admin, house, "T-2", 88))
    assert refused(admin, number, "undo") == "import_changed_since"
    found = by_number(house)
    assert (float(found["T-2"]["area_m2"]), float(found["T-1"]["area_m2"])) == (88, 7)
    monkeypatch.undo()
    edited(admin, house, "T-1", 9)
    assert refused(admin, number, "undo") == "import_changed_since"


def test_a_check_by_another_window_is_not_committed_by_this_one(
        admin: Role, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    emptied(house, SIGNS)
    committed(admin, checked(admin, SIGNS, sign("W-1"), sign("W-2"))[0])
    number, _ = checked(admin, SIGNS, sign("W-1", address="新"), twins={"key": "update"})
    other = {"mode": "replace", "key": "sign_no", "territory": {"level": "all"}}
    first(monkeypatch, "gisapp.desk.commit._is_there",
          lambda: admin.post(f"/imports/{number}/check", json=other))
    assert refused(admin, number) == "import_stale"
    assert set(by_number(house)) == {"W-1", "W-2"}
    assert committed(admin, number)["deleted"] == 1
