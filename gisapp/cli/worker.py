"""`gisapp worker`, the process that does jobs, and how `gisapp start` keeps one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from gisapp.cli.progress import Progress
from gisapp.cli.service import Service, processes
from gisapp.config import Settings


class JobWorker(Service):
    """One worker; it does as many jobs at once as the settings say."""

    @property
    def pid_file(self) -> Path:
        """Nobody writes it; its folder is the worker's home."""
        return self.settings.instance / "web" / "worker.pid"

    def command(self) -> list[str]:
        """`gisapp worker` of this interpreter; the instance in it tells whose it is."""
        return [sys.executable, "-c", "from gisapp.cli import main; main()", "worker",
                "--instance", str(self.settings.instance)]


def worker_processes(settings: Settings) -> list[int]:
    """Numbers of the workers of this instance, whoever started them, but for this process."""
    mark = f"worker --instance {settings.instance}"
    return [pid for pid, words in processes()
            if "gisapp" in words and words.strip().endswith(mark) and pid != os.getpid()]


@click.command()
@click.option("--instance", type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
              help="Folder of what belongs to this installation.")
def worker(instance: Path | None) -> None:
    """Do imports and exports that wait, until Ctrl-C. `gisapp start` runs one beside the web server already.

    The database must be migrated; while it is away jobs wait. Several workers, on several machines too, share the
    jobs when they share the database and the instance folder.
    """
    from gisapp.cluster.connections import serving
    from gisapp.house import make_house
    from gisapp.jobs.worker import work

    settings = Settings.from_env(instance=instance)
    house = make_house(settings, serving(settings))
    Progress().say("任务进程已启动。", "the worker is ready for jobs.")
    try:
        work(house)
    finally:
        house.db.close()
