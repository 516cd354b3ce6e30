"""The API described by itself: an OpenAPI 3.0 document made from the layer files, the formats and the problems.

    parameters   what an address takes
    answers      what comes back, problems included
    attachments  photos of features
    bodies       what a layer's features are made of
    imports      files in
    jobs         long work in the background
    history      what was, and who is there
    questions    saved questions
    paths        which address does what
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from gisapp.layers import Catalogue
from gisapp.openapi import imports, jobs, questions
from gisapp.openapi.answers import response_components
from gisapp.openapi.bodies import schema_components
from gisapp.openapi.parameters import parameter_components
from gisapp.openapi.paths import make_paths
from gisapp.permissions import Actor, may, require
from gisapp.words import Words

MEDIA_TYPE = "application/vnd.oai.openapi+json;version=3.0"
VERSION = "3.0.3"

_TITLE = Words("城管一张图接口", "Enforcement map API")
_ABOUT = Words(
    "按 OGC API – Features 与 Tiles 组织：每个图层是一个集合。出错时返回 application/problem+json，"
    "程序应依据其中的 code 判断。坐标默认为 WGS 84 经度、纬度；用 crs= 选择其他坐标系。",
    "Arranged as OGC API – Features and Tiles have it: each layer is a collection. Failures are "
    "application/problem+json; programs should decide by its code. Coordinates are longitude, latitude of WGS 84 "
    "unless crs= says otherwise.")
_SERVICE = Words("服务与集合目录", "The service and its collections")
_IMPORTS = Words("导入", "Imports")
_JOBS = Words("后台任务", "Jobs")
_QUESTIONS = Words("保存的问题", "Saved questions")
_SCHEMES = {
    "basic": {"type": "http", "scheme": "basic"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "session": {"type": "apiKey", "in": "cookie", "name": "gisapp_session"},
}
_SCHEME_WORDS = {
    "basic": Words("用户名和密码", "User name and password"),
    "bearer": Words("在“我的账户”中新建的令牌", "A token made under “My account”"),
    "session": Words("网页登录后的会话；写操作须带 X-CSRFToken 请求头（取自 /session）",
                     "A signed-in browser's session; writes also need the header X-CSRFToken, got from /session"),
}


def document(catalogue: Catalogue, actor: Actor, language: str, server: str) -> dict[str, Any]:
    """The whole document in one language, without the fields that this reader may not see.

    `server` is the absolute address that the paths start from. Problem `act_not_allowed` (403).
    """
    require(actor, "read")
    personal = may(actor, "read_personal")
    schemes = {name: scheme | {"description": _SCHEME_WORDS[name].get(language)} for name, scheme in _SCHEMES.items()}
    return {
        "openapi": VERSION,
        "info": {"title": _TITLE.get(language), "version": version("gisapp"), "description": _ABOUT.get(language),
                 "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0.html"}},
        "servers": [{"url": server}],
        "security": [{name: []} for name in schemes],
        "tags": _tags(catalogue, language),
        "paths": make_paths(catalogue, language, personal=personal),
        "components": {
            "securitySchemes": schemes,
            "parameters": parameter_components(language),
            "responses": response_components(language),
            "schemas": schema_components(catalogue, language, personal=personal) | {"Job": jobs.SCHEMA},
        },
    }


def _tags(catalogue: Catalogue, language: str) -> list[dict[str, str]]:
    layers = [{"name": layer.id, "description": layer.title.get(language)} for layer in catalogue.layers.values()]
    return [{"name": "service", "description": _SERVICE.get(language)}, *layers,
            {"name": imports.TAG, "description": _IMPORTS.get(language)},
            {"name": jobs.TAG, "description": _JOBS.get(language)},
            {"name": questions.TAG, "description": _QUESTIONS.get(language)}]
