"""Lines on the terminal that say what is being done, in the terminal's language."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from gisapp.faults import terminal_language


class Progress:
    """Says each step before it begins, its inner progress while it runs, and how long it took when it was long."""

    def __init__(self, language: str = "") -> None:
        self.language = language or terminal_language()
        self._began = time.monotonic()

    def say(self, zh: str, en: str) -> None:
        """One line."""
        click.echo(zh if self.language == "zh" else en)

    @contextmanager
    def step(self, zh: str, en: str) -> Iterator[None]:
        """A named step; its duration is said when it took more than a second."""
        self.say(f"- {zh}…", f"- {en} …")
        began = time.monotonic()
        yield
        took = time.monotonic() - began
        if took > 1:
            self.say(f"  完成，用时 {took:.1f} 秒", f"  done in {took:.1f} s")

    def inner(self, zh: str, en: str) -> None:
        """A line within a step."""
        self.say(f"  {zh}", f"  {en}")

    def whole(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began
