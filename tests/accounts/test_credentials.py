"""What is accepted as a name and as a password."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gisapp.accounts import credentials
from gisapp.accounts.callers import Caller
from gisapp.accounts.pacing import ADDRESS, BROWSER, NAME, PAIR, PLACE, Count
from gisapp.accounts.verdicts import Verdicts
from gisapp.errors import Problem


@pytest.mark.parametrize(("password", "code"), [
    ("short-pw9", "password_too_short"),
    ("x" * 201, "password_too_long"),
    ("wanglihua.01", "password_like_name"),
    ("Password1234", "password_common"),
    ("aaaaaaaaaaaa", "password_common"),
    ("ababababababa", "password_common"),
    ("1234567890", "password_common"),
    ("qwertyuiop", "password_common"),
    ("１２３４５６７８９０", "password_common"),
])
def test_weak_passwords_are_refused(password: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        credentials.check_password(password, "WangLihua.01" if "lihua" in password else "somebody")
    assert caught.value.code == code


@pytest.mark.parametrize("password", ["four-plain-words", "城管执法一二三四五六", "x9!kk2 pp~wq"])
def test_long_enough_passwords_are_taken(password: str) -> None:
    credentials.check_password(password, "somebody")


@pytest.mark.parametrize("username", ["", " ", "a b", "a:b", "a/b", "<b>", "a" * 61, "a\x00b", "a\nb", "a\u200bb"])
def test_names_that_break_something_are_refused(username: str) -> None:
    with pytest.raises(Problem, match="username_invalid"):
        credentials.check_username(username)


@pytest.mark.parametrize("username", ["张三", "li.si-2@chengguan", "O_Brien"])
def test_names_of_people_are_taken(username: str) -> None:
    assert credentials.check_username(f" {username} ") == username


def test_case_and_width_do_not_make_two_people() -> None:
    assert credentials.username_key("Ａdmin ") == credentials.username_key("admin")


def test_a_password_typed_in_full_width_is_the_same() -> None:
    stored = credentials.hash_password("abc１２３４５６７")
    assert credentials.password_fits(stored, "abc1234567")
    assert not credentials.password_fits(stored, "abc1234568")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_nobody_has_a_password() -> None:
    assert not credentials.password_fits(None, "whatever-it-is")
    assert not credentials.password_fits("not a hash", "whatever-it-is")


def test_drawn_passwords_keep_the_rules_and_differ() -> None:
    drawn = {credentials.draw_password() for _ in range(50)}
    assert len(drawn) == 50
    for password in drawn:
        credentials.check_password(password, "somebody")


@pytest.mark.parametrize(("address", "network"), [
    ("203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7", "203.0.113.7"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80::/64"), ("", "local"), ("unix:", "local"),
])
def test_an_ipv6_site_is_one_place(address: str, network: str) -> None:
    assert Caller(address=address).network == network


@pytest.mark.parametrize("limit", [BROWSER, PLACE, PAIR, NAME, ADDRESS])
def test_waits_grow_to_a_limit_and_run_out(limit: Count) -> None:
    assert limit.wait(limit.free - 1, 0) == 0
    waits = [limit.wait(limit.free + more, 0) for more in range(40)]
    assert waits[:3] == [1, 2, 4]
    assert waits == sorted(waits)
    assert waits[-1] == limit.longest
    assert limit.wait(limit.free + 39, limit.longest) == 0


def test_a_remembered_verdict_ends_with_the_hash_it_was_reached_on() -> None:
    verdicts = Verdicts()
    verdicts.remember("li", "secret words", "hash one", True)
    assert verdicts.recall("li", "secret words", "hash one") is True
    assert verdicts.recall("li", "other words", "hash one") is None
    assert verdicts.recall("li", "secret words", "hash two") is None
    assert verdicts.recall("li", "secret words", "hash one") is None


def test_verdicts_end_with_time_and_number(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = Verdicts()
    for number in range(2100):
        verdicts.remember(str(number), "words", "hash", True)
    assert verdicts.recall("0", "words", "hash") is None
    assert verdicts.recall("2099", "words", "hash") is True
    # Only this module's clock: threads of others wait by the real one.
    monkeypatch.setattr("gisapp.accounts.verdicts.time", SimpleNamespace(monotonic=lambda: 10.0**9))
    assert verdicts.recall("2099", "words", "hash") is None
