"""What base.html shows on every page: who is signed in, which pages they may open, the other language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Flask, request
from flask_babel import gettext as _

from gisapp.errors import Problem
from gisapp.permissions import Actor, rights
from gisapp.views import context

#: language → name of itself, short sign on the bar, html lang
LANGUAGES = {"zh": ("中文", "中", "zh-CN"), "en": ("English", "EN", "en")}


THEMES = ("light", "dark")


@dataclass(frozen=True)
class Tab:
    title: str
    url: str
    current: bool


@dataclass(frozen=True)
class Shell:
    """`other_*` describe the language that one click switches to; `theme` is "" for as the system."""

    root: str
    html_lang: str
    other_lang: str
    other_name: str
    other_short: str
    other_url: str
    actor: Actor | None
    role_title: str
    tabs: list[Tab]
    theme: str

    @property
    def rights(self) -> frozenset[str]:
        """What pages may offer to this reader."""
        return rights(self.actor)


def init_shell(app: Flask) -> None:
    """Give every template `shell`."""
    app.context_processor(lambda: {"shell": make_shell()})


def make_shell() -> Shell:
    """The shell for the current request; works for strangers and on error pages too."""
    language = context.language()
    other = "en" if language == "zh" else "zh"
    name, short, _html = LANGUAGES[other]
    actor = _actor_or_none()
    return Shell(root=request.script_root, html_lang=LANGUAGES[language][2], other_lang=LANGUAGES[other][2],
                 other_name=name, other_short=short, other_url=_same_page_in(other), actor=actor,
                 role_title=role_title(actor.role) if actor else "", tabs=_tabs(actor) if actor else [],
                 theme=_theme())


def role_title(role: str) -> str:
    """The role's name in the reader's language."""
    titles = {"viewer": _("Viewer"), "inspector": _("Inspector"), "reviewer": _("Reviewer"),
              "exporter": _("Exporter"), "admin": _("Administrator")}
    return str(titles.get(role, role))


def _theme() -> str:
    """What static/js/theme.js keeps in a cookie."""
    chosen = request.cookies.get("theme", "")
    return chosen if chosen in THEMES else ""


def _actor_or_none() -> Actor | None:
    try:
        return context.actor()
    except Problem:
        return None


#: Pages that one tab leads to; hand_over/_nav.html leads from one to the other.
_HAND_OVER = ("/imports", "/exports", "/jobs", "/receivers", "/deliveries")


def _tabs(actor: Actor) -> list[Tab]:
    pages = [(_("Map"), "/map", {"read"}), (_("Ask"), "/ask", {"read"}),
             (_("Statistics"), "/statistics", {"read"}),
             (_("Import and hand-over"), "/imports", {"export", "import"}),
             (_("Administration"), "/admin/accounts", {"manage_accounts"})]
    return [Tab(title, request.script_root + path, request.path.startswith(_HAND_OVER if path in _HAND_OVER else path))
            for title, path, acts in pages if acts & rights(actor)]


def _same_page_in(language: str) -> str:
    """This page's address with `lang=`; a page that only answers POST has its own GET beside it."""
    asked: list[tuple[str, Any]] = [(key, value) for key, value in request.args.items(multi=True) if key != "lang"]
    return f"{request.script_root}{request.path}?{urlencode([*asked, ('lang', language)])}"
