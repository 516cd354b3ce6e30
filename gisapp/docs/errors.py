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
    "text_broken": Words("文字不是所选编码", "the text is not in the chosen encoding"),
    "id_invalid": Words("编号不是 UUID", "the id is no UUID"),
    "geometry_type": Words("几何类型不对", "the geometry is of another type"),
    "geometry_invalid": Words("几何无效", "the geometry is not valid"),
    "value_repeated": Words("与文件中前面的行重复", "repeats a value of an earlier row of the file"),
    "value_taken": Words("已被其他要素使用", "another feature has this value"),
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
