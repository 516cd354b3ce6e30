"""CQL2 text and CQL2 JSON to one JSON tree. The parser is the `cql2` package's; the guards around it are ours.

That parser works in memory of a fixed size and tries a failing bracket twice, so that a few hundred brackets or
operators in a row end the process and twenty unclosed ones keep it busy for a minute. Both are measured here
before it sees the text.
"""

from __future__ import annotations

import json
import re
from typing import Any

import cql2

from gisapp.cql2.faults import refused, too_large
from gisapp.layers import FilterLimits

LANGUAGES = ("cql2-text", "cql2-json")
#: Characters that the parser may have to look at, each once more for every bracket around it (2 to the depth):
#: about 0.2 µs each.
MOST_WORK = 2**20
#: Operators in a row cost stack: 600 pass in the 2 MiB of a thread, 3000 do not.
MOST_OPERATORS = 300
_QUOTED = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"[^\"]*\"")
_NUMBER = r"[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?"
#: A coordinate, whose sign is no operator.
_POSITION = re.compile(rf"(?<=[(,])\s*{_NUMBER}(?:\s+{_NUMBER}){{0,2}}\s*(?=[,)])")
_OPERATOR = re.compile(r"[-+*/%^]|[<>=]+|\b(?:div|not)\b", re.IGNORECASE)


def read(text: str, language: str | None, limits: FilterLimits) -> Any:
    """The JSON tree of a filter; without a language a text that begins with { is JSON.

    Problems: `filter_invalid`, `filter_too_large` (400).
    """
    if len(text) > limits.length:
        raise too_large(f"最多 {limits.length} 个字符，现有 {len(text)} 个",
                        f"at most {limits.length} characters; has {len(text)}")
    if "\x00" in text:
        raise refused("含有不能使用的字符", "holds a character that cannot be used")
    chosen = language or (LANGUAGES[1] if text.lstrip().startswith("{") else LANGUAGES[0])
    return _read_json(text) if chosen == "cql2-json" else _read_text(text)


def _read_json(text: str) -> Any:
    try:
        tree = json.loads(text)
        cql2.parse_json(text)
    except (ValueError, RecursionError, cql2.ParseError, cql2.ValidationError) as error:
        raise _unparsed(error) from None
    return tree


def _read_text(text: str) -> Any:
    _guard(text)
    try:
        return cql2.parse_text(text).to_json()
    except (ValueError, RecursionError, cql2.ParseError, cql2.ValidationError) as error:
        raise _unparsed(error) from None


def _guard(text: str) -> None:
    """Refuse what the parser could not bear."""
    bare = _QUOTED.sub("''", text)
    depth, work = 0, 0
    for character in bare:
        depth += (character == "(") - (character == ")")
        work += 1 << min(max(depth, 0), 30)
    if work > MOST_WORK:
        raise too_large("括号嵌套过深或其中内容过长；几何较长时请用 cql2-json",
                        "brackets are nested too deep around too much text; write long geometries as cql2-json")
    if len(_OPERATOR.findall(_POSITION.sub("", bare))) > MOST_OPERATORS:
        raise too_large(f"最多 {MOST_OPERATORS} 个运算符", f"at most {MOST_OPERATORS} operators")


def _unparsed(error: Exception) -> Exception:
    """Where the parser stopped, in one line."""
    lines = [line.strip() for line in str(error).splitlines()]
    place = next((line.lstrip("-> ") for line in lines if line.startswith("-->")), "")
    detail = f"（第 {place} 处）" if place else "", f" (at {place})" if place else ""
    return refused(f"不符合 CQL2 语法{detail[0]}", f"is not CQL2{detail[1]}")
