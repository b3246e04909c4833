"""What leaves, what is refused, and what a misbehaving upstream becomes."""

import asyncio
import gzip

import pytest

from oauth.errors import FetchRefused
from tests.tools.egress import fault_server
from tests.tools.egress.fault_server import Behaviour, answer, says, serving
from tests.tools.egress.pools import busy_count
from tests.waiting import until
from tools.egress.client import Egress, OutboundRequest
from tools.errors import EgressRefused, UpstreamFailed


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
        (fault_server.endless, "upstream_too_large"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"), "upstream_malformed"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: minus\r\n\r\nhello"), "upstream_malformed"),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello"), "upstream_malformed"),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), "upstream_reset"),
        (says(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n"), "upstream_malformed"),
        (says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: else\r\nConnection: upgrade\r\n\r\n"), "upstream_malformed"),
        (says(answer("600 Else")), "upstream_malformed"),
        (says(answer("999 Denied")), "upstream_malformed"),
        (says(answer("099 Low")), "upstream_malformed"),
        (says(b""), "upstream_reset"),
        (says(answer("200 OK", "Content-Encoding: gzip", body=gzip.compress(bytes(range(256)) * 20, mtime=0)[:-40])), "upstream_reset"),
        (says(answer("200 OK", "Content-Encoding: gzip", body=b"\x1f\x8bnot gzip")), "upstream_malformed"),
        (says(answer("200 OK", "Content-Encoding: br", body=b"x")), "upstream_malformed"),
        (fault_server.redirect_to_itself, "upstream_malformed"),
        (says(answer("302 Found", "Location: http://169.254.169.254/latest")), "egress_refused"),
        (says(answer("302 Found", "Location: file:///etc/passwd")), "egress_refused"),
        (says(answer("302 Found", "Location: http://[::1")), "upstream_malformed"),
    ],
)
async def test_each_fault_is_one_clear_error_and_the_pool_still_works(egress: Egress, behaviour: Behaviour, code: str) -> None:
    """Faults of issue "Calling any API": one error each, no leak, pool intact."""
    before, timeout_s = asyncio.all_tasks(), 0.5 if code == "upstream_timeout" else 10
    with pytest.raises((UpstreamFailed, EgressRefused)) as caught:
        async with serving(behaviour) as origin:
            await egress.send(OutboundRequest("GET", f"{origin}/secret-path?token=s3cret", timeout_s=timeout_s, max_body_bytes=1_000_000))
    assert caught.value.failure.code == code
    assert "s3cret" not in caught.value.failure.message
    async with serving(says(answer("200 OK", body=b"fine"))) as origin:
        assert (await egress.send(OutboundRequest("GET", origin))).body == b"fine"
    await until(lambda: busy_count(egress) == 0)
    await until(lambda: asyncio.all_tasks() <= before | {asyncio.current_task()})


async def test_an_upstream_that_nobody_runs_is_unreachable(egress: Egress) -> None:
    """A refused connection is upstream_unreachable, within the deadline, and says that it was refused."""
    async with serving(says(b"")) as origin:
        pass
    with pytest.raises(UpstreamFailed) as caught:
        await egress.send(OutboundRequest("GET", origin))
    assert caught.value.failure.code == "upstream_unreachable"
    assert caught.value.failure.message.endswith(" could not be reached: connection refused")
    assert caught.value.failure.retryable


async def test_an_error_answer_is_an_answer(egress: Egress) -> None:
    """429 with Retry-After comes back whole: what it means is the caller's business."""
    async with serving(says(answer("429 Too Many Requests", "Retry-After: 7", body=b'{"error":"slow down"}'))) as origin:
        response = await egress.send(OutboundRequest("POST", origin, body=b"{}"))
    assert (response.status, response.headers["retry-after"], response.body) == (429, "7", b'{"error":"slow down"}')


async def test_credentials_do_not_follow_a_redirect_to_another_origin(egress: Egress) -> None:
    """RFC 9110 §15.4: a redirect must not carry credentials elsewhere."""
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


@pytest.mark.parametrize("status", ["307 Temporary Redirect", "308 Permanent Redirect"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_redirect_within_the_origin_keeps_method_and_body(egress: Egress, method: str, status: str) -> None:
    """RFC 9110 §15.4.8 and §15.4.9: such an answer says that nothing was done yet."""
    got: list[tuple[str, bytes]] = []

    async def onward(head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append((head.split(" HTTP")[0], await reader.readexactly(5)))
        writer.write(answer("201 Created", body=b"made") if "/things/" in head else answer(status, "Location: /things/"))
        await writer.drain()

    async with serving(onward) as origin:
        response = await egress.send(OutboundRequest(method, f"{origin}/things", body=b"hello"))
    assert (response.status, response.body, response.url) == (201, b"made", f"{origin}/things/")
    assert got == [(f"{method} /things", b"hello"), (f"{method} /things/", b"hello")]


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "303 See Other"])
async def test_a_redirect_that_may_change_the_method_is_the_answer_of_a_post(egress: Egress, status: str) -> None:
    """RFC 9110 §15.4: another method or a second write is the caller's decision."""
    async with serving(says(answer(status, "Location: /again"))) as origin:
        assert (await egress.send(OutboundRequest("POST", origin, body=b"x"))).status == int(status[:3])


async def test_a_post_is_never_sent_on_to_another_origin(egress: Egress) -> None:
    """Credentials and the body stay where they were meant to go; a foreign, refused or unreadable address is the answer."""
    heads: list[str] = []

    async def note(head: str, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(head)

    async with serving(note) as elsewhere:
        for location in (elsewhere, "https://10.0.0.1/", "//evil.example/x", "http://[", "ftp://x/y"):
            async with serving(says(answer("308 Permanent Redirect", f"Location: {location}"))) as origin:
                assert (await egress.send(OutboundRequest("POST", origin, body=b"x"))).status == 308
    assert heads == []


async def test_a_post_that_is_sent_in_circles_ends_with_the_redirect(egress: Egress) -> None:
    """Nothing was done yet, so it is not called unsure."""
    async with serving(says(answer("307 Temporary Redirect", "Location: /again"))) as origin:
        assert (await egress.send(OutboundRequest("POST", origin, body=b"x"))).status == 307


async def test_the_way_out_of_oauth_follows_nothing_and_says_little(egress: Egress) -> None:
    """`oauth.fetch.Outbound`: redirects are answers, refusals one exception."""
    async with serving(says(answer("302 Found", "Location: http://169.254.169.254/", body=b""))) as origin:
        assert (await egress.outbound("GET", origin, headers={}, body=None, max_bytes=5120, timeout_s=2)).status == 302
    async with serving(says(fault_server.TOO_LONG)) as origin:
        with pytest.raises(FetchRefused):
            await egress.outbound("GET", origin, headers={}, body=None, max_bytes=5120, timeout_s=2)
    with pytest.raises(FetchRefused):
        await egress.outbound("GET", "http://10.0.0.1/doc", headers={}, body=None, max_bytes=5120, timeout_s=2)


@pytest.mark.parametrize(
    "header", [("X-A", "one\r\nX-Evil: two"), ("X-A\r\nX-Evil", "two"), ("X A", "x"), ("X-A", "nul\0"), ("", "x")], ids=repr
)
async def test_a_header_that_would_break_its_line_is_refused(egress: Egress, header: tuple[str, str]) -> None:
    """RFC 9110 §5.5: field values have no CR, LF or NUL."""
    async with serving(says(answer("200 OK"))) as origin:
        with pytest.raises(EgressRefused):
            await egress.send(OutboundRequest("GET", origin, (header,)))


async def test_headers_of_the_connection_are_ours(egress: Egress) -> None:
    """RFC 9110 §7.6.1: framing is not for arguments to say."""
    heads: list[str] = []

    async def note(head: str, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(head.lower())
        writer.write(answer("200 OK"))
        await writer.drain()

    async with serving(note) as origin:
        given = (("Host", "evil.example"), ("Content-Length", "999"), ("Transfer-Encoding", "chunked"), ("X-Mine", "kept"))
        await egress.send(OutboundRequest("POST", f"{origin}/a%2Fb?q=%20", given, b"{}"))
    assert heads[0].startswith("post /a%2fb?q=%20 http/1.1")
    assert "evil.example" not in heads[0]
    assert "content-length: 2\r\n" in heads[0]
    assert "transfer-encoding" not in heads[0]
    assert "x-mine: kept" in heads[0]
