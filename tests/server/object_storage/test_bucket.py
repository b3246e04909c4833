"""A bucket on a real server that judges signatures: what is put is there whole or not at all, and what is read is what was put."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp.abc import ResolveResult

from oauth.errors import SealBroken
from server.object_storage.bucket import Bucket, of_bytes, open_bucket
from server.object_storage.errors import KeysMissing, ObjectExists, ObjectMissing, StorageRefused, StorageUnavailable
from server.object_storage.location import read_location
from tests.s3_server import S3Server
from tools.egress.client import Egress

PART_BYTES = 5 << 20  # S3 takes no smaller one but the last


@asynccontextmanager
async def opened(s3: S3Server, url: str, **more: str) -> AsyncIterator[Bucket]:
    async with Egress([f"127.0.0.1:{s3.port}"]) as egress:
        location = read_location(url, s3.environ | more)
        bucket = await open_bucket(egress, location, s3.environ | more, None)
        bucket.part_bytes = PART_BYTES
        yield bucket


async def whole(bucket: Bucket, name: str) -> bytes:
    return b"".join([piece async for piece in bucket.get(name)])


async def pieces(body: bytes, size: int = 700_001) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


@pytest.mark.parametrize("name", ["plain.txt", "a b/ü+c=d&e?.txt", "date=2026-11-28/00~1.gz", "%41.txt"])
async def test_what_is_put_is_listed_read_and_removed(s3: S3Server, name: str) -> None:
    """Under names that are spelt differently in URLs and in signatures."""
    made = s3.bucket()
    async with opened(s3, f"s3://{made}/kept/here") as bucket:
        await bucket.put(name, of_bytes(b"hello"), content_type="text/plain")
        assert s3.names(made) == [f"kept/here/{name}"]
        assert [(each.key, each.bytes) for each in await bucket.listed()] == [(name, 5)]
        assert await whole(bucket, name) == b"hello"
        await bucket.delete(name)
        await bucket.delete(name)
        assert await bucket.listed() == []
        with pytest.raises(ObjectMissing, match=f"bucket {made}: there is no"):
            await whole(bucket, name)


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 17])
async def test_an_object_of_any_size_is_one_object(s3: S3Server, size: int) -> None:
    """In one request, or in parts where it is larger than one."""
    made, body = s3.bucket(), os.urandom(size)
    async with opened(s3, f"s3://{made}") as bucket:
        await bucket.put("big", pieces(body))
        assert await whole(bucket, "big") == body
    assert s3.read(made, "big") == body
    assert ("-" in s3.client.head_object(Bucket=made, Key="big")["ETag"]) is (size > PART_BYTES)


async def test_an_upload_whose_source_fails_leaves_nothing(s3: S3Server) -> None:
    """Neither an object nor parts that somebody pays for."""
    made = s3.bucket()

    async def failing() -> AsyncIterator[bytes]:
        yield os.urandom(3 * PART_BYTES)
        raise ValueError("the disk went away")

    async with opened(s3, f"s3://{made}") as bucket:
        with pytest.raises(ValueError, match="went away"):
            await bucket.put("big", failing())
    assert s3.names(made) == []
    assert "Uploads" not in s3.client.list_multipart_uploads(Bucket=made)


async def test_uploads_of_the_dead_are_given_up_after_a_day(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    made = s3.bucket()
    s3.client.create_multipart_upload(Bucket=made, Key="p/left")
    s3.client.create_multipart_upload(Bucket=made, Key="other/left")
    async with opened(s3, f"s3://{made}/p") as bucket:
        # By this server's clock every upload began in 2010.
        monkeypatch.setattr("server.object_storage.uploads.STALE_AFTER", timedelta(days=36_500))
        assert await bucket.give_up_stale_uploads() == 0
        monkeypatch.undo()
        assert await bucket.give_up_stale_uploads() == 1
    assert [each["Key"] for each in s3.client.list_multipart_uploads(Bucket=made)["Uploads"]] == ["other/left"]


@pytest.mark.parametrize("size", [3, PART_BYTES + 1])
async def test_what_is_there_is_not_replaced_where_that_was_asked_for(s3: S3Server, size: int) -> None:
    made = s3.bucket()
    async with opened(s3, f"s3://{made}") as bucket:
        await bucket.put("one", of_bytes(b"first"), if_absent=True)
        with pytest.raises(ObjectExists, match="one is there already, and is not replaced"):
            await bucket.put("one", pieces(os.urandom(size)), if_absent=True)
        assert await whole(bucket, "one") == b"first"
        await bucket.put("one", of_bytes(b"second"))
        assert await whole(bucket, "one") == b"second"


async def test_a_list_is_read_page_by_page(s3: S3Server) -> None:
    """What stands beside the prefix is not in it."""
    made = s3.bucket()
    for place in range(8, 13):
        s3.client.put_object(Bucket=made, Key=f"p/{place:02}", Body=b"")
    s3.client.put_object(Bucket=made, Key="p2/other", Body=b"")
    async with opened(s3, f"s3://{made}/p") as bucket:
        bucket.page_keys = 2
        assert [each.key for each in await bucket.listed()] == ["08", "09", "10", "11", "12"]
        assert [each.key for each in await bucket.listed("1")] == ["10", "11", "12"]


async def test_a_bucket_is_addressed_by_its_host_as_well(s3: S3Server) -> None:
    """Virtual-host style: the name that is signed is the one that is called."""
    made, called = s3.bucket(), set()

    def find(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        called.add(host)
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=6, flags=0)]

    location = read_location(f"s3://{made}/p?endpoint=http://localhost:{s3.port}&style=virtual", s3.environ)
    async with Egress([f"{made}.localhost:{s3.port}"], find) as egress:
        bucket = await open_bucket(egress, location, s3.environ, None)
        await bucket.put("x", of_bytes(b"x"))
    assert (s3.read(made, "p/x"), called) == (b"x", {f"{made}.localhost"})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "SignatureDoesNotMatch .*the secret does not belong to the key"),
        ({"AWS_ACCESS_KEY_ID": "AKIAUNKNOWN000000000"}, "InvalidAccessKeyId .*look at AWS_ACCESS_KEY_ID"),
    ],
)
async def test_keys_that_are_not_the_servers_are_refused_and_said_so(s3: S3Server, more: dict[str, str], said: str) -> None:
    async with opened(s3, f"s3://{s3.bucket()}", **more) as bucket:
        with pytest.raises(StorageRefused, match=said) as refused:
            await bucket.listed()
        assert s3.secret not in str(refused.value)


async def test_a_bucket_that_is_not_there_is_named(s3: S3Server) -> None:
    async with opened(s3, "s3://no-such-bucket") as bucket:
        with pytest.raises(StorageRefused, match=r"bucket no-such-bucket: NoSuchBucket .*make the bucket, or correct its name"):
            await bucket.put("x", of_bytes(b"x"))


async def test_a_private_address_is_called_only_where_the_operator_said_so(s3: S3Server) -> None:
    """The way out is the guarded one."""
    async with Egress() as egress:
        bucket = await open_bucket(egress, read_location("s3://some", s3.environ), s3.environ, None)
        with pytest.raises(StorageRefused, match="ASCEND_EGRESS_ALLOW"):
            await bucket.listed()


async def test_nobody_at_the_endpoint_is_said_after_some_tries(s3: S3Server) -> None:
    async with Egress(["127.0.0.1:1"]) as egress:
        environ = s3.environ | {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"}
        bucket = await open_bucket(egress, read_location("s3://some", environ), environ, None)
        object.__setattr__(bucket.exchange, "first_wait_s", 0.0)
        with pytest.raises(StorageUnavailable, match=r"bucket some: 127\.0\.0\.1:1 could not be reached"):
            await bucket.listed()


async def test_keys_come_from_the_environment_or_from_the_vault() -> None:
    asked = []

    async def reveal(name: str) -> bytes | None:
        asked.append(name)
        if name == "damaged":
            raise SealBroken("not with this key")
        return {"store": b"AKIA1:s/e+cret:to:ken\n", "broken": b"AKIA1"}.get(name)

    async with Egress() as egress:
        bucket = await open_bucket(egress, read_location("s3://some?region=eu-west-1&keys=vault:store", {}), {}, reveal)
        signing = bucket.exchange.credential
        assert (signing.username, signing.secret, signing.session_token) == ("AKIA1", "s/e+cret", "to:ken")
        assert (asked, signing.region, signing.service) == (["store"], "eu-west-1", "s3")
        for keys, said in (
            ("", "nobody said whose keys open bucket some: set AWS_ACCESS_KEY_ID"),
            ("vault:broken", "vault:broken does not hold the keys of bucket some: pipe 'KEY_ID:SECRET' into `ascend vault put broken`"),
            ("vault:damaged", "vault:damaged does not open, which has the keys of bucket some: it is damaged"),
            ("AKIA:secret", "are no reference"),
        ):
            with pytest.raises(KeysMissing, match=said):
                await open_bucket(egress, read_location(f"s3://some?region=eu-west-1&keys={keys}", {}), {}, reveal)
        with pytest.raises(KeysMissing, match="no vault here yet"):
            await open_bucket(egress, read_location("s3://some?region=eu-west-1&keys=vault:store", {}), {}, None)
