"""docs/errors.md: every code that an answer can carry."""

from __future__ import annotations

from gisapp.docs.markdown import MADE, code, table
from gisapp.errors import PROBLEMS
from gisapp.words import Words

#: Codes of single fields, in `errors` of a problem.
FAULTS: dict[str, Words] = {
    "required": Words("必填", "must have a value"),
    "field_unknown": Words("图层没有这个字段", "the layer has no such field"),
    "wrong_type": Words("类型不对", "the value is of another type"),
    "row_unreadable": Words("文件中有此行，但图形或属性缺失或损坏",
                            "the file has the row, but its shape or attributes are missing or damaged"),
    "bad_character": Words("含有不能保存的字符", "holds a character that cannot be stored"),
    "too_long": Words("文字过长", "the text is too long"),
    "too_small": Words("小于最小值", "below the minimum"),
    "too_large": Words("大于最大值", "above the maximum"),
    "too_precise": Words("小数位过多", "has more decimals than the field keeps"),
    "code_unknown": Words("不在代码表中", "is not in the code list"),
    "code_retired": Words("代码已停用", "the code is retired"),
    "json_invalid": Words("不是有效的 JSON", "is not valid JSON"),
    "time_skipped": Words("该地时间不存在（夏令时拨快）", "this local time does not exist (clocks went forward)"),
    "time_twice": Words("该地时间出现两次（夏令时拨慢）", "this local time exists twice (clocks went back)"),
    "choice_missing": Words("须选择保留哪一个值", "choose which of the two values to keep"),
    "digits_lost": Words("长数字被表格软件缩成科学计数法，末几位已丢失",
                         "a long number that a spreadsheet shortened; its last digits are lost"),
    "text_broken": Words("文字不是所选编码", "the text is not in the chosen encoding"),
    "id_invalid": Words("编号不是 UUID", "the id is no UUID"),
    "geometry_missing": Words("缺少几何", "has no geometry"),
    "geometry_invalid": Words("几何无效", "the geometry is not valid"),
    "value_repeated": Words("与文件中前面的行重复", "repeats a value of an earlier row of the file"),
    "value_taken": Words("已被其他要素使用", "another feature has this value"),
    "line_stubs": Words("线中有只含一个点的段，可选择修复", "parts of a line have one point; a repair drops them"),
    "geometry_mixed": Words("几何混合了多种类型，可选择修复", "the geometry mixes kinds; a repair keeps what fits"),
    "cells_missing": Words("表格以空格分列，此行的值少于表头", "fewer values than the heading, parted by blanks"),
    "cells_beyond": Words("比表头多出单元格", "more cells than the heading"),
    "geometry_unreadable": Words("几何已损坏", "the geometry is damaged"),
    "feature_repeated": Words("前面的行已更新同一条记录", "an earlier row changes the same record"),
    "changed_since": Words("导入后又被改动", "was changed after the import"),
    "state_not_reachable": Words("不能从现有状态改为该状态", "the state may not follow the present one"),
    "outside_set": Words("不在要替换的区域内", "lies outside of the territory that is replaced"),
    "outside_territory": Words("不在您的辖区内", "lies outside of your territory"),
    "rule_broken": Words("不符合图层规则", "breaks a rule of the layer"),
    "feature_missing": Words("要更新的要素不存在", "the feature to be updated is not there"),
    "constraint": Words("不符合数据库约束", "breaks a constraint of the database"),
}

_ABOUT = """# Errors · 错误

{made}

A failure is answered as `application/problem+json` (RFC 9457) with the members `status`, `code`, `detail` (in the
language asked for), `zh` and `en`. Programs should decide by `code`: a code keeps its meaning for good; sentences may
change. Where single fields are wrong, `errors` lists them with `field`, `code`, `zh` and `en`. The header
`X-Request-Id` names the request in the server's log.

出错时返回 `application/problem+json`。程序应依据 `code` 判断：代码的含义不会改变，文字可能调整。字段有误时，`errors`
逐项列出。响应头 `X-Request-Id` 是日志中的请求编号。
"""


def page() -> str:
    """The page: one table for each status, then the codes of fields."""
    parts = [_ABOUT.format(made=MADE)]
    for status in sorted({kind.status for kind in PROBLEMS.values()}):
        rows = [(f'<a id="{name}"></a>{code(name)}', f"{kind.en}\n{kind.zh}")
                for name, kind in PROBLEMS.items() if kind.status == status]
        parts.append(f"\n## {status}\n\n" + table(("Code · 代码", "Sentence · 文字"), rows))
    faults = [(code(name), f"{words.en}\n{words.zh}") for name, words in FAULTS.items()]
    parts.append("\n## Codes of single fields · 字段错误代码\n\n" + table(("Code · 代码", "Meaning · 含义"), faults))
    return "".join(parts)
