"""What an MCP client says of itself, read from each request, so that no server-side MCP session is needed.

2026-07-28 clients declare themselves in `_meta` of every request. 2025-11-25 clients do so once, at `initialize`;
what the gateway needs of it travels in the `Mcp-Session-Id` that they send back. The id is a name, not a capability:
a client that forges one only changes how questions are put to its own person.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from mcp_types import CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from oauth import base64url
from server.mcp.tasks.wire import EXTENSION
from tools.operation import ClientInfo

MAX_NAME_CHARS = 100
MAX_SESSION_ID_CHARS = 1_024
_PREFIX = "c1."


def of_meta(meta: Mapping[str, Any], protocol_version: str) -> ClientInfo:
    """Read the facts of a 2026-07-28 request (basic, "Per-request protocol fields"); odd shapes read as undeclared."""
    return corrected(_facts(protocol_version, meta.get(CLIENT_CAPABILITIES_META_KEY), meta.get(CLIENT_INFO_META_KEY)))


def of_session_id(session_id: str | None, protocol_version: str) -> ClientInfo:
    """Read the facts back from an `Mcp-Session-Id` that `mint_session_id` made; any other id says nothing."""
    undeclared = ClientInfo(protocol_version=protocol_version)
    if session_id is None or not session_id.startswith(_PREFIX) or len(session_id) > MAX_SESSION_ID_CHARS:
        return undeclared
    text = session_id.removeprefix(_PREFIX).partition(".")[0]
    try:
        said = orjson.loads(base64url.decode(text))
    except ValueError:
        return undeclared
    if not isinstance(said, dict):
        return undeclared
    return corrected(ClientInfo(protocol_version, said.get("url") is True, _text(said.get("name")), _text(said.get("version"))))


def mint_session_id(initialize: Mapping[str, Any] | None) -> str | None:
    """Return the `Mcp-Session-Id` for a client that can open URLs for its person; None where there is nothing to carry."""
    params = initialize or {}
    facts = _facts("", params.get("capabilities"), params.get("clientInfo"))
    if not facts.elicits_url:
        return None
    said = orjson.dumps({"url": True, "name": facts.name, "version": facts.version})
    return f"{_PREFIX}{base64url.encode(said)}.{secrets.token_hex(8)}"


def _facts(protocol_version: str, capabilities: object, info: object) -> ClientInfo:
    elicitation = capabilities.get("elicitation") if isinstance(capabilities, Mapping) else None
    # `elicitation: {}` means form mode only, in both eras.
    elicits_url = isinstance(elicitation, Mapping) and elicitation.get("url") is not None
    elicits_form = isinstance(elicitation, Mapping) and (not elicitation or elicitation.get("form") is not None)
    said = info if isinstance(info, Mapping) else {}
    name, version = _text(said.get("name")), _text(said.get("version"))
    return ClientInfo(protocol_version, elicits_url, name, version, elicits_form, _takes_tasks(protocol_version, capabilities))


def _takes_tasks(protocol_version: str, capabilities: object) -> bool:
    # tasks, "Backward Compatibility": not the tasks of 2025-11-25, which were others.
    if protocol_version not in MODERN_PROTOCOL_VERSIONS or not isinstance(capabilities, Mapping):
        return False
    extensions = capabilities.get("extensions")
    return isinstance(extensions, Mapping) and isinstance(extensions.get(EXTENSION), Mapping)


def _text(value: object) -> str:
    return value[:MAX_NAME_CHARS] if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Quirk:
    """`applies` looks at what the client said of itself; `source` is where the behaviour was reported."""

    name: re.Pattern[str]
    applies: Callable[[ClientInfo], bool]
    source: str


def _is_legacy(client: ClientInfo) -> bool:
    return client.protocol_version not in MODERN_PROTOCOL_VERSIONS


QUIRKS = (
    Quirk(re.compile(r"^claude-code\b"), _is_legacy, "anthropics/claude-code#48164, #69555: url mode is refused (-32602) on 2025-11-25"),
    Quirk(
        re.compile(r"\bvia mcp-remote\b"),
        lambda _: True,
        # Under this name it bridges; what 0.15.1 passes on as it is (2026-07-28) keeps the client's own name and needs no entry.
        "seen with mcp-remote 0.1.37 and 0.15.1: it hands the declaration on, and bridges no url mode",
    ),
    Quirk(
        re.compile(r"^Anthropic(?:/ClaudeAI)?$"), lambda _: True, "anthropics/claude-ai-mcp#153: claude.ai and Desktop have no elicitation"
    ),
)


def corrected(client: ClientInfo) -> ClientInfo:
    """Return the facts as they are rather than as they were declared."""
    if client.elicits_url and any(quirk.name.search(client.name) and quirk.applies(client) for quirk in QUIRKS):
        return replace(client, elicits_url=False)
    return client
