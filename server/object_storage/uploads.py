"""Large objects in parts (S3 user guide, "Multipart upload"): there whole once the last step says so, and not at all before."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from html import escape
from typing import TypeVar

import anyio

from server.object_storage.answers import AnswerUnreadable, read_upload_id, read_uploads
from server.object_storage.errors import ObjectExists, ObjectMissing, ObjectStorageError, StorageRefused
from server.object_storage.exchange import Exchange
from server.object_storage.own_objects import is_own, tag_of_parts

#: within what the way out sends in one request, and above the 5 MiB that S3 asks for
PART_BYTES = 8 << 20
#: S3's limit; 80 GB
MAX_PARTS = 10_000
#: an upload that nobody went on with for so long belongs to a process that is no more
STALE_AFTER = timedelta(hours=24)
ABORT_TIMEOUT_S = 10.0

R = TypeVar("R")


async def in_parts(pieces: AsyncIterator[bytes], part_bytes: int) -> AsyncGenerator[bytes]:
    """Yield `pieces` again as parts of `part_bytes`, the last one shorter; at least one."""
    waiting, is_first = bytearray(), True
    async for piece in pieces:
        waiting += piece
        while len(waiting) > part_bytes:
            yield bytes(waiting[:part_bytes])
            del waiting[:part_bytes]
            is_first = False
    if waiting or is_first:
        yield bytes(waiting)


async def upload(
    exchange: Exchange,
    key: str,
    parts: AsyncIterator[bytes],
    first: Sequence[bytes],
    headers: Sequence[tuple[str, str]],
    condition: Sequence[tuple[str, str]],
) -> None:
    """Put `first` and the rest of `parts` as one object; whatever goes wrong, the parts that were sent are given up.

    Raises what `Exchange.send` raises, and whatever reading `parts` raises.
    """
    upload_id = _understood(exchange, read_upload_id, (await exchange.send("POST", key, {"uploads": ""}, headers)).body)
    try:
        tags: list[str] = []
        size_bytes = 0
        for part in first:
            tags.append(await _part(exchange, key, upload_id, len(tags) + 1, part))
            size_bytes += len(part)
        async for part in parts:
            if len(tags) == MAX_PARTS:
                most = MAX_PARTS * PART_BYTES >> 30
                raise StorageRefused(f"bucket {exchange.location.bucket}: {key} is larger than {most} GiB; make it smaller, as by --lean")
            tags.append(await _part(exchange, key, upload_id, len(tags) + 1, part))
            size_bytes += len(part)
        await _complete(exchange, key, upload_id, tags, size_bytes, condition)
    except BaseException:
        # Parts of an upload that never ends cost money and are in no list of objects. Shielded: also where somebody stops waiting.
        with anyio.move_on_after(ABORT_TIMEOUT_S, shield=True):
            await _give_up(exchange, key, upload_id)
        raise


async def give_up_stale(exchange: Exchange, prefix: str, now: datetime) -> int:
    """End uploads below `prefix` that processes left when they died; return how many."""
    answer = await exchange.send("GET", query={"uploads": "", "prefix": prefix, "max-uploads": "1000"})
    stale = [each for each in _understood(exchange, read_uploads, answer.body) if each[2] < now - STALE_AFTER]
    for key, upload_id, _ in stale:
        await _give_up(exchange, key, upload_id)
    return len(stale)


async def _part(exchange: Exchange, key: str, upload_id: str, number: int, part: bytes) -> str:
    answer = await exchange.send("PUT", key, {"partNumber": str(number), "uploadId": upload_id}, body=part)
    if not (tag := answer.headers.get("ETag", "")):
        raise StorageRefused(f"bucket {exchange.location.bucket}: a part was taken and has no ETag; the server is not S3's like")
    return tag


async def _complete(
    exchange: Exchange, key: str, upload_id: str, tags: Sequence[str], size_bytes: int, condition: Sequence[tuple[str, str]]
) -> None:
    listed = "".join(
        f"<Part><PartNumber>{place}</PartNumber><ETag>{escape(tag, quote=False)}</ETag></Part>" for place, tag in enumerate(tags, 1)
    )
    body = f'<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{listed}</CompleteMultipartUpload>'.encode()
    kind = (("Content-Type", "application/xml"),)
    try:
        await exchange.send("POST", key, {"uploadId": upload_id}, (*kind, *condition), body)
    except ObjectMissing as error:
        # An answer that was lost on its way: the first try had put it together, and the second finds no upload any more.
        if error.code != "NoSuchUpload" or not await _is_there(exchange, key):
            raise
    except ObjectExists as error:
        if not error.may_be_own or not await is_own(exchange, key, size_bytes, tag_of_parts(tags)):
            raise
    except StorageRefused as error:
        # A server that knows no conditions; the parts are there all the same.
        if not condition or error.status != 501:
            raise
        await exchange.send("POST", key, {"uploadId": upload_id}, kind, body)


async def _is_there(exchange: Exchange, key: str) -> bool:
    try:
        await exchange.send("HEAD", key)
    except ObjectMissing:
        return False
    return True


async def _give_up(exchange: Exchange, key: str, upload_id: str) -> None:
    # Where that fails it is still in no list of objects, and `give_up_stale` comes by.
    with suppress(ObjectStorageError):
        await exchange.send("DELETE", key, {"uploadId": upload_id})


def _understood(exchange: Exchange, read: Callable[[bytes], R], body: bytes) -> R:
    try:
        return read(body)
    except AnswerUnreadable as error:
        raise StorageRefused(f"bucket {exchange.location.bucket}: {error}; look at the endpoint") from error
