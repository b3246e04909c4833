"""Where a request ends: the connection in process against tests/server/http/rfc9112.py, which reads the same bytes by itself."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.http.framing import MAX_WAITING
from tests.examples import examples
from tests.server.http.connection_in_process import INNER, NEXT, Noting, agrees, chunked, deliver, outcome, post
from tests.server.http.rfc9112 import Request, read


@st.composite
def well_formed(draw: st.DrawFn) -> bytes:
    """One request whose reading nobody can dispute."""
    version = draw(st.sampled_from([b"1.1"] * 5 + [b"1.0"]))
    target = draw(st.sampled_from([b"/", b"/mcp", b"/token?a=b&c", b"/a%2Fb", b"/x" * 40]))
    lines = [b"%b %b HTTP/%b" % (draw(st.sampled_from([b"GET", b"POST", b"DELETE", b"OPTIONS"])), target, version)]
    extra = [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"Upgrade: websocket", b"Connection: upgrade", b"Connection: x",
             b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA", b"Expect: 100-continue", b"Connection: keep-alive", b"A:",
             b"Connection: close, y", b"Accept:\ttext/html \t", b"X: \xe2\x98\x83", b"TE: trailers", b"Trailer: T"]  # fmt: skip
    lines += [b"Host: gateway.test", *draw(st.lists(st.sampled_from(extra), max_size=4))]
    body = draw(st.sampled_from([b"", b"{}", b"\r\n\r\n", b"GET /inner HTTP/1.1\r\nHost: x\r\n\r\n", b"0\r\n\r\n" * 3, b"x" * 300]))
    framing = draw(st.sampled_from(["none", "length", "chunks"] if version == b"1.1" else ["none", "length"]))
    if framing == "length":
        lines.append(b"Content-Length: %d" % len(body))
    elif framing == "chunks":
        lines.append(draw(st.sampled_from([b"Transfer-Encoding: chunked", b"transfer-encoding:Chunked "])))
        trailer = draw(st.sampled_from([b"", b"T: a\r\n", b"Host: evil\r\nConnection: close\r\n"]))
        body = chunked(body, draw(st.integers(1, 9)), draw(st.sampled_from([b"", b";a=b", b';a="b;c"'])), trailer)
    else:
        body = b""
    order = draw(st.permutations(lines[1:]))
    return draw(st.sampled_from([b"", b"", b"\r\n"])) + b"\r\n".join([lines[0], *order, b"", body])


ODD = [b" ", b"\t", b"\r", b"\n", b"\r\n", b":", b"\x00", b"\x7f", b"\xff", b",", b"0", b"1", b"#", b"\r\n ", b"\r\n\r\n", b"\n\n", b";",
       b"\r\nContent-Length: 3", b"\r\nContent-Length: 3, 3", b"\r\nContent-Length: +3", b"\r\nContent-Length:", b"\r\nContent-Length : 3",
       b"\r\nTransfer-Encoding: chunked", b"\r\nTransfer-Encoding: gzip, chunked", b"\r\nTransfer-Encoding: chunked, gzip",
       b"\r\nTransfer-Encoding: identity", b"\r\nTransfer-Encoding: x\r\nTransfer-Encoding: chunked", b"\r\nTransfer-Encoding:\x0bchunked",
       b"\r\nConnection: close", b"\r\nConnection: Upgrade\r\nUpgrade: h2c", b"\r\nHost: gateway.test", b"CONNECT ", b"HTTP/2.0",
       b"RTSP/1.0", b"ICE/1.0", b"GET / HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"http://gateway.test:8080"]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    stream = b"".join(draw(st.lists(well_formed(), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(1, 3))):
        seams = [at for at in range(len(stream)) if stream[at : at + 1] in (b"\r", b" ", b":", b"/")] or [0]
        at = draw(st.one_of(st.sampled_from(seams), st.integers(0, len(stream))))
        gone = draw(st.sampled_from([0, 0, 1, 2, 8]))
        stream = stream[:at] + draw(st.one_of(st.sampled_from(ODD), st.binary(max_size=3))) + stream[at + gone :]
    return stream


CUTS = st.lists(st.integers(0, 900), max_size=6)


@examples(150)
@given(st.lists(well_formed(), min_size=1, max_size=4), CUTS)
def test_well_formed_streams_give_their_requests_however_they_are_cut(requests: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(requests)
    reading = read(stream)
    assert reading.end != "bad"
    given_requests, line = outcome(stream, cuts)
    assert given_requests == reading.requests
    assert line.is_closed == (reading.end == "closed")
    assert b" 400 " not in line.written


@examples(300)
@given(mutated(), CUTS)
@example(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET  /b HTTP/1.1\r\nHost: x\r\n\r\n", [28])
@example(b"GET / RTSP/1.0\r\nHost: x\r\n\r\n", [])
@example(b"\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", [])
def test_mutated_streams_give_the_same_requests_or_a_refusal(stream: bytes, cuts: list[int]) -> None:
    reading = read(stream)
    requests, line = outcome(stream, cuts)
    agrees(requests, line, reading)


@examples(100)
@given(mutated(), CUTS)
def test_an_answer_before_the_body_changes_nothing_of_where_requests_end(stream: bytes, cuts: list[int]) -> None:
    """A hasty application is given heads whose bodies have not come, or never will: one more than there are whole requests."""
    reading = read(stream)
    requests, line = outcome(stream, cuts, is_hasty=True)
    whole = [(request.method, request.target) for request in reading.requests]
    given_heads = [(request.method, request.target) for request in requests]
    assert given_heads[: len(whole)] == whole[: len(given_heads)]
    assert len(given_heads) <= len(whole) + (reading.end != "closed")
    if len(given_heads) < len(whole):
        assert line.is_closed


@examples(60)
@given(mutated())
def test_a_stream_that_comes_byte_by_byte_is_read_as_one_that_comes_at_once(stream: bytes) -> None:
    at_once, line = outcome(stream)
    bytewise, other = outcome(stream, range(len(stream)))
    assert bytewise == at_once
    assert other.is_closed == line.is_closed


UPGRADES = [
    ["Connection: Upgrade", "Upgrade: h2c"],
    ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"],
    ["Connection: keep-alive", "Connection: upgrade", "Upgrade: websocket"],
    ["Upgrade: TLS/1.0, HTTP/2.0", "Connection: keep-alive, Upgrade"],
]


@pytest.mark.parametrize("lines", UPGRADES)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_after_an_upgrade_is_read_by_its_length(lines: list[str], is_chunked: bool) -> None:
    """attacks.md, row 1; RFC 9110 §7.8: a server may ignore Upgrade, and here every one is ignored."""
    framing = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {len(INNER)}"
    stream = post(*lines, framing, body=chunked(INNER, 7, b"", b"") if is_chunked else INNER) + NEXT
    expected = [Request(b"POST", b"/", INNER), Request(b"GET", b"/next", b"")]
    cuts: Sequence[int]
    for cuts in ((), range(len(stream))):
        requests, line = outcome(stream, cuts)
        assert requests == expected
        assert line.written.count(b"HTTP/1.1 200") == 2


BROKEN = {
    "connect": b"CONNECT gateway.test:8080 HTTP/1.1\r\nHost: x\r\nContent-Length: 36\r\n\r\n" + INNER,
    "chunks in 1.0": post("Transfer-Encoding: chunked", body=b"0\r\n\r\n", version="1.0"),
    "length and chunks": post("Content-Length: 5", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "another coding": post("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "two codings": post("Transfer-Encoding: gzip", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "two lengths": post("Content-Length: 1", "Content-Length: 1", body=b"a"),
    "a list of lengths": post("Content-Length: 1, 1", body=b"a"),
    "a signed length": post("Content-Length: +1", body=b"a"),
    "blank before the colon": post("Content-Length : 1", body=b"a"),
    "folded": post("A: b\r\n c", body=b""),
    "bare line feed": post("A: b\nC: d", body=b""),
    "bare carriage return": post("A: b\rC: d", body=b""),
    "two spaces": b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
    "fragment": b"GET /#a HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
    "HTTP/0.9": b"GET /\r\nHost: x\r\n\r\n",
    "another protocol": b"SOURCE / ICE/1.0\r\nHost: x\r\n\r\n",
    "asterisk": b"GET * HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_could_be_read_in_two_ways_is_refused_and_nothing_after_it_is_read(case: str) -> None:
    """RFC 9112 §2.2, §3, §5.1, §5.2, §6.1, §6.3: also behind a request that is right."""
    requests, line = outcome(BROKEN[case] + NEXT)
    assert requests == []
    assert line.written.startswith(b"HTTP/1.1 400")
    assert line.is_closed
    requests, line = outcome(NEXT + BROKEN[case] + NEXT)
    assert requests == [Request(b"GET", b"/next", b"")]
    assert line.is_closed


def test_nothing_is_read_after_a_request_that_ends_the_connection() -> None:
    """RFC 9112 §9.6, in whichever of several Connection headers it says so."""
    for lines in (["Connection: close"], ["Connection: close", "Connection: keep-alive"], ["Connection: x, Close ,y"]):
        requests, line = outcome(post(*lines, "Content-Length: 1", body=b"a") + NEXT)
        assert requests == [Request(b"POST", b"/", b"a")]
        assert line.is_closed


@pytest.mark.parametrize("lines", [[], ["Connection: keep-alive"], ["Expect: 100-continue"]])
def test_an_answer_to_http_1_0_ends_with_the_connection_and_is_never_chunked(lines: list[str]) -> None:
    """clients.md, CL08; RFC 9112 §6.1: MUST NOT; RFC 9110 §15.2: nor an interim answer."""
    app = Noting(length=False)
    line = asyncio.run(deliver(app, [post(*lines, "Content-Length: 1", body=b"a", version="1.0")]))
    head, _, body = line.written.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"transfer-encoding" not in head
    assert head.count(b"connection") == 1
    assert b"connection: close" in head
    assert body == b"ok"
    assert line.is_closed


def test_trailers_are_no_part_of_the_head() -> None:
    """RFC 9110 §6.5.1: an Authorization or Origin behind the body must not be taken for one before it."""
    app = Noting()
    trailers = b"Authorization: Bearer stolen\r\nOrigin: https://evil.test\r\n"
    asyncio.run(deliver(app, [post("Transfer-Encoding: chunked", body=chunked(b"ab", 1, b"", trailers))]))
    assert app.requests == [Request(b"POST", b"/", b"ab")]
    assert [name for name, _ in app.heads[0]] == [b"host", b"transfer-encoding"]


@pytest.mark.parametrize("start", [b"0\r\nT: ", b"1;a="])
def test_trailers_and_extensions_without_end_are_refused(start: bytes) -> None:
    """They are no bytes of the body, so no bound of the body counts them."""
    app = Noting()
    line = asyncio.run(deliver(app, [post("Transfer-Encoding: chunked", body=start), *[b"a" * 8192] * 20]))
    assert app.requests == []
    assert line.written.startswith(b"HTTP/1.1 400")


def test_a_body_that_nobody_reads_is_not_taken_for_the_next_request() -> None:
    """An answer may go out before its body has come; the rest of the body is still a body."""
    app = Noting(is_hasty=True)
    stream = post(f"Content-Length: {len(INNER)}", body=INNER) + NEXT
    asyncio.run(deliver(app, [stream[:60], stream[60:80], stream[80:]]))
    assert [request.target for request in app.requests] == [b"/", b"/next"]


def test_a_thousand_requests_at_once_are_taken_a_few_at_a_time() -> None:
    """All are answered in the end, and no more than some wait in memory at any moment."""
    app = Noting()
    line = asyncio.run(deliver(app, [NEXT * 1000 + NEXT[:10], NEXT[10:]]))
    assert len(app.requests) == 1001
    assert line.written.count(b"HTTP/1.1 200") == 1001
    assert MAX_WAITING < 100
