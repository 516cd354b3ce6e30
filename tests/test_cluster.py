"""The private cluster on real servers: made, killed, half-made, moved, and closed to others."""

import os
import pwd
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from gisapp.cli.progress import Progress
from gisapp.cli.start import migrate
from gisapp.cluster import Cluster, ClusterError, NoRoom, process
from gisapp.cluster.connections import DatabaseFault, connections, examine, external, running
from gisapp.config import Settings
from gisapp.faults import Fault
from gisapp.house import make_house

IS_ROOT = os.geteuid() == 0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "postgres")
    yield made
    made.remove()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("shared") / "postgres", durable=False)
    yield made.start()
    made.remove()


def ask(url: str, query: Any, *values: Any) -> Any:
    with psycopg.connect(url, autocommit=True) as link:
        row = link.execute(query, values).fetchone()
    return row[0] if row else None


def do(url: str, statement: Any) -> None:
    with psycopg.connect(url, autocommit=True) as link:
        link.execute(statement)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_it_has_postgis_and_two_roles(shared: Cluster) -> None:
    assert ask(shared.app_url, "SELECT ST_AsText(ST_Point(113.38, 31.69))") == "POINT(113.38 31.69)"
    do(shared.owner_url, "CREATE TABLE public.owned (id int)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        do(shared.app_url, "CREATE TABLE public.mine (id int)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(shared.app_url, "SELECT count(*) FROM public.owned")


def test_it_opens_no_port_and_keeps_what_it_acknowledged(cluster: Cluster) -> None:
    cluster.start()
    shown = {
        name: ask(cluster.app_url, "SELECT current_setting(%s)", name)
        for name in ("listen_addresses", "fsync", "synchronous_commit", "jit", "data_checksums")
    }
    assert shown == {
        "listen_addresses": "",
        "fsync": "on",
        "synchronous_commit": "on",
        "jit": "off",
        "data_checksums": "on",
    }


def test_a_refused_row_does_not_stand_in_the_log(shared: Cluster) -> None:
    do(shared.owner_url, "CREATE TABLE public.parties (name text, floors int CONSTRAINT few_floors CHECK (floors < 9))")
    with pytest.raises(psycopg.errors.CheckViolation):
        do(shared.owner_url, "INSERT INTO public.parties VALUES ('A party''s name', 99)")
    assert "few_floors" in (told := logged(shared, "few_floors")) and "A party's name" not in told


def logged(cluster: Cluster, words: str) -> str:
    """All that the server has logged, once it has written `words`, which it does in a process of its own."""
    told, last = "", monotonic() + 30
    while words not in told and monotonic() < last:
        told = "".join(file.read_text("utf-8") for file in cluster.place.log.glob("postgres-*.log"))
        sleep(0.05)
    return told


def test_a_second_start_changes_nothing(shared: Cluster) -> None:
    before = shared.pid
    assert Cluster(shared.folder, durable=False).start().pid == before


def test_a_killed_server_is_recovered_with_all_it_acknowledged(cluster: Cluster) -> None:
    cluster.start()
    do(cluster.owner_url, "CREATE TABLE public.kept (id int)")
    with psycopg.connect(cluster.owner_url, autocommit=True) as left_behind:
        left_behind.execute("INSERT INTO public.kept VALUES (7)")
        assert cluster.pid is not None
        os.kill(cluster.pid, signal.SIGKILL)
        cluster.start()
    assert ask(cluster.owner_url, "SELECT id FROM public.kept") == 7


def test_a_server_that_is_killed_while_it_recovers_is_started_again(
        cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    os.kill(cast(int, cluster.start().pid), signal.SIGKILL)
    start = cluster._pg_ctl
    killed: list[int | None] = []

    def killed_at_first(*words: Any) -> Any:
        done = start(*words)
        if done.returncode == 0 and not killed:
            killed.append(cluster.pid)
            os.kill(cast(int, cluster.pid), signal.SIGKILL)
            (cluster.place.log / "start.log").write_text("FATAL:  the database system is starting up\n", "utf-8")
            return subprocess.CompletedProcess(words, 1, "", "pg_ctl: could not start server")
        return done

    monkeypatch.setattr(cluster, "_pg_ctl", killed_at_first)
    assert ask(cluster.start().app_url, "SELECT 1") == 1
    assert killed and cluster.pid not in killed


def test_a_recovery_that_fails_over_a_stage_is_tried_again_after_waiting_for_the_server_before(
        cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.start().stop()
    start, said = cluster._pg_ctl, ["still in use", "still in use", "still in use",
                                    'could not create file "base/1/2": File exists']

    def late(*words: Any) -> Any:
        if "start" in words and said:
            (cluster.place.log / "start.log").write_text(f"FATAL:  {said.pop(0)}\n", "utf-8")
            return subprocess.CompletedProcess(words, 1, "", "pg_ctl: could not start server")
        return start(*words)

    monkeypatch.setattr(cluster, "_pg_ctl", late)
    assert ask(cluster.start().app_url, "SELECT 1") == 1 and not said


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="orphans are found in /proc")
def test_a_server_killed_over_a_long_statement_is_started_again(cluster: Cluster,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    """Its backend does not notice, and would hold the data for as long as the statement takes."""
    monkeypatch.setattr("gisapp.cluster.LET_GO_SECONDS", 20)
    cluster.start()
    link = psycopg.connect(cluster.app_url, autocommit=True)
    link.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 1e12)")
    backend, server = link.info.backend_pid, cast(int, cluster.pid)
    os.kill(server, signal.SIGKILL)
    while is_alive(server):
        sleep(0.05)
    sleep(0.2)
    assert is_alive(backend)
    assert ask(cluster.start().app_url, "SELECT 1") == 1
    assert not is_alive(backend)
    link.close()


def test_a_pid_file_that_names_another_living_process_is_stale(cluster: Cluster) -> None:
    cluster.start().stop()
    pid_file = cluster.place.data / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{cluster.place.data}\n1\n5432\n", "utf-8")
    assert cluster.pid is None
    assert cluster.start().pid not in {None, os.getpid()}


def test_a_first_start_that_stopped_half_way_is_begun_anew(cluster: Cluster) -> None:
    for name in ("data.new", "data"):
        (cluster.place.home / name).mkdir()
        (cluster.place.home / name / "junk").write_text("x", "utf-8")
    cluster.start()
    assert ask(cluster.app_url, "SELECT 1") == 1
    assert list(cluster.place.home.glob("data.new*")) == []


def test_a_first_start_that_stopped_before_postgis_is_finished(cluster: Cluster) -> None:
    cluster.start()
    do(cluster.superuser_url, "DROP EXTENSION postgis")
    cluster.start()
    assert ask(cluster.app_url, "SELECT postgis_lib_version()")


def test_a_long_path_with_spaces_and_chinese_works(tmp_path: Path) -> None:
    folder = tmp_path / ("城管 'одно " + "x" * 60) / "postgres"
    with Cluster(folder, durable=False) as cluster:
        assert ask(cluster.app_url, "SELECT 1") == 1
        assert len(os.fsencode(cluster.place.socket)) <= 80
        assert cluster.place.socket.stat().st_mode & 0o777 == 0o700
        home = cluster.place.home
    cluster.remove()
    assert not home.exists()


def test_stop_leaves_no_process_and_remove_no_file(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "postgres", durable=False).start()
    pid, home = cluster.pid, cluster.place.home
    assert pid is not None
    cluster.remove()
    assert not is_alive(pid)
    assert not home.exists()
    assert not (tmp_path / "postgres").exists()
    Cluster(tmp_path / "postgres").stop()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
def test_no_other_account_gets_in(shared: Cluster) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    found = subprocess.run(
        ["ls", str(shared.place.socket)], user=nobody, extra_groups=[], capture_output=True, check=False
    )
    assert found.returncode != 0
    assert Path(f"/proc/{shared.pid}").stat().st_uid != 0


@pytest.mark.skipif(not IS_ROOT, reason="only root needs another account for the server")
def test_a_folder_the_server_cannot_enter_sends_the_data_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o700)
    with Cluster(tmp_path / "closed" / "postgres", durable=False) as cluster:
        assert not cluster.place.home.is_relative_to(tmp_path)
        again = Cluster(tmp_path / "closed" / "postgres", durable=False)
        assert again.place == cluster.place
    cluster.remove()


def test_data_of_a_version_that_is_not_installed_is_one_clear_line(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "postgres")
    (cluster.place.data).mkdir()
    (cluster.place.data / "PG_VERSION").write_text("9\n", "ascii")
    with pytest.raises(Fault, match=r"made by PostgreSQL 9, .* install postgresql-9 "):
        cluster.start()
    cluster.place.data.joinpath("PG_VERSION").unlink()
    cluster.remove()


def test_a_server_that_cannot_start_says_why_in_one_line(cluster: Cluster) -> None:
    cluster.start().stop()
    main = cluster.place.data / "postgresql.auto.conf"
    main.write_text("shared_buffers = 'nonsense'\n", "utf-8")
    with pytest.raises(ClusterError, match=r"does not start: .*auto.conf.*contains errors") as caught:
        cluster.start()
    assert "\n" not in str(caught.value)
    main.write_text("", "utf-8")


def test_a_server_without_room_is_told_from_one_that_is_broken(
        cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the room that is left too: where there is none its last words are lost. It is not tried three times."""
    cluster.start().stop()
    main = cluster.place.data / "gisapp.conf"
    launches, launch = [], Cluster._pg_ctl

    def full(self: Cluster, programs: Any, *words: str) -> Any:
        launches.append(words[0])
        main.write_text("shared_buffers = nonsense\n", "utf-8")  # after it was written anew
        return launch(self, programs, *words)

    monkeypatch.setattr(Cluster, "_pg_ctl", full)
    monkeypatch.setattr("gisapp.cluster.process.shutil.disk_usage", lambda _: SimpleNamespace(free=2**20))
    with pytest.raises(NoRoom, match="the private cluster does not start"):
        cluster.start()
    assert launches == ["start"]
    assert process.is_full(cluster.folder, "") is True
    monkeypatch.setattr("gisapp.cluster.process.shutil.disk_usage", lambda _: SimpleNamespace(free=2**30))
    assert process.is_full(cluster.folder, "FATAL:  shared_buffers") is False
    assert process.is_full(cluster.folder, 'could not write to file "pg_wal/x": No space left on device') is True


def settings_of(url: str, owner: str = "", **more: Any) -> Settings:
    return Settings.from_env({"GISAPP_DATABASE_URL": url, "GISAPP_OWNER_DATABASE_URL": owner}, **more)


def test_a_named_database_is_used_as_the_application_role(shared: Cluster) -> None:
    urls = external(settings_of(shared.superuser_url))
    assert ask(urls.owner, "SELECT current_user") == "postgres"
    assert ask(urls.app, "SELECT current_user") == "gisapp_app"
    both = external(settings_of(shared.app_url, shared.owner_url))
    assert ask(both.owner, "SELECT current_user") == "gisapp_owner"
    assert ask(both.app, "SELECT current_user") == "gisapp_app"


def test_a_database_without_postgis_is_one_clear_line(shared: Cluster) -> None:
    do(shared.url("postgres", "postgres"), "CREATE DATABASE bare OWNER gisapp_owner")
    with pytest.raises(DatabaseFault, match="has no PostGIS") as caught:
        external(settings_of(shared.url("gisapp_owner", "bare")))
    assert "CREATE EXTENSION postgis;" in caught.value.text("zh")
    external(settings_of(shared.url("postgres", "bare")))
    assert ask(shared.url("gisapp_owner", "bare"), "SELECT postgis_lib_version()")


@pytest.mark.parametrize(("makes", "says", "advises"), [
    ("ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C' OWNER gisapp_owner",
     "is encoded in LATIN1; it must be UTF8", "ENCODING 'UTF8'"),
    ("OWNER gisapp_owner; ALTER DATABASE other SET default_transaction_read_only = on", "is read-only", "主服务器"),
], ids=["encoding", "read-only"])
def test_a_database_that_cannot_be_used_is_one_clear_line(shared: Cluster, makes: str, says: str,
                                                          advises: str) -> None:
    with pytest.raises(DatabaseFault, match=says) as caught:
        external(settings_of(made_anew(shared, makes)))
    assert advises in caught.value.text("zh")


def test_a_user_who_may_make_no_tables_is_one_clear_line(shared: Cluster) -> None:
    url = made_anew(shared, "OWNER postgres")
    do(shared.url("postgres", "other"), "CREATE EXTENSION postgis")
    urls = external(settings_of(url))
    house = make_house(settings_of(url), urls.owner)
    try:
        with pytest.raises(DatabaseFault, match=r"gisapp_owner may not make tables in the database other: .*OWNER TO"):
            migrate(house, Progress())
    finally:
        house.db.close()


def made_anew(cluster: Cluster, makes: str) -> str:
    """The owner's URL of a database named other, made by these words."""
    do(cluster.url("postgres", "postgres"), "DROP DATABASE IF EXISTS other")
    for statement in f"CREATE DATABASE other {makes}".split("; "):
        do(cluster.url("postgres", "postgres"), statement)
    return cluster.url("gisapp_owner", "other")


def test_a_wrong_password_is_one_clear_line_without_it(cluster: Cluster) -> None:
    cluster.start()
    do(cluster.superuser_url, "CREATE ROLE guest LOGIN PASSWORD 'right'")
    rules = cluster.place.data / "pg_hba.conf"
    rules.write_text("local all guest scram-sha-256\n" + rules.read_text("utf-8"), "utf-8")
    do(cluster.superuser_url, "SELECT pg_reload_conf()")
    wrong = cluster.url("guest").replace("guest@", "guest:wr0ng@")
    with pytest.raises(DatabaseFault, match=r"GISAPP_DATABASE_URL: .*password authentication failed") as caught:
        external(settings_of(wrong))
    assert "wr0ng" not in str(caught.value)


def test_a_password_that_is_not_encoded_is_not_shown() -> None:
    with pytest.raises(DatabaseFault, match="write % in a user or password as %25") as caught:
        external(settings_of("postgresql://guest:wr0ng%zz@127.0.0.1:1/map"))
    assert "wr0ng" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://u:hush@127.0.0.1:9/d", "postgresql://u:hush@127.0.0.1:nine/d"])
def test_an_unreachable_server_is_one_clear_line(url: str) -> None:
    with pytest.raises(DatabaseFault, match="GISAPP_DATABASE_URL: no connection: ") as caught:
        external(settings_of(url))
    assert "\n" not in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_missing_database_is_one_clear_line(shared: Cluster) -> None:
    with pytest.raises(DatabaseFault, match='"nowhere" does not exist'):
        external(settings_of(shared.url("gisapp_owner", "nowhere")))


def test_a_server_that_is_too_old_is_one_clear_line() -> None:
    # No such server can be installed beside the real one here: only its version number is told.
    info = SimpleNamespace(server_version=140011, parameter_status=lambda name: "14.11")
    with pytest.raises(DatabaseFault, match=r"PostgreSQL 14\.11; 15 or newer is needed"):
        examine(cast(Any, SimpleNamespace(info=info)))


def test_a_command_starts_a_stopped_cluster_and_stops_it_again(tmp_path: Path) -> None:
    settings = Settings.from_env({}, instance=tmp_path)
    with pytest.raises(ClusterError, match=r"start it with \./run"):
        running(settings)
    with connections(settings) as urls:
        assert ask(urls.app, "SELECT current_user") == "gisapp_app"
        assert running(settings) == urls
        with connections(settings):
            pass
        assert ask(urls.owner, "SELECT current_user") == "gisapp_owner"
    with pytest.raises(ClusterError):
        running(settings)
    Cluster(tmp_path / "postgres").remove()
