"""Standard Webhooks 1.0 with symmetric keys (standardwebhooks.com; github.com/standard-webhooks, spec/standard-webhooks.md)."""

import base64
import hmac
from collections.abc import Sequence
from secrets import token_hex

from tools.operation import Json
from tools.workflows.webhooks.request import HookRequest
from tools.workflows.webhooks.schemes.scheme import Example, HookEvent, Reply, text_at
from tools.workflows.webhooks.signature import Claim, from_base64, is_signed, seconds_of

_SECRET_PREFIX = b"whsec_"
#: "between 24 bytes (192 bits) and 64 bytes"
_MIN_KEY_BYTES = 24


class Standard:
    signs_id = True
    signs_time = True

    def key_of(self, secret: bytes) -> bytes:
        key = from_base64(secret.removeprefix(_SECRET_PREFIX).decode("ascii", "replace"))
        if key is None or len(key) < _MIN_KEY_BYTES:
            raise ValueError(f"is no secret of Standard Webhooks: 'whsec_' and at least {_MIN_KEY_BYTES} bytes in base64")
        return key

    def proof(self, request: HookRequest, keys: Sequence[bytes], now_s: float) -> bytes | None:
        event_id, at = request.header("webhook-id"), request.header("webhook-timestamp")
        said = [each.partition(",") for each in (request.header("webhook-signature") or "").split(" ")]
        # v1a is asymmetric: with its public key as an HMAC key anybody could sign.
        signatures = tuple(signature for version, _, text in said if version == "v1" and (signature := from_base64(text)) is not None)
        if event_id is None or at is None or (signed_at_s := seconds_of(at)) is None:
            return None
        claim = Claim(f"{event_id}.{at}.".encode("latin-1") + request.body, signatures, signed_at_s)
        return claim.message if is_signed(claim, keys, now_s) else None

    def event(self, request: HookRequest, content: Json) -> HookEvent | Reply:
        return HookEvent(request.header("webhook-id") or "", text_at(content, "type"))

    def example(self, key: bytes, now_s: float, url: str, body: bytes | None) -> Example:
        body = body if body is not None else b'{"type":"ascend.test","data":{}}'
        return Example(self.signed(key, f"msg_{token_hex(12)}", now_s, body), body)

    def signed(self, key: bytes, event_id: str, now_s: float, body: bytes) -> dict[str, str]:
        """Return the headers of a request that carries `body`."""
        at = str(int(now_s))
        signature = base64.b64encode(hmac.digest(key, f"{event_id}.{at}.".encode() + body, "sha256")).decode()
        return {
            "content-type": "application/json",
            "webhook-id": event_id,
            "webhook-timestamp": at,
            "webhook-signature": f"v1,{signature}",
        }
