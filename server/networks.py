"""Sets of addresses as operators write them: single ones, networks, or `*` for all."""

import ipaddress
from collections.abc import Iterable


class Networks:
    """Raises ValueError for an entry that is neither an address, a network (`10.0.0.0/8`) nor `*`."""

    def __init__(self, entries: Iterable[str]) -> None:
        entries = tuple(entries)
        self.has_all = "*" in entries
        self._networks = [ipaddress.ip_network(entry.strip(), strict=False) for entry in entries if entry != "*"]

    def __contains__(self, address: object) -> bool:
        """Say whether `address` is in one of them; an IPv4 address in IPv6 clothes counts as what it is."""
        parsed = parse_address(address)
        return parsed is not None and (self.has_all or any(parsed in network for network in self._networks))


def parse_address(text: object) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that `text` is, without a zone; None where it is none."""
    try:
        parsed = ipaddress.ip_address(str(text).partition("%")[0])
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, ipaddress.IPv6Address) else parsed


def is_loopback(address: object) -> bool:
    parsed = parse_address(address)
    return parsed is not None and parsed.is_loopback


def is_loopback_host(host: str) -> bool:
    return host == "localhost" or is_loopback(host)
