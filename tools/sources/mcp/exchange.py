"""What went over the wire for one tools/call. The SDK tells what a server said and what it made up itself in the same words."""

from contextvars import ContextVar
from dataclasses import dataclass

import orjson
from mcp.shared.exceptions import MCPError

#: an error's message is short; of a longer event nothing is kept
MAX_LAST_BYTES = 1024 * 1024


@dataclass(slots=True)
class UpstreamExchange:
    """Filled in by the transport (mcp_transport.py) while the call is under way."""

    #: something of the request may have gone out
    sent: bool = False
    #: HTTP status of the answer; None: there was none
    status: int | None = None
    #: the request carried an Mcp-Session-Id
    had_session: bool = False
    retry_after_s: float | None = None
    #: why no whole answer came
    fault: Exception | None = None
    #: what came last: a body, or some events of a stream
    last: bytes = b""
    #: `last` stands for a heavier message, which is not here
    is_lightened: bool = False
    #: the answer repeated the account's credential
    is_redacted: bool = False

    @property
    def is_session_lost(self) -> bool:
        """Say whether the server no longer knows the session: 404, and nothing else (MCP 2025-11-25, transports, session management)."""
        return self.status == 404 and self.had_session

    def said(self, error: MCPError) -> bool:
        """Say whether `error` came from the server: its number and words are no proof, for servers use the SDK's own."""
        return any(_error_of(text) == (error.code, error.message) for text in messages(self.last))


#: of the call that runs in this context; the SDK sends each message in the context of who asked for it
EXCHANGE: ContextVar[UpstreamExchange | None] = ContextVar("mcp_exchange", default=None)


def messages(last: bytes) -> list[bytes]:
    """Return the JSON texts in a body, or in the data of events (WHATWG HTML §9.2.6)."""
    if last.lstrip()[:1] in (b"{", b"["):
        return [last]
    events = last.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n\n")
    lines = ([line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")] for event in events)
    return [b"\n".join(data) for data in lines if data]


def _error_of(text: bytes) -> tuple[int, str] | None:
    try:
        message = orjson.loads(text)
        error = message["error"]
        return error["code"], error["message"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
