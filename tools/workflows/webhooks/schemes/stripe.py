"""Stripe: `Stripe-Signature: t=…,v1=…` (docs.stripe.com/webhooks, "Verify webhook signatures manually")."""

import hmac
from collections.abc import Sequence

from tools.operation import Json
from tools.workflows.webhooks.request import HookRequest
from tools.workflows.webhooks.schemes.scheme import Example, HookEvent, Reply, as_it_is, text_at
from tools.workflows.webhooks.signature import Claim, from_hex, is_signed, seconds_of


class Stripe:
    signs_id = True
    signs_time = True

    def key_of(self, secret: bytes) -> bytes:
        return as_it_is(secret)

    def proof(self, request: HookRequest, keys: Sequence[bytes], now_s: float) -> bytes | None:
        claim = _claim(request)
        return claim.message if claim is not None and is_signed(claim, keys, now_s) else None

    def event(self, request: HookRequest, content: Json) -> HookEvent | Reply:
        return HookEvent(text_at(content, "id"), text_at(content, "type"))

    def example(self, key: bytes, now_s: float, url: str, body: bytes | None) -> Example:
        body = body if body is not None else b'{"id":"evt_test","object":"event","type":"ascend.test"}'
        signature = hmac.digest(key, b"%d.%s" % (int(now_s), body), "sha256").hex()
        return Example({"content-type": "application/json", "stripe-signature": f"t={int(now_s)},v1={signature}"}, body)


def _claim(request: HookRequest) -> Claim | None:
    pairs = [pair.strip().partition("=") for pair in (request.header("stripe-signature") or "").split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    # Only v1: another scheme beside it is a weaker one, or one of test keys.
    signatures = tuple(signature for name, _, value in pairs if name == "v1" and (signature := from_hex(value)) is not None)
    if len(times) != 1 or (signed_at_s := seconds_of(times[0])) is None or not signatures:
        return None
    # As it was written: "007" and "7" are one time and two messages.
    return Claim(times[0].encode() + b"." + request.body, signatures, signed_at_s)
