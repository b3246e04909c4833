"""From a request to a run on record: proven, named, kept. Nothing of a request is parsed or answered before it is proven."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from tools.operation import Failure
from tools.plain_text import written_out
from tools.workflows.webhooks.content import read_content
from tools.workflows.webhooks.errors import ContentRefused
from tools.workflows.webhooks.request import HookRequest
from tools.workflows.webhooks.schemes.scheme import MAX_EVENT_ID_CHARS, MAX_KIND_CHARS, Reply, text_at
from tools.workflows.webhooks.stores import Arrival
from tools.workflows.webhooks.webhook import Webhook

#: what an example says of itself: the signature was right, and nothing is started
TEST_KIND = "ascend.test"


@dataclass(frozen=True, slots=True)
class Genuine:
    """A request that is proven to come from a holder of a key; `proof` is what was signed."""

    webhook: Webhook
    request: HookRequest
    proof: bytes


def prove(webhook: Webhook, keys: Sequence[bytes], request: HookRequest, now_s: float) -> Genuine | None:
    """Return the request with its proof; None where it has none, for whatever reason."""
    proof = webhook.reader.proof(request, keys, now_s)
    return None if proof is None else Genuine(webhook, request, proof)


async def arrival_of(genuine: Genuine) -> Arrival | Reply:
    """Return what a proven request brings, or its answer where it is no event. Raises ContentRefused."""
    webhook, request = genuine.webhook, genuine.request
    if "content-encoding" in request.headers and request.header("content-encoding") != "identity":
        raise ContentRefused(Failure("invalid_body", "the body is compressed", hint="send it as it is, without Content-Encoding"))
    content = await read_content(request.body, request.media_type)
    event = webhook.reader.event(request, content)
    if isinstance(event, Reply):
        return event
    if TEST_KIND in (event.kind, text_at(content, "type")):
        return Reply({"test": True})
    signed = hashlib.sha256(genuine.proof).hexdigest()
    is_named = 0 < len(event.id) <= MAX_EVENT_ID_CHARS
    # Of the sender's own words: what a database or a terminal takes for something else is written out.
    event_id = written_out(event.id) if is_named else f"sha256:{signed}"
    return Arrival(
        webhook=webhook,
        event_id=event_id,
        kind=written_out(event.kind[:MAX_KIND_CHARS]),
        event_mark=hashlib.sha256(event_id.encode()).hexdigest(),
        content_mark=None if webhook.reader.signs_id and is_named else signed,
        media_type=request.media_type[:100],
        body=request.body,
        lasting_mark=None if webhook.reader.signs_time else signed,
    )
