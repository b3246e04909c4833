"""Where a request may go: decided before a name is looked up, after it, and when the address is dialled."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp.abc import ResolveResult

from tests.tools.egress.fault_server import answer, says, serving
from tools.egress.addresses import AddressRules
from tools.egress.client import Egress, OutboundRequest
from tools.egress.connector import LOOKUP_THREADS, AddressRefused, GuardedConnector, GuardedResolver, LookUp
from tools.errors import EgressRefused

SPECIAL_USE = [
    "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
    "0.0.0.0", "0.1.2.3", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.9", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "192.88.99.1", "168.63.129.16",
    "[::1]", "[::]", "[fc00::1]", "[fd00:ec2::254]", "[fe80::1]", "[fec0::1]", "[ff02::1]", "[100::1]", "[2001:db8::1]", "[3fff::1]",
    "[5f00::1]",
]  # fmt: skip
IPV4_INSIDE = [
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:0:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::a00:1]",
    "[2002:7f00:1::]", "[2001:0:7f00:1::1]", "[2606:4700::5efe:10.0.0.1]",
]  # fmt: skip
ODD_SPELLINGS = [
    "2130706433", "017700000001", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.1", "127.0.0.01", "0", "0x",
    "127.0.0.1.", "1.2.3.4.5", "example.0x7f",
    "[::1%25eth0]", "%31%32%37.0.0.1", "①②⑦.⓪.⓪.①", "127。0。0。1",
]  # fmt: skip
LOCAL_NAMES = [
    "localhost", "LOCALHOST", "localhost.", "a.localhost", "metadata", "intranet", "metadata.google.internal", "x.internal",
    "printer.local", "router.lan", "nas.home.arpa", "host.localdomain", "example.com.", "-.example..com", "exa mple.com",
    "example.com%00.evil.test", "bücher.example",
]  # fmt: skip
NO_SUCH_URL = [
    "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "javascript:alert(1)", "http:///nowhere", "http://[::1/",
    "http:example.com", "//example.com/", "example.com", "", "http://user:secret@example.com/", "http://secret@example.com/",
    "http://@example.com/",
    "http://example.com\\@127.0.0.1/", "http://127.0.0.1\\@example.com/", "http://example.com:99999/", "http://example.com:0/",
    "http://example.com:-1/", "http://example.com:22/", "http://example.com:25/", "https://example.com:6379/", "http://example.com/a b",
    "http://example.com/\r\nX: y", "http://exa\tmple.com/",
]  # fmt: skip


@pytest.mark.parametrize("host", [*SPECIAL_USE, *IPV4_INSIDE, *ODD_SPELLINGS, *LOCAL_NAMES])
def test_a_host_that_is_not_public_is_refused_before_any_look_up(host: str) -> None:
    """IANA special-purpose registries (RFC 6890), transition addresses, spellings that only some resolvers read as addresses."""
    with pytest.raises(EgressRefused) as caught:
        AddressRules().target(f"http://{host}/latest/meta-data?key=s3cret")
    assert caught.value.failure.code == "egress_refused"
    assert "s3cret" not in caught.value.failure.message


@pytest.mark.parametrize("url", NO_SUCH_URL)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    """Only http and https, with a host."""
    with pytest.raises(EgressRefused) as caught:
        AddressRules().target(url)
    assert "secret" not in caught.value.failure.message


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "HTTPS://Example.COM:8443/a?b=c%20d#e",
        "http://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
        "https://xn--bcher-kva.example/",
        "https://a_b.example.com/",
        "https://1password.example.com/",
        "https://123.example/",
    ],
)
def test_a_public_address_is_let_through(url: str) -> None:
    """The guard refuses what is special, not what is foreign."""
    target = AddressRules().target(url)
    assert f"{target.url.scheme}://{target.host}" in url.lower().replace("[", "").replace("]", "")


def test_the_operator_may_name_a_private_host_and_port() -> None:
    """ASCEND_EGRESS_ALLOW: host:port, the port may be `*`."""
    rules = AddressRules(["127.0.0.1:8090", "[::1]:*", " CRM.internal:443 ", ""])
    assert rules.target("http://127.0.0.1:8090/x").port == 8090
    assert rules.target("http://[::1]:99/x").host == "::1"
    assert rules.target("https://crm.internal/").origin == ("https", "crm.internal", 443)
    for url in ("http://127.0.0.1:8091/x", "http://127.0.0.1./", "http://crm.internal/", "http://0x7f.1:8090/"):
        with pytest.raises(EgressRefused):
            rules.target(url)


def knows(*answers: list[str]) -> LookUp:
    """Return a name server that gives these answers, one after the other, the last for ever."""
    left = list(answers)

    def find(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        addresses = left.pop(0) if len(left) > 1 else left[0]
        kind = {True: socket.AF_INET6, False: socket.AF_INET}
        return [ResolveResult(hostname=host, host=each, port=port, family=kind[":" in each], proto=6, flags=0) for each in addresses]

    return find


@asynccontextmanager
async def counting() -> AsyncIterator[tuple[int, Callable[[], int]]]:
    """Serve on loopback; yield the port, and how many connections came."""
    count = 0

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], lambda: count
    finally:
        server.close()


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["::1"], ["fe80::1%2"], ["::ffff:127.0.0.1"]])
async def test_a_name_with_one_bad_address_is_refused_without_a_connection(addresses: list[str], is_lean: bool) -> None:
    """oauth-behaviour.md S5: one public and one private record; any bad record refuses the name."""
    async with counting() as (port, connections), Egress(find=knows(addresses), is_lean=is_lean) as egress:
        with pytest.raises(EgressRefused) as caught:
            await egress.send(OutboundRequest("GET", f"http://rebind.example.com:{port}/", timeout_s=2))
        assert connections() == 0
    assert "not public" in caught.value.failure.message
    assert "127.0.0.1" not in caught.value.failure.message


async def test_a_name_that_turns_bad_later_is_refused_then(is_lean: bool) -> None:
    """DNS rebinding: every connection is made to an address of the look-up that was judged."""
    find = knows(["127.0.0.1"], ["127.0.0.1"])
    async with serving(says(answer("200 OK", body=b"fine"))) as origin:
        port = int(origin.rpartition(":")[2])
        async with Egress([f"good.example.com:{port}"], find=find, is_lean=is_lean) as egress:
            assert (await egress.send(OutboundRequest("GET", f"http://good.example.com:{port}/"))).body == b"fine"
            with pytest.raises(EgressRefused):
                await egress.send(OutboundRequest("GET", f"http://other.example.com:{port}/", timeout_s=2))


async def test_the_dialled_address_is_judged_once_more() -> None:
    """Whatever a resolver or a cache says, no socket is made for an address that is not public."""
    connector = GuardedConnector(AddressRules())
    with pytest.raises(AddressRefused):
        connector._checked_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 80)))
    connector._checked_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 80))).close()
    await connector.close()


@pytest.mark.parametrize(
    "status", ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
)
async def test_a_redirect_to_a_private_address_is_not_contacted(status: str, is_lean: bool) -> None:
    """oauth-behaviour.md S7: each hop is guarded like the first."""
    async with counting() as (port, connections), serving(says(answer(status, f"Location: http://127.0.0.1:{port}/"))) as origin:
        async with Egress([origin.removeprefix("http://")], is_lean=is_lean) as egress:
            with pytest.raises(EgressRefused):
                await egress.send(OutboundRequest("GET", origin, timeout_s=2))
        assert connections() == 0


async def test_proxy_settings_of_the_environment_do_not_lead_around_the_guard(monkeypatch: pytest.MonkeyPatch, is_lean: bool) -> None:
    """oauth-behaviour.md S22."""
    async with counting() as (port, connections), serving(says(answer("200 OK", body=b"straight"))) as origin:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
        async with Egress(["127.0.0.1:*"], is_lean=is_lean) as egress:
            assert (await egress.send(OutboundRequest("GET", origin))).body == b"straight"
        assert connections() == 0


async def test_names_whose_servers_never_answer_keep_no_others_waiting() -> None:
    """Anybody may have such names looked up: one domain does not take all threads, and names that were found before have their own."""
    stop = threading.Event()
    asked: list[str] = []

    def find(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        asked.append(host)
        if "slow" in host:
            assert stop.wait(60)
        return [ResolveResult(hostname=host, host="93.184.215.14", port=port, family=socket.AF_INET, proto=6, flags=0)]

    resolver = GuardedResolver(AddressRules(), find)
    await resolver.resolve("api.known.com", 443)
    slow = [asyncio.create_task(resolver.resolve(f"{number}.slow.com", 443)) for number in range(3 * LOOKUP_THREADS)]
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(30):
            await resolver.resolve("api.new.com", 443)
            more = [asyncio.create_task(resolver.resolve(f"www.slow{number}.com", 443)) for number in range(3 * LOOKUP_THREADS)]
            await asyncio.sleep(0)
            await resolver.resolve("api.known.com", 443)
    finally:
        stop.set()
    assert not any(task.done() for task in (*slow, *more))
    await asyncio.gather(*slow, *more)
    await resolver.close()
