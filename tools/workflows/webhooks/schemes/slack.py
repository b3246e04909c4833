"""Slack: `X-Slack-Signature: v0=…` over version, time and body (docs.slack.dev, "Verifying requests from Slack").

A retry (`X-Slack-Retry-Num`) carries the same event id, and is the same event.
"""

import hmac
from collections.abc import Sequence

from tools.operation import Json
from tools.workflows.webhooks.request import HookRequest
from tools.workflows.webhooks.schemes.scheme import Example, HookEvent, Reply, as_it_is, text_at
from tools.workflows.webhooks.signature import Claim, from_hex, is_signed, seconds_of

_PREFIX = "v0="


class Slack:
    signs_id = True
    signs_time = True

    def key_of(self, secret: bytes) -> bytes:
        return as_it_is(secret)

    def proof(self, request: HookRequest, keys: Sequence[bytes], now_s: float) -> bytes | None:
        said, at = request.header("x-slack-signature") or "", request.header("x-slack-request-timestamp")
        signature = from_hex(said.removeprefix(_PREFIX)) if said.startswith(_PREFIX) else None
        if at is None or signature is None or (signed_at_s := seconds_of(at)) is None:
            return None
        claim = Claim(b"v0:" + at.encode() + b":" + request.body, (signature,), signed_at_s)
        return claim.message if is_signed(claim, keys, now_s) else None

    def event(self, request: HookRequest, content: Json) -> HookEvent | Reply:
        kind = text_at(content, "type")
        if kind == "url_verification":
            return Reply({"challenge": text_at(content, "challenge")})
        return HookEvent(text_at(content, "event_id"), text_at(content, "event", "type") or kind or text_at(content, "command"))

    def example(self, key: bytes, now_s: float, url: str, body: bytes | None) -> Example:
        body = body if body is not None else b'{"type":"url_verification","challenge":"ascend-test"}'
        signature = hmac.digest(key, b"v0:%d:%s" % (int(now_s), body), "sha256").hex()
        headers = {
            "content-type": "application/json",
            "x-slack-request-timestamp": str(int(now_s)),
            "x-slack-signature": _PREFIX + signature,
        }
        return Example(headers, body)
