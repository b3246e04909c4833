"""What a hostile caller, or a hostile backend, sends gets neither past the checks of a route nor into anybody else's exchange."""

import asyncio
from pathlib import Path

import pytest

from server.edge.canonical_path import canonical
from server.edge.refusals import EdgeRefused
from tests.server.edge.backend import Asked, Backend, backend, edge_of, orders, saying
from tests.server.edge.issuer import Issuer, verified

REST = b"GET /edge/orders/second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /edge/orders/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + REST,
        b"POST /edge/orders/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n" + REST,
        b"POST /edge/orders/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + REST,
        b"POST /edge/orders/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + REST,
        b"POST /edge/orders/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + REST,
        b"POST /edge/orders/ HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nabcd" + REST,
        b"POST /edge/orders/ HTTP/1.1\r\nHost: a\r\nX: a\n\nGET / HTTP/1.1\r\n\r\n",
        b"GET /edge/orders/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET http://evil.example/edge/orders/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /edge/orders/ HTTP/1.1\r\nHost: a\r\nX-Big: " + b"a" * 70_000 + b"\r\n\r\n",
    ],
    ids=["cl+te", "cl+cl", "te-x", "te+te", "te-blank", "cl-sign", "bare-lf", "host+host", "absolute", "huge"],
)
async def test_a_request_with_two_readings_reaches_nobody(tmp_path: Path, request_: bytes) -> None:
    async with backend() as server, edge_of(tmp_path, orders(server)) as edge:
        assert (await edge.spoken(request_)).startswith(b"HTTP/1.1 400 ")
        assert not server.asked


async def test_a_body_stays_a_body_whatever_is_in_it(tmp_path: Path) -> None:
    hidden = b"GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"
    chunked = b"%x;a=b\r\n%b\r\n0\r\nX-User-Id: root\r\n\r\n" % (len(hidden), hidden)
    raw = b"POST /edge/orders/first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked + REST
    async with backend() as server, edge_of(tmp_path, orders(server)) as edge:
        assert (await edge.spoken(raw)).count(b"HTTP/1.1 200") == 2
        assert [asked.line.split()[1] for asked in server.asked] == ["/first", "/second"]
        assert server.asked[0].body == hidden
        assert not server.asked[0].of("x-user-id") + server.asked[1].of("x-user-id")


async def test_fields_of_the_connection_and_those_that_are_ours_do_not_go_on(tmp_path: Path) -> None:
    fields = {
        "connection": "keep-alive, x-secret",
        "x-secret": "1",
        "keep-alive": "timeout=5",
        "te": "trailers",
        "proxy-authorization": "Basic a",
        "upgrade": "h2c",
        "http2-settings": "AAA",
        "x-forwarded-proto": "gopher",
        "x-forwarded-host": "evil.example",
        "x-forwarded-port": "1",
        "x-original-url": "/admin",
        "x-real-ip": "192.0.2.9",
        "forwarded": "for=192.0.2.9",
        "x_forwarded_for": "192.0.2.9",
        "expect": "100-continue",
        "host": "evil.example",
    }
    async with backend() as server, edge_of(tmp_path, orders(server)) as edge:
        raw = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        got = await edge.spoken(
            f"GET /edge/orders/ HTTP/1.1\r\n{raw}\r\n".replace(
                "keep-alive, x-secret", "close, x-secret\r\nConnection: x-other\r\nX-Other: 1"
            ).encode()
        )
        assert got.startswith(b"HTTP/1.1 200")
        sent = {name.lower(): value for name, value in server.asked[0].fields}
        assert sent.pop("traceparent").split("-")[1] == edge.records[0].trace_id
        assert sent == {
            "host": f"127.0.0.1:{server.port}",
            "via": "1.1 ascend-gateway",
            "x-forwarded-for": "127.0.0.1",
            "x-real-ip": "127.0.0.1",
            "x-forwarded-proto": "http",
            "x-forwarded-host": f"127.0.0.1:{edge.port}",
        }


def test_a_path_has_one_spelling() -> None:
    for raw, plain in {
        b"/a/b": b"/a/b",
        b"/a/b/": b"/a/b/",
        b"/%61pi/%7Eada/x%20y": b"/api/~ada/x%20y",
        b"/a%c3%a9": b"/a%C3%A9",
        b"/a;v=1/b": b"/a;v=1/b",
        b"/.well": b"/.well",
        b"/a..b/...": b"/a..b/...",
    }.items():
        assert canonical(raw) == plain


@pytest.mark.parametrize(
    "path",
    [
        *("/../x", "/a/..", "/a/./b", "/a/%2e%2e/b", "/a/.%2E/b", "/a/..;/b", "/a/.;x/b", "/a/%2fb", "/a/%2Fb", "/a/%5cb", "/a\\b"),
        *("/a//b", "/a/%00", "/a/%0d%0aX:1", "/a/%7f", "/a/%252e%252e/b", "/a/%252fb", "/a/%zz", "/a/%2", "/a/%", "/a/%+1"),
    ],
)
def test_a_path_that_servers_read_in_two_ways_is_refused(path: str) -> None:
    with pytest.raises(EdgeRefused):
        canonical(path.encode())


async def test_no_spelling_of_a_path_gets_around_the_route_that_it_belongs_to(tmp_path: Path) -> None:
    issuer = Issuer()
    async with backend(issuer.speaks) as keys, backend() as server:
        guarded = {**orders(server, path="/api/admin/*", **verified(keys)), "name": "admin"}
        async with edge_of(tmp_path, guarded, {**orders(server, path="/api/*"), "name": "open"}) as edge:
            for path in (
                "/api/admin/x",
                "/api/%61dmin/x",
                "/api/x/../admin/x",
                "/api/x/%2e%2e/admin/x",
                "/api//admin/x",
                "/api/admin;a=b/x",
                "/api/admin%2fx",
                "/api/%2561dmin/x/%252e%252e",
                "//api/admin/x",
                "/edge/open/../admin/x",
            ):
                got = await edge.spoken(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
                assert got.split(b" ", 2)[1] in (b"400", b"401", b"404"), path
            assert not server.asked


async def test_an_answer_with_two_readings_reaches_nobody(tmp_path: Path) -> None:
    answers = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        b"SSH-2.0-x\r\n",
    ]

    async def speak(asked: Asked, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answers[int(asked.line.split()[1][1:])])

    async with backend(speak) as server, edge_of(tmp_path, orders(server, retry="never")) as edge:
        for number in range(len(answers)):
            edge.plane.routes[0].backends.all[0].answered()
            answer = await edge.client.get(f"/edge/orders/{number}")
            assert (number, answer.status_code, answer.json()["error"]) == (number, 502, "backend_failed")


async def test_a_second_answer_is_nobody_elses(tmp_path: Path) -> None:
    async def speak(_asked: Asked, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        one = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
        writer.write(one + b"first" + one + b"extra")

    async with backend(speak) as server, edge_of(tmp_path, orders(server)) as edge:
        for _ in range(3):
            assert (await edge.client.get("/edge/orders/")).text == "first"
            assert (await edge.client.head("/edge/orders/")).status_code == 200
        assert server.connections == 6


@pytest.mark.parametrize("status", ["600 Else", "999 Denied", "099 Low"])
async def test_a_status_that_there_is_not_is_no_answer(tmp_path: Path, status: str) -> None:
    async with backend(saying(b"hello", status=status)) as server, edge_of(tmp_path, orders(server)) as edge:
        answer = await edge.client.get("/edge/orders/")
        assert (answer.status_code, answer.json()["error"]) == (502, "backend_failed")
        assert edge.plane.routes[0].in_flight == 0


async def test_a_redirect_is_passed_on_and_never_followed(tmp_path: Path) -> None:
    async with backend() as inside:
        says = saying(b"", f"Location: {inside.url}/secret", status="302 Found")
        async with backend(says) as server, edge_of(tmp_path, orders(server)) as edge:
            answer = await edge.client.get("/edge/orders/")
            assert (answer.status_code, answer.headers["location"]) == (302, f"{inside.url}/secret")
            assert not inside.asked


async def test_a_backend_says_nothing_for_the_whole_host(tmp_path: Path) -> None:
    said = (
        'Clear-Site-Data: "*"',
        "Service-Worker-Allowed: /",
        "Alt-Svc: h3=evil.example:443",
        "Strict-Transport-Security: max-age=0",
        "Set-Cookie: ascend_session=fixed; Path=/",
        "Set-Cookie: __Host-ascend_browser=fixed; Path=/; Secure",
        "Set-Cookie: =ascend_session=fixed",
        "Set-Cookie: ascend_session",
        "Set-Cookie: theirs=1",
        "Connection: X-Hop",
        "X-Hop: 1",
        "Content-Type: text/html",
    )
    async with backend(saying(b"<script>", *said)) as server, edge_of(tmp_path, orders(server)) as edge:
        answer = await edge.client.get("/edge/orders/")
        assert answer.headers.get_list("set-cookie") == ["theirs=1"]
        gone = {"clear-site-data", "service-worker-allowed", "alt-svc", "strict-transport-security", "x-hop", "connection"}
        assert not gone & set(answer.headers)
        assert answer.headers["content-security-policy"].startswith("sandbox ")
        edge.change(orders(server, pages="trusted"))
        assert "content-security-policy" not in (await edge.client.get("/edge/orders/")).headers


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Type: text/plain, text/html",),
        ("Content-Type: text/plain;a=b,text/html",),
        ("Content-Type: text/plain", "Content-Type: text/html"),
        ("Content-Type: text/html", "Content-Type: text/plain"),
        ("Content-Type: text/plainhtml",),
        ("Content-Type: image/svg+xml",),
        (),
    ],
    ids=" ".join,
)
async def test_what_a_browser_may_take_for_a_page_is_sandboxed(tmp_path: Path, fields: tuple[str, ...]) -> None:
    async with backend(saying(b"<script>1</script>", *fields)) as server, edge_of(tmp_path, orders(server)) as edge:
        assert (await edge.client.get("/edge/orders/")).headers["content-security-policy"].startswith("sandbox ")


@pytest.mark.parametrize("media_type", ["application/json", "Text/Plain ; charset=utf-8", "image/png"])
async def test_data_is_not_sandboxed_and_not_sniffed(tmp_path: Path, media_type: str) -> None:
    says = saying(b"<script>1</script>", f"Content-Type: {media_type}", "X-Content-Type-Options: none")
    async with backend(says) as server, edge_of(tmp_path, orders(server)) as edge:
        headers = (await edge.client.get("/edge/orders/")).headers
        assert headers.get_list("x-content-type-options") == ["nosniff"]
        assert "content-security-policy" not in headers


async def test_a_backend_sets_no_policy_of_the_whole_origin(tmp_path: Path) -> None:
    names = ["NEL", "Report-To", "Reporting-Endpoints", "Accept-CH", "Critical-CH", "Set-Login", "Secure-Session-Registration"]
    says = saying(b"", *(f"{name}: a" for name in names))
    async with backend(says) as server, edge_of(tmp_path, orders(server, pages="trusted")) as edge:
        assert not {name.lower() for name in names} & set((await edge.client.get("/edge/orders/")).headers)


async def test_no_callers_word_for_its_address_its_method_or_the_host_goes_on(tmp_path: Path) -> None:
    addresses = ("true-client-ip", "x-client-ip", "x-cluster-client-ip", "cf-connecting-ip", "fastly-client-ip", "x-forwarded")
    others = ("x-http-method", "x-method-override", "x-host", "x-original-host")
    async with backend() as server, edge_of(tmp_path, orders(server)) as edge:
        await edge.client.get("/edge/orders/", headers=dict.fromkeys((*addresses, *others), "192.0.2.9"))
        assert "192.0.2.9" not in str(server.asked[0].fields)


async def test_a_route_that_leads_back_here_ends(tmp_path: Path) -> None:
    async with edge_of(tmp_path) as edge:
        itself = Backend(edge.port)
        edge.change(orders(backends=[{"url": f"{itself.url}/edge/orders"}]))
        answer = await edge.client.get("/edge/orders/")
        assert (answer.status_code, answer.json()["error"]) == (508, "loop_detected")


async def test_a_body_that_is_too_large_is_refused_at_its_length_or_at_its_limit(tmp_path: Path) -> None:
    async with backend() as server, edge_of(tmp_path, orders(server, max_body_bytes=100_000)) as edge:
        said = b"POST /edge/orders/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n"
        assert (await edge.spoken(said)).startswith(b"HTTP/1.1 413 ")
        assert not server.connections
        chunks = b"".join(b"%x\r\n%b\r\n" % (10_000, b"a" * 10_000) for _ in range(11))
        chunked = b"POST /edge/orders/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
        assert (await edge.spoken(chunked)).startswith(b"HTTP/1.1 413 ")
        assert not server.asked


async def test_a_body_that_never_ends_holds_nobody_for_longer_than_a_while(tmp_path: Path) -> None:
    async with backend() as server, edge_of(tmp_path, orders(server, timeout_s=0.2)) as edge:
        raw = b"POST /edge/orders/ HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"
        assert (await edge.spoken(raw)).startswith(b"HTTP/1.1 408 ")
        assert not server.asked
