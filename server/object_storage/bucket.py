"""What is done with the objects of one bucket; keys are below the location's prefix and named without it."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime

import anyio

from server.object_storage.access import Reveal, credential_for
from server.object_storage.answers import AnswerUnreadable, ObjectInfo, read_page
from server.object_storage.errors import ObjectChanged, ObjectExists, StorageRefused, StorageUnavailable
from server.object_storage.exchange import Exchange
from server.object_storage.location import BucketLocation
from server.object_storage.own_objects import is_own, tag_of
from server.object_storage.uploads import PART_BYTES, give_up_stale, in_parts, upload
from tools.egress.client import Egress, OutboundResponse
from tools.egress.streamed import StreamedResponse
from tools.errors import UpstreamFailed

#: more names than that are no list that somebody reads
MAX_LISTED = 100_000
#: of a body that breaks off, from where it broke off
RESUMES = 8
#: so much comes at least in such a time
LEAST_BYTES, PIECE_TIMEOUT_S = 64 * 1024, 30.0
_CREATE_ONLY = (("If-None-Match", "*"),)


@dataclass(slots=True)
class Bucket:
    """Objects below one prefix."""

    exchange: Exchange
    part_bytes: int = PART_BYTES
    page_keys: int = 1_000
    #: a server that does not know conditions was met: what is put replaces what is there
    _is_unconditional: bool = field(default=False, init=False)

    @property
    def location(self) -> BucketLocation:
        return self.exchange.location

    async def put(
        self, name: str, pieces: AsyncIterator[bytes], *, content_type: str = "application/octet-stream", if_absent: bool = False
    ) -> None:
        """Put what `pieces` give as one object: it is there whole or not at all. At most one part of it is in memory at a time.

        if_absent: raises ObjectExists where there is one of that name, as far as the server can tell. Raises ObjectStorageError.
        """
        key, headers = self._key(name), (("Content-Type", content_type),)
        condition = _CREATE_ONLY if if_absent and not self._is_unconditional else ()
        async with aclosing(in_parts(pieces, self.part_bytes)) as parts:
            first = await anext(parts)
            second = await anext(parts, None)
            if second is not None:
                await upload(self.exchange, key, parts, (first, second), headers, condition)
                return
        try:
            self._taken(name, await self.exchange.send("PUT", key, None, (*headers, *condition), first))
        except ObjectExists as error:
            if not error.may_be_own or not await is_own(self.exchange, key, len(first), tag_of(first)):
                raise
        except StorageRefused as error:
            if not condition or error.status != 501:
                raise
            self._is_unconditional = True
            self._taken(name, await self.exchange.send("PUT", key, None, headers, first))

    async def get(self, name: str) -> AsyncGenerator[bytes]:
        """Yield an object's bytes as they come; what breaks off goes on where it was, of the same object. Raises ObjectStorageError."""
        key, at, tag = self._key(name), 0, ""
        for left in reversed(range(RESUMES + 1)):
            # RFC 9110 §13.1.1: the rest of another object of that name would not be the rest.
            headers = (("Range", f"bytes={at}-"), ("If-Match", tag)) if at else ()
            try:
                response = await self.exchange.open(key, headers)
            except ObjectExists as error:  # S3 answers 412 to both conditions
                said = f"bucket {self.location.bucket}: {name} was replaced while it was read; read it again from its beginning"
                raise ObjectChanged(said, error.code, error.status) from error
            try:
                if at and response.status != 206:
                    raise StorageRefused(f"bucket {self.location.bucket}: the rest of {name} was asked for, and all of it came")
                tag = response.headers.get("ETag", tag)
                async for piece in _pieces(response):
                    at += len(piece)
                    yield piece
                return
            except (UpstreamFailed, TimeoutError) as error:
                # Without a tag nobody knows whether what comes next belongs to what came.
                if not left or not tag:
                    raise StorageUnavailable(f"bucket {self.location.bucket}: {name} broke off after {at:,} bytes; try again") from error
            finally:
                response.close()

    async def listed(self, prefix: str = "") -> Sequence[ObjectInfo]:
        """Return the objects whose names begin with `prefix`, by name, without the location's own prefix. Raises ObjectStorageError."""
        found: list[ObjectInfo] = []
        query = {"list-type": "2", "prefix": self.location.prefix + prefix, "max-keys": str(self.page_keys)}
        while True:
            answer = await self.exchange.send("GET", query=query)
            try:
                page = read_page(answer.body)
            except AnswerUnreadable as error:
                raise StorageRefused(f"bucket {self.location.bucket}: {error}; look at the endpoint") from error
            found += [
                ObjectInfo(each.key.removeprefix(self.location.prefix), each.bytes, each.changed_at)
                for each in page.objects
                if each.key.startswith(self.location.prefix + prefix)
            ]
            if len(found) > MAX_LISTED:
                raise StorageRefused(f"{self.location} has more than {MAX_LISTED:,} objects under {prefix!r}; use a prefix of its own")
            if not page.continues_at:
                return found
            query["continuation-token"] = page.continues_at

    async def delete(self, name: str) -> None:
        """Remove an object; that there is none is as good. Raises ObjectStorageError."""
        await self.exchange.send("DELETE", self._key(name))

    async def give_up_stale_uploads(self) -> int:
        """End uploads that processes left when they died, a day ago or longer; return how many."""
        return await give_up_stale(self.exchange, self.location.prefix, datetime.now(UTC))

    def _taken(self, name: str, answer: OutboundResponse) -> None:
        """Raise StorageRefused where a success is not S3's: a page of some proxy would pass for an object that is kept."""
        if not answer.headers.get("ETag"):
            raise StorageRefused(f"bucket {self.location.bucket}: {name} was taken and has no ETag; the server is not S3's like")

    def _key(self, name: str) -> str:
        return self.location.prefix + name


async def open_bucket(egress: Egress, location: BucketLocation, environ: Mapping[str, str], reveal: Reveal | None) -> Bucket:
    """Return a bucket to work with; nothing is sent yet. Raises KeysMissing."""
    return Bucket(Exchange(egress, location, await credential_for(location, environ, reveal)))


async def of_bytes(body: bytes) -> AsyncIterator[bytes]:
    """Yield a body that is in memory already, as `Bucket.put` takes it."""
    yield body


async def _pieces(response: StreamedResponse) -> AsyncIterator[bytes]:
    """Yield a body as it comes. Raises TimeoutError where less than LEAST_BYTES came in PIECE_TIMEOUT_S: a byte a second never ends."""
    came, until = 0, anyio.current_time() + PIECE_TIMEOUT_S
    while piece := await response.read_by(until):
        yield piece
        came += len(piece)
        # What is done with a piece is not the server's time.
        if came >= LEAST_BYTES:
            came, until = 0, anyio.current_time() + PIECE_TIMEOUT_S
