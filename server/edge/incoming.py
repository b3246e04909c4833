"""A request as it came in, and what is found out about it on its way."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.types import Receive, Scope, Send

from server.edge.request_headers import head_lines
from server.http.buffered_exchange import BufferedExchange, buffered_exchange
from server.observability.trace_context import NO_CARRIER, trace_id_of, trace_is_valid
from server.request_scope import Headers
from tools.egress.relay_answer import Fields


@dataclass(slots=True)
class Incoming:
    """`user`: claims of a verified token as fields; `user_id`: issuer and subject, "" where nobody is known. `added`: to any answer."""

    scope: Scope
    receive: Receive
    send: Send
    exchange: BufferedExchange | None
    headers: Headers
    method: bytes
    trace_id: str
    #: W3C trace context: the caller's, where it is one, else one of our own
    traceparent: bytes
    #: the headers by name; of one that comes several times, the last
    named: Mapping[bytes, bytes]
    subject: str = ""
    user_id: str = ""
    plan: str = ""
    #: when the token that says who calls is over; epoch seconds
    expires_at: float = math.inf
    is_limited: bool = False
    #: past all checks and limits
    is_admitted: bool = False
    user: Fields = field(default_factory=list)
    added: Fields = field(default_factory=list)

    @classmethod
    def of(cls, scope: Scope, receive: Receive, send: Send) -> "Incoming":
        headers = scope["headers"]
        named = dict(headers)
        traceparent = named.get(b"traceparent")
        carrier = NO_CARRIER if traceparent is None else {"traceparent": traceparent.decode("latin-1")}
        trace_id = trace_id_of(carrier)
        if traceparent is None or not trace_is_valid(carrier):
            # Not sampled: nobody here collects spans of it. A span id of chance is an identifier, not a secret.
            traceparent = f"00-{trace_id}-{random.getrandbits(64) or 1:016x}-00".encode()
        return cls(scope, receive, send, buffered_exchange(scope), headers, scope["method"].encode(), trace_id, traceparent, named)

    def value_of(self, wanted: bytes) -> bytes:
        """Return the value of a field, b"" where there is none."""
        return self.named.get(wanted, b"")

    @property
    def client(self) -> str:
        """The caller's address, by the trusted proxies' word (server/proxy_headers.py)."""
        return self.scope["client"][0] if self.scope.get("client") else ""

    async def answer(self, status: int, fields: Headers, body: bytes) -> None:
        """Send a whole answer. `fields`: all but the length, and perhaps Date."""
        exchange, names = self.exchange, {name for name, _ in fields}
        if exchange is not None and b"connection" not in names:
            ours = () if b"date" in names else exchange.default_headers
            # decision 0018: a whole answer in one write.
            if exchange.answer_lines(status, head_lines((*ours, *fields)), body):
                return
        await self.start(status, [*fields, (b"content-length", b"%d" % len(body))])
        await self.send({"type": "http.response.body", "body": body})

    async def start(self, status: int, fields: Headers) -> None:
        """Send the head of an answer."""
        # RFC 9110 §6.6.1: the origin's Date is kept; two would be none.
        if self.exchange is not None and _has_date(fields):
            self.exchange.default_headers = []
        await self.send({"type": "http.response.start", "status": status, "headers": fields})

    def break_off(self) -> None:
        """End the connection in the middle of an answer."""
        if self.exchange is not None:
            self.exchange.break_off()


def _has_date(fields: Headers) -> bool:
    return any(name == b"date" for name, _ in fields)
