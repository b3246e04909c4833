"""Protocol versions that we do not speak: the answer names those that we do (MCP 2026-07-28, -32022)."""

from typing import Final

import orjson
from mcp_types import UNSUPPORTED_PROTOCOL_VERSION
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS
from starlette.types import Send

from server.mcp.transport import send_whole
from server.request_scope import Headers

#: the newest first
SUPPORTED: Final = (*MODERN_PROTOCOL_VERSIONS, *reversed(HANDSHAKE_PROTOCOL_VERSIONS))
_HEADER: Final = b"mcp-protocol-version"
_KNOWN: Final = frozenset(version.encode() for version in SUPPORTED)
_META_KEY: Final = "io.modelcontextprotocol/protocolVersion"


def unknown_version(headers: Headers) -> str | None:
    """Return the version of the header where it is none of ours."""
    return next((value.decode("latin-1") for name, value in headers if name == _HEADER and value not in _KNOWN), None)


def without_version(headers: Headers) -> Headers:
    """Return `headers` without the version, for a handshake, which negotiates one by its body (MCP 2025-11-25, lifecycle)."""
    return [header for header in headers if header[0] != _HEADER]


def is_handshake(body: bytes) -> bool:
    """Say whether a message, which is JSON-RPC, opens a connection of the older protocols."""
    return bool(orjson.loads(body).get("method") == "initialize")


def declares_version(body: bytes) -> bool:
    """Say whether a message names its version itself; then the SDK compares both, and knows what to say."""
    params = orjson.loads(body).get("params")
    meta = params.get("_meta") if isinstance(params, dict) else None
    return isinstance(meta, dict) and _META_KEY in meta


async def refuse_version(send: Send, body: bytes, version: str) -> None:
    """Answer a request of a version that we do not speak."""
    error = {
        "code": UNSUPPORTED_PROTOCOL_VERSION,
        "message": f"MCP-Protocol-Version is none that this server speaks; send one of {', '.join(SUPPORTED)}",
        "data": {"supported": list(SUPPORTED), "requested": version[:100]},
    }
    answer = orjson.dumps({"jsonrpc": "2.0", "id": orjson.loads(body).get("id"), "error": error})
    await send_whole(send, 400, [(b"content-type", b"application/json")], answer)
