"""The files of shapefiles, gathered by their names: whatever the case of their endings, and where they lie apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from gisapp.formats.archive import Loose, extension, shown, stem, unreadable

SIDECARS = ("shp", "shx", "dbf", "prj", "cpg")
_HEADER = 32
Files = dict[str, Loose]


def gathered(loose: Iterable[Loose]) -> tuple[list[Files], list[Loose]]:
    """The files of each shapefile by their endings, and all others. Problem `file_unreadable` for one that is not
    whole, with what to do."""
    groups: dict[str, Files] = {}
    rest: list[Loose] = []
    for file in loose:
        if extension(file.name) in SIDECARS:
            groups.setdefault(stem(file.name).lower(), {}).setdefault(extension(file.name), file)
        else:
            rest.append(file)
    found = {name: files for name, files in groups.items() if "shp" in files}
    lone = {name: files for name, files in groups.items() if "shp" not in files}
    rest += _brought_home(found, lone)
    for files in found.values():
        _require_whole(files, rest)
    return list(found.values()), rest


def _brought_home(found: dict[str, Files], lone: dict[str, Files]) -> list[Loose]:
    """Give each shapefile what lies in other folders under its name, where nothing makes that doubtful; the others."""
    homes, guests = defaultdict[str, list[Files]](list), defaultdict[tuple[str, str], list[Loose]](list)
    for name, files in found.items():
        homes[name.rpartition("/")[2]].append(files)
    for name, files in lone.items():
        for ending, file in files.items():
            guests[name.rpartition("/")[2], ending].append(file)
    left: list[Loose] = []
    for (name, ending), given in guests.items():
        if len(given) == len(homes[name]) == 1 and ending not in homes[name][0]:
            homes[name][0][ending] = given[0]
        else:
            left += given
    return left


def _require_whole(files: Files, rest: list[Loose]) -> None:
    shp = files["shp"]
    if shp.start(4) != b"\x00\x00\x27\x0a":
        raise unreadable(shp.name, "不是 Shapefile，或已损坏；请重新导出", "no shapefile, or damaged; export it again")
    if "dbf" not in files:
        other = next((shown(file.name) for file in rest if extension(file.name) == "dbf"), None)
        if other:
            raise unreadable(shp.name, f"缺少同名的 .dbf；{other} 若是它的属性表，请改成同名",
                             f"a .dbf of that name is missing; if {other} is its table, give it the same name")
        raise unreadable(shp.name, "缺少 .dbf，请与 .shx、.prj 一并提交", ".dbf is missing; send it with .shx and .prj")
    if len(files["dbf"].start(_HEADER)) < _HEADER:
        raise unreadable(files["dbf"].name, "属性表为空或不完整，请重新导出",
                         "the table is empty or cut short; export it again")


def without_shapes(loose: Iterable[Loose]) -> tuple[str, str] | None:
    """What to say, in Chinese and English, of files that belong to a shapefile whose .shp nobody sent; None where
    there are none."""
    there = [file for file in loose if extension(file.name) in SIDECARS]
    if not there:
        return None
    endings = sorted({f".{extension(file.name)}" for file in there})
    name = shown(stem(there[0].name))
    return (f"{name} 只有 {'、'.join(endings)}，缺少 .shp：图形在 .shp 中，请一并提交；若只有表格，请另存为 CSV",
            f"of {name} there is only {', '.join(endings)} and no .shp, which holds the shapes: send it too; if it is "
            "but a table, save it as CSV")
