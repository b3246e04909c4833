"""Connections that go only to addresses that were checked: looked up, judged, then dialled by number."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

import aiohttp
from aiohappyeyeballs import AddrInfoType, start_connection
from aiohttp.abc import AbstractResolver, ResolveResult

from tools.egress.addresses import AddressRules, is_public
from tools.egress.places import EgressPlaces
from tools.errors import Busy
from tools.fair_semaphore import FairSemaphore

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

# decision 0014: for both ways; short, so that a name that moved is followed and a rebound one judged anew
DNS_CACHE_S = 10
#: Apart from asyncio's own pool, which others need, too: a name server that hangs blocks a thread for many seconds.
LOOKUP_THREADS = 16
#: for a turn to look a name up
LOOKUP_WAIT_S = 10.0
_MAX_KNOWN_NAMES = 10_000


#: (host, port, family) -> addresses; blocks, so it is called in a thread
LookUp = Callable[[str, int, socket.AddressFamily], list[ResolveResult]]


class AddressRefused(OSError):
    """A name leads to an address that may not be called."""


def look_up(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    """Ask the system's resolver."""
    found = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [
        ResolveResult(
            hostname=host,
            # A zone makes an IPv6 address link-local; it stays on, so that the address is judged as what it is.
            host=f"{address[0]}%{address[3]}" if len(address) == 4 and address[3] else str(address[0]),
            port=port,
            family=kind,
            proto=protocol,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for kind, _, protocol, _, address in found
    ]


class GuardedResolver(AbstractResolver):
    """Looks names up and lets none pass that has even one address we may not call (DNS rebinding)."""

    def __init__(self, rules: AddressRules, find: LookUp = look_up) -> None:
        self._rules, self._find = rules, find
        self._threads = ThreadPoolExecutor(2 * LOOKUP_THREADS, thread_name_prefix="lookup")
        # Anybody may have a name looked up whose server never answers. So names that were found before have threads of their own,
        # and one domain never takes all.
        self._turns_of_known = FairSemaphore(LOOKUP_THREADS, "looking up names")
        self._turns_of_new = FairSemaphore(LOOKUP_THREADS, "looking up names")
        self._known: dict[str, None] = {}
        #: addresses and ports that allowed names led to
        self.allowed: set[tuple[str, int]] = set()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        turns = self._turns_of_known if host in self._known else self._turns_of_new
        domain = ".".join(host.rstrip(".").rsplit(".", 2)[-2:])
        try:
            async with turns.hold((domain, host), loop.time() + LOOKUP_WAIT_S):
                found = await loop.run_in_executor(self._threads, self._find, host, port, family)
        except Busy as error:
            raise OSError(error.failure.message) from error
        if len(self._known) >= _MAX_KNOWN_NAMES:
            self._known.clear()
        self._known[host] = None
        if self._rules.is_allowed(host.lower(), port):
            self.allowed.update((each["host"], port) for each in found)
        # All, not any: who rebinds answers one public and one private address, and hopes for the second.
        elif not all(is_public(ip_address(each["host"])) for each in found):
            raise AddressRefused(f"{host} leads to an address that is not public")
        return found

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


@lru_cache(maxsize=4)
def _trust(_paths: ssl.DefaultVerifyPaths) -> ssl.SSLContext:
    """Return whom all pools of this process trust: the certificates of a machine take 0.8 MB in each context.

    It is what OpenSSL trusts by default, which SSL_CERT_FILE and SSL_CERT_DIR change; `_paths` are where they lead.
    """
    # RFC 9110 §4.3.4: chain and name are verified; nothing turns that off.
    return ssl.create_default_context()


class GuardedConnector(aiohttp.TCPConnector):
    """One pool for everything that leaves, with a second look at each address when it is dialled."""

    def __init__(
        self,
        rules: AddressRules,
        find: LookUp = look_up,
        places: EgressPlaces | None = None,
    ) -> None:
        places = places or EgressPlaces()
        self._rules = rules
        self._guard = GuardedResolver(rules, find)
        self._tls = _trust(ssl.get_default_verify_paths())
        super().__init__(
            resolver=self._guard,
            limit=places.connections,
            limit_per_host=places.connections_per_origin,
            ttl_dns_cache=DNS_CACHE_S,
            ssl=self._tls,
            socket_factory=self._checked_socket,
        )

    async def addresses(self, host: str, port: int) -> list[AddrInfoType]:
        """Return where a host may be dialled, from the look-ups of this pool. Raises OSError, AddressRefused among them."""
        return self._convert_hosts_to_addr_infos(await self._resolve_host(host, port))

    async def dial(self, addresses: Sequence[AddrInfoType], host: str, make: Callable[[], asyncio.Protocol], *, is_tls: bool) -> None:
        """Connect what `make` makes to the first of `addresses` that answers, each checked as it is dialled. Raises OSError."""
        dialled = await self.connected(addresses)
        tls, server_hostname = (self._tls, host.rstrip(".")) if is_tls else (None, None)
        await asyncio.get_running_loop().create_connection(make, sock=dialled, ssl=tls, server_hostname=server_hostname)

    async def connected(self, addresses: Sequence[AddrInfoType]) -> socket.socket:
        """Return a connection to the first of `addresses` that answers, each checked as it is dialled. Raises OSError."""
        return await start_connection(
            addresses, happy_eyeballs_delay=self._happy_eyeballs_delay, interleave=self._interleave, socket_factory=self._checked_socket
        )

    def _checked_socket(self, dialled: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = dialled
        host, port = str(address[0]), int(address[1])
        named = (host, port) in self._guard.allowed or self._rules.is_allowed(host, port)
        # The very address that is dialled: between look-up and connection nothing can slip in (time of check, time of use).
        if not named and not is_public(ip_address(host)):
            raise AddressRefused(f"{host} is not public")
        return socket.socket(family, kind, protocol)

    async def _get(self, key: "ConnectionKey", traces: Sequence["Trace"]) -> "Connection | None":
        # An upstream that sends more than it was asked for would have the rest taken for the answer to the next request.
        idle = self._conns.get(key)
        # RFC 9112 §9.2: an answer belongs to the request that was sent before it, and nothing else tells whose it is.
        while idle and idle[0][0].should_close:
            idle.popleft()[0].close()
        return await super()._get(key, list(traces))

    async def close(self, *, abort_ssl: bool = False) -> None:
        await super().close(abort_ssl=abort_ssl)
        await self._guard.close()
