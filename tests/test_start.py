"""`gisapp start` as a stranger meets it: set up, served, killed in every way, started again, stopped."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gisapp.cli.web import pid_file, web_processes
from gisapp.cli.web_account import FOLDERS, web_account
from gisapp.cli.worker import worker_processes
from gisapp.cluster import Cluster
from gisapp.config import ROOT, Settings
from tests.waiting import PATIENCE, until

GISAPP = str(Path(sys.executable).with_name("gisapp"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Instance:
    """An instance in a temporary folder and the process that keeps it."""

    def __init__(self, folder: Path) -> None:
        self.settings = replace(Settings(), instance=folder, port=free_port(), demo=False)
        self.process: subprocess.Popen[str] | None = None
        self.output = folder.with_name("output")

    def command(self, *words: str) -> list[str]:
        return [GISAPP, *words, "--instance", str(self.settings.instance)]

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: text for name, text in os.environ.items() if not name.startswith("GISAPP_")}
        return kept | {"GISAPP_DEMO": "0", "GISAPP_WORKERS": "1", "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"} | more

    def start(self) -> str:
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                self.command("start", "--port", str(self.settings.port)),
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                # Tests that are run by nohup ignore it, and what they start would too.
                preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
            )
        until(lambda: "ready:" in self.said() or self.ended())
        return self.said()

    def said(self) -> str:
        return self.output.read_text("utf-8")

    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def end(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.settings.port}/healthz", timeout=60) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.settings.instance / "postgres")


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    folder = tmp_path_factory.mktemp("start")
    if os.geteuid() == 0:  # pytest's folders are closed to other accounts
        folder = Path(tempfile.mkdtemp(prefix="gisapp-start-"))
        folder.chmod(0o755)
    made = Instance(folder / "instance")
    yield made
    if made.process is not None and not made.ended():
        made.end(signal.SIGINT)
    made.cluster.remove()
    shutil.rmtree(folder)


def test_the_first_start_serves_and_shows_the_passwords_once(instance: Instance) -> None:
    said = instance.start()
    assert f"ready: http://127.0.0.1:{instance.settings.port}/" in said
    assert instance.healthy()
    accounts = json.loads(instance.settings.accounts_file.read_text("utf-8"))
    assert accounts["admin"]["password"] in said
    assert instance.settings.accounts_file.stat().st_mode & 0o777 == 0o600


def test_a_second_start_on_the_same_instance_is_refused_in_one_line(instance: Instance) -> None:
    done = subprocess.run(
        instance.command("start", "--port", str(free_port())),
        env=instance.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"process {instance.process.pid if instance.process else 0}" in done.stderr
    assert instance.healthy()


def test_a_taken_port_is_refused_before_anything_is_made(instance: Instance, tmp_path: Path) -> None:
    other = tmp_path / "other"
    done = subprocess.run(
        [GISAPP, "start", "--instance", str(other), "--port", str(instance.settings.port)],
        env=instance.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot listen on 127.0.0.1:")
    assert not (other / "postgres").exists()


def test_a_check_of_the_running_instance_finds_nothing_wrong(instance: Instance) -> None:
    instance.settings.accounts_file.rename(instance.settings.accounts_file.with_name("noted"))
    done = subprocess.run(
        instance.command("check"), env=instance.environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, "!!" in done.stdout) == (0, False), done.stdout + done.stderr


def skip_where_only_root_reads(instance: Instance) -> None:
    """A checkout or a Python under root's own folder cannot be served by another account."""
    if "cannot read" in instance.said():
        pytest.skip("this checkout or its Python is for root only")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_root_starts_serves_under_the_account_of_the_database(instance: Instance) -> None:
    skip_where_only_root_reads(instance)
    account = instance.cluster.place.account
    served_by = {Path(f"/proc/{pid}").stat().st_uid for pid in web_processes(instance.settings)}
    assert served_by == {account.uid} != {0}
    owners = {path.name: path.stat().st_uid for path in instance.settings.instance.iterdir()}
    assert owners["exports"] == owners["secret_key"] == account.uid
    assert owners["noted"] == owners["lock"] == 0
    assert "as root" not in instance.said()


def test_every_folder_that_the_web_server_writes_is_given_to_its_account() -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "gisapp").rglob("*.py")
               if path.parent.name not in {"cli", "cluster"}]
    written = {name for text in sources for name in re.findall(r'\binstance / "([a-z_.]+)"', text)}
    assert written - {"accounts.json", "secret_key"} - set(FOLDERS) == set()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_serves_itself_where_no_other_account_can_work(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_where_only_root_reads(instance)
    said: list[str] = []
    (tmp_path / "lowest").write_text("1024\n", "ascii")
    monkeypatch.setattr("gisapp.cli.web_account._FIRST_FREE_PORT", tmp_path / "lowest")
    closed = replace(instance.settings, instance=tmp_path)
    assert web_account(closed, instance.cluster, lambda zh, en: said.append(en)) is None
    assert web_account(replace(closed, port=80), instance.cluster, lambda zh, en: said.append(en)) is None
    assert "cannot use" in said[0]
    assert "below 1024" in said[1]


def test_a_killed_worker_is_replaced(instance: Instance) -> None:
    main = int(pid_file(instance.settings).read_text("ascii"))
    worker = next(pid for pid in web_processes(instance.settings) if pid != main)
    os.kill(worker, signal.SIGKILL)
    until(lambda: any(pid not in {main, worker} for pid in web_processes(instance.settings)))
    until(instance.healthy)


def test_a_killed_worker_of_jobs_is_replaced_and_runs_under_the_same_account(instance: Instance) -> None:
    [worker] = until(lambda: worker_processes(instance.settings))
    main = int(pid_file(instance.settings).read_text("ascii"))
    assert Path(f"/proc/{worker}").stat().st_uid == Path(f"/proc/{main}").stat().st_uid
    os.kill(worker, signal.SIGKILL)
    until(lambda: "the worker stopped" in instance.said() and worker not in worker_processes(instance.settings)
          and worker_processes(instance.settings))


def test_a_killed_web_server_and_a_killed_database_are_started_again(instance: Instance) -> None:
    main = int(pid_file(instance.settings).read_text("ascii"))
    before = instance.cluster.pid
    assert before is not None
    os.kill(main, signal.SIGKILL)
    os.kill(before, signal.SIGKILL)
    until(lambda: "the web server stopped" in instance.said() and "the database stopped" in instance.said())
    until(lambda: instance.cluster.pid not in {None, before} and instance.healthy())


def test_a_killed_keeper_is_recovered_from_at_the_next_start(instance: Instance) -> None:
    instance.end(signal.SIGKILL)
    if os.geteuid() == 0:  # as the first version left it: all of it root's
        kept = instance.settings.instance / "exports" / "kept"
        kept.parent.mkdir(exist_ok=True)
        kept.write_text("", "utf-8")
        for path in (kept, kept.parent, instance.settings.instance / "secret_key"):
            os.chown(path, 0, 0)
    assert "ready:" in instance.start()
    assert instance.healthy()
    assert "first accounts" not in instance.said()
    assert "running" not in instance.said()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_stops_all_that_was_started(instance: Instance, number: signal.Signals) -> None:
    if instance.ended():
        instance.start()
    assert instance.end(number) == 0
    assert "stopped." in instance.said()
    assert web_processes(instance.settings) == worker_processes(instance.settings) == []
    assert instance.cluster.pid is None
    assert not instance.healthy()


def test_a_wrong_setting_ends_the_start_with_one_line(instance: Instance) -> None:
    done = subprocess.run(
        instance.command("start"),
        env=instance.environment(GISAPP_PROXIES="many"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("error: GISAPP_PROXIES: “many” is not valid")


def test_a_wrong_layer_file_ends_the_start_with_one_line(instance: Instance, tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text('id = "wrong"\ncolor = 1\n', "utf-8")
    done = subprocess.run(
        instance.command("start", "--port", str(free_port())),
        capture_output=True,
        text=True,
        check=False,
        env=instance.environment(GISAPP_LAYERS=str(tmp_path)),
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "wrong.toml" in done.stderr
    assert instance.cluster.pid is None


def test_the_start_script_takes_the_options_it_names() -> None:
    done = subprocess.run([str(ROOT / "run"), "--help"], capture_output=True, text=True, check=True)
    for option in ("--port", "--host", "--instance"):
        assert option in done.stdout
