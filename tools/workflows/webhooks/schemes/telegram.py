"""Telegram: the secret itself in `X-Telegram-Bot-Api-Secret-Token` (core.telegram.org/bots/api#setwebhook).

Nothing of the body is signed: whoever sees a request can make others. It is what the sender offers.
"""

import hmac
import re
from collections.abc import Sequence

from tools.operation import Json
from tools.workflows.webhooks.request import HookRequest
from tools.workflows.webhooks.schemes.scheme import Example, HookEvent, Reply, text_at

_SECRET = re.compile(rb"[A-Za-z0-9_-]{16,256}")
_HEADER = "x-telegram-bot-api-secret-token"


class Telegram:
    signs_id = True
    signs_time = False

    def key_of(self, secret: bytes) -> bytes:
        if _SECRET.fullmatch(secret) is None:
            raise ValueError("is no secret token of Telegram: 16 to 256 of A-Z, a-z, 0-9, '_' and '-'")
        return secret

    def proof(self, request: HookRequest, keys: Sequence[bytes], now_s: float) -> bytes | None:
        said = (request.header(_HEADER) or "").encode("latin-1")
        found = False
        for key in keys:
            found |= hmac.compare_digest(key, said)
        return request.body if found else None

    def event(self, request: HookRequest, content: Json) -> HookEvent | Reply:
        names = [name for name in content if name != "update_id"] if isinstance(content, dict) else []
        return HookEvent(text_at(content, "update_id"), str(names[0]) if names else "")

    def example(self, key: bytes, now_s: float, url: str, body: bytes | None) -> Example:
        body = body if body is not None else b'{"update_id":0,"ascend.test":{}}'
        return Example({"content-type": "application/json", _HEADER: key.decode()}, body)
