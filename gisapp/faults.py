"""What stops a command: one line for the keeper of the installation, in zh and en, never a traceback."""

from __future__ import annotations

import os
from collections.abc import Mapping

from gisapp.words import Words


class Fault(Exception):
    """Something the keeper of the installation can mend, said in one line. `exit_code` ends the command."""

    exit_code = 1

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(zh, en)

    def text(self, language: str) -> str:
        """The line in "zh" or "en", with the mark that it is an error."""
        return ("错误：" if language == "zh" else "error: ") + self.words.get(language)


class ConfigError(Fault):
    """A wrong setting; stops the start."""

    exit_code = 2


def terminal_language(environ: Mapping[str, str] | None = None) -> str:
    """ "zh" when the terminal's locale or GISAPP_LANGUAGE says so, else "en"."""
    environ = os.environ if environ is None else environ
    for name in ("GISAPP_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if environ.get(name):
            return "zh" if environ[name].lower().startswith("zh") else "en"
    return "en"
