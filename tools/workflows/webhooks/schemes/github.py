"""GitHub: `X-Hub-Signature-256` over the body alone (docs.github.com, "Validating webhook deliveries").

Neither time nor delivery id are signed, so a captured body could come again under another id: its content counts as an id, too.
"""

import hmac
from collections.abc import Sequence
from uuid import uuid4

from tools.operation import Json
from tools.workflows.webhooks.request import HookRequest
from tools.workflows.webhooks.schemes.scheme import Example, HookEvent, Reply, as_it_is
from tools.workflows.webhooks.signature import Claim, from_hex, is_signed

_PREFIX = "sha256="


class GitHub:
    signs_id = False
    signs_time = False

    def key_of(self, secret: bytes) -> bytes:
        return as_it_is(secret)

    def proof(self, request: HookRequest, keys: Sequence[bytes], now_s: float) -> bytes | None:
        # X-Hub-Signature, over SHA-1, comes along for old receivers and is never looked at.
        said = request.header("x-hub-signature-256") or ""
        signature = from_hex(said.removeprefix(_PREFIX)) if said.startswith(_PREFIX) else None
        return request.body if signature is not None and is_signed(Claim(request.body, (signature,)), keys, now_s) else None

    def event(self, request: HookRequest, content: Json) -> HookEvent | Reply:
        kind = request.header("x-github-event") or ""
        return Reply({"pong": True}) if kind == "ping" else HookEvent(request.header("x-github-delivery") or "", kind)

    def example(self, key: bytes, now_s: float, url: str, body: bytes | None) -> Example:
        kind = "ping" if body is None else "test"
        body = body if body is not None else b'{"zen":"Design for failure."}'
        signature = hmac.digest(key, body, "sha256").hex()
        headers = {
            "content-type": "application/json",
            "x-github-event": kind,
            "x-github-delivery": str(uuid4()),
            "x-hub-signature-256": _PREFIX + signature,
        }
        return Example(headers, body)
