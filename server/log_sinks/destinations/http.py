"""Rows posted to a URL: JSON lines or one array, gzipped, with what proves us."""

import time
from collections.abc import Mapping, Sequence
from typing import Literal

import anyio.to_thread

from oauth.retry_after import retry_after_s
from server.log_sinks.batch import Batch, packed
from server.log_sinks.destinations.destination import SinkFailed
from tools.egress.client import Egress, OutboundRequest, OutboundResponse
from tools.errors import ToolError

TIMEOUT_S = 30.0
MAX_ANSWER_BYTES = 64 * 1024
#: longer than that nobody is left alone, whatever they ask for
MAX_RETRY_AFTER_S = 3_600.0
_WAYS_OUT: Mapping[int, str] = {
    401: "look at the secret that its `bearer` or `headers` name",
    403: "look at what the secret may do there",
    404: "look at its `url`",
    413: "fewer rows are sent next time",
}


class HttpDestination:
    """Keeps `Destination`. Each request carries the batch's name as Idempotency-Key, the same for the same rows."""

    def __init__(self, egress: Egress, url: str, headers: Sequence[tuple[str, str]], form: Literal["jsonl", "json"]) -> None:
        self._egress, self._url, self._headers, self._form = egress, url, headers, form

    async def send(self, batch: Batch) -> int:
        body = await anyio.to_thread.run_sync(lambda: packed(batch.as_lines() if self._form == "jsonl" else batch.as_array()))
        media_type = "application/x-ndjson" if self._form == "jsonl" else "application/json"
        named = ("Idempotency-Key", f"{batch.stream}-{batch.name}")
        await post(self._egress, self._url, body, (("Content-Type", media_type), ("X-Ascend-Stream", batch.stream), named, *self._headers))
        return 0


async def post(egress: Egress, url: str, body: bytes, headers: Sequence[tuple[str, str]]) -> OutboundResponse:
    """Post a gzipped body and return an answer of success. No redirect is followed: it would take secrets along. Raises SinkFailed."""
    request = OutboundRequest("POST", url, (("Content-Encoding", "gzip"), *headers), body, TIMEOUT_S, MAX_ANSWER_BYTES, follow=False)
    try:
        answer = await egress.send(request)
    except ToolError as error:
        hint = f"; {error.failure.hint}" if error.failure.hint else ""
        raise SinkFailed(f"{error.failure.message}{hint}", error.failure.retry_after_s) from error
    if 200 <= answer.status < 300:
        return answer
    # What it says itself is not repeated: nobody knows what it quotes of the request.
    way_out = _WAYS_OUT.get(answer.status, "it is sent again later")
    said = f"{url.partition('?')[0][:200]} answered {answer.status}; {way_out}"
    wait_s = retry_after_s(answer.headers.get("Retry-After"), time.time())
    raise SinkFailed(said, None if wait_s is None else min(wait_s, MAX_RETRY_AFTER_S), is_too_large=answer.status == 413)
