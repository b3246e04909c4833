"""What leaves, what is refused, and what a misbehaving upstream becomes."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from oauth.fetch import FetchRefused
from tests.tools.egress import fault_server
from tests.tools.egress.fault_server import Behaviour, answer, says, serving
from tools.egress import Egress, OutboundRequest
from tools.egress_addresses import AddressRules
from tools.egress_connector import AddressRefused, GuardedResolver
from tools.egress_httpx import GuardedTransport
from tools.errors import EgressRefused, UpstreamFailed


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    async with Egress(["127.0.0.1:*"]) as opened:
        yield opened


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://10.1.2.3/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://[fc00::1]/",
        "http://[fe80::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[2001:0:7f00:1::1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://127.0.0.1./",
        "http://localhost/",
        "http://localhost./",
        "http://a.localhost/",
        "http://metadata.google.internal/",
        "http://printer.local/",
        "http://user:secret@example.com/",
        "http://example.com:6379/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http:///nowhere",
        "http://[::1/",
    ],
)
def test_an_address_that_is_not_public_is_refused_before_any_connection(url: str) -> None:
    """RFC 6890 special-use ranges, transition addresses, odd spellings, names of the local network."""
    with pytest.raises(EgressRefused) as caught:
        AddressRules().target(url)
    assert caught.value.failure.code == "egress_refused"
    assert "secret" not in caught.value.failure.message


async def test_a_name_that_leads_to_loopback_is_refused_when_it_is_resolved() -> None:
    """DNS rebinding: the check is on the addresses that the connection will use."""
    resolver = GuardedResolver(AddressRules())
    with pytest.raises(AddressRefused):
        await resolver.resolve("localhost", 80)
    await resolver.close()


def test_the_operator_may_name_a_private_host_and_port() -> None:
    rules = AddressRules(["127.0.0.1:8090", "[::1]:*"])
    assert rules.target("http://127.0.0.1:8090/x").port == 8090
    assert rules.target("http://[::1]:99/x").host == "::1"
    with pytest.raises(EgressRefused):
        rules.target("http://127.0.0.1:8091/x")


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (fault_server.reset, "upstream_reset"),
        (fault_server.stall, "upstream_timeout"),
        (fault_server.drip, "upstream_timeout"),
        (says(fault_server.HALF_BODY), "upstream_reset"),
        (says(fault_server.GARBAGE), "upstream_malformed"),
        (says(fault_server.BOMB), "upstream_too_large"),
        (says(fault_server.TOO_LONG), "upstream_too_large"),
        (says(answer("200 OK", "Content-Encoding: gzip", body=b"not gzip")), "upstream_malformed"),
        (says(answer("200 OK", "Content-Encoding: br", body=b"x")), "upstream_malformed"),
        (fault_server.redirect_to_itself, "upstream_malformed"),
        (says(answer("302 Found", "Location: http://169.254.169.254/latest")), "egress_refused"),
        (says(answer("302 Found", "Location: file:///etc/passwd")), "egress_refused"),
    ],
)
async def test_each_fault_is_one_clear_error_and_the_pool_still_works(egress: Egress, behaviour: Behaviour, code: str) -> None:
    """Faults of issue "Calling any API": one error each, no leak, pool intact."""
    with pytest.raises((UpstreamFailed, EgressRefused)) as caught:
        async with serving(behaviour) as origin:
            await egress.send(OutboundRequest("GET", f"{origin}/secret-path?token=s3cret", timeout_s=0.5, max_body_bytes=1_000_000))
    assert caught.value.failure.code == code
    assert "s3cret" not in caught.value.failure.message
    async with serving(says(answer("200 OK", body=b"fine"))) as origin:
        assert (await egress.send(OutboundRequest("GET", origin))).body == b"fine"
    assert egress._session is not None
    assert egress._session.connector is not None
    assert not egress._session.connector._acquired


async def test_an_upstream_that_nobody_runs_is_unreachable(egress: Egress) -> None:
    async with serving(says(b"")) as origin:
        pass
    with pytest.raises(UpstreamFailed) as caught:
        await egress.send(OutboundRequest("GET", origin))
    assert caught.value.failure.code == "upstream_unreachable"
    assert caught.value.failure.retryable


async def test_an_error_answer_is_an_answer(egress: Egress) -> None:
    """429 with Retry-After comes back whole: what it means is the caller's business."""
    async with serving(says(answer("429 Too Many Requests", "Retry-After: 7", body=b'{"error":"slow down"}'))) as origin:
        response = await egress.send(OutboundRequest("POST", origin, body=b"{}"))
    assert (response.status, response.headers["retry-after"], response.body) == (429, "7", b'{"error":"slow down"}')


async def test_credentials_do_not_follow_a_redirect_to_another_origin(egress: Egress) -> None:
    heads: list[str] = []

    async def note(head: str, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(head)
        writer.write(answer("200 OK", body=b"there"))
        await writer.drain()

    async with serving(note) as elsewhere, serving(says(answer("307 Temporary Redirect", f"Location: {elsewhere}/x"))) as origin:
        request = OutboundRequest("GET", origin, (("Authorization", "Bearer s3cret"), ("X-Api-Key", "k3y"), ("Accept", "text/plain")))
        response = await egress.send(request)
    assert response.body == b"there"
    assert "s3cret" not in heads[0]
    assert "k3y" not in heads[0]
    assert "text/plain" in heads[0]


async def test_a_post_is_never_redirected(egress: Egress) -> None:
    async with serving(says(answer("307 Temporary Redirect", "Location: /again"))) as origin:
        assert (await egress.send(OutboundRequest("POST", origin, body=b"x"))).status == 307


async def test_fetch_follows_nothing_and_says_little(egress: Egress) -> None:
    """The `Fetch` of the oauth package: redirects are answers, refusals one exception."""
    async with serving(says(answer("302 Found", "Location: http://169.254.169.254/", body=b""))) as origin:
        assert (await egress.fetch(origin, max_bytes=5120, timeout_s=2)).status == 302
    async with serving(says(fault_server.TOO_LONG)) as origin:
        with pytest.raises(FetchRefused):
            await egress.fetch(origin, max_bytes=5120, timeout_s=2)
    with pytest.raises(FetchRefused):
        await egress.fetch("http://10.0.0.1/doc", max_bytes=5120, timeout_s=2)


async def test_httpx_goes_through_the_same_guard(egress: Egress) -> None:
    """The transport for authlib and the MCP SDK."""
    async with httpx2.AsyncClient(transport=GuardedTransport(egress)) as client:
        async with serving(says(answer("200 OK", "Content-Type: application/json", body=b'{"a":1}'))) as origin:
            assert (await client.get(origin)).json() == {"a": 1}
        with pytest.raises(httpx2.ConnectError):
            await client.get("http://10.0.0.1/")
        async with serving(says(fault_server.HALF_BODY)) as origin:
            with pytest.raises(httpx2.ReadError):
                await client.get(origin)
