"""Where readers find this server: for links in files that leave it."""

from __future__ import annotations

from contextvars import ContextVar

from gisapp.config import Settings

_FOUND: ContextVar[str] = ContextVar("server", default="")


def found_at(address: str) -> None:
    """Note the address (no slash at its end) that the present request came to."""
    _FOUND.set(address)


def server(settings: Settings) -> str:
    """The address of the settings, else that of the present request; empty for who came by neither."""
    return (settings.public_address.split() or [""])[0] or _FOUND.get()
