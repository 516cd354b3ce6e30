"""README.txt of a hand-over: what a receiver must know, in Chinese and then in English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gisapp.formats import FORMATS
from gisapp.formats.job import Job, Table
from gisapp.formats.losses import LOSSES
from gisapp.layers import Field
from gisapp.words import Words


@dataclass(frozen=True)
class Chapter:
    """One layer of a hand-over: how it was asked for, its tables, its rows and how many of them are synthetic."""

    job: Job
    tables: Sequence[Table]
    rows: int
    synthetic: int


_DATUM = Words("注意：坐标为 {datum}（偏移坐标），按公开公式由 WGS 84 换算，只用于与该坐标的底图叠加，"
               "不得当作 CGCS2000 使用。",
               "NOTE: coordinates are {datum} (shifted), made from WGS 84 by the published formula; for use on maps "
               "of that datum only, never as CGCS2000.")
_HELP = Words("字段说明见 fields.csv，代码表见 codes.csv，未能原样写入的内容见 report.csv。",
              "fields.csv explains the columns, codes.csv the codes; report.csv lists what could not be held so.")
_COLUMNS = Words("代码字段旁以“_M”或“_title”结尾的字段是代码的名称；多个代码用分号分隔。",
                 "A column ending in _M or _title holds the title of the code beside it; semicolons part several "
                 "codes.")
_SIZES = Words("图形面积、图形长度按椭球面计算，单位为 m²、m。",
               "Geometry areas and lengths are measured on the ellipsoid, in m² and m.")


def readme(chapters: Sequence[Chapter], kind: str, losses: Mapping[str, int], withheld: Sequence[Field],
           sums: Sequence[tuple[str, str]]) -> str:
    """The whole text; `sums` are the file names with their SHA-256."""
    halves = ("\n".join(_lines(language, chapters, kind, losses, withheld)) for language in ("zh", "en"))
    digests = "".join(f"{digest}  {name}\n" for name, digest in sums)
    return f"\n\n{'-' * 60}\n\n".join(halves) + f"\n\nSHA-256\n{digests}"


def _lines(language: str, chapters: Sequence[Chapter], kind: str, losses: Mapping[str, int],
           withheld: Sequence[Field]) -> Iterator[str]:
    zh, job, form = language == "zh", chapters[0].job, FORMATS[kind]
    for chapter in chapters:
        yield from _layer(chapter, zh)
    yield from _origin(job, zh)
    if form.cannot:
        yield (f"{form.title.zh}：{form.cannot.zh}" if zh else f"{form.title.en}: {form.cannot.en}")
    yield from (words.get(language) for words in (_HELP, _COLUMNS, _SIZES))
    if withheld:
        names = ("、" if zh else ", ").join(field.title.get(language) for field in withheld)
        yield f"未包含个人信息字段：{names}。" if zh else f"Personal fields left out: {names}."
    for loss in LOSSES:
        if losses.get(loss):
            words = LOSSES[loss].get(language)
            yield f"注意：{losses[loss]} 处{words}（见 report.csv）。" if zh else (
                f"Note: {losses[loss]} × {words} (see report.csv).")


def _layer(chapter: Chapter, zh: bool) -> Iterator[str]:
    layer, count, made = chapter.job.layer, chapter.rows, chapter.synthetic
    yield f"{layer.title.zh if zh else layer.title.en}{'（' if zh else ' ('}{layer.id}{'）' if zh else ')'}"
    if zh:
        yield f"共 {count} 条，其中模拟数据 {made} 条（“模拟数据”字段为是），不是真实情况。"
    else:
        yield (f"{count} records; {made} of them synthetic (their field “Synthetic” says so): made for "
               "demonstration, not found in the street.")
    for table in chapter.tables:
        more = "" if table.whole else "，仅编号和另一几何" if zh else ", id and the other geometry only"
        yield f"  {table.name}：{table.rows} 条{more}" if zh else f"  {table.name}: {table.rows} records{more}"
    question = chapter.job.question
    yield f"  导出条件：{question.zh}" if zh else f"  Question: {question.en}"


def _origin(job: Job, zh: bool) -> Iterator[str]:
    moment = f"{job.made_at.astimezone(job.zone):%Y-%m-%d %H:%M:%S} {job.zone.key}"
    if job.datum:
        yield _DATUM.get("zh" if zh else "en").format(datum=job.datum)
    elif zh:
        yield f"坐标系：{job.crs.name} {job.crs.title.zh}；坐标按“东（经度）在前、北（纬度）在后”存放。"
    else:
        yield f"CRS: {job.crs.name} {job.crs.title.en}; coordinates are stored easting (longitude) first."
    yield f"编码：{job.encoding}" if zh else f"Encoding: {job.encoding}"
    yield f"导出时间：{moment}" if zh else f"Exported at: {moment}"
    yield f"导出人：{job.author}" if zh else f"Exported by: {job.author}"
