"""The short way for plain 2026-07-28 `tools/call` and `tools/list` requests: parsed once, answered without the SDK's dispatcher.

What is not plain falls through to the SDK, which stays the judge of everything unusual: any check here that fails returns
None and says nothing of its own. tests/server/mcp/test_fast_path.py sends the same requests both ways and compares the answers.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import mcp_types as types
import orjson
from mcp.shared.inbound import x_mcp_header_map
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    CLIENT_INFO_META_KEY,
    LOG_LEVEL_META_KEY,
    PROTOCOL_VERSION_META_KEY,
    SERVER_INFO_META_KEY,
)
from mcp_types.methods import serialize_server_result, validate_client_request
from pydantic import ValidationError
from starlette.types import Scope

from server.mcp.accept import PLAIN_ACCEPTS
from server.mcp.client_capabilities import of_meta
from server.mcp.duplicate_names import BLANKS_AND_ZEROS, names_in, repeated_name
from server.mcp.tool_request import ToolRequest
from server.observability.trace_context import NO_CARRIER, carrier_of
from server.origins import Callers
from server.request_body import LARGE_BODY_BYTES
from tools.operation import ClientInfo, Json

VERSION = "2026-07-28"
KNOWN_CLIENTS = 1_000
#: A declaration beyond this is checked each time: clients choose it, and may choose 4 MB.
MAX_DECLARATION_BYTES = 4_096
_VERSION_HEADER = VERSION.encode()
# decision 0018: any other member (`requestState`, a task) has a meaning that only the long way knows
_CALL_KEYS = frozenset({"name", "arguments", "_meta"})
_LIST_KEYS = frozenset({"_meta"})
_MESSAGE_KEYS = frozenset({"jsonrpc", "id", "method", "params"})
# orjson reads integers beyond 64 bits as floats, the SDK as they are. Two plain scans cost a tenth of a regular expression.
_LONG_NUMBER = b"0" * 19
_TRACE_HEADERS = (b"traceparent", b"tracestate", b"baggage")


class FastRequest(NamedTuple):
    """A plain request, checked as the SDK would have checked it. `tool` None: `tools/list`. A tuple: made for every call."""

    request_id: int | str
    tool: ToolRequest | None
    progress_token: int | str | None
    #: the members that the parser found, where whoever asks has still to see that none of a large body came twice
    unclear_names: int | None = None


class FastPath:
    """Recognizes plain requests, and encodes their answers."""

    def __init__(
        self, listing: types.ListToolsResult, info: Mapping[str, Json], callers: Callers, left_to_sdk: Collection[str] = ()
    ) -> None:
        """`left_to_sdk`: names of tools that the SDK's path alone can run."""
        # Such a schema needs the header checks of the SDK's path; none of our own tools has one.
        # MCP 2026-07-28, transports: `x-mcp-header` asks for Mcp-Param-* headers to be compared with arguments.
        annotated = {tool.name for tool in listing.tools if x_mcp_header_map(tool.input_schema)}
        self._callers, self._left_to_sdk = callers, frozenset({*left_to_sdk, *annotated})
        stamp = orjson.dumps({SERVER_INFO_META_KEY: info})
        self._stamp = b',"_meta":%b}' % stamp
        shown = serialize_server_result("tools/list", VERSION, listing.model_dump(by_alias=True, mode="json", exclude_none=True))
        # decision 0018: the tools never change in a process, so the list is encoded once.
        self._listing = orjson.dumps(shown)[:-1] + self._stamp
        #: encoded client capabilities and info -> what they mean; bounded, because clients choose them
        self._client_by_words: dict[bytes, tuple[ClientInfo, int]] = {}

    def recognize(self, scope: Scope, body: bytes) -> FastRequest | None:
        """Return the request, or None where the SDK must look at it."""
        head = self._head(scope["headers"])
        flat = body.translate(BLANKS_AND_ZEROS)
        # decision 0018: a number that orjson would round is the SDK's to read.
        if head is None or _LONG_NUMBER in flat:
            return None
        method, header_name, host, trace_headers = head
        try:
            message = orjson.loads(body)
        except orjson.JSONDecodeError:
            return None
        # JSON-RPC 2.0 §4, §6: no batch; a member more or less is the SDK's to refuse, in its own words.
        if type(message) is not dict or message.keys() != _MESSAGE_KEYS or message["jsonrpc"] != "2.0":
            return None
        request_id, params = message["id"], message["params"]
        # MCP 2026-07-28: Mcp-Method must equal the body's method; whoever routes by the header must not see another call than runs.
        # `type`, not isinstance: True is an int to Python, and no JSON-RPC id.
        if type(request_id) not in (int, str) or message["method"] != method or type(params) is not dict:
            return None
        meta = params.get("_meta")
        # MCP 2026-07-28: required in `_meta`, and equal to the header, which `_head` has compared.
        if type(meta) is not dict or meta.get(PROTOCOL_VERSION_META_KEY) != VERSION:
            return None
        known = self._client(meta)
        token = meta.get("progressToken")
        # decision 0018: who wants log messages gets a stream, which is not this way.
        if known is None or LOG_LEVEL_META_KEY in meta or ("progressToken" in meta and type(token) not in (int, str)):
            return None
        client, names = known
        names += len(_MESSAGE_KEYS) + len(params) + len(meta)
        if method == "tools/list":
            if params.keys() != _LIST_KEYS or repeated_name(body, flat, names) is not None:
                return None
            return FastRequest(request_id, None, token)
        name, arguments = params.get("name"), params.get("arguments", {})
        if not params.keys() <= _CALL_KEYS or type(name) is not str or type(arguments) is not dict:
            return None
        # A name beyond ASCII travels encoded in its header.
        # MCP 2026-07-28: Mcp-Name must equal params.name.
        if not name.isascii() or name.encode() != header_name or name in self._left_to_sdk:
            return None
        names += names_in(arguments)
        # Where there are no more colons than members, no member came twice. To look closer at megabytes is a piece of work of its own.
        is_clear = flat.count(b":") == names
        if not is_clear and len(body) <= LARGE_BODY_BYTES and repeated_name(body, flat, names) is not None:
            return None
        carrier = carrier_of(meta, trace_headers) if trace_headers or "traceparent" in meta else NO_CARRIER
        asked = ToolRequest(scope["ascend.principal"], name, arguments, client, carrier, host)
        # decision 0018: recognised, nothing more; permission, limits and arguments are judged where they are on the long way.
        return FastRequest(request_id, asked, token, None if is_clear or len(body) <= LARGE_BODY_BYTES else names)

    def listing(self, request_id: int | str) -> bytes:
        """Return the whole `tools/list` response."""
        return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (orjson.dumps(request_id), self._listing)

    def result(self, request_id: int | str, members: bytes) -> bytes:
        """Return a whole response around the members of its result."""
        return b'{"jsonrpc":"2.0","id":%b,"result":{%b%b}' % (orjson.dumps(request_id), members, self._stamp)

    def _head(self, headers: Sequence[tuple[bytes, bytes]]) -> tuple[str, bytes | None, bytes, Mapping[str, str]] | None:
        """Return method, name, host and trace context of the head of a plain request, or None."""
        found = dict(headers)
        # A header that came twice, or one that mirrors an argument.
        # RFC 9110 §5.3: of two fields with one name `dict` keeps the last, another reader the first.
        if len(found) != len(headers) or b"mcp-param-" in b"".join(found):
            return None
        # An Origin is judged by transport.py (DNS rebinding); plain clients send none.
        if found.get(b"mcp-protocol-version") != _VERSION_HEADER or b"origin" in found:
            return None
        # MCP, Streamable HTTP: also what keeps a web page's form from being a call.
        if found.get(b"content-type", b"").partition(b";")[0].lower() != b"application/json":
            return None
        # RFC 9110 §12.5.1: two spellings and the absence are recognised, every other is read in full. Host: DNS rebinding.
        if found.get(b"accept", b"*/*") not in PLAIN_ACCEPTS or not self._callers.takes_host(host := found.get(b"host", b"")):
            return None
        method = found.get(b"mcp-method")
        if method not in (b"tools/call", b"tools/list"):
            return None
        # Without a traceparent the others say nothing (W3C Trace Context §3.3).
        trace = NO_CARRIER
        if b"traceparent" in found:
            trace = {name.decode(): found[name].decode("latin-1") for name in _TRACE_HEADERS if name in found}
        return method.decode(), found.get(b"mcp-name"), host, trace

    def _client(self, meta: Mapping[str, Any]) -> tuple[ClientInfo, int] | None:
        """Return what the client declares, once its declaration has passed the SDK's own validation, and the members in it."""
        try:
            capabilities = meta[CLIENT_CAPABILITIES_META_KEY]
        except KeyError:
            return None
        # decision 0018: a declaration is validated once; its whole text is the key, so no other one is taken for it.
        words = orjson.dumps((capabilities, meta.get(CLIENT_INFO_META_KEY)))
        known = self._client_by_words.get(words)
        if known is None:
            try:
                validate_client_request("tools/list", VERSION, {"_meta": meta})
            except ValidationError:
                return None
            known = of_meta(meta, VERSION), names_in(capabilities) + names_in(meta.get(CLIENT_INFO_META_KEY))
            if len(words) <= MAX_DECLARATION_BYTES:
                # Emptied and not refused: clients choose these words and must not fill the memory.
                if len(self._client_by_words) >= KNOWN_CLIENTS:
                    self._client_by_words.clear()
                self._client_by_words[words] = known
        return known
