"""The short way answers exactly as the SDK does: the same requests both ways, the same answers."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp_types as types
import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from oauth.principal import Principal
from server.mcp import response as mcp_exchange
from server.mcp.fast_path import FastPath
from server.origins import Callers
from tests.examples import examples
from tests.ports import free_port
from tests.server.importing.mcp_stand_in import StandInDispatcher, gateway, settings_for
from tests.server.live_server import serving
from tests.server.mcp.requests import PREFIX, URL_MODE, events, modern_body, modern_headers

PRINCIPAL = Principal("default", "ada", "client-1", frozenset({"mcp"}), "grant-1")
TRACE = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}


@dataclass(frozen=True, slots=True)
class Seen:
    """What of an answer a client can tell apart."""

    status: int
    content_type: str
    challenge: str | None
    messages: Any


class Both:
    """The same gateway twice: with the short way, and with the SDK alone."""

    def __init__(self, lean: str, sdk: str) -> None:
        self._clients = [httpx2.Client(base_url=origin, timeout=10) for origin in (lean, sdk)]

    def ask(self, headers: dict[str, str], body: bytes) -> tuple[Seen, Seen]:
        lean, sdk = (seen(client.post("/mcp", content=body, headers=headers)) for client in self._clients)
        return lean, sdk

    def close(self) -> None:
        for client in self._clients:
            client.close()


def seen(response: httpx2.Response) -> Seen:
    content_type = response.headers.get("content-type", "").partition(";")[0]
    parsed: Any = response.text
    if content_type == "text/event-stream":
        parsed = events(response.text)
    elif content_type == "application/json" and response.content:  # a 202 has none
        parsed = json.loads(response.content)
    # Every answer seals a state of its own; that it is there is what both must agree on.
    result = parsed.get("result") if isinstance(parsed, dict) else None
    if isinstance(result, dict) and "requestState" in result:
        result["requestState"] = "sealed"
    # So does a call that comes without a trace begin one of its own.
    for message in parsed if isinstance(parsed, list) else [parsed]:
        error = message.get("error") if isinstance(message, dict) else None
        data = error.get("data") if isinstance(error, dict) else None
        if isinstance(data, dict) and "trace_id" in data and data["trace_id"] not in TRACE["traceparent"]:
            data["trace_id"] = "begun"
    return Seen(response.status_code, content_type, response.headers.get("www-authenticate"), parsed)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    ports = free_port(), free_port()
    folder = tmp_path_factory.mktemp("gateway")
    lean_app = gateway(settings_for(ports[0], folder), StandInDispatcher(), has_fast_path=True)
    sdk_app = gateway(settings_for(ports[1], folder), StandInDispatcher(), has_fast_path=False)
    with serving(lean_app, ports[0]) as lean, serving(sdk_app, ports[1]) as sdk:
        pair = Both(lean, sdk)
        yield pair
        pair.close()


def call(name: str = "call_api", arguments: Any = None, **envelope: Any) -> tuple[dict[str, str], dict[str, Any]]:
    params = {"name": name, "arguments": arguments if arguments is not None else {}}
    meta = {**TRACE, **envelope.pop("meta", {})}
    return modern_headers("tools/call", name), modern_body("tools/call", params, meta=meta, **envelope)


PLAIN = {
    "list": (modern_headers("tools/list"), modern_body("tools/list")),
    "call": call(arguments={"api": "x", "args": {"n": None, "deep": [{"a": None}], "text": "Zoë \U0001f600 \u2028"}}),
    "text id": call(request_id="abc"),
    "negative id": call(request_id=-7),
    "by operation name": call("crm.contacts.search"),
    "unknown tool": call("crm.contact.serach"),
    "failed": call(arguments={"how": "fail"}),
    "invalid arguments": call(arguments={"how": "raise_known"}),
    "our fault": call(arguments={"how": "raise_unknown"}),
    "missing scope": call(arguments={"how": "scope"}),
    "missing scope after progress": call(arguments={"how": "scope_after_progress"}, meta={"progressToken": 1}),
    "question": call(arguments={"how": "connect"}, capabilities=URL_MODE),
    "link": call(arguments={"how": "connect"}),
    "confirmation": call(arguments={"how": "confirm"}),
    "progress": call(arguments={"how": "progress"}, meta={"progressToken": "p"}),
    "progress nobody asked for": call(arguments={"how": "progress"}),
    "no client info": call(meta={f"{PREFIX}clientInfo": None}),
    "vendor meta": call(meta={"com.example/tag": {"x": 1}}),
}


@pytest.mark.parametrize("request_name", PLAIN)
def test_a_plain_request_gets_the_same_answer_both_ways(both: Both, request_name: str) -> None:
    """Issue 5, "Fast": the short way may exist if a differential test stays green."""
    headers, body = PLAIN[request_name]
    lean, sdk = both.ask(headers, orjson.dumps(body))
    assert lean == sdk


def change_header(name: str, value: str | None) -> Callable[[dict[str, str], dict[str, Any]], None]:
    def change(headers: dict[str, str], body: dict[str, Any]) -> None:
        headers.pop(name, None)
        if value is not None:
            headers[name] = value

    return change


def change_member(path: str, value: Any) -> Callable[[dict[str, str], dict[str, Any]], None]:
    """Set the member at `path` (slashes between names), or take it away for Ellipsis."""

    def change(headers: dict[str, str], body: dict[str, Any]) -> None:
        *parents, last = path.split("|")
        node: Any = body
        for parent in parents:
            node = node[parent] if isinstance(node, dict) and parent in node else {}
        if not isinstance(node, dict):
            return
        if value is ...:
            node.pop(last, None)
        else:
            node[last] = value

    return change


META = f"params|_meta|{PREFIX}"
ODD_HEADERS: dict[str, list[str | None]] = {
    "accept": [
        None,
        "application/json",
        "text/event-stream",
        "*/*",
        "application/*, text/*",
        "text/html",
        "application/json;q=1,text/event-stream",
    ],
    "content-type": [None, "text/plain", "application/json; charset=utf-8", "APPLICATION/JSON", "application/jsonp"],
    "mcp-protocol-version": ["2026-07-29", "2025-11-25", "junk", ""],
    "mcp-method": [None, "tools/list", "TOOLS/CALL"],
    "mcp-name": [None, "discover_apis", "CALL_API", "=?base64?Y2FsbF9hcGk=?=", "=?base64?!!?="],
    "mcp-param-x": ["1"],
    "mcp-session-id": ["old"],
    "host": ["evil.example.com", "localhost:1", "127.0.0.1"],
    "origin": ["http://evil.example.com", "http://127.0.0.1:9", "null"],
}
ODD_MEMBERS: dict[str, list[Any]] = {
    "jsonrpc": [..., "1.0", 2],
    "id": [..., None, True, 1.0, 1.5, [], {}, "", 2**70],
    "method": [..., "tools/list", "tools/nothing", 3, None],
    "extra": [1],
    "params": [..., None, [], "x"],
    "params|name": [..., None, 3, "", "discover_apis", "näme", "x" * 300],
    "params|arguments": [..., None, [], "x", {"n": 2**64}, {"n": 1e400}, {"s": "1234567890123456789012"}],
    "params|_meta": [..., None, [], {}],
    "params|task": [{"ttl": 1}],
    "params|cursor": ["x"],
    "params|inputResponses": [{}, {"connect": {"action": "accept"}}, "x"],
    "params|requestState": ["x", 3],
    f"{META}protocolVersion": [..., None, "2025-11-25", 7],
    f"{META}clientCapabilities": [..., None, [], {"elicitation": "x"}, {"elicitation": {"url": {}}}, {"roots": {"listChanged": "x"}}],
    f"{META}clientInfo": [..., None, {}, {"name": "x"}, {"name": 3, "version": "1"}, "x"],
    f"{META}logLevel": ["info", "loud", 3],
    "params|_meta|progressToken": [None, True, 1.5, [], "p", 3],
    "params|_meta|traceparent": ["junk", 3, None],
}
CHANGES = [change_header(name, value) for name, values in ODD_HEADERS.items() for value in values]
CHANGES += [change_member(path, value) for path, values in ODD_MEMBERS.items() for value in values]


@pytest.mark.parametrize("change", CHANGES, ids=range(len(CHANGES)))
@pytest.mark.parametrize("base", ["call", "list", "progress"])
def test_an_odd_request_gets_the_same_answer_both_ways(both: Both, base: str, change: Callable[..., None]) -> None:
    """What is not plain is the SDK's to judge."""
    lean, sdk = answers_to_changed(both, base, [change])
    assert lean == sdk


@given(base=st.sampled_from(sorted(PLAIN)), changes=st.lists(st.sampled_from(CHANGES), min_size=2, max_size=4))
@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_several_oddities_at_once_get_the_same_answer_both_ways(both: Both, base: str, changes: list[Callable[..., None]]) -> None:
    """The order in which checks fail is the SDK's too."""
    lean, sdk = answers_to_changed(both, base, changes)
    assert lean == sdk


def answers_to_changed(both: Both, base: str, changes: list[Callable[..., None]]) -> tuple[Seen, Seen]:
    headers, body = dict(PLAIN[base][0]), orjson.loads(orjson.dumps(PLAIN[base][1]))
    for change in changes:
        change(headers, body)
    # The standard library writes numbers that orjson refuses.
    return both.ask(headers, json.dumps(body).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"call_api","name":"discover_apis"}}',
        b'{"jsonrpc":"2.0","method":"notifications/initialized"}',
        b'[{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}]',
        b'{"jsonrpc":"2.0","id":1,"result":{}}',
        b'{"jsonrpc":"2.0","id":NaN,"method":"tools/list","params":{}}',
        orjson.dumps(call()[1]).decode().encode("utf-16"),
        orjson.dumps(call()[1]).replace(b'"arguments":{}', b'"arguments":{"s":"\\ud800"}'),
        orjson.dumps(call()[1]).replace(b'"arguments":{}', b'"arguments":{"n":NaN}'),
        orjson.dumps(call()[1]).replace(b'"arguments":{}', b'"arguments":{"n":1,"n":2}'),
    ],
    ids=range(16),
)
def test_an_odd_body_gets_the_same_answer_both_ways(both: Both, body: bytes) -> None:
    """JSON has corners in which parsers differ: duplicate names, NaN, lone surrogates, depth, encodings."""
    lean, sdk = both.ask(modern_headers("tools/call", "call_api"), body)
    assert lean == sdk
    assert lean.status < 500


def test_plain_requests_do_take_the_short_way(tmp_path: Path) -> None:
    """Otherwise the comparison above would compare the SDK with itself."""
    settings = settings_for(8080, tmp_path)
    listing = types.ListToolsResult(tools=[], ttl_ms=1)
    path = FastPath(listing, {"name": "x", "version": "1"}, Callers(settings.base_url))
    for headers, body in PLAIN.values():
        raw = [(b"host", b"127.0.0.1:8080"), *((name.encode(), value.encode()) for name, value in headers.items())]
        assert path.recognize({"headers": raw, "ascend.principal": PRINCIPAL}, orjson.dumps(body)) is not None


def test_a_declaration_of_megabytes_is_not_remembered(tmp_path: Path) -> None:
    """60 requests of 3.9 MB stayed in memory; a table of a thousand would hold four gigabytes."""
    base_url = settings_for(8080, tmp_path).base_url
    path = FastPath(types.ListToolsResult(tools=[], ttl_ms=1), {"name": "x", "version": "1"}, Callers(base_url))
    for info, kept in (("x", 1), ("x" * 100_000, 1), ("y" * 100_000, 1)):
        headers, body = call(meta={f"{PREFIX}clientInfo": {"name": info, "version": "1"}})
        raw = [(b"host", b"127.0.0.1:8080"), *((name.encode(), value.encode()) for name, value in headers.items())]
        assert path.recognize({"headers": raw, "ascend.principal": PRINCIPAL}, orjson.dumps(body)) is not None
        assert len(path._client_by_words) == kept


async def test_a_silent_stream_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies give up connections that say nothing; the SDK pings after 15 s too."""
    monkeypatch.setattr(mcp_exchange, "WATCH_AFTER_S", 0.0)
    monkeypatch.setattr(mcp_exchange, "PING_INTERVAL_S", 0.01)
    sent: list[Any] = []
    has_pinged = anyio.Event()

    async def send(message: Any) -> None:
        sent.append(message)
        if message.get("body") == b": ping\r\n\r\n":
            has_pinged.set()

    exchange = mcp_exchange.Exchange(anyio.sleep_forever, send, None, mcp_exchange.DisconnectWatcher())  # type: ignore[arg-type]  # a client that stays
    with anyio.fail_after(30), exchange:
        await has_pinged.wait()
        await exchange.finish(200, b'{"result":1}')
    assert (sent[0]["status"], dict(sent[0]["headers"])[b"content-type"]) == (200, b"text/event-stream")
    assert sent[-1] == {"type": "http.response.body", "body": b'event: message\r\ndata: {"result":1}\r\n\r\n', "more_body": False}
