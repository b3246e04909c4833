"""Senders: one webhook of each scheme, its keys, and requests as its sender signs them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from joserfc import jwt
from joserfc.jwk import RSAKey

from tools.workflows.webhooks.request import HookRequest
from tools.workflows.webhooks.schemes.generic import GenericHmac
from tools.workflows.webhooks.schemes.known import GENERIC, SCHEMES
from tools.workflows.webhooks.schemes.scheme import Scheme
from tools.workflows.webhooks.webhook import Webhook

NOW = 1_795_000_000
URL = "https://gateway.example/hooks/test"
GONG_KEY = RSAKey.generate_key(2048)
PEM = GONG_KEY.as_pem(private=False)
WHSEC = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HMAC = GenericHmac("X-Signature", timestamp_header="X-Time", signs="{timestamp}.{id}.{body}", id_header="X-Id", type_header="X-Type")
EVENT = b'{"id":"evt_1","type":"invoice.paid","event_id":"Ev1","event":{"type":"app_mention"},"update_id":7}'


@dataclass(frozen=True)
class Sender:
    """A sender of one scheme. `stated`: whether a request says when it was signed."""

    name: str
    secret: bytes
    stated: bool = True
    scheme: Scheme | None = None

    @property
    def reader(self) -> Scheme:
        return self.scheme or SCHEMES[self.name]

    @property
    def key(self) -> bytes:
        return self.reader.key_of(self.secret)

    def webhook(self, tenant_id: str = "default") -> Webhook:
        return Webhook(
            tenant_id, "test", self.name, ("key",), "noted", generic=self.scheme if isinstance(self.scheme, GenericHmac) else None
        )

    def headers(self, body: bytes = EVENT, at_s: float = NOW, url: str = URL) -> dict[str, str]:
        if self.name != "gong":
            return dict(self.reader.example(self.key, at_s, url, body).headers)
        claims = {"webhook_url": url, "body_sha256": hashlib.sha256(body).hexdigest(), "iat": int(at_s), "exp": int(at_s) + 60}
        token = jwt.encode({"alg": "RS256"}, claims, GONG_KEY)
        return {"content-type": "application/json", "authorization": f"Bearer {token}"}

    def request(self, body: bytes = EVENT, at_s: float = NOW) -> HookRequest:
        return request_of(self.headers(body, at_s), body)


def request_of(headers: Mapping[str, str], body: bytes, url: str = URL) -> HookRequest:
    return HookRequest.of([(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()], body, url)


SENDERS = [
    Sender("stripe", b"whsec_of_stripe"),
    Sender("github", b"It's a Secret to Everybody", stated=False),
    Sender("slack", b"8f742231b10e8888abcd99yyyzzz85a5"),
    Sender("telegram", b"secret-token-of-telegram", stated=False),
    Sender("standard", WHSEC),
    Sender(GENERIC, b"of anybody", scheme=HMAC),
    Sender("gong", PEM),
]
