"""Answers are used again for as long as they say, for whom they say, and never for anybody else."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import httpx2
import pytest

from server.edge.caching.response_cache import MAX_BODY_BYTES, ResponseCache
from server.edge.caching.rules import Kept
from tests.server.edge.backend import Asked, Speak, backend, edge_of, orders
from tests.server.edge.issuer import Issuer, verified


def counting(*fields: str, status: str = "200 OK") -> Speak:
    """Answer with a number that grows, who asked as it seems, and these fields."""
    count = 0

    async def speak(asked: Asked, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        body = f"{count} {asked.of('x-user-id')} {asked.of('cookie')}".encode()
        head = "".join(f"{each}\r\n" for each in (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields))
        writer.write(head.encode() + b"\r\n" + (body if not asked.line.startswith("HEAD") else b""))

    return speak


def number(answer: httpx2.Response) -> tuple[str, str]:
    return answer.text.split()[0], answer.headers["x-cache"]


async def test_an_answer_is_used_again_while_it_is_fresh(tmp_path: Path) -> None:
    says = counting("Cache-Control: max-age=60", "Age: 5", 'ETag: "a"', "X-Own: 1")
    async with backend(says) as server, edge_of(tmp_path, orders(server, cache={})) as edge:
        first, second = [await edge.client.get("/edge/orders/a?b=1") for _ in range(2)]
        assert (number(first), number(second)) == (("1", "MISS"), ("1", "HIT"))
        assert (second.headers["x-own"], second.headers["etag"]) == ("1", '"a"')
        assert 5 <= int(second.headers["age"]) < 60
        assert number(await edge.client.get("/edge/orders/a?b=2")) == ("2", "MISS")
        known = await edge.client.get("/edge/orders/a?b=1", headers={"if-none-match": 'W/"a", "b"'})
        assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", '"a"')
        assert len(server.asked) == 2


@pytest.mark.parametrize(
    "fields",
    [
        (),
        ("Cache-Control: no-store, max-age=60",),
        ("Cache-Control: private, max-age=60",),
        ("Cache-Control: no-cache, max-age=60",),
        ("Cache-Control: max-age=60, s-maxage=0",),
        ("Cache-Control: max-age=-1",),
        ("Cache-Control: max-age=60", "Age: 60"),
        ("Cache-Control: max-age=60", "Vary: *"),
        ("Cache-Control: max-age=60", "Set-Cookie: a=1"),
        ("Expires: 0",),
        ("Expires: Thu, 01 Jan 1970 00:00:00 GMT",),
    ],
    ids=" ".join,
)
async def test_what_may_not_be_kept_is_not(tmp_path: Path, fields: tuple[str, ...]) -> None:
    async with backend(counting(*fields)) as server, edge_of(tmp_path, orders(server, cache={})) as edge:
        answers = [number(await edge.client.get("/edge/orders/")) for _ in range(2)]
        assert answers == [("1", "MISS"), ("2", "MISS")]


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oh", "203 Other", "301 Moved"])
async def test_only_200_is_kept(tmp_path: Path, status: str) -> None:
    async with backend(counting("Cache-Control: max-age=60", status=status)) as server, edge_of(tmp_path, orders(server, cache={})) as edge:
        assert [number(await edge.client.get("/edge/orders/")) for _ in range(2)] == [("1", "MISS"), ("2", "MISS")]


@pytest.mark.parametrize(
    "headers",
    [
        {"cache-control": "no-cache"},
        {"cache-control": "max-age=0"},
        {"pragma": "no-cache"},
        {"authorization": "Bearer x"},
        {"cookie": "a=1"},
    ],
    ids=str,
)
async def test_who_asks_for_a_new_one_or_says_who_they_are_is_not_given_what_was_kept(tmp_path: Path, headers: Mapping[str, str]) -> None:
    says = counting("Cache-Control: max-age=60", "Age: 1", "Vary: Cookie, Authorization")
    async with backend(says) as server, edge_of(tmp_path, orders(server, cache={})) as edge:
        assert number(await edge.client.get("/edge/orders/")) == ("1", "MISS")
        assert number(await edge.client.get("/edge/orders/", headers=headers)) == ("2", "MISS")


@pytest.mark.parametrize("directives", ["max-age=60", "public, max-age=60", "s-maxage=60"])
async def test_what_was_told_to_one_person_is_told_to_nobody_else(tmp_path: Path, directives: str) -> None:
    issuer = Issuer()
    async with (
        backend(issuer.speaks) as keys,
        backend(counting(f"Cache-Control: {directives}")) as server,
        edge_of(tmp_path, orders(server, cache={}, **verified(keys, "optional"))) as edge,
    ):
        for _ in range(2):
            for name in ("ada", "bob"):
                assert f"['{name}']" in (await edge.client.get("/edge/orders/", headers=issuer.bearer(sub=name))).text
            assert " [] " in (await edge.client.get("/edge/orders/")).text
        assert len(server.asked) == (5 if directives == "max-age=60" else 3)


async def test_a_cookie_or_token_keeps_an_answer_from_being_kept_for_others(tmp_path: Path) -> None:
    async with backend(counting("Cache-Control: max-age=60")) as server, edge_of(tmp_path, orders(server, cache={})) as edge:
        assert number(await edge.client.get("/edge/orders/", headers={"cookie": "who=ada"})) == ("1", "MISS")
        assert number(await edge.client.get("/edge/orders/")) == ("2", "MISS")
        assert "who" not in (await edge.client.get("/edge/orders/")).text


@pytest.mark.parametrize("directives", ["Cache-Control: max-age=60, must-revalidate", "Cache-Control: max-age=60", "X-Says: nothing"])
@pytest.mark.parametrize(
    "name",
    ["Cookie", "X-API-Key", "Api-Key", "X-Auth-Token", "Proxy-Authorization", "X-Amz-Security-Token", "Ocp-Apim-Subscription-Key", "DPoP"],
)
async def test_what_a_key_of_any_name_opened_is_not_kept_for_others(tmp_path: Path, name: str, directives: str) -> None:
    async with backend(counting(directives)) as server, edge_of(tmp_path, orders(server, cache={"ttl_s": 60})) as edge:
        assert number(await edge.client.get("/edge/orders/", headers={name: "ada"})) == ("1", "MISS")
        assert number(await edge.client.get("/edge/orders/")) == ("2", "MISS")


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Real-IP", "Via", "Host", "Forwarded", "X-User-Id", "X_Mine", "True-Client-IP"])
async def test_what_varies_by_a_field_that_is_not_the_callers_is_not_kept(tmp_path: Path, name: str) -> None:
    says = counting("Cache-Control: public, max-age=60", f"Vary: Accept, {name}")
    async with backend(says) as server, edge_of(tmp_path, orders(server, cache={})) as edge:
        assert [number(await edge.client.get("/edge/orders/")) for _ in range(2)] == [("1", "MISS"), ("2", "MISS")]


async def test_what_varies_by_a_field_that_ended_here_is_not_kept(tmp_path: Path) -> None:
    says = counting("Cache-Control: public, max-age=60", "Vary: Accept-Language")
    async with backend(says) as server, edge_of(tmp_path, orders(server, cache={})) as edge:
        raw = b"GET /edge/orders/ HTTP/1.1\r\nHost: a\r\nConnection: close, accept-language\r\nAccept-Language: de\r\n\r\n"
        assert b"x-cache: MISS" in await edge.spoken(raw)
        assert number(await edge.client.get("/edge/orders/", headers={"accept-language": "de"})) == ("2", "MISS")


async def test_answers_that_vary_are_kept_apart(tmp_path: Path) -> None:
    says = counting("Cache-Control: max-age=60", "Vary: Accept-Language")
    async with backend(says) as server, edge_of(tmp_path, orders(server, cache={})) as edge:

        async def ask(language: str) -> tuple[str, str]:
            return number(await edge.client.get("/edge/orders/", headers={"accept-language": language}))

        assert [await ask(each) for each in ("de", "en", "de", "en")] == [("1", "MISS"), ("2", "MISS"), ("1", "HIT"), ("2", "HIT")]


async def test_what_is_not_in_the_key_does_not_reach_the_backend_or_is_not_kept(tmp_path: Path) -> None:
    async with backend(counting("Cache-Control: max-age=60")) as server, edge_of(tmp_path, orders(server, cache={})) as edge:
        # A body with a GET, and a part of an answer, are passed by.
        assert "x-cache" not in (await edge.client.request("GET", "/edge/orders/", content=b"evil")).headers
        assert "x-cache" not in (await edge.client.get("/edge/orders/", headers={"range": "bytes=0-1"})).headers
        evil = {"x-forwarded-host": "evil.example", "x-original-url": "/evil", "x-http-method-override": "DELETE", "host": "evil.example"}
        await edge.client.get("/edge/orders/", headers=evil)
        told = {name.lower() for name, _ in server.asked[-1].fields}
        assert not told & {"x-original-url", "x-http-method-override"}
        assert "evil" not in str(server.asked[-1].fields)


async def test_a_write_ends_what_was_kept_of_its_address(tmp_path: Path) -> None:
    async with backend(counting("Cache-Control: max-age=60")) as server, edge_of(tmp_path, orders(server, cache={})) as edge:
        assert number(await edge.client.get("/edge/orders/a")) == ("1", "MISS")
        await edge.client.put("/edge/orders/a", content=b"new")
        assert number(await edge.client.get("/edge/orders/a")) == ("3", "MISS")
        assert number(await edge.client.get("/edge/orders/a")) == ("3", "HIT")


async def test_a_stale_answer_is_given_while_a_newer_one_is_asked_for(tmp_path: Path) -> None:
    route = {"cache": {"ttl_s": 0.01, "stale_while_revalidate_s": 1_000}}
    async with backend(counting()) as server, edge_of(tmp_path, orders(server, **route)) as edge:
        assert number(await edge.client.get("/edge/orders/")) == ("1", "MISS")
        seen = ["1"]
        while seen[-1] == "1":
            answer = await edge.client.get("/edge/orders/", headers={"if-none-match": '"x"'})
            assert answer.headers["x-cache"] == "HIT"
            seen.append(answer.text.split()[0])
        assert not server.asked[1].of("if-none-match")


async def test_a_request_that_is_refused_does_not_end_renewals(tmp_path: Path) -> None:
    route = {"cache": {"ttl_s": 0.01, "stale_while_revalidate_s": 1_000}}
    async with backend(counting()) as server, edge_of(tmp_path, orders(server, **route)) as edge:
        await edge.client.get("/edge/orders/")
        status = 200
        async with asyncio.timeout(10):
            while status == 200:
                answer = await edge.client.get("/edge/orders/", headers={"via": ", ".join(["1.1 ascend-gateway"] * 5)})
                status = answer.status_code
        assert (status, edge.plane.endpoint.relay.cache.renewing) == (508, set())


def test_a_change_of_the_routes_lets_renewals_begin_anew() -> None:
    cache = ResponseCache()
    cache.renewing.add(("orders", "", b"/", b""))
    cache.clear()
    assert not cache.renewing


def test_stale_answers_are_given_for_as_long_as_they_say() -> None:
    kept = Kept([], b"", 0.0, 100.0, 10.0, 5.0, ())
    at = (109.0, 110.0, 114.0, 115.0)
    assert [(kept.is_fresh(now), kept.is_usable(now)) for now in at] == [(True, True), (False, True), (False, True), (False, False)]


async def test_a_change_of_the_routes_ends_what_was_kept(tmp_path: Path) -> None:
    says = "Cache-Control: max-age=60"
    async with backend(counting(says)) as one, backend(counting(says)) as two, edge_of(tmp_path, orders(one, cache={})) as edge:
        assert number(await edge.client.get("/edge/orders/")) == ("1", "MISS")
        edge.change(orders(two, cache={}))
        assert number(await edge.client.get("/edge/orders/")) == ("1", "MISS")
        assert number(await edge.client.get("/edge/orders/")) == ("1", "HIT")
        assert (len(one.asked), len(two.asked)) == (1, 1)


async def test_what_is_too_large_passes_and_is_not_kept(tmp_path: Path) -> None:
    body = b"a" * (MAX_BODY_BYTES + 1)

    async def speak(_asked: Asked, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    async with backend(speak) as server, edge_of(tmp_path, orders(server, cache={})) as edge:
        for _ in range(2):
            assert (await edge.client.get("/edge/orders/")).content == body
        assert len(server.asked) == 2


async def test_what_broke_off_is_not_kept(tmp_path: Path) -> None:
    async def speak(asked: Asked, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = 100 if len(server.asked) == 1 else 4
        writer.write(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: %d\r\n\r\nhalf" % length)
        if length == 100:
            await writer.drain()
            writer.close()

    async with backend(speak) as server, edge_of(tmp_path, orders(server, cache={})) as edge:
        await edge.spoken(b"GET /edge/orders/ HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await edge.client.get("/edge/orders/")).headers["x-cache"] == "MISS"
        assert (await edge.client.get("/edge/orders/")).headers["x-cache"] == "HIT"
