"""What one `tools/call` asks, whichever path recognised it."""

from collections.abc import Mapping
from typing import NamedTuple

from oauth.principal import Principal
from server.mcp.request_state import NOTHING_ASKED, Asked
from tools.operation import ClientInfo, Json


class ToolRequest(NamedTuple):
    """A `tools/call`, checked against the protocol and by nobody else yet. A tuple: made for every call.

    `carrier`: its W3C trace context. `host`: the Host header, which says how the client spells our origin.
    `asked`: what was asked before and is answered by it; None: it says that everything was, without a state. `state` is the `requestState`
    that it brings back, which says what was asked (MCP 2026-07-28, multi-round-trip requests).
    """

    principal: Principal
    name: str
    arguments: Mapping[str, Json]
    client: ClientInfo
    carrier: Mapping[str, str]
    host: bytes | str | None
    asked: Asked | None = NOTHING_ASKED
    state: str | None = None
