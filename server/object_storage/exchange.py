"""One signed request to a bucket, tried again where the server was not there or said "later", and what its refusals mean."""

import base64
import hashlib
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

import anyio
import anyio.to_thread

from oauth.connections.credentials import Credential
from oauth.retry_after import retry_after_s
from server.object_storage.answers import ErrorAnswer, read_error
from server.object_storage.errors import ObjectExists, ObjectMissing, ObjectStorageError, StorageRefused, StorageUnavailable
from server.object_storage.location import BucketLocation
from tools.egress.client import Egress, OutboundRequest, OutboundResponse
from tools.egress.sigv4 import sign
from tools.egress.streamed import StreamedResponse, open_streamed
from tools.errors import Busy, EgressRefused, UpstreamFailed

TRIES = 5
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 20.0
#: who says more means something else
MAX_RETRY_AFTER_S = 99_999.0
#: answers are lists of a thousand keys at most
MAX_ANSWER_BYTES = 4 << 20
TIMEOUT_S = 30.0
#: to hash more takes longer than others should wait
_HASHED_HERE_BYTES = 256 * 1024
_LATER = frozenset({429, 500, 502, 503, 504})
#: S3 API reference, "Error responses": what asks for another try although its status does not say so
_LATER_CODES = frozenset({"ConditionalRequestConflict", "OperationAborted", "RequestTimeout"})
#: code of the server -> what to do
_WAYS_OUT = {
    "AccessDenied": "let the key put, get, list and delete there",
    "AccountProblem": "ask whoever pays for it",
    "ExpiredToken": "the temporary key has ended: give a new one",
    "InvalidAccessKeyId": "the server does not know the key: look at AWS_ACCESS_KEY_ID, and whether the endpoint is the right one",
    "InvalidToken": "the session token does not belong to the key",
    "NoSuchBucket": "make the bucket, or correct its name",
    "NotImplemented": "the server cannot do that; use another one",
    "RequestTimeTooSkewed": "the clock of this machine is wrong",
    "SignatureDoesNotMatch": "the secret does not belong to the key, or region and style are not the server's",
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """Requests to one bucket. Every one of them may be repeated: it ends as if it had been sent once."""

    egress: Egress
    location: BucketLocation
    credential: Credential = field(repr=False)
    clock: Callable[[], float] = time.time
    first_wait_s: float = FIRST_WAIT_S

    async def send(
        self,
        method: str,
        key: str = "",
        query: Mapping[str, str] | None = None,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes | None = None,
    ) -> OutboundResponse:
        """Send and return an answer of success. Raises StorageRefused, ObjectMissing, ObjectExists, StorageUnavailable."""
        for left in reversed(range(TRIES)):
            try:
                request = await self._signed(method, key, query, headers, body)
                answer = await self.egress.send(request)
                # CompleteMultipartUpload answers before it knows: an error may come with status 200.
                error = read_error(answer.body) if answer.status >= 300 or method == "POST" else ErrorAnswer("", "")
                if answer.status < 300 and not error.code:
                    return answer
                raise self._failure(answer.status, error, key, self._asked_wait_s(answer.headers))
            except (EgressRefused, Busy, UpstreamFailed) as error:
                failure = self._not_reached(error)
                if not isinstance(failure, StorageUnavailable) or not left:
                    raise failure from error
                await self._wait(TRIES - 1 - left, failure)
            except ObjectExists as failure:
                failure.may_be_own = left < TRIES - 1
                raise
            except StorageUnavailable as failure:
                if not left:
                    raise
                await self._wait(TRIES - 1 - left, failure)
        raise AssertionError("the last try either returns or raises")

    async def open(self, key: str, headers: Sequence[tuple[str, str]]) -> StreamedResponse:
        """Return when an object's bytes begin to come; whoever has them closes them. Raises what `send` raises; tried once."""
        try:
            request = await self._signed("GET", key, None, headers, None)
            # Whoever takes the request and says nothing, or says it byte by byte, is given no longer than anybody else.
            with anyio.fail_after(TIMEOUT_S):
                response = await open_streamed(self.egress, request, anyio.current_time() + TIMEOUT_S)
                if response.status < 300:
                    return response
                try:
                    error = read_error(await response.read_all(MAX_ANSWER_BYTES))
                    raise self._failure(response.status, error, key, self._asked_wait_s(response.headers))
                finally:
                    response.close()
        except TimeoutError as error:
            said = f"bucket {self.location.bucket}: no answer within {TIMEOUT_S:.0f} s"
            raise StorageUnavailable(f"{said}; look at the endpoint, or try again later") from error
        except (EgressRefused, Busy, UpstreamFailed) as error:
            raise self._not_reached(error) from error

    def not_reached(self, error: EgressRefused | Busy | UpstreamFailed) -> ObjectStorageError:
        """Return what a failure of the way out means for this bucket."""
        return self._not_reached(error)

    async def _signed(
        self, method: str, key: str, query: Mapping[str, str] | None, headers: Sequence[tuple[str, str]], body: bytes | None
    ) -> OutboundRequest:
        url = self.location.url(key)
        if query:
            url += "?" + "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in sorted(query.items()))
        if body is not None and len(body) > _HASHED_HERE_BYTES:
            signed = await anyio.to_thread.run_sync(self._sign, method, url, headers, body)
        else:
            signed = self._sign(method, url, headers, body)
        # A redirect is for another host, and the signature is not.
        return OutboundRequest(method, url, signed, body, TIMEOUT_S, MAX_ANSWER_BYTES, follow=False)

    def _sign(self, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes | None) -> Sequence[tuple[str, str]]:
        if method == "PUT" and body is not None:
            # S3 user guide, "Object Lock": a bucket that holds its objects takes none without it. It proves nothing; the signature does.
            digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
            headers = (*headers, ("Content-MD5", digest))
        return sign(self.credential, method, url, headers, body, self.clock())

    async def _wait(self, tried: int, failure: StorageUnavailable) -> None:
        wait_s = min(self.first_wait_s * 2**tried, LONGEST_WAIT_S)
        # Many that were turned away at once should not all come back at once.
        wait_s *= random.uniform(0.75, 1.25)  # noqa: S311  # no secret hangs on it
        await anyio.sleep(max(wait_s, min(failure.retry_after_s or 0.0, LONGEST_WAIT_S)))

    def _failure(self, status: int, error: ErrorAnswer, key: str, retry_after_s: float | None) -> ObjectStorageError:
        said = f"bucket {self.location.bucket}: {error.code or f'status {status}'}{f' ({error.message})' if error.message else ''}"
        if status == 412:
            return ObjectExists(f"bucket {self.location.bucket}: {key} is there already, and is not replaced", error.code, status)
        if status in _LATER or error.code in _LATER_CODES:
            return StorageUnavailable(f"{said}; try again later", retry_after_s)
        if 300 <= status < 400:
            where = f"set AWS_REGION={error.region}" if error.region else "name its region and endpoint"
            return StorageRefused(f"{said}: the bucket is elsewhere; {where}", error.code, status)
        if status == 404 and error.code != "NoSuchBucket":
            return ObjectMissing(f"bucket {self.location.bucket}: there is no {key or 'such thing'}", error.code, status)
        return StorageRefused(f"{said}; {_WAYS_OUT.get(error.code, 'look at bucket, key and endpoint')}", error.code, status)

    def _not_reached(self, error: EgressRefused | Busy | UpstreamFailed) -> ObjectStorageError:
        said = f"bucket {self.location.bucket}: {error.failure.message}"
        if isinstance(error, EgressRefused):
            return StorageRefused(f"{said}; {error.failure.hint or 'look at the endpoint'}", "egress_refused")
        return StorageUnavailable(f"{said}; look at the endpoint, or try again later", error.failure.retry_after_s)

    def _asked_wait_s(self, headers: Mapping[str, str]) -> float | None:
        wait_s = retry_after_s(headers.get("Retry-After"), self.clock())
        return wait_s if wait_s is not None and wait_s <= MAX_RETRY_AFTER_S else None
