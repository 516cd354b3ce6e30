"""docs/settings.md, made from the declarations of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from gisapp.config import ROOT, Settings
from gisapp.setting_values import env_name, help_of


def _default_text(item: Field[Any]) -> str:
    value = item.default
    if isinstance(value, Path):
        return f"`./{value.relative_to(ROOT).as_posix()}`"
    if isinstance(value, bool):
        return f"`{int(value)}`"
    return f"`{value}`" if value != "" else "–"


def _values_text(item: Field[Any]) -> str:
    help_ = help_of(item)
    if help_.choices:
        return " / ".join(f"`{choice}`" for choice in help_.choices)
    if item.type == "int":
        return f"{help_.low}–{help_.high}"
    return {"bool": "`1` / `0`", "Path": "path"}.get(str(item.type), help_.kind or "text")


def markdown() -> str:
    """The page docs/settings.md."""
    return "\n".join(_markdown_lines()) + "\n"


def _markdown_lines() -> Iterator[str]:
    yield "# Settings · 设置"
    yield ""
    yield (
        "Every setting is an environment variable. An unknown `GISAPP_*` name or a wrong value "
        "stops the start with one line. This page is made by `gisapp settings --markdown`."
    )
    yield ""
    yield (
        "每项设置都是环境变量。名称不认识或值无效时，启动会停下并给出一行说明。"
        "本页由 `gisapp settings --markdown` 生成。"
    )
    yield ""
    yield "| Name · 名称 | Values · 取值 | Default · 默认 | What it does · 作用 |"
    yield "|---|---|---|---|"
    for item in fields(Settings):
        words = help_of(item).words
        secret = "; secret · 保密" if help_of(item).secret else ""
        cells = (
            f"`{env_name(item)}`",
            _values_text(item) + secret,
            _default_text(item),
            f"{words.en}<br>{words.zh}",
        )
        yield f"| {' | '.join(cells)} |"
