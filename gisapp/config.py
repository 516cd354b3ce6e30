"""The settings, each declared once: name, type, default, what it does.

A setting is a field of `Settings`; its environment name is `GISAPP_` and the field's name in capitals.
`gisapp settings` prints them, and docs/settings.md is generated from the same declarations.
"""

from __future__ import annotations

import difflib
import os
import secrets
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields, replace
from pathlib import Path
from typing import Any

from gisapp.faults import ConfigError
from gisapp.setting_values import PREFIX, env_name, read, setting

ROOT = Path(__file__).resolve().parent.parent
# Names that begin so belong to the tests and are nobody's typing mistake.
FREE_PREFIX = "GISAPP_TEST_"


@dataclass(frozen=True)
class Settings:
    """All settings of one process, made by `from_env`."""

    database_url: str = setting(
        "",
        "已有 PostGIS 数据库的地址（postgresql://用户:密码@主机/库）。留空则自建并启动一个私有实例。",
        "URL of an existing PostGIS database (postgresql://user:password@host/name). "
        "Empty: the application makes and starts a private cluster of its own.",
        kind="url",
        secret=True,
    )
    owner_database_url: str = setting(
        "",
        "同一数据库的属主账户，只用于迁移。留空则用 GISAPP_DATABASE_URL 迁移，网页再以 gisapp_app 角色运行。",
        "The same database as its owner, used for migrations only. "
        "Empty: GISAPP_DATABASE_URL migrates, and the web application takes the role gisapp_app.",
        kind="url",
        secret=True,
    )
    instance: Path = setting(
        ROOT / "instance",
        "存放本安装自己的数据的目录：私有数据库、密钥、账户文件。",
        "Folder of what belongs to this installation: private cluster, secret key, accounts file.",
    )
    layers: Path = setting(ROOT / "layers", "图层文件所在目录。", "Folder of the layer files.")
    basemaps: Path = setting(
        ROOT / "basemaps.toml",
        "其他底图（XYZ、WMTS、PMTiles）的清单，见 docs/deploy.md；默认没有此文件，只用自有底图，不访问外部主机。",
        "List of basemaps from elsewhere (XYZ, WMTS, PMTiles), see docs/deploy.md. "
        "There is no such file at first: only the own map, and no other host is asked.",
    )
    host: str = setting(
        "127.0.0.1", "监听地址；0.0.0.0 表示所有网卡。", "Address to listen on; 0.0.0.0 is all of them."
    )
    port: int = setting(8000, "监听端口。", "Port to listen on.", low=1, high=65535)
    workers: int = setting(
        2, "网页进程数；每核一个为宜。", "Web processes; one per core is a good start.", low=1, high=64
    )
    threads: int = setting(
        4,
        "每个网页进程的线程数；每个线程最多占用一个数据库连接。",
        "Threads of each web process; each holds at most one database connection.",
        low=1,
        high=64,
    )
    secret_key: str = setting(
        "",
        "会话签名密钥。留空则首次启动时生成并存于 instance/secret_key。",
        "Key that signs sessions. Empty: made at the first start and kept in instance/secret_key.",
        secret=True,
        low=32,
    )
    https: bool = setting(
        False,
        "网页经 HTTPS 访问：Cookie 只走 HTTPS，并发送 HSTS。",
        "Readers come by HTTPS: cookies are marked secure and HSTS is sent.",
    )
    qgis_listen: str = setting(
        "",
        "私有数据库为 QGIS 登录（gisapp qgis add）监听的地址，端口 5432，如 127.0.0.1；默认不开放。"
        "不加密，仅限可信网络或 SSH 隧道。",
        "Addresses at which the private cluster lets logins for QGIS in (gisapp qgis add), port 5432, such as "
        "127.0.0.1; none at first. It is not encrypted: a trusted network or an SSH tunnel only.",
        kind="addresses",
    )
    cors_origins: str = setting(
        "",
        "哪些网站的脚本可以用令牌读写接口（CORS），逐个写全，空格隔开，例如 https://gis.example.cn；默认没有。",
        "Sites whose scripts may use the API with a token (CORS): exact origins with blanks between, such as "
        "https://gis.example.org. None at first.",
        kind="origins",
    )
    proxies: int = setting(
        0,
        "前面有几层受信任的反向代理；X-Forwarded-* 只取这些层的。",
        "Number of trusted reverse proxies in front; X-Forwarded-* is believed from those only.",
        low=0,
        high=5,
    )
    public_address: str = setting(
        "",
        "本站对外的地址，如 https://map.example.cn，写入文件中的链接（如 Excel 中的照片）；留空则用请求所用的地址。",
        "Address at which readers know this site, such as https://map.example.org, for links in files (photos in a "
        "workbook). Empty: the address of the request.",
        kind="origins",
    )
    session_idle_hours: int = setting(
        12,
        "登录后多少小时不使用即自动退出。",
        "Hours without use after which a browser session ends.",
        low=1,
        high=720,
    )
    session_days: int = setting(
        7,
        "登录后最多保持多少天，之后须重新登录。",
        "Days after which a browser session ends however much it is used.",
        low=1,
        high=90,
    )
    language: str = setting(
        "zh", "默认语言；读者可自行切换。", "Language before a reader chooses one.", choices=("zh", "en")
    )
    time_zone: str = setting(
        "Asia/Shanghai",
        "显示时间所用的时区；数据库内存 UTC。",
        "Time zone in which times are shown; they are stored in UTC.",
        kind="zone",
    )
    demo: bool = setting(
        True,
        "首次启动时载入演示数据和各角色的演示账户。正式部署请设为 0。",
        "Load the demo data and one demo account per role at the first start. Set it to 0 for real use.",
    )
    duplicate_metres: int = setting(
        15,
        "新建要素时，同一图层在多少米内已有要素即先提示可能重复；0 表示不提示。",
        "A new feature within so many metres of another of its layer is first shown as a possible duplicate; "
        "0 switches that off.",
        low=0,
        high=1000,
    )
    max_body_mb: int = setting(
        5,
        "单个请求（导入除外）的大小上限，MB。",
        "Largest request body, imports aside, in MB.",
        low=1,
        high=100,
    )
    max_upload_mb: int = setting(
        512, "单个导入文件的大小上限，MB。", "Largest import file, in MB.", low=1, high=10240
    )
    photo_mb: int = setting(
        20, "单张照片的大小上限，MB。", "Largest photo, in MB.", low=1, high=100
    )
    photo_megapixels: int = setting(
        64, "单张照片的像素上限，百万像素。", "Most pixels of a photo, in millions.", low=1, high=200
    )
    photos_per_feature: int = setting(
        50, "一个要素最多多少张照片。", "Most photos of one feature.", low=1, high=1000
    )
    job_keep_hours: int = setting(
        72,
        "后台任务生成的文件保留多少小时。",
        "Hours for which the file of a job is kept.",
        low=1,
        high=2160,
    )
    jobs_at_once: int = setting(
        2,
        "一个任务进程同时执行多少个后台任务。",
        "Jobs that one worker process does at a time.",
        low=1,
        high=32,
    )
    count_limit: int = setting(
        100_000,
        "接口的 numberMatched 精确计到多少个要素；超过即给出估计值，并标明 numberMatchedEstimated。",
        "Up to so many features numberMatched of the API is exact; beyond it is an estimate, and said to be one "
        "(numberMatchedEstimated).",
        low=1000,
        high=100_000_000,
    )
    statement_timeout_s: int = setting(
        30,
        "单条数据库语句的时限，秒。",
        "Time limit of one database statement, in seconds.",
        low=1,
        high=3600,
    )

    filter_length: int = setting(
        20_000,
        "一个筛选表达式（CQL2）的最大字符数。",
        "Most characters of one filter (CQL2).",
        low=100,
        high=1_000_000,
    )
    filter_depth: int = setting(
        32,
        "一个筛选表达式（CQL2）的最大嵌套层数。",
        "Most levels of one filter (CQL2).",
        low=4,
        high=64,
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
        """Settings of an environment (default: this process's); `overrides` win unless None.

        Raises ConfigError, one line, for an unknown name or a wrong value.
        """
        given = {
            name: text
            for name, text in (os.environ if environ is None else environ).items()
            if name.startswith(PREFIX) and not name.startswith(FREE_PREFIX)
        }
        known = {env_name(item): item for item in fields(cls)}
        items = {name: _known(name, known) for name in given}
        values = {
            item.name: read(name, given[name], item) for name, item in items.items() if given[name].strip()
        }
        values.update({name: value for name, value in overrides.items() if value is not None})
        return cls(**values)

    @property
    def accounts_file(self) -> Path:
        """Where the first accounts' passwords are kept (mode 0600)."""
        return self.instance / "accounts.json"

    def with_database(self, url: str, owner_url: str = "") -> Settings:
        """The same settings on another database."""
        return replace(self, database_url=url, owner_database_url=owner_url)


def _known(name: str, known: Mapping[str, Field[Any]]) -> Field[Any]:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 1, cutoff=0.8)
    raise ConfigError(
        f"没有名为 {name} 的设置" + (f"，是否想写 {near[0]}？" if near else "；可用的见 gisapp settings。"),
        f"{name} is not a setting"
        + (f"; did you mean {near[0]}?" if near else "; `gisapp settings` lists them."),
    )


def secret_key(settings: Settings) -> str:
    """The key that signs sessions: from the settings, else instance/secret_key (made once, mode 0600)."""
    if settings.secret_key:
        return settings.secret_key
    path = settings.instance / "secret_key"
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(48))
    return path.read_text("ascii").strip()


def write_secret(path: Path, text: str) -> None:
    """Write a file of mode 0600, whole or not at all; a file that appeared meanwhile is left as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    with os.fdopen(
        os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
