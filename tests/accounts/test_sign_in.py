"""The pacing of sign-in: guessing is slow, and nobody can lock out a colleague."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import delete, func, select, update

from gisapp.accounts import Caller, SignIn, people
from gisapp.accounts.rows import Guess, LogEntry, Place
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.permissions import SYSTEM

pytestmark = pytest.mark.usefixtures("long_waits")
OFFICE = Caller(address="198.51.100.1")
HOME = Caller(address="203.0.113.9")
Accounts = dict[str, dict[str, str]]


@pytest.fixture
def door(house: House) -> Iterator[SignIn]:
    yield SignIn(house.db, "a secret of this test")
    with house.db.begin("test") as connection:
        connection.execute(delete(Guess))


@pytest.fixture(autouse=True)
def _strangers(owner: House) -> None:
    with owner.db.begin("test") as connection:
        connection.execute(delete(Place))


def outcome(door: SignIn, username: str, password: str, caller: Caller) -> str:
    """The code of the answer, or "in"."""
    try:
        door.prove(username, password, caller)
    except Problem as problem:
        return problem.code
    return "in"


def guess(door: SignIn, username: str, times: int, caller: Caller, start: int = 0) -> list[str]:
    """The answers to so many different wrong passwords."""
    return [outcome(door, username, f"wrong-{number}-guess", caller) for number in range(start, start + times)]


def test_the_right_password_goes_in_whatever_the_case_of_the_name(door: SignIn, accounts: Accounts) -> None:
    assert outcome(door, " VIEWER", accounts["viewer"]["password"], OFFICE) == "in"


def test_guessing_is_slowed_down_and_the_wait_is_named(door: SignIn, accounts: Accounts) -> None:
    answers = guess(door, "viewer", 12, HOME)
    assert answers[:5] == ["sign_in_wrong"] * 5
    assert answers[5:] == ["too_many_sign_ins"] * 7
    with pytest.raises(Problem) as caught:
        door.prove("viewer", accounts["viewer"]["password"], HOME)
    assert int(caught.value.headers["Retry-After"]) >= 1


def test_unknown_names_are_answered_like_known_ones(door: SignIn) -> None:
    assert guess(door, "nobody-here", 8, HOME) == guess(door, "viewer", 8, HOME)


def test_refused_attempts_do_not_lengthen_the_wait(door: SignIn, house: House) -> None:
    guess(door, "viewer", 40, HOME)
    with house.db.read() as connection:
        counted = connection.scalar(select(func.count()).select_from(Guess)) or 0
    assert counted < 10


def test_the_wait_runs_out(door: SignIn, house: House, accounts: Accounts) -> None:
    guess(door, "viewer", 10, HOME)
    with house.db.begin("test") as connection:
        connection.execute(update(Guess).values(first_at=func.now() - func.make_interval(0, 0, 0, 0, 20)))
    assert outcome(door, "viewer", accounts["viewer"]["password"], HOME) == "in"


def test_one_name_does_not_hold_up_another_at_the_same_address(door: SignIn, accounts: Accounts) -> None:
    guess(door, "viewer", 30, OFFICE)
    assert outcome(door, "inspector", accounts["inspector"]["password"], OFFICE) == "in"


def test_a_whole_office_goes_on_while_one_machine_sprays_names(door: SignIn, accounts: Accounts) -> None:
    for role in ("inspector", "reviewer"):
        assert outcome(door, role, accounts[role]["password"], OFFICE) == "in"
    for number in range(60):
        guess(door, f"name{number}", 6, OFFICE)
    assert outcome(door, "exporter", accounts["exporter"]["password"], OFFICE) == "too_many_sign_ins"
    for role in ("inspector", "reviewer"):
        assert outcome(door, role, accounts[role]["password"], OFFICE) == "in"


def test_nobody_is_locked_out_where_they_signed_in_before(door: SignIn, accounts: Accounts) -> None:
    password = accounts["viewer"]["password"]
    assert outcome(door, "viewer", password, OFFICE) == "in"
    assert "too_many_sign_ins" in guess(door, "viewer", 30, OFFICE)
    guess(door, "viewer", 60, HOME, start=100)
    assert outcome(door, "viewer", password, OFFICE) == "in"


def test_even_there_guessing_ends(door: SignIn, accounts: Accounts) -> None:
    assert outcome(door, "viewer", accounts["viewer"]["password"], OFFICE) == "in"
    guess(door, "viewer", 105, OFFICE)
    assert outcome(door, "viewer", accounts["viewer"]["password"], OFFICE) == "too_many_sign_ins"


def test_a_browser_that_signed_in_is_not_touched_by_others(door: SignIn, house: House, accounts: Accounts) -> None:
    with house.db.read() as connection:
        found = people.find_by_name(connection, "viewer")
    assert found is not None
    assert outcome(door, "viewer", accounts["viewer"]["password"], OFFICE) == "in"
    guess(door, "viewer", 105, OFFICE)
    mine = replace(OFFICE, device="browser-1", device_accounts=frozenset({str(found.id)}))
    assert outcome(door, "viewer", accounts["viewer"]["password"], mine) == "in"
    assert guess(door, "viewer", 14, mine, start=200)[-1] == "too_many_sign_ins"


def test_a_guess_spread_over_many_addresses_is_slowed_down(door: SignIn) -> None:
    answers = [outcome(door, "viewer", f"wrong-{n}-guess", Caller(address=f"203.0.113.{n}")) for n in range(30)]
    assert answers[-1] == "too_many_sign_ins"


def test_a_program_with_an_old_password_makes_one_guess_only(door: SignIn, accounts: Accounts) -> None:
    answers = {outcome(door, "viewer", "the-old-password", HOME) for _ in range(40)}
    assert answers == {"sign_in_wrong", "too_many_sign_ins"}
    assert outcome(door, "viewer", accounts["viewer"]["password"], HOME) == "in"


def test_counts_hold_across_processes(house: House) -> None:
    first, second = SignIn(house.db, "a secret of this test"), SignIn(house.db, "a secret of this test")
    assert guess(first, "viewer", 5, HOME) == ["sign_in_wrong"] * 5
    assert guess(second, "viewer", 1, HOME, start=90) == ["too_many_sign_ins"]


def test_parallel_guesses_are_counted_before_they_are_looked_at(door: SignIn) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = [one for part in pool.map(lambda n: guess(door, "viewer", 4, HOME, start=n * 10), range(8))
                   for one in part]
    assert answers.count("sign_in_wrong") <= 5


def test_neither_names_nor_passwords_are_stored(door: SignIn, house: House) -> None:
    guess(door, "my-secret-typed-as-name", 1, HOME)
    with house.db.read() as connection:
        rows = str(connection.execute(select(Guess)).all()) + str(connection.execute(select(LogEntry)).all())
    assert "my-secret" not in rows
    assert "wrong-0" not in rows


def test_a_disabled_account_is_told_so_only_with_its_password(
        door: SignIn, house: House) -> None:
    account, password = people.make(house, SYSTEM, "to-disable", "viewer")
    people.disable(house.db, SYSTEM, str(account.id))
    assert outcome(door, "to-disable", "some-wrong-guess", OFFICE) == "sign_in_wrong"
    assert outcome(door, "to-disable", password, OFFICE) == "account_disabled"


def test_basic_auth_believes_its_memory_only_while_the_hash_stands(door: SignIn, house: House) -> None:
    account, password = people.make(house, SYSTEM, "machine", "viewer")
    assert door.prove_quickly("machine", password, OFFICE).id == account.id
    assert door.prove_quickly("machine", password, OFFICE).id == account.id
    fresh = people.reset_password(house.db, SYSTEM, str(account.id))
    with pytest.raises(Problem, match="sign_in_wrong"):
        door.prove_quickly("machine", password, OFFICE)
    assert door.prove_quickly("machine", fresh, OFFICE).id == account.id
    people.disable(house.db, SYSTEM, str(account.id))
    with pytest.raises(Problem, match="account_disabled"):
        door.prove_quickly("machine", fresh, OFFICE)


@pytest.mark.parametrize("username", ["", "\x00", "a\x00b", "x" * 5000, "' OR 1=1 --", "\U0001f600"])
def test_strange_names_are_simply_wrong(door: SignIn, username: str) -> None:
    assert outcome(door, username, "p\x00w" * 500, Caller(address="203.0.113.77")) in (
        "sign_in_wrong", "too_many_sign_ins")
