"""No plan makes a large set endless: straight after an import there are no figures of what came, or old ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url, text

from gisapp.cluster import Cluster
from gisapp.config import Settings
from gisapp.house import House
from gisapp.sql import stage_checks, take_in
from tests.conftest import Role, at
from tests.test_import_desk import SIGNS, checked, committed
from tests.test_imports import emptied, sign

TABLE = f"layers.{SIGNS}"
ROWS = 40


@pytest.fixture
def link(cluster: Cluster, settings: Settings, house: House) -> Iterator[psycopg.Connection[Any]]:
    """A superuser, who may look at the plans of what triggers do."""
    name = make_url(settings.owner_database_url).database or ""
    emptied(house, SIGNS)
    with psycopg.connect(at(cluster.superuser_url, name)) as opened:
        yield opened
        opened.rollback()


def _plans(link: psycopg.Connection[Any], statement: str) -> dict[str, Any]:
    """The plan by which the statement's trigger wrote history."""
    heard: list[str] = []
    link.add_notice_handler(lambda note: heard.append(note.message_primary or ""))
    for setting in ("log_min_duration = 0", "log_nested_statements = on", "log_format = json", "log_level = notice"):
        link.execute(f"SET LOCAL auto_explain.{setting}")
    link.execute(statement)
    plans = [json.loads(one[one.index("{"):]) for one in heard if "plan:" in one]
    [found] = [one["Plan"] for one in plans if f"INSERT INTO {TABLE}_history" in one["Query Text"]]
    return dict(found)


def _parts(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for one in plan.get("Plans", []):
        yield from _parts(one)


@pytest.mark.parametrize("statement", [f"UPDATE {TABLE} SET remark = 'anew'", f"DELETE FROM {TABLE}"])
def test_history_is_written_by_true_figures_whatever_is_known_of_the_tables(
        link: psycopg.Connection[Any], statement: str) -> None:
    """Figures of a day when all had gone: hardly a version is thought to be valid. A plan by that guess went through
    all rows for each of them."""
    link.execute("LOAD 'auto_explain'")
    entering = (f"INSERT INTO {TABLE} (sign_no, sign_kind, geom)"
                " SELECT n, '01', ST_SetSRID(ST_Point(113.4, 31.6), 4326) FROM generate_series(%s::int, %s::int) AS n")
    link.execute(entering, [1, 400])
    link.execute(f"DELETE FROM {TABLE}")
    link.execute(f"ANALYZE {TABLE}_history")
    link.execute(entering, [1001, 1000 + ROWS])
    link.execute("SET LOCAL enable_nestloop = off")  # as an import's transaction has it
    link.execute("SET LOCAL enable_seqscan = off")  # of a table as small as this one
    plan = _plans(link, statement)
    [due, closed] = [next(one for one in _parts(plan) if one.get("Subplan Name") == f"CTE {name}")
                     for name in ("due", "closed")]
    assert due["Plan Rows"] == closed["Plan Rows"] == ROWS
    outer, inner = due["Plans"]
    assert (due["Node Type"], outer["Node Type"]) == ("Nested Loop", "Named Tuplestore Scan")
    looked_up = list(_parts(inner))[-1]
    assert looked_up["Node Type"] == "Index Scan" and "id = o.id" in looked_up["Index Cond"]
    # The rows are written in the order in which they come: sorted by id they would be all over the R-tree.
    assert not {one["Node Type"] for one in _parts(plan)} & {"Merge Join", "Sort"}
    [(valid, known)] = link.execute("SELECT count(*) FILTER (WHERE valid_to = 'infinity'), count(*)"
                                    f" FROM {TABLE}_history").fetchall()
    assert (valid, known) == (ROWS if "UPDATE" in statement else 0, 800 + 2 * ROWS)


def test_very_many_rows_are_checked_entered_changed_and_taken_back_by_hashing(
        admin: Role, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: dict[str, str] = {}

    def hearing(module: Any, name: str) -> None:
        meant = getattr(module, name)

        def heeded(connection: Any, *more: Any) -> Any:
            heard[name] = connection.execute(text("SHOW enable_nestloop")).scalar_one()
            return meant(connection, *more)

        monkeypatch.setattr(module, name, heeded)

    hearing(stage_checks, "meet_by")
    for name in ("stale", "change", "remove", "take_back"):
        hearing(take_in, name)
    for most, during in ((2, "off"), (10, "on")):
        monkeypatch.setattr(take_in, "MANY", most)
        emptied(house, SIGNS)
        committed(admin, checked(admin, SIGNS, sign("L-1"), sign("L-2"))[0])
        file, whole = (sign("L-1", remark="anew"), sign("L-3")), {"level": "all"}
        done = committed(admin, checked(admin, SIGNS, *file, mode="replace", key="sign_no", territory=whole)[0])
        assert (done["updated"], done["inserted"], done["deleted"]) == (1, 1, 1)
        undone = admin.post(f"/imports/{done['id']}/undo").json
        assert [undone[name] for name in ("restored", "removed", "brought_back")] == [1, 1, 1]
        assert heard == dict.fromkeys(("meet_by", "stale", "change", "remove", "take_back"), during)
        heard.clear()
    with house.db.begin("test") as connection:
        assert connection.execute(text("SHOW enable_nestloop")).scalar_one() == "on"


def test_what_runs_for_each_row_makes_its_plans_once(owner: House) -> None:
    """The application's sessions plan each call anew, as tiles need it: territories of a place took thrice as long."""
    once = text("SELECT p.proname, 'plan_cache_mode=force_generic_plan' = ANY (p.proconfig) FROM pg_proc AS p"
                " WHERE p.pronamespace = 'gisapp'::regnamespace AND (p.proname IN ('territory', 'assign_territory')"
                " OR p.oid IN (SELECT tgfoid FROM pg_trigger WHERE tgname = 'b4_shape'))")
    with owner.db.begin("test") as connection:
        for _ in range(2):
            found = {row[0]: row[1] for row in connection.execute(once)}
            assert {"territory", "assign_territory", f"shape_{SIGNS}"} <= set(found) and all(found.values())
            # That of a layer to come as well.
            connection.execute(text(f"ALTER FUNCTION gisapp.shape_{SIGNS}() RESET ALL"))
            connection.execute(text(
                f"SELECT gisapp.derive_shapes('{SIGNS}', split_part(encode(tgargs, 'escape'), '\\000', 1))"
                f" FROM pg_trigger WHERE tgrelid = '{TABLE}'::regclass AND tgname = 'b4_shape'"))
