"""A POST through the guarded way out, and what its answer means for a message."""

import time
from collections.abc import Awaitable, Callable, Sequence

import orjson

from oauth.retry_after import retry_after_s
from server.alerts.errors import NotTaken, TryAgain
from tools.egress.client import OutboundRequest, OutboundResponse
from tools.errors import Busy, EgressRefused, ToolError

TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 64 * 1024
#: statuses that say "later": RFC 9110 §15.5.9, §15.5.20, RFC 6585 §4
_LATER = frozenset({408, 421, 425, 429})

Send = Callable[[OutboundRequest], Awaitable[OutboundResponse]]


async def post(send: Send, url: str, body: bytes, headers: Sequence[tuple[str, str]] = ()) -> OutboundResponse:
    """Post JSON and return an answer of 2xx. Raises TryAgain, NotTaken; neither says the address, which may be a secret."""
    request = OutboundRequest(
        "POST",
        url,
        (("content-type", "application/json"), *headers),
        body,
        timeout_s=TIMEOUT_S,
        max_body_bytes=MAX_ANSWER_BYTES,
        follow=False,
    )
    try:
        answer = await send(request)
    except EgressRefused as error:
        raise NotTaken("its address may not be called: it is not public; ASCEND_EGRESS_ALLOW=host:port allows it") from error
    except Busy as error:
        raise TryAgain("no connection became free in time") from error
    except ToolError as error:
        raise TryAgain(_WORDS.get(error.failure.code, "it could not be reached")) from error
    if 200 <= answer.status < 300:
        return answer
    said = f"it answered {answer.status}"
    if answer.status in _LATER or answer.status >= 500:
        raise TryAgain(said, _asked_wait_s(answer))
    raise NotTaken(said)


#: code of a failure on the way -> our words
_WORDS = {
    "upstream_timeout": "it gave no answer in time",
    "upstream_unreachable": "it could not be reached",
    "upstream_reset": "it broke off the connection",
    "upstream_malformed": "it answered with something that is not HTTP",
    "upstream_too_large": f"its answer has more than {MAX_ANSWER_BYTES // 1024} KB, and nobody knows whether it took the message",
}


def _asked_wait_s(answer: OutboundResponse) -> float | None:
    """Return what an answer asks for: its Retry-After, or Telegram's `parameters.retry_after`."""
    if said := answer.headers.get("retry-after", "").strip():
        return retry_after_s(said, time.time())
    try:
        found = orjson.loads(answer.body)
    except ValueError:
        return None
    parameters = found.get("parameters") if isinstance(found, dict) else None
    seconds = parameters.get("retry_after") if isinstance(parameters, dict) else None
    return float(seconds) if isinstance(seconds, int) and 0 <= seconds < 1_000_000_000 else None
