"""Any sender that signs with an HMAC: where the signature stands, how it is written and what it is over is set by whoever receives."""

import base64
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Literal

from tools.operation import Json
from tools.workflows.webhooks.request import HookRequest
from tools.workflows.webhooks.schemes.scheme import Example, HookEvent, Reply, as_it_is, text_at
from tools.workflows.webhooks.signature import Claim, from_base64, from_hex, is_signed, seconds_of

BODY, TIMESTAMP, ID = "{body}", "{timestamp}", "{id}"
_MARKS = re.compile(r"(\{body\}|\{timestamp\}|\{id\})")


@dataclass(frozen=True, slots=True)
class GenericHmac:
    """`signs`: what is signed, `{body}` with `{timestamp}` and `{id}` where they are headers. Nothing that a request says changes it."""

    header: str
    algorithm: Literal["sha1", "sha256", "sha384", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    signs: str = BODY
    timestamp_header: str = ""
    id_header: str = ""
    type_header: str = ""
    #: names of members of the body, where no header says it
    id_path: tuple[str, ...] = ()
    type_path: tuple[str, ...] = ()

    @property
    def signs_id(self) -> bool:
        return ID in self.signs if self.id_header else bool(self.id_path)

    @property
    def signs_time(self) -> bool:
        return TIMESTAMP in self.signs

    def key_of(self, secret: bytes) -> bytes:
        return as_it_is(secret)

    def proof(self, request: HookRequest, keys: Sequence[bytes], now_s: float) -> bytes | None:
        said = request.header(self.header) or ""
        read = from_hex if self.encoding == "hex" else from_base64
        signature = read(said.removeprefix(self.prefix)) if said.startswith(self.prefix) else None
        at, event_id = request.header(self.timestamp_header), request.header(self.id_header)
        signed_at_s = seconds_of(at)
        if signature is None or (self.timestamp_header and signed_at_s is None) or (ID in self.signs and event_id is None):
            return None
        claim = Claim(self._message(request.body, at or "", event_id or ""), (signature,), signed_at_s, self.algorithm)
        return claim.message if is_signed(claim, keys, now_s) else None

    def event(self, request: HookRequest, content: Json) -> HookEvent | Reply:
        event_id = request.header(self.id_header) if self.id_header else text_at(content, *self.id_path) if self.id_path else ""
        kind = request.header(self.type_header) if self.type_header else text_at(content, *self.type_path) if self.type_path else ""
        return HookEvent(event_id or "", kind or "")

    def example(self, key: bytes, now_s: float, url: str, body: bytes | None) -> Example:
        body = body if body is not None else b'{"type":"ascend.test"}'
        at, event_id = str(int(now_s)), f"test-{token_hex(8)}"
        digest = hmac.digest(key, self._message(body, at, event_id), self.algorithm)
        written = digest.hex() if self.encoding == "hex" else base64.b64encode(digest).decode()
        headers = {"content-type": "application/json", self.header: self.prefix + written}
        headers |= {self.timestamp_header: at} if self.timestamp_header else {}
        headers |= {self.id_header: event_id} if self.id_header else {}
        return Example(headers, body)

    def _message(self, body: bytes, at: str, event_id: str) -> bytes:
        # Cut at our marks only: what a request says is never looked through for them.
        values = {BODY: body, TIMESTAMP: at.encode("latin-1"), ID: event_id.encode("latin-1")}
        return b"".join(values.get(part, part.encode()) for part in _MARKS.split(self.signs))
