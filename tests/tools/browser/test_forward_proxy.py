"""The proxy by itself, spoken to byte by byte as no browser would."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tests.tools.browser.hostile_site import PRIVATE, REBOUND, Site, endless, hostile_site
from tests.waiting import until
from tools.browser.forward_proxy import ForwardProxy
from tools.browser.limits import PageLimits


@asynccontextmanager
async def proxied(limits: PageLimits | None = None) -> AsyncIterator[tuple[Site, ForwardProxy]]:
    async with hostile_site() as (site, egress), ForwardProxy(egress, limits or PageLimits()) as proxy:
        site.pages["/"] = "here"
        yield site, proxy


async def said_to(proxy: ForwardProxy, text: str) -> str:
    """Return all that comes back until the proxy closes."""
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(proxy.url.rpartition(":")[2]))
        writer.write(text.encode())
        try:
            return (await reader.read()).decode()
        except ConnectionResetError:
            return ""
        finally:
            writer.close()


async def test_a_request_is_passed_on_in_the_form_of_an_origin_and_ends_its_connection() -> None:
    async with proxied() as (site, proxy):
        answer = await said_to(
            proxy, f"GET {site.url}/a?b=1 HTTP/1.1\r\nHost: {site.url[7:]}\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\n\r\n"
        )
        assert site.asked == ["/a?b=1"]
        assert answer.startswith("HTTP/1.1 404")
        assert answer.lower().count("connection: close") == 1


async def test_what_follows_a_request_on_its_connection_reaches_nobody() -> None:
    """It is for another origin, perhaps, with that one's cookies."""
    async with proxied() as (site, proxy):
        request = f"POST {site.url}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"
        answer = await said_to(proxy, request + f"GET {site.url}/second HTTP/1.1\r\nHost: x\r\n\r\n")
        assert site.asked == ["/"]
        assert answer.count("HTTP/1.1") == 1


@pytest.mark.parametrize(
    "fields",
    [
        "Content-Length: 2\r\nContent-Length: 5",
        "Transfer-Encoding: chunked",
        "Content-Length: +2",
        "Content-Length : 2",
        " folded: x",
        "a\rb: x",
        "no colon",
    ],
)
async def test_a_head_that_two_would_read_in_two_ways_goes_nowhere(fields: str) -> None:
    async with proxied() as (site, proxy):
        assert await said_to(proxy, f"POST {site.url}/ HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\nhi") == ""
        assert site.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", PRIVATE, REBOUND, "0x7f000001"])
async def test_a_tunnel_to_where_no_call_may_go_is_refused_and_told(host: str) -> None:
    async with proxied() as (site, proxy):
        answer = await said_to(proxy, f"CONNECT {host}:{site.inside.port} HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith("HTTP/1.1 403")
        assert list(proxy.refusals) == [f"https://{host}:{site.inside.port}"]
        assert site.inside.reached == 0


@pytest.mark.parametrize("target", ["a", "site.test", "user@site.test:443", "site.test:443/x", "site.test:99999", "site.test:22"])
async def test_a_tunnel_to_no_host_and_port_is_none(target: str) -> None:
    async with proxied() as (_, proxy):
        assert "200" not in await said_to(proxy, f"CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n")


async def test_nothing_passes_once_the_call_took_what_it_may() -> None:
    async with proxied(PageLimits(traffic_bytes=200_000)) as (site, proxy):
        site.handlers["/endless"] = endless(b"x" * 50_000, "text/plain")
        answer = await said_to(proxy, f"GET {site.url}/endless HTTP/1.1\r\nHost: x\r\n\r\n")
        assert len(answer) < 1_000_000
        assert proxy.is_spent
        assert await said_to(proxy, f"GET {site.url}/ HTTP/1.1\r\nHost: x\r\n\r\n") == ""


async def test_an_upstream_that_switches_protocols_unasked_is_not_followed() -> None:
    async def switch(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 101 Switching\r\n\r\nsomething else")
        request.transport.close()
        return web.Response()

    async with proxied() as (site, proxy):
        site.handlers["/switch"] = switch
        assert await said_to(proxy, f"GET {site.url}/switch HTTP/1.1\r\nHost: x\r\n\r\n") == ""


async def test_it_is_gone_with_its_call() -> None:
    async with hostile_site() as (site, egress):
        async with ForwardProxy(egress, PageLimits()) as proxy:
            port = int(proxy.url.rpartition(":")[2])
            site.handlers["/never"] = endless(b"", "text/plain")
            asking = asyncio.create_task(said_to(proxy, f"GET {site.url}/never HTTP/1.1\r\nHost: x\r\n\r\n"))
            await until(lambda: "/never" in site.asked)
        assert (await asking).count("\r\n\r\n") <= 1
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.1", port)
