"""`gisapp attachments`: whether the photos on disk are those that the database knows."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from gisapp.cli.instance import instance_option
from gisapp.cli.progress import Progress

if TYPE_CHECKING:
    from gisapp.house import House


@click.group()
def attachments() -> None:
    """Look after the photos of features."""


@attachments.command()
@click.option("--repair", is_flag=True, help="Make shown pictures anew where the original is sound, sweep stray files.")
@instance_option
def check(repair: bool) -> None:
    """Compare every photo on disk with its SHA-256 in the database. Ends with 1 where a photo is missing or changed."""
    from gisapp.cli.layers import owner_house

    with owner_house() as house:
        sys.exit(1 if look(house, repair, Progress().language) else 0)


def look(house: House, repair: bool, language: str) -> int:
    """Tell every fault; how many remain."""
    from gisapp.photos import files as attachment_files

    remaining = 0
    for sha256, fault in attachment_files.faults(house):
        if repair and " " in fault and _redrawn(house, sha256):
            continue
        remaining += 1
        click.echo(f"!!  {sha256}  {_FAULTS[fault.rpartition(' ')[2]][language == 'en']}"
                   f"{f' ({fault.partition(chr(32))[0]})' if ' ' in fault else ''}")
    swept = attachment_files.sweep_files(house) if repair else 0
    click.echo({"zh": f"有问题的照片：{remaining}；清除的多余文件：{swept}",
                "en": f"photos at fault: {remaining}; stray files removed: {swept}"}[language])
    return remaining


_FAULTS = {"missing": ("文件缺失，请从备份恢复", "is missing: restore it from a backup"),
           "changed": ("内容已改变，请从备份恢复", "was changed: restore it from a backup"),
           "unreadable": ("文件不可读，请检查权限", "cannot be read: see its permissions")}


def _redrawn(house: House, sha256: str) -> bool:
    from gisapp.errors import Problem
    from gisapp.photos import files as attachment_files

    try:
        attachment_files.redraw(house, sha256)
    except Problem:
        return False
    return True
