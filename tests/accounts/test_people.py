"""Accounts, sessions, tokens, the log, and the first accounts of an installation."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import ProgrammingError

from gisapp import accounts as service
from gisapp.accounts import Account, Caller, first, log, people, sessions, tokens
from gisapp.accounts.rows import LogEntry, SignedIn, Token
from gisapp.cluster import Cluster
from gisapp.errors import Problem
from gisapp.house import House, make_house
from gisapp.permissions import SYSTEM, Actor
from tests.conftest import at, copy_database, fresh_settings
from tests.samples import add_squadron

HERE = Caller(address="192.0.2.1", agent="test")
HOURS = timedelta(hours=12)
WEEK = timedelta(days=7)
BOSS = replace(SYSTEM, username="boss", request_id="request-1")


@pytest.fixture
def account(house: House, accounts: Any) -> Account:
    """A fresh inspector."""
    return people.make(house, BOSS, f"inspector-{uuid4().hex}", "inspector")[0]


def again(house: House, account: Account) -> Account:
    with house.db.read() as connection:
        return people.find(connection, account.id)


def begin(house: House, account: Account) -> str:
    with house.db.begin("test") as connection:
        return sessions.begin(connection, account, HERE)


def test_a_made_account_must_change_its_password(account: Account) -> None:
    assert account.active
    assert account.must_change_password
    assert account.created_by == "boss"
    assert account.has_role("inspector")
    assert not account.has_role("admin")


@pytest.mark.parametrize(("username", "role", "squadron", "code"), [
    ("a b", "viewer", None, "username_invalid"), ("someone", "boss", None, "role_unknown"),
    ("someone", "viewer", "S-77", "squadron_unknown"), ("ADMIN", "viewer", None, "username_taken"),
])
def test_wrong_words_make_no_account(house: House, accounts: Any, username: str, role: str,
                                     squadron: str | None, code: str) -> None:
    with pytest.raises(Problem, match=code):
        people.make(house, BOSS, username, role, squadron_code=squadron)


def test_only_administrators_manage_accounts(house: House, account: Account) -> None:
    someone = replace(SYSTEM, role="reviewer")
    for act in (lambda: people.make(house, someone, "x", "viewer"),
                lambda: people.list_accounts(house.db, someone),
                lambda: people.show(house.db, someone, str(account.id)),
                lambda: people.squadrons(house, someone), lambda: log.recent(house.db, someone),
                lambda: people.disable(house.db, someone, str(account.id)),
                lambda: people.enable(house.db, someone, str(account.id)),
                lambda: people.reset_password(house.db, someone, str(account.id)),
                lambda: people.set_squadron(house, someone, str(account.id), None),
                lambda: people.set_role(house.db, someone, str(account.id), "admin")):
        with pytest.raises(Problem, match="act_not_allowed"):
            act()


def test_the_last_administrator_stays(house: House, account: Account) -> None:
    with house.db.read() as connection:
        admin = people.find_by_name(connection, "admin")
    assert admin is not None
    for act in (lambda: people.disable(house.db, BOSS, str(admin.id)),
                lambda: people.set_role(house.db, BOSS, str(admin.id), "viewer")):
        with pytest.raises(Problem, match="last_admin"):
            act()
    people.set_role(house.db, BOSS, str(account.id), "admin")
    people.disable(house.db, BOSS, str(admin.id))
    with pytest.raises(Problem, match="last_admin"):
        people.disable(house.db, BOSS, str(account.id))
    people.enable(house.db, BOSS, str(admin.id))
    people.set_role(house.db, BOSS, str(account.id), "inspector")


def test_two_administrators_cannot_remove_each_other_at_once(house: House, account: Account) -> None:
    people.set_role(house.db, BOSS, str(account.id), "admin")
    with house.db.read() as connection:
        admin = people.find_by_name(connection, "admin")
    assert admin is not None

    def disable(one: Account) -> str:
        try:
            people.disable(house.db, BOSS, str(one.id))
        except Problem as problem:
            return problem.code
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(disable, [admin, account])) == ["done", "last_admin"]
    people.enable(house.db, BOSS, str(admin.id))
    people.set_role(house.db, BOSS, str(admin.id), "admin")
    people.set_role(house.db, BOSS, str(account.id), "inspector")


def test_a_disabled_account_loses_sessions_and_tokens_for_good(house: House, account: Account) -> None:
    actor = people.actor_of(account)
    number, token = begin(house, account), tokens.make(house.db, actor, "QGIS", 30)
    assert sessions.load(house.db, number, HOURS, WEEK) is not None
    people.disable(house.db, BOSS, str(account.id))
    people.enable(house.db, BOSS, str(account.id))
    assert sessions.load(house.db, number, HOURS, WEEK) is None
    with pytest.raises(Problem, match="token_wrong"):
        tokens.load(house.db, token)
    assert again(house, account).fs_uniquifier != account.fs_uniquifier


def test_a_reset_ends_sessions_and_tokens(house: House, account: Account) -> None:
    number, token = begin(house, account), tokens.make(house.db, people.actor_of(account), "QGIS", 30)
    people.reset_password(house.db, BOSS, str(account.id))
    assert again(house, account).must_change_password
    assert sessions.load(house.db, number, HOURS, WEEK) is None
    with pytest.raises(Problem, match="token_wrong"):
        tokens.load(house.db, token)


def test_a_changed_password_ends_sessions_but_not_tokens(house: House, account: Account) -> None:
    actor = people.actor_of(account)
    number, token = begin(house, account), tokens.make(house.db, actor, "QGIS", 30)
    changed = people.change_password(house.db, actor, "whatever", "four-plain-words")
    assert not changed.must_change_password
    assert sessions.load(house.db, number, HOURS, WEEK) is None
    assert tokens.load(house.db, token).id == account.id
    with pytest.raises(Problem, match="password_unchanged"):
        people.change_password(house.db, actor, "four-plain-words", "four-plain-words")


def test_sessions_end_by_idleness_and_by_age(house: House, account: Account) -> None:
    number = begin(house, account)
    with house.db.begin("test") as connection:
        connection.execute(update(SignedIn).values(seen_at=func.now() - timedelta(hours=11)))
    assert sessions.load(house.db, number, HOURS, WEEK) is not None
    with house.db.read() as connection:
        assert connection.scalar(select(func.max(SignedIn.seen_at) > func.now() - timedelta(minutes=1)))
    with house.db.begin("test") as connection:
        connection.execute(update(SignedIn).values(seen_at=func.now() - timedelta(hours=13)))
    assert sessions.load(house.db, number, HOURS, WEEK) is None
    with house.db.begin("test") as connection:
        connection.execute(update(SignedIn).values(seen_at=func.now(), created_at=func.now() - timedelta(days=8)))
    assert sessions.load(house.db, number, HOURS, WEEK) is None


def test_neither_session_numbers_nor_tokens_are_stored(house: House, account: Account) -> None:
    number, token = begin(house, account), tokens.make(house.db, people.actor_of(account), "QGIS", 30)
    with house.db.read() as connection:
        rows = [connection.execute(select(table)).all() for table in (SignedIn, Token)]
    assert number not in str(rows)
    assert token not in str(rows)


def test_a_token_works_until_it_expires_or_is_revoked(house: House, account: Account) -> None:
    actor = people.actor_of(account)
    token = tokens.make(house.db, actor, "export at night", 30)
    assert tokens.load(house.db, token).id == account.id
    found = tokens.own(house.db, actor)[0]
    assert token.startswith(found.prefix)
    assert found.last_used_at is not None
    with house.db.begin("test") as connection:
        connection.execute(update(Token).values(expires_at=func.now()))
    with pytest.raises(Problem, match="token_wrong"):
        tokens.load(house.db, token)
    second = tokens.make(house.db, actor, "another", 1)
    tokens.revoke(house.db, actor, str(tokens.own(house.db, actor)[0].id))
    with pytest.raises(Problem, match="token_wrong"):
        tokens.load(house.db, second)


def test_a_token_is_revoked_by_its_owner_only(house: House, account: Account) -> None:
    actor = people.actor_of(account)
    tokens.make(house.db, actor, "mine", 1)
    other = people.actor_of(people.make(house, BOSS, "somebody-else", "admin")[0])
    for key in (str(tokens.own(house.db, actor)[0].id), "not-an-id"):
        with pytest.raises(Problem, match="token_unknown"):
            tokens.revoke(house.db, other, key)
    people.set_role(house.db, BOSS, other.id, "viewer")


@pytest.mark.parametrize(("name", "days", "code"), [
    ("", 1, "token_name_invalid"), ("x" * 61, 1, "token_name_invalid"), ("a\x00b", 1, "token_name_invalid"),
    ("QGIS", 0, "token_days_invalid"), ("QGIS", 731, "token_days_invalid")])
def test_wrong_words_make_no_token(house: House, account: Account, name: str, days: int, code: str) -> None:
    with pytest.raises(Problem, match=code):
        tokens.make(house.db, people.actor_of(account), name, days)


def test_tokens_are_limited_in_number(house: House, account: Account) -> None:
    for number in range(tokens.MAX_TOKENS):
        tokens.make(house.db, people.actor_of(account), f"token {number}", 1)
    with pytest.raises(Problem, match="token_too_many"):
        tokens.make(house.db, people.actor_of(account), "one more", 1)


def test_every_act_leaves_a_line(house: House, account: Account) -> None:
    add_squadron(house, "S-01")
    people.set_squadron(house, BOSS, str(account.id), "S-01", address="192.0.2.5")
    people.set_role(house.db, BOSS, str(account.id), "reviewer")
    role, squadron, made = log.recent(house.db, BOSS, 3)
    assert (made.act, squadron.act, role.act) == ("account_made", "squadron_set", "role_set")
    assert role.detail == {"account": str(account.id), "username": account.username,
                           "old": "inspector", "new": "reviewer"}
    assert (squadron.username, squadron.address, squadron.request_id) == ("boss", "192.0.2.5", "request-1")


def test_others_may_write_to_the_log(house: House, account: Account) -> None:
    with house.db.begin("test") as connection:
        service.record(connection, "export", people.actor_of(account, "r-2"), detail={"layer": "x", "rows": 3})
        service.record(connection, "import", Actor(id="", username="nobody", role="viewer"))
    line = log.recent(house.db, BOSS, 1, "export")[0]
    assert (line.account_id, line.request_id, line.detail["rows"]) == (account.id, "r-2", 3)


@pytest.mark.parametrize("act", [update(LogEntry).values(act="x"), delete(LogEntry), delete(Account),
                                 text("TRUNCATE gisapp.access_log"), delete(Token)])
def test_evidence_cannot_be_changed_by_the_application(house: House, accounts: Any, act: Any) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), house.db.begin("test") as connection:
        connection.execute(act)


def test_first_accounts_are_made_once_and_kept_in_a_closed_file(owner: House, accounts: Any) -> None:
    path = owner.settings.accounts_file
    assert json.loads(path.read_text("utf-8")) == accounts
    assert path.stat().st_mode & 0o777 == 0o600
    assert set(accounts) == {"admin", "viewer", "inspector", "reviewer", "exporter"}
    assert service.ensure_first_accounts(owner) is None


def test_first_accounts_survive_a_kill_before_the_commit(
        cluster: Cluster, migrated: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file was written, the accounts were not: the next start writes both anew."""
    copy_database(cluster, migrated, "first_accounts_test")
    house = make_house(fresh_settings(cluster, "first_accounts_test", tmp_path),
                       at(cluster.owner_url, "first_accounts_test"))
    keep = first._keep

    def keep_and_die(*given: Any) -> None:
        keep(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(first, "_keep", keep_and_die)
    with pytest.raises(KeyboardInterrupt):
        service.ensure_first_accounts(house)
    left = json.loads(house.settings.accounts_file.read_text("utf-8"))
    monkeypatch.setattr(first, "_keep", keep)
    made = service.ensure_first_accounts(house, demo=False)
    house.db.close()
    assert made is not None
    assert set(made) == {"admin"}
    assert made["admin"] != left["admin"]
    assert json.loads(house.settings.accounts_file.read_text("utf-8")) == made
