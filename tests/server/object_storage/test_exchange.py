"""What a server does wrong on the way: asked again where that is safe, told where it is not."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from itertools import count

import pytest
from aiohttp import web

from oauth.connections.credentials import Credential
from server.object_storage.bucket import Bucket, of_bytes
from server.object_storage.errors import ObjectChanged, ObjectExists, StorageRefused, StorageUnavailable
from server.object_storage.exchange import TRIES, Exchange
from server.object_storage.location import BucketLocation
from tools.egress.client import Egress

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
KEYS = Credential("sigv4", "secret", "AKIA", region="eu-central-1", service="s3")


@asynccontextmanager
async def asking(handle: Handler, part_bytes: int = 8) -> AsyncIterator[Bucket]:
    """A bucket at a server that answers as a test says."""
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        async with Egress([f"127.0.0.1:{port}"]) as egress:
            location = BucketLocation("one", "", "eu-central-1", f"http://127.0.0.1:{port}", "path")
            yield Bucket(Exchange(egress, location, KEYS, first_wait_s=0.0), part_bytes)
    finally:
        await runner.cleanup()


def refusing(status: int, code: str, **headers: str) -> web.Response:
    return web.Response(status=status, text=f"<Error><Code>{code}</Code><Message>said so</Message></Error>", headers=headers)


async def test_a_server_that_says_later_is_asked_again() -> None:
    """S3: SlowDown and InternalError are no end, ConditionalRequestConflict neither."""
    later = [refusing(503, "SlowDown"), refusing(500, "InternalError"), refusing(409, "ConditionalRequestConflict")]
    answers = iter([*later, web.Response(headers={"ETag": '"t"'})])

    async def handle(request: web.Request) -> web.Response:
        return next(answers)

    async with asking(handle) as bucket:
        await bucket.put("x", of_bytes(b"x"))
    assert next(answers, None) is None


@pytest.mark.parametrize("said", ["0", "Fri, 27 Nov 2020 12:00:00 GMT"])
async def test_a_server_that_stays_away_is_left_after_some_tries(said: str) -> None:
    tries = count()

    async def handle(request: web.Request) -> web.Response:
        next(tries)
        return refusing(503, "SlowDown", **{"Retry-After": said})

    async with asking(handle) as bucket:
        with pytest.raises(StorageUnavailable, match=r"bucket one: SlowDown \(said so\); try again later") as failed:
            await bucket.put("x", of_bytes(b"x"))
    assert (next(tries), failed.value.retry_after_s) == (TRIES, 0.0)


async def test_an_error_with_status_200_is_an_error() -> None:
    """S3 user guide, "Completing a multipart upload": the answer begins before anybody knows how it ends."""
    parts: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        if request.method == "POST" and "uploads" in request.query:
            return web.Response(text="<R><UploadId>u</UploadId></R>")
        if request.method == "PUT":
            return web.Response(headers={"ETag": '"<&>"'})
        parts.append(f"{request.method} {await request.text()}")
        return web.Response(text="<Error><Code>InvalidPart</Code></Error>") if request.method == "POST" else web.Response(status=204)

    async with asking(handle) as bucket:
        with pytest.raises(StorageRefused, match="InvalidPart"):
            await bucket.put("x", of_bytes(b"x" * 20))
    assert "&lt;&amp;&gt;" in parts[0]
    # What had been sent is given up.
    assert [each.partition(" ")[0] for each in parts] == ["POST", "DELETE"]


async def test_a_lost_answer_to_the_last_step_is_no_failure() -> None:
    """The first try put the object together and its answer was lost; the second finds no upload, and the object."""
    completed = count()

    async def handle(request: web.Request) -> web.Response:
        if request.method == "POST" and "uploads" in request.query:
            return web.Response(text="<R><UploadId>u</UploadId></R>")
        if request.method == "POST":
            return refusing(500, "InternalError") if not next(completed) else refusing(404, "NoSuchUpload")
        return web.Response(headers={"ETag": '"t"'})

    async with asking(handle) as bucket:
        await bucket.put("x", of_bytes(b"x" * 20))
    assert next(completed) == 2


@pytest.mark.parametrize(("there", "is_own"), [(b"hello", True), (b"other", False), (b"longer than that", False)])
async def test_an_object_that_is_there_after_a_lost_answer_is_ours_where_it_is_the_same(there: bytes, is_own: bool) -> None:
    """The first try put it there and its answer was lost; the second is told that there is one."""
    tries = count()

    async def handle(request: web.Request) -> web.Response:
        if request.method == "HEAD":
            return web.Response(body=there, headers={"ETag": f'"{hashlib.md5(there, usedforsecurity=False).hexdigest()}"'})
        return refusing(500, "InternalError") if not next(tries) else refusing(412, "PreconditionFailed")

    async with asking(handle) as bucket:
        with nullcontext() if is_own else pytest.raises(ObjectExists, match="is there already"):
            await bucket.put("x", of_bytes(b"hello"), if_absent=True)
    assert next(tries) == 2


async def test_an_object_that_is_there_at_the_first_try_is_another_ones() -> None:
    """Whatever is in it: nobody but who put it may go on."""

    async def handle(request: web.Request) -> web.Response:
        tag = hashlib.md5(b"hello", usedforsecurity=False).hexdigest()
        return web.Response(body=b"hello", headers={"ETag": tag}) if request.method == "HEAD" else refusing(412, "PreconditionFailed")

    async with asking(handle) as bucket:
        with pytest.raises(ObjectExists):
            await bucket.put("x", of_bytes(b"hello"), if_absent=True)


@pytest.mark.parametrize("is_own", [True, False])
async def test_an_object_of_parts_that_is_there_after_a_lost_answer_is_ours_where_it_is_the_same(is_own: bool) -> None:
    completed, digests = count(), []

    async def handle(request: web.Request) -> web.Response:
        if request.method == "POST" and "uploads" in request.query:
            return web.Response(text="<R><UploadId>u</UploadId></R>")
        if request.method == "PUT":
            digests.append(hashlib.md5(await request.read(), usedforsecurity=False))
            return web.Response(headers={"ETag": f'"{digests[-1].hexdigest()}"'})
        if request.method == "HEAD":
            whole = hashlib.md5(b"".join(each.digest() for each in digests), usedforsecurity=False).hexdigest()
            return web.Response(body=b"x" * 20, headers={"ETag": f'"{whole}-{3 if is_own else 4}"'})
        if request.method == "DELETE":
            return web.Response(status=204)
        return refusing(500, "InternalError") if not next(completed) else refusing(412, "PreconditionFailed")

    async with asking(handle) as bucket:
        with nullcontext() if is_own else pytest.raises(ObjectExists):
            await bucket.put("x", of_bytes(b"x" * 20), if_absent=True)
    assert (next(completed), len(digests)) == (2, 3)


async def test_an_object_that_is_replaced_while_it_is_read_is_told_of() -> None:
    """S3 answers 412 to If-Match, as it does where an object was not to be replaced."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if "If-Match" in request.headers:
            return refusing(412, "PreconditionFailed")
        response = web.StreamResponse(headers={"ETag": '"v1"', "Content-Length": "200000"})
        await response.prepare(request)
        await response.write(b"x" * 100_000)
        if request.transport is not None:
            request.transport.close()
        return response

    async with asking(handle) as bucket:
        with pytest.raises(ObjectChanged, match="bucket one: y was replaced while it was read; read it again"):
            _ = [piece async for piece in bucket.get("y")]


async def test_a_body_that_breaks_off_goes_on_where_it_was() -> None:
    """And only with the rest of the same object (RFC 9110 §13.1.1)."""
    body, asked = bytes(range(256)) * 800, []

    async def handle(request: web.Request) -> web.StreamResponse:
        begin = int(request.headers.get("Range", "bytes=0-")[6:-1])
        asked.append((begin, request.headers.get("If-Match")))
        response = web.StreamResponse(status=206 if begin else 200, headers={"ETag": '"v1"', "Content-Length": str(len(body) - begin)})
        await response.prepare(request)
        await response.write(body[begin : begin + 100_000])
        if begin + 100_000 < len(body) and request.transport is not None:
            request.transport.close()
        return response

    async with asking(handle) as bucket:
        assert b"".join([piece async for piece in bucket.get("x")]) == body
    assert asked[0] == (0, None)
    assert len(asked) > 1
    assert {tag for begin, tag in asked if begin} == {'"v1"'}


async def test_a_server_without_conditions_is_asked_without_them_from_then_on() -> None:
    conditions = []

    async def handle(request: web.Request) -> web.Response:
        conditions.append(request.headers.get("If-None-Match"))
        return refusing(501, "NotImplemented") if conditions[-1] else web.Response(headers={"ETag": '"t"'})

    async with asking(handle) as bucket:
        await bucket.put("x", of_bytes(b"x"), if_absent=True)
        await bucket.put("y", of_bytes(b"y"), if_absent=True)
    assert conditions == ["*", None, None]


async def test_an_upload_in_parts_ends_without_a_condition_that_the_server_does_not_know() -> None:
    """Its parts are there: to begin anew would need the source once more."""
    ends: list[str | None] = []

    async def handle(request: web.Request) -> web.Response:
        if request.method == "POST" and "uploads" in request.query:
            return web.Response(text="<R><UploadId>u</UploadId></R>")
        if request.method == "POST":
            ends.append(request.headers.get("If-None-Match"))
            return refusing(501, "NotImplemented") if ends[-1] else web.Response()
        return web.Response(headers={"ETag": '"t"'})

    async with asking(handle) as bucket:
        await bucket.put("x", of_bytes(b"x" * 20), if_absent=True)
    assert ends == ["*", None]


async def test_what_is_put_says_what_it_hashes_to() -> None:
    """S3 user guide, "Object Lock": a bucket that holds its objects takes none without Content-MD5 or a checksum."""
    said: list[tuple[str, str]] = []

    async def handle(request: web.Request) -> web.Response:
        said.append((request.headers["Content-MD5"], request.headers["Authorization"]))
        return web.Response(headers={"ETag": '"t"'})

    async with asking(handle) as bucket:
        await bucket.put("x", of_bytes(b"hello"))
    [(digest, authorization)] = said
    assert digest == "XUFAKrxLKna5cZ2REBfFkg=="
    assert "content-md5" in authorization


async def test_a_bucket_elsewhere_is_not_followed_and_its_region_told() -> None:
    """The signature is for this host: what it would prove elsewhere is nobody's business."""

    async def handle(request: web.Request) -> web.Response:
        body = "<Error><Code>PermanentRedirect</Code><Region>eu-west-1</Region></Error>"
        return web.Response(status=301, text=body, headers={"Location": "http://127.0.0.1:1/"})

    async with asking(handle) as bucket:
        with pytest.raises(StorageRefused, match="the bucket is elsewhere; set AWS_REGION=eu-west-1"):
            await bucket.listed()


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]><L>&a;</L>',
        "not xml",
        "<ListBucketResult><Contents><Key>k</Key><Size>x</Size></Contents></ListBucketResult>",
        "<html></html>",
        "",
        "\0" * 9,
    ],
)
async def test_what_is_no_list_is_not_taken_for_one(body: str) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(text=body)

    async with asking(handle) as bucket:
        with pytest.raises(StorageRefused, match=r"bucket one: .*look at the endpoint"):
            await bucket.listed()


async def test_a_page_that_somebody_put_in_between_keeps_nothing() -> None:
    """A proxy's sign-in page is a success, too; S3 names the tag of what it keeps."""

    async def handle(request: web.Request) -> web.Response:
        return web.Response(text="<html>Sign in</html>", content_type="text/html")

    async with asking(handle) as bucket:
        with pytest.raises(StorageRefused, match="has no ETag"):
            await bucket.put("x", of_bytes(b"x"))


async def test_a_server_that_says_nothing_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.object_storage.exchange.TIMEOUT_S", 0.05)
    ended = asyncio.Event()

    async def handle(request: web.Request) -> web.Response:
        await ended.wait()
        return web.Response()

    async with asking(handle) as bucket:
        with pytest.raises(StorageUnavailable, match="no answer within"):
            await read(bucket)
        ended.set()


async def test_a_body_that_comes_byte_by_byte_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte in time, and no end."""
    monkeypatch.setattr("server.object_storage.bucket.PIECE_TIMEOUT_S", 0.1)

    async def handle(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "1000000"})
        await answer.prepare(request)
        with suppress(ConnectionError):
            while True:
                await answer.write(b"x")
                await asyncio.sleep(0.005)
        return answer

    async with asking(handle) as bucket:
        with pytest.raises(StorageUnavailable, match="broke off"):
            await read(bucket)


async def read(bucket: Bucket) -> bytes:
    return b"".join([piece async for piece in bucket.get("x")])
