"""A page's form as a browser would send it: every input with what it holds."""

from __future__ import annotations

from html.parser import HTMLParser

from werkzeug.datastructures import MultiDict


class FormPage(HTMLParser):
    """`fields` are what the form would send as it is; `kinds` the type of each input; `options` of each select."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: MultiDict[str, str] = MultiDict()
        self.kinds: dict[str, str] = {}
        self.options: dict[str, list[str]] = {}
        self._inside = False
        self._select = ""
        self._area: tuple[str, list[str]] | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = "data-feature-form" in given
        if not self._inside:
            return
        name = given.get("name", "")
        if tag == "input":
            self._input(name, given)
        elif tag == "select":
            self._select, self.kinds[name], self.options[name] = name, "select", []
        elif tag == "option":
            self.options[self._select].append(given["value"])
            if "selected" in given or self._select not in self.fields:
                self.fields[self._select] = given["value"]
        elif tag == "textarea":
            self.kinds[name], self._area = "textarea", (name, [])

    def _input(self, name: str, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        self.kinds.setdefault(name, kind)
        if kind in ("radio", "checkbox"):
            self.kinds[name] = kind
            self.options.setdefault(name, []).append(given["value"])
            if "checked" not in given:
                return
        self.fields.add(name, given.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._area:
            self._area[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        if tag == "select":
            self._select = ""
        if tag == "textarea" and self._area:
            name, parts = self._area
            text = "".join(parts)
            # A browser drops the first line break inside a text area and sends the others as CR LF.
            self.fields[name] = text.removeprefix("\n").replace("\r\n", "\n").replace("\n", "\r\n")
            self._area = None
