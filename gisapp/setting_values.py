"""How a setting is declared and how its text is read."""

from __future__ import annotations

from dataclasses import Field, dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from gisapp.faults import ConfigError
from gisapp.words import Words

PREFIX = "GISAPP_"
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


@dataclass(frozen=True)
class Help:
    """What a setting does and which values it takes."""

    words: Words
    low: int | None = None
    high: int | None = None
    choices: tuple[str, ...] = ()
    secret: bool = False
    kind: str = ""


def setting(default: Any, zh: str, en: str, **limits: Any) -> Any:
    return field(default=default, metadata={"help": Help(Words(zh, en), **limits)})


def env_name(item: Field[Any]) -> str:
    """The environment variable of a setting."""
    return PREFIX + item.name.upper()


def help_of(item: Field[Any]) -> Help:
    """What is declared about a setting."""
    help_: Help = item.metadata["help"]
    return help_


def _wrong(name: str, text: str, item: Field[Any], zh: str, en: str) -> ConfigError:
    shown = "…" if help_of(item).secret else f"“{text}”"
    return ConfigError(f"{name} 的值 {shown} 无效：{zh}。", f"{name}: {shown} is not valid: {en}.")


def read(name: str, text: str, item: Field[Any]) -> Any:
    text = text.strip()
    kind = help_of(item).kind or str(item.type)
    return READERS[kind](name, text, item)


def _read_text(name: str, text: str, item: Field[Any]) -> str:
    help_ = help_of(item)
    if help_.choices and text not in help_.choices:
        known = ", ".join(help_.choices)
        raise _wrong(name, text, item, f"只能是 {known}", f"use one of {known}")
    if help_.low is not None and len(text) < help_.low:
        raise _wrong(name, text, item, f"至少 {help_.low} 个字符", f"give at least {help_.low} characters")
    return text


def _read_number(name: str, text: str, item: Field[Any]) -> int:
    help_ = help_of(item)
    low, high = help_.low, help_.high
    number = int(text) if text.lstrip("-").isdecimal() and text.isascii() else None
    if number is None or (low is not None and number < low) or (high is not None and number > high):
        raise _wrong(
            name, text, item, f"应为 {low} 到 {high} 的整数", f"give a whole number from {low} to {high}"
        )
    return number


def _read_switch(name: str, text: str, item: Field[Any]) -> bool:
    if text.lower() not in TRUE | FALSE:
        raise _wrong(name, text, item, "应为 1 或 0", "give 1 or 0")
    return text.lower() in TRUE


def _read_path(name: str, text: str, item: Field[Any]) -> Path:
    return Path(text).expanduser().absolute()


def _read_url(name: str, text: str, item: Field[Any]) -> str:
    try:
        scheme = urlsplit(text).scheme
    except ValueError:
        scheme = ""
    if scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
        raise _wrong(
            name,
            text,
            item,
            "应形如 postgresql://用户:密码@主机:端口/库名",
            "it looks like postgresql://user:password@host:port/name",
        )
    return "postgresql" + text[len(scheme) :]


def _read_zone(name: str, text: str, item: Field[Any]) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise _wrong(
            name,
            text,
            item,
            "没有这个时区，例如 Asia/Shanghai",
            "no such time zone; for example Asia/Shanghai",
        ) from None
    return text


def _read_origins(name: str, text: str, item: Field[Any]) -> str:
    origins = text.replace(",", " ").split()
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.hostname or f"{parts.scheme}://{parts.netloc}" != origin:
            raise _wrong(
                name, text, item, "应形如 https://gis.example.cn，不带路径，不能用 *",
                "write them like https://gis.example.org, without a path; * is not allowed",
            )
    return " ".join(origins)


def _read_addresses(name: str, text: str, item: Field[Any]) -> str:
    found = text.replace(",", " ").split()
    for one in found:
        try:
            ip_address(one)
        except ValueError:
            raise _wrong(name, text, item, "应为 IP 地址，如 127.0.0.1",
                         "wants addresses such as 127.0.0.1") from None
    return ",".join(found)


READERS: dict[str, Any] = {
    "str": _read_text,
    "int": _read_number,
    "bool": _read_switch,
    "Path": _read_path,
    "url": _read_url,
    "zone": _read_zone,
    "origins": _read_origins,
    "addresses": _read_addresses,
}
