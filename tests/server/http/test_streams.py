"""Streams that were reported to split readers, each with what it holds by RFC 9112: that many requests, or 400 and the end."""

import asyncio

import pytest
from starlette.types import Receive, Scope, Send

from server.http.heads import UnfitHead, body_after
from server.http.protocol import strict_http
from tests.server.http.connection_in_process import AUTHORITY, INNER, NEXT, Noting, deliver, outcome, post
from tests.server.http.rfc9112 import Request


def chunks(body: bytes) -> bytes:
    return post("Transfer-Encoding: chunked", body=body)


def sized(*lines: str) -> bytes:
    return post(*lines, body=b"ab")


LAST = b"0\r\n\r\n"
#: CVE-2025-22871, CVE-2025-43859, CVE-2026-2833 and their kin: line ends, sizes and extensions of chunks; lengths; codings
REFUSED = {
    "line feed in an extension": chunks(b"5;\nx\r\nhello\r\n" + LAST),
    "carriage return in an extension": chunks(b"5;a\rb\r\nhello\r\n" + LAST),
    "line end in a quoted extension": chunks(b'5;a="\r\n"\r\nhello\r\n' + LAST),
    "blank after a size": chunks(b"5 \r\nhello\r\n" + LAST),
    "line feed after a size": chunks(b"5\nhello\r\n" + LAST),
    "two carriage returns after a size": chunks(b"5\r\r\nhello\r\n" + LAST),
    "0x": chunks(b"0x5\r\nhello\r\n" + LAST),
    "plus": chunks(b"+5\r\nhello\r\n" + LAST),
    "minus": chunks(b"-5\r\nhello\r\n" + LAST),
    "underscore in a size": chunks(b"5_0\r\nhello\r\n" + LAST),
    "size of 65 bits": chunks(b"10000000000000005\r\nhello\r\n" + LAST),
    "no size": chunks(b"\r\nhello\r\n" + LAST),
    "an extension alone": chunks(b";a\r\nhello\r\n" + LAST),
    "more than the size": chunks(b"5\r\nhelloX\r\n" + LAST),
    "no line end after a chunk": chunks(b"5\r\nhello" + LAST),
    "line feed after a chunk": chunks(b"5\r\nhello\n" + LAST),
    "line feed after the last size": chunks(b"5\r\nhello\r\n0\n\r\n"),
    "line feed at the end": chunks(b"5\r\nhello\r\n0\r\n\n"),
    "line feed in a trailer": chunks(b"5\r\nhello\r\n0\r\nA: b\n\r\n"),
    "trailer without a colon": chunks(b"5\r\nhello\r\n0\r\nA b\r\n\r\n"),
    "folded trailer": chunks(b"5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n"),
    "coding and comma": post("Transfer-Encoding: chunked,", body=LAST),
    "comma and coding": post("Transfer-Encoding: ,chunked", body=LAST),
    "coding with a parameter": post("Transfer-Encoding: chunked;a=b", body=LAST),
    "quoted coding": post('Transfer-Encoding: "chunked"', body=LAST),
    "chunked twice": post("Transfer-Encoding: chunked, chunked", body=LAST),
    "chunked in two fields": post("Transfer-Encoding: chunked", "Transfer-Encoding: chunked", body=LAST),
    "no coding": post("Transfer-Encoding:", body=b""),
    "vertical tab after a coding": post("Transfer-Encoding: chunked\x0b", body=LAST),
    "blank that is none": post("Transfer-Encoding: chunked\u00a0", body=LAST),
    "blank before a colon": post("Transfer-Encoding : chunked", body=LAST),
    "identity and a length": sized("Transfer-Encoding: identity", "Content-Length: 2"),
    "length of 65 bits": sized("Content-Length: 18446744073709551618"),
    "fraction": sized("Content-Length: 2.0"),
    "hexadecimal length": sized("Content-Length: 0x2"),
    "digits of another script": sized("Content-Length: \u0662"),
    "empty length": sized("Content-Length:"),
    "two numbers": sized("Content-Length: 2 2"),
    "HTTP/1.2": post("Content-Length: 2", body=b"ab", version="1.2"),
    "HTTP/1.10": post("Content-Length: 2", body=b"ab", version="1.10"),
    "tab in the request line": b"GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "blank after the version": b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
    "blank before the first field": b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
    "field without a name": sized(": x", "Content-Length: 2"),
    "NUL in a value": sized("A: a\x00b", "Content-Length: 2"),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00",
    "the PROXY protocol": b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
}  # fmt: skip

TAKEN = {
    "zeros before a size": chunks(b"0000000000005\r\nhello\r\n" + LAST),
    "quoted extension": chunks(b'5;a="x;y"\r\nhello\r\n' + LAST),
    "trailer that speaks of the connection": chunks(b"5\r\nhello\r\n0\r\nConnection: upgrade, close\r\nUpgrade: x\r\n\r\n"),
    "tab before a coding": post("Transfer-Encoding:\tchunked", body=b"5\r\nhello\r\n" + LAST),
    "zeros before a length": post("Content-Length: 0005", body=b"hello"),
    "blanks around a length": post("Content-Length: \t5\t ", body=b"hello"),
    "a coding by another name": post("Transfer_Encoding: chunked", "Content-Length: 5", body=b"hello"),
    "an expectation that nobody knows": post("Expect: 200-ok", "Content-Length: 5", body=b"hello"),
    "two upgrades": post("Connection: upgrade", "Upgrade: h2c", "Upgrade: websocket", "Content-Length: 5", body=b"hello"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("is_hasty", [False, True])
def test_a_stream_that_readers_split_over_is_refused_whole(name: str, is_hasty: bool) -> None:
    """However it is cut, and whether or not somebody answers before the body: what follows is never read."""
    stream = REFUSED[name] + INNER + NEXT
    for cuts in ((), range(len(stream)), range(0, len(stream), 7)):
        requests, line = outcome(stream, cuts, is_hasty=is_hasty)
        assert line.is_closed
        assert not {b"/inner", b"/next"} & {request.target for request in requests}
        assert requests == [] or is_hasty


@pytest.mark.parametrize("name", TAKEN)
def test_a_stream_that_is_right_is_taken_however_odd_it_looks(name: str) -> None:
    stream = TAKEN[name] + NEXT
    for cuts in ((), range(len(stream)), range(0, len(stream), 7)):
        requests, line = outcome(stream, cuts)
        assert requests == [Request(b"POST", b"/", b"hello"), Request(b"GET", b"/next", b"")]
        assert not line.is_closed


async def never_asks(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer without reading, as a refusal does."""
    await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


class Refusing(Noting):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests.append(Request(scope["method"].encode(), scope["raw_path"], b""))
        await never_asks(scope, receive, send)


@pytest.mark.parametrize("framing", [f"Content-Length: {len(INNER)}", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("expect", ["100-continue", "100-Continue ", "\t100-CONTINUE"])
def test_a_body_that_nobody_asked_for_is_no_place_for_another_request(framing: str, expect: str) -> None:
    """RFC 9110 §10.1.1: after a final answer the client may leave the body away, and we cannot know: so the connection ends."""
    app = Refusing()
    line = asyncio.run(deliver(app, [post(f"Expect: {expect}", framing, body=b""), INNER + NEXT]))
    assert app.requests == [Request(b"POST", b"/", b"")]
    assert line.written.startswith(b"HTTP/1.1 401")
    assert b"100 Continue" not in line.written
    assert b"connection: close" in line.written
    assert line.is_closed


def test_a_body_that_came_unasked_or_was_asked_for_leaves_the_connection_open() -> None:
    """RFC 9110 §10.1.1: a client may send it at once; .NET Framework expects with every POST."""
    at_once = post("Expect: 100-continue", "Content-Length: 5", body=b"hello")
    line = asyncio.run(deliver(Refusing(), [at_once, NEXT]))
    assert (line.written.count(b"HTTP/1.1 401"), line.is_closed) == (2, False)
    app = Noting()
    line = asyncio.run(deliver(app, [at_once[:-5], b"hello" + NEXT]))
    assert [request.target for request in app.requests] == [b"/", b"/next"]
    assert (line.written.startswith(b"HTTP/1.1 100 Continue\r\n\r\n"), line.is_closed) == (True, False)


@pytest.mark.parametrize(
    ("target", "authority", "host"),
    [
        ("http://gateway.test:8080/a", "gateway.test:8080", b"gateway.test:8080"),
        ("HTTP://Gateway.TEST:8080/a", "gateway.test:8080", b"gateway.test:8080"),
        ("http://gateway.test/a", "gateway.test", b"gateway.test"),
        ("http://gateway.test", "gateway.test", b"gateway.test"),
        ("http://gateway.test?a", "gateway.test", b"gateway.test"),
        ("http://gateway.test:80/a", "gateway.test", b"gateway.test"),
        ("https://gateway.test:443/a", "gateway.test", b"gateway.test"),
        ("http://localhost:8080/a", "127.0.0.1:8080", b"localhost:8080"),
        ("http://[::1]:8080/a", "localhost:8080", b"[::1]:8080"),
        ("http://gateway.test:8080/a", "gateway.test", None),
        ("http://gateway.test:443/a", "gateway.test", None),
        ("http://gateway.test/a", "gateway.test:8080", None),
        ("http://localhost:8081/a", "127.0.0.1:8080", None),
        ("http://localhost:8080/a", "gateway.test:8080", None),
        ("http://gateway.test.evil.test/a", "gateway.test", None),
        ("http://u@gateway.test/a", "gateway.test", None),
        ("http://gateway.test@evil.test/a", "gateway.test", None),
        ("http:///a", "gateway.test", None),
        ("/a", "gateway.test", b"evil.test"),
        ("//gateway.test/a", "gateway.test", b"evil.test"),
    ],
)
def test_a_target_in_absolute_form_is_at_one_of_our_names_and_takes_the_place_of_host(
    target: str, authority: str, host: bytes | None
) -> None:
    """RFC 9112 §3.2.2: Host is ignored then, so nobody behind us reads another one."""
    headers = [(b"host", b"evil.test"), (b"a", b"b")]
    try:
        body_after(b"GET", target.encode(), "1.1", headers, strict_http(authority).authorities, b"")
    except UnfitHead:
        assert host is None
    else:
        assert headers == [(b"host", host), (b"a", b"b")]


@pytest.mark.parametrize(
    ("line", "target"),
    [(b"GET http://gateway.test:8080", b"/"), (b"GET http://gateway.test:8080?b=c", b"/?b=c"), (b"OPTIONS http://gateway.test:8080", b"*")],
    ids=["root", "query", "server"],
)
def test_a_target_without_a_path_is_about_the_root_or_the_server(line: bytes, target: bytes) -> None:
    """RFC 9110 §4.2.3: an empty path is `/`; §7.1: with OPTIONS, `*`."""
    requests, _ = outcome(line + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert requests == [Request(line.partition(b" ")[0], target, b"")]


@pytest.mark.parametrize("target", [b"/a", b"http://gateway.test:8080/a"], ids=["origin form", "absolute form"])
def test_http_1_0_without_host_means_us(target: bytes) -> None:
    """RFC 9112 §3.3: nobody behind us sees a request without an authority."""
    app = Noting()
    asyncio.run(deliver(app, [b"GET %b HTTP/1.0\r\n\r\n" % target]))
    assert [value for name, value in app.heads[0] if name == b"host"] == [AUTHORITY.encode()]


def test_a_target_in_absolute_form_is_served_like_any_other() -> None:
    app = Noting()
    asyncio.run(deliver(app, [b"GET http://gateway.test:8080/a?b HTTP/1.1\r\nHost: evil.test\r\n\r\n" + NEXT]))
    assert [request.target for request in app.requests] == [b"/a?b", b"/next"]
    assert (b"host", AUTHORITY.encode()) in app.heads[0]
