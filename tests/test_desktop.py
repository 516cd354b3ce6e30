"""QGIS on the database itself: a login has its account's rights at every statement, and reaches nothing else."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import errors
from sqlalchemy import make_url, text

from gisapp import desktop
from gisapp.accounts import people
from gisapp.cli import gisapp
from gisapp.cluster import Cluster
from gisapp.cluster.database import access_files, configuration
from gisapp.config import Settings
from gisapp.errors import Problem
from gisapp.house import House
from gisapp.permissions import ALLOWED, SYSTEM
from tests.conftest import Role, at

HERE, THERE = (113.38, 31.69), (113.42, 31.69)
Link = psycopg.Connection[Any]
Enter = Callable[[str], Any]


@pytest.fixture(scope="module")
def superuser(cluster: Cluster, settings: Settings) -> Iterator[Link]:
    """May make logins, as the command does on a private cluster."""
    name = make_url(settings.owner_database_url).database or ""
    with psycopg.connect(at(cluster.superuser_url, name)) as link:
        yield link


@pytest.fixture(scope="module")
def logins(owner: House, superuser: Link, accounts: Any) -> Iterator[dict[str, tuple[str, str]]]:
    """Login and password of one account each: the roles, and `bound`, an inspector of squadron 01."""
    desktop.sync(owner)
    with owner.db.begin("tester") as connection:
        for code, (lon, lat) in {"01": HERE, "02": THERE}.items():
            connection.execute(text("""
                INSERT INTO layers.squadron_territories (code, name, geom) VALUES (:code, :code,
                    ST_Multi(ST_Expand(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), 0.01)))"""),
                {"code": code, "lon": lon, "lat": lat})
    people.make(owner, SYSTEM, "bound", "inspector", squadron_code="01")
    people.make(owner, SYSTEM, "fresh", "reviewer")
    with owner.db.begin("tester") as connection:
        connection.execute(text("UPDATE gisapp.accounts SET must_change_password = false WHERE username <> 'fresh'"))
    names = {role: words["username"] for role, words in accounts.items()} | {"bound": "bound", "fresh": "fresh"}
    made = {role: desktop.add(superuser, SYSTEM, name) for role, name in names.items()}
    yield made
    for name in names.values():
        desktop.remove(superuser, SYSTEM, name)


@pytest.fixture(scope="module")
def enter(settings: Settings, logins: dict[str, tuple[str, str]]) -> Enter:
    """Open a connection as a role's login."""
    @contextmanager
    def opened(role: str, **more: Any) -> Iterator[Link]:
        login, password = logins[role]
        address = make_url(settings.owner_database_url).set(username=login, password=password)
        with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True, **more) as link:
            yield link
    return opened


@pytest.fixture
def point(owner: House) -> Callable[..., str]:
    """Put a vendor point; its id."""
    def put(place: tuple[float, float] = HERE, status: str = "01") -> str:
        with owner.db.begin("tester") as connection:
            return str(connection.execute(text("""
                INSERT INTO layers.vendor_points (point_no, name, kind, manager, status, geom)
                VALUES (:no, '摊', (SELECT min(code) FROM codes.vendor_kind), '张三', :status,
                        ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)) RETURNING id"""),
                {"no": secrets.token_hex(6), "status": status, "lon": place[0], "lat": place[1]}).scalar_one())
    return put


def test_rights_are_those_of_the_application(owner: House, logins: Any) -> None:
    with owner.db.read() as connection:
        kept = connection.execute(text("SELECT role, act FROM gisapp.desktop_acts")).all()
        states = connection.execute(text("SELECT layer, state, next FROM gisapp.desktop_states")).all()
    assert {(role, act) for role, acts in ALLOWED.items() for act in acts} == {tuple(row) for row in kept}
    assert {(row.layer, row.state): tuple(row.next) for row in states} == {
        (layer.id, state.id): tuple(state.next) for layer in owner.catalogue.layers.values() for state in layer.states}
    assert not desktop.sync(owner), "nothing has changed since"


@pytest.mark.parametrize("role", ["viewer", "exporter", "inspector", "reviewer", "admin", "bound"])
def test_everybody_reads_the_city_and_personal_fields_by_right(enter: Enter, point: Any, role: str) -> None:
    here, there = point(), point(THERE)
    seen = "张三" if role not in ("viewer", "exporter") else None
    with enter(role) as link:
        rows = link.execute("SELECT id::text, manager FROM qgis.vendor_points WHERE id = ANY(%s)",
                            [[here, there]]).fetchall()
        assert sorted(rows) == sorted([(here, seen), (there, seen)])
        found = link.execute("SELECT count(*) FROM qgis.vendor_points WHERE manager = '张三'").fetchone()
        assert bool(found and found[0]) == (seen is not None)
        assert link.execute("SELECT title_zh FROM codes.vendor_kind").fetchone()


@pytest.mark.parametrize("statement", [
    "SELECT * FROM layers.vendor_points", "SELECT * FROM layers.vendor_points_history", "SELECT * FROM gisapp.accounts",
    "SELECT * FROM gisapp.desktop_logins", "SELECT * FROM gisapp.sessions",
    "UPDATE codes.vendor_kind SET title_zh = ''",
    "SELECT * FROM gisapp.desktop_account()", "INSERT INTO gisapp.desktop_acts VALUES ('viewer', 'delete')",
    "CREATE TABLE qgis.mine (a integer)", "CREATE TABLE public.mine (a integer)", "SET ROLE gisapp_owner",
    "SET SESSION AUTHORIZATION gisapp_app", "DROP VIEW qgis.vendor_points", "UPDATE layers.vendor_points SET name = ''",
    "INSERT INTO qgis.districts (code, name) VALUES ('1', '1')", "DELETE FROM qgis.squadron_territories",
    "COPY (SELECT 1) TO PROGRAM 'true'", "SELECT pg_read_file('/etc/passwd')"])
def test_nothing_else_is_within_reach(enter: Enter, statement: str) -> None:
    with enter("reviewer") as link, pytest.raises(errors.InsufficientPrivilege):
        link.execute(statement)


def _change(link: Link, feature_id: str, **values: Any) -> int:
    changes = ", ".join(f"{name} = %({name})s" for name in values)
    statement = f"UPDATE qgis.vendor_points SET {changes} WHERE id = %(id)s"
    return link.execute(statement, values | {"id": feature_id}).rowcount


def _history(owner: House, feature_id: str) -> list[Any]:
    with owner.db.read() as connection:
        return list(connection.execute(text(
            "SELECT operation, changed_by, db_user, name FROM layers.vendor_points_history"
            " WHERE id = :id ORDER BY history_id"), {"id": feature_id}).all())


def test_a_writer_writes_and_history_tells_who(
        enter: Enter, owner: House, point: Any, logins: Any, admin: Role) -> None:
    feature_id = point()
    with enter("bound") as link:
        link.execute("SELECT set_config('gisapp.user', 'somebody else', false)")
        assert _change(link, feature_id, name="改", manager="李四") == 1
    last = _history(owner, feature_id)[-1]
    assert (last.operation, last.changed_by, last.db_user, last.name) == ("update", "bound", logins["bound"][0], "改")
    found = admin.get(f"/collections/vendor_points/items/{feature_id}").json["properties"]
    assert (found["version"], found["updated_by"], found["manager"]) == (2, "bound", "李四")


def test_a_writer_makes_and_a_reviewer_deletes(enter: Enter, owner: House) -> None:
    made = ("INSERT INTO qgis.vendor_points (point_no, name, kind, geom) SELECT %s, '新', min(code),"
            " ST_SetSRID(ST_MakePoint(%s, %s), 4326) FROM codes.vendor_kind RETURNING id::text, status")
    with enter("bound") as link:
        row = link.execute(made, [secrets.token_hex(4), *HERE]).fetchone()
        assert row
        with pytest.raises(errors.InsufficientPrivilege, match="territory of squadron 01"):
            link.execute(made, [secrets.token_hex(4), *THERE])
        with pytest.raises(errors.InsufficientPrivilege, match="may not delete"):
            link.execute("DELETE FROM qgis.vendor_points WHERE id = %s", [row[0]])
    with enter("reviewer") as link:
        assert link.execute("DELETE FROM qgis.vendor_points WHERE id = %s", [row[0]]).rowcount == 1
    assert [one.operation for one in _history(owner, row[0])] == ["insert", "delete"]
    assert _history(owner, row[0])[0].changed_by == "bound"


@pytest.mark.parametrize("role", ["viewer", "exporter"])
def test_a_reader_writes_nothing(enter: Enter, point: Any, owner: House, role: str) -> None:
    feature_id = point()
    with enter(role) as link:
        for statement in ("UPDATE qgis.vendor_points SET name = 'x' WHERE id = %s",
                          "DELETE FROM qgis.vendor_points WHERE id = %s",
                          "INSERT INTO qgis.vendor_points (id, name) VALUES (%s, 'x')"):
            with pytest.raises(errors.InsufficientPrivilege, match="your role may not"):
                link.execute(statement, [feature_id])
    assert len(_history(owner, feature_id)) == 1


def test_a_squadron_writes_in_its_territory_only(enter: Enter, point: Any, owner: House) -> None:
    here, there = point(), point(THERE)
    with enter("bound") as link:
        with pytest.raises(errors.InsufficientPrivilege, match="territory of squadron 01"):
            _change(link, there, name="x")
        with pytest.raises(errors.InsufficientPrivilege, match="territory of squadron 01"):
            link.execute("UPDATE qgis.vendor_points SET geom = ST_Translate(geom, 0.04, 0) WHERE id = %s", [here])
        with pytest.raises(errors.InsufficientPrivilege, match="follow from the rest"):
            _change(link, here, squadron_code="02")
    assert len(_history(owner, here)) == len(_history(owner, there)) == 1
    with enter("inspector") as link:
        assert _change(link, there, name="x") == 1


def test_states_follow_one_another(enter: Enter, point: Any, owner: House) -> None:
    layer = owner.layer("vendor_points")
    first = layer.states[0]
    far = next(state.id for state in layer.states if state.id != first.id and state.id not in first.next)
    with enter("inspector") as link:
        feature_id = point(status=first.id)
        with pytest.raises(errors.InsufficientPrivilege, match=f"state {far} does not follow {first.id}"):
            _change(link, feature_id, status=far)
        assert _change(link, feature_id, status=first.next[0]) == 1
        with pytest.raises(errors.ForeignKeyViolation):
            link.execute("INSERT INTO qgis.vendor_points (point_no, name, kind, status, geom)"
                         " SELECT 'x', 'x', min(code), 'no', ST_SetSRID(ST_MakePoint(113.38, 31.69), 4326)"
                         " FROM codes.vendor_kind")
    with enter("reviewer") as link:
        assert _change(link, point(status=first.id), status=far) == 1


def test_a_change_in_between_is_told(enter: Enter, point: Any, admin: Role) -> None:
    feature_id = point()
    with enter("inspector") as link, link.transaction():
        link.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        link.execute("SELECT 1 FROM qgis.vendor_points").fetchone()
        patched = admin.patch(f"/collections/vendor_points/items/{feature_id}", json={"properties": {"name": "先"}},
                              headers={"If-Match": '"1"'})
        assert patched.status_code in (200, 204)
        with pytest.raises(errors.SerializationFailure):
            _change(link, feature_id, name="后")


def test_disabled_demoted_and_new_accounts_at_once(enter: Enter, point: Any, owner: House, accounts: Any) -> None:
    feature_id, name = point(), accounts["inspector"]["username"]
    with owner.db.read() as connection:
        account = people.find_by_name(connection, name)
    assert account
    with enter("inspector") as link:
        people.set_role(owner.db, SYSTEM, str(account.id), "viewer")
        with pytest.raises(errors.InsufficientPrivilege):
            _change(link, feature_id, name="x")
        people.disable(owner.db, SYSTEM, str(account.id))
        assert link.execute("SELECT count(*) FROM qgis.vendor_points").fetchone() == (0,)
        people.enable(owner.db, SYSTEM, str(account.id))
        people.set_role(owner.db, SYSTEM, str(account.id), "inspector")
        assert link.execute("SELECT count(*) > 0 FROM qgis.vendor_points").fetchone() == (True,)
    with enter("fresh") as link:
        assert link.execute("SELECT count(*) FROM qgis.vendor_points").fetchone() == (0,)


def test_a_box_uses_the_index(enter: Enter, owner: House) -> None:
    with owner.db.begin("tester") as connection:
        connection.execute(text("""
            INSERT INTO layers.vendor_points (point_no, name, kind, geom)
            SELECT 'I' || n, 'x', (SELECT min(code) FROM codes.vendor_kind),
                   ST_SetSRID(ST_MakePoint(113 + n / 10000.0, 31.5), 4326) FROM generate_series(1, 3000) AS n"""))
    with owner.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE layers.vendor_points"))
    with enter("viewer") as link:
        plan = "\n".join(row[0] for row in link.execute(
            "EXPLAIN SELECT * FROM qgis.vendor_points WHERE geom && ST_MakeEnvelope(113.1, 31.4, 113.101, 31.6, 4326)"))
    assert "gx_vendor_points_geom" in plan


def test_programs_find_geometry_and_system(enter: Enter, owner: House) -> None:
    with enter("viewer") as link:
        found = {(row[0], row[1]): row[2:] for row in link.execute(
            "SELECT f_table_name, f_geometry_column, type, srid FROM geometry_columns WHERE f_table_schema = 'qgis'")}
    assert found["illegal_builds", "geom"] == ("MULTIPOLYGON", 4326)
    assert found["illegal_builds", "mark_point"] == ("POINT", 4326)
    assert {name for name, _ in found} == set(owner.catalogue.layers)


@pytest.mark.skipif(shutil.which("ogr2ogr") is None, reason="GDAL's programs are not here")
def test_gdal_reads_by_the_login(settings: Settings, logins: Any, point: Any, tmp_path: Path) -> None:
    feature_id, address = point(), make_url(settings.owner_database_url)
    login, password = logins["bound"]
    words = (f"PG:dbname='{address.database}' host='{address.query['host']}' port='{address.query['port']}'"
             f" user='{login}' password='{password}' schemas=qgis")
    target = tmp_path / "read.geojson"
    subprocess.run(["ogr2ogr", str(target), words, "vendor_points", "-where", f"id = '{feature_id}'"], check=True)
    [feature] = json.loads(target.read_text("utf-8"))["features"]
    assert (feature["properties"]["name"], feature["properties"]["manager"]) == ("摊", "张三")
    assert feature["geometry"] == {"type": "Point", "coordinates": list(HERE)}
    told = subprocess.run(["ogrinfo", "-so", words, "truck_routes"], check=True, capture_output=True, text=True).stdout
    assert "Multi Line String" in told
    assert 'ID["EPSG",4326]' in told


_QGIS = """
import json, os, sys
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
from qgis.core import QgsApplication, QgsVectorLayer, QgsWkbTypes, QgsFeatureRequest
application = QgsApplication([], False)
application.initQgis()
layer = QgsVectorLayer(sys.argv[1], "x", "postgres")
[feature] = layer.getFeatures(QgsFeatureRequest().setFilterExpression(f"id = '{sys.argv[2]}'"))
found = {"valid": layer.isValid(), "crs": layer.crs().authid(), "type": QgsWkbTypes.displayString(layer.wkbType()),
         "key": [layer.fields()[at].name() for at in layer.primaryKeyAttributes()], "name": feature["name"],
         "comment": layer.fields().field("name").comment()}
layer.startEditing()
layer.changeAttributeValue(feature.id(), layer.fields().indexOf("name"), "由 QGIS 改")
found["saved"] = layer.commitChanges()
found["errors"] = layer.commitErrors()
print(json.dumps(found))
sys.stdout.flush()
os._exit(0)
"""


def test_qgis_opens_and_edits_a_layer(settings: Settings, logins: Any, point: Any, owner: House) -> None:
    if subprocess.run(["/usr/bin/python3", "-c", "import qgis.core"], capture_output=True, check=False).returncode:
        pytest.skip("QGIS is not here")
    feature_id, address = point(), make_url(settings.owner_database_url)
    login, password = logins["bound"]
    uri = (f"dbname='{address.database}' host={address.query['host']} port={address.query['port']} user='{login}'"
           f" password='{password}' key='id' table=\"qgis\".\"vendor_points\" (geom)")
    done = subprocess.run(["/usr/bin/python3", "-c", _QGIS, uri, feature_id], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["valid"], found["crs"], found["type"], found["key"]) == (True, "EPSG:4326", "Point", ["id"])
    assert found["comment"].endswith(" / Name")
    assert found["saved"], found["errors"]
    assert _history(owner, feature_id)[-1].name == "由 QGIS 改"


def test_logins_are_made_listed_and_removed(superuser: Link, owner: House, settings: Settings, logins: Any) -> None:
    people.make(owner, SYSTEM, "一个名字很长很长很长很长很长很长很长的人", "viewer")
    login, password = desktop.add(superuser, SYSTEM, "一个名字很长很长很长很长很长很长很长的人")
    assert len(login.encode()) <= 63
    assert login in [one.login for one in desktop.listed(superuser, SYSTEM)]
    again = desktop.add(superuser, SYSTEM, "一个名字很长很长很长很长很长很长很长的人")
    assert again[0] == login
    assert again[1] != password
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(make_url(settings.owner_database_url).set(username=login, password=password).render_as_string(
            hide_password=False))
    desktop.remove(superuser, SYSTEM, "一个名字很长很长很长很长很长很长很长的人")
    for name in ("一个名字很长很长很长很长很长很长很长的人", "nobody"):
        with pytest.raises(Problem, match="account_unknown"):
            desktop.remove(superuser, SYSTEM, name)
    superuser.rollback()


def test_the_command_tells_what_is_wrong(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GISAPP_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("GISAPP_OWNER_DATABASE_URL", settings.owner_database_url)
    done = CliRunner().invoke(gisapp, ["qgis", "add", "nobody"])
    assert done.exit_code != 0
    assert "no such account" in str(getattr(done.exception, "en", done.exception))


def test_the_private_cluster_listens_when_asked(cluster: Cluster) -> None:
    place = cluster.place
    assert "listen_addresses = ''" in configuration(place, durable=True)
    assert "host" not in access_files(place)["pg_hba.conf"]
    asked = configuration(place, True, "127.0.0.1") + access_files(place, "127.0.0.1")["pg_hba.conf"]
    assert "listen_addresses = '127.0.0.1'" in asked
    assert "host gisapp +gisapp_qgis all scram-sha-256\n" in asked


def test_views_come_back_after_a_migration(owner: House, logins: Any, enter: Enter) -> None:
    desktop.take_away(owner)
    assert desktop.sync(owner)
    with enter("viewer") as link:
        assert link.execute("SELECT count(*) FROM qgis.truck_routes").fetchone() == (0,)
