"""`gisapp check`: what is wrong with an installation, one line each, in the order in which to mend it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import psycopg

from gisapp.catalogue import load_catalogue
from gisapp.cli.progress import Progress
from gisapp.cli.web import web_processes
from gisapp.cli.worker import worker_processes
from gisapp.cluster import inspection
from gisapp.cluster.connections import Urls, connections
from gisapp.config import ROOT, Settings
from gisapp.faults import Fault
from gisapp.house import House, make_house
from gisapp.layer_files import LayerFileError
from gisapp.rules import RULES
from gisapp.words import Words

ROOM_MB = 1024
Faults = Iterator[Words]


def examine(settings: Settings) -> bool:
    """Print every finding; True when nothing is wrong."""
    report = Report()
    report.show(Words("实例目录", "instance folder"), instance_faults(settings))
    report.show(Words("浏览器库", "browser libraries"), vendor_faults(ROOT))
    if report.show(Words("图层文件", "layer files"), layer_faults(settings)):
        examine_database(settings, report)
    return report.sound


def examine_database(settings: Settings, report: Report) -> None:
    """The findings that need the database."""
    try:
        with connections(settings) as urls:
            house = make_house(settings, urls.owner)
            try:
                for title, faults in database_parts(house, urls):
                    if not report.show(title, faults()):
                        return
            finally:
                house.db.close()
    except Fault as fault:
        report.show(Words("数据库", "database"), iter([fault.words]))


def database_parts(house: House, urls: Urls) -> Iterator[tuple[Words, Callable[[], Faults]]]:
    """Each part is asked only when the one before it was sound."""
    with psycopg.connect(urls.app) as link:
        yield Words(f"数据库（{inspection.server_words(link)}）", f"database ({inspection.server_words(link)})"), _none
        yield Words("数据库迁移", "migrations"), lambda: migration_faults(house)
        yield Words("表与图层文件一致", "tables agree with the layer files"), lambda: table_faults(house)
        yield Words("代码表", "code lists"), lambda: codelist_faults(house)
        yield Words("账户", "accounts"), lambda: account_faults(house.settings, link)
        yield Words("数据库角色", "database role"), lambda: inspection.role_faults(link)
        yield Words("照片", "photos"), lambda: photo_faults(house)
        yield Words("后台任务", "jobs"), lambda: inspection.job_faults(
            link, bool(web_processes(house.settings)) and not worker_processes(house.settings))


class Report:
    """Prints the findings; `sound` until one was wrong."""

    def __init__(self) -> None:
        self.sound = True
        self.language = Progress().language

    def show(self, title: Words, faults: Faults) -> bool:
        """Print one part; True when it is sound."""
        found = [fault.get(self.language) for fault in faults]
        click.echo(f"{'!!' if found else 'ok'}  {title.get(self.language)}")
        for line in found:
            click.echo(f"    {line}")
        self.sound = self.sound and not found
        return not found


def instance_faults(settings: Settings) -> Faults:
    """The instance's folder: there, writable, with room; its secrets kept from others."""
    folder = settings.instance
    if not folder.is_dir():
        yield Words(f"{folder} 不存在；./run 会创建", f"{folder} does not exist; ./run makes it")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Words(f"{folder} 不可写", f"{folder} is not writable")
    free = shutil.disk_usage(folder).free // 2**20
    if free < ROOM_MB:
        yield Words(f"磁盘只剩 {free} MB，至少需要 {ROOM_MB} MB", f"{free} MB of disk left; {ROOM_MB} MB are needed")
    for path in (settings.accounts_file, folder / "secret_key"):
        if path.exists() and path.stat().st_mode & 0o077:
            yield Words(f"{path} 可被他人读取：chmod 600", f"{path} can be read by others: chmod 600")


def vendor_faults(root: Path) -> Faults:
    """static/vendor is there and of the versions that package.json names."""
    try:
        built = json.loads((root / "static" / "vendor" / "versions.json").read_text("utf-8"))
    except (OSError, ValueError):
        yield Words("static/vendor 尚未生成：运行 ./run", "static/vendor is not built: run ./run")
        return
    if built != json.loads((root / "package.json").read_text("utf-8"))["dependencies"]:
        yield Words("static/vendor 版本过旧：运行 ./run", "static/vendor is of other versions: run ./run")


def layer_faults(settings: Settings) -> Faults:
    """The first wrong layer file."""
    try:
        load_catalogue(settings.layers, RULES)
    except LayerFileError as error:
        yield Words(str(error), str(error))


def migration_faults(house: House) -> Faults:
    """Migrations that have not run."""
    from gisapp.migrate import pending

    missing = pending(house.db.engine)
    if missing:
        listed = ", ".join(missing)
        yield Words(f"尚未执行：{listed}（gisapp migrate）", f"not run yet: {listed} (gisapp migrate)")


def table_faults(house: House) -> Faults:
    """Differences between the tables and the layer files."""
    from gisapp.migrate import compare

    with house.db.read() as connection:
        for line in compare(connection, house.catalogue, house.tables):
            yield Words(f"{line}（gisapp layers draft）", f"{line} (gisapp layers draft)")


def codelist_faults(house: House) -> Faults:
    """Codes that differ from the files."""
    from gisapp.codelists import unsynced_codes

    count = unsynced_codes(house)
    if count:
        yield Words(f"{count} 个代码未同步（gisapp layers sync）", f"{count} codes are not synced (gisapp layers sync)")


def account_faults(settings: Settings, link: inspection.Link) -> Faults:
    """Nobody can administer, or demo accounts in a real installation."""
    if not inspection.active_admins(link):
        yield Words("没有可用的管理员账户（gisapp accounts）", "no administrator can sign in (gisapp accounts)")
    if not settings.demo and settings.accounts_file.exists():
        yield Words(
            f"首批密码仍在 {settings.accounts_file}：抄下后请删除",
            f"the first passwords still lie in {settings.accounts_file}: note them down and delete it",
        )


def photo_faults(house: House) -> Faults:
    """Photos whose files are not there."""
    from gisapp.photos.files import faults

    lost = sum(1 for _ in faults(house, quick=True))
    if lost:
        yield Words(f"{lost} 个照片文件缺失（gisapp attachments check，从备份恢复 attachments 目录）",
                    f"{lost} files of photos are missing (gisapp attachments check; restore the folder attachments)")


def _none() -> Faults:
    return iter(())
