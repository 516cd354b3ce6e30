"""Where a request comes from, as far as accounts need to know it; made by the outer ring."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True)
class Caller:
    """Address, user agent and request of one call; `device` is a browser that has signed in before."""

    address: str = ""
    agent: str = ""
    request_id: str = ""
    device: str = ""
    device_accounts: frozenset[str] = frozenset()

    @property
    def network(self) -> str:
        """What counts as one place: an IPv4 address, or the /64 that an IPv6 site owns anyway."""
        try:
            found = ipaddress.ip_address(self.address.partition("%")[0])
        except ValueError:
            return "local"
        if isinstance(found, ipaddress.IPv6Address):
            if found.ipv4_mapped:
                return str(found.ipv4_mapped)
            return str(ipaddress.ip_network((found, 64), strict=False))
        return str(found)
