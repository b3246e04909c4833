"""Results of MCP servers as they really come, over real HTTP: what a tool said reaches its caller, whatever rules it breaks."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.responses import Response

from server.storage.memory.tools import MemoryResultStore
from tests.tools.sources.http.api_world import Wallet
from tests.tools.sources.mcp.hostile_mcp import listed, raw_server
from tests.tools.sources.mcp.mcp_upstream import served
from tests.tools.sources.openapi.callable import call_of
from tools.effects import UNSURE
from tools.egress.client import Egress
from tools.operation import Download, Json, Outcome
from tools.sources.mcp.import_server import import_server
from tools.sources.mcp.loose_results import NOTE
from tools.sources.mcp.runner import McpRunner
from tools.sources.mcp.session_pool import McpSessions

PNG = "iVBORw0KGgo="
TEXT = {"type": "text", "text": "hi"}


@dataclass
class Server:
    """One tool that answers with what a test says: a result, or a Response made from the id of the request."""

    port: int = 0
    says: Any = None
    count: int = 0
    runs: list[Callable[[], Any]] = field(default_factory=list)

    def answer(self, params: dict[str, Any]) -> Any:
        self.count += 1
        return self.says(params["request_id"]) if callable(self.says) else self.says

    async def run(self, says: Any) -> Outcome:
        self.says, self.count = says, 0
        outcome: Outcome = await self.runs[0]()
        assert self.count == 1
        return outcome


@asynccontextmanager
async def running() -> AsyncIterator[Server]:
    server = Server()
    app = raw_server(tools=lambda _params: listed("create_it"), call=server.answer)
    async with served(app) as port, Egress(allow=["127.0.0.1:*"]) as egress, McpSessions(egress) as sessions:
        brought = await import_server(egress, f"http://127.0.0.1:{port}/mcp", provider="x", tenant_id=None)
        runner = McpRunner(sessions, Wallet(), MemoryResultStore())
        server.runs.append(lambda: runner.run(call_of(brought.operations[0], {})))
        yield server


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with running() as one:
        yield one


#: result -> data; each keeps MCP's rules
LAWFUL: list[tuple[dict[str, Any], Json]] = [
    ({"content": [{"type": "resource", "resource": {"uri": "x://y", "text": "hello"}}]}, "hello"),
    ({"content": [{"type": "resource", "resource": {"uri": "x://y", "mimeType": "application/json", "text": '{"a":1}'}}]}, {"a": 1}),
    ({"content": [{**TEXT, "annotations": {"audience": ["user"]}}]}, "hi"),
    ({"content": []}, None),
    ({"content": [TEXT], "structuredContent": None}, "hi"),
    (
        {"content": [{"type": "text", "text": "quota nearly used"}], "structuredContent": {"a": 1}},
        {"a": 1, "content": ["quota nearly used"]},
    ),
    ({"content": [{"type": "text", "text": '{"a": true}'}], "structuredContent": {"a": 1}}, {"a": 1, "content": [{"a": True}]}),
    ({"content": [{"type": "text", "text": '{"a": 1}'}], "structuredContent": {"a": 1}}, {"a": 1}),
    ({"content": [TEXT], "structuredContent": {"content": 1}}, {"content": 1, "_content": ["hi"]}),
    ({"content": [{"type": "text", "text": '{"id": 18446744073709551617}'}]}, {"id": 2**64 + 1}),
    ({"content": [{"type": "text", "text": '\ufeff\n {"a":1}'}]}, {"a": 1}),
    ({"content": [{"type": "text", "text": '{"a":NaN}'}]}, {"a": None}),
    ({"content": [{"type": "text", "text": "[INFO] done"}]}, "[INFO] done"),
    ({"content": [{"type": "text", "text": "42"}]}, "42"),
]
#: result -> data; each breaks them
LOOSE: list[tuple[dict[str, Any], Json]] = [
    ({"content": [{"type": "video", "data": PNG}, TEXT]}, [{"type": "video", "data": PNG}, "hi"]),
    ({"content": [{"type": "json", "json": {"a": 1}}]}, {"type": "json", "json": {"a": 1}}),
    ({"content": [{"type": "image", "data": PNG}]}, {"type": "image", "data": PNG}),
    ({"structuredContent": {"a": 1}}, {"a": 1}),
    ({"content": None, "structuredContent": {"a": 1}}, {"a": 1}),
    ({"content": "hello"}, "hello"),
    ({"content": TEXT}, "hi"),
    ({"content": ["a", "b"]}, ["a", "b"]),
    ({"content": [], "structuredContent": [1, 2]}, [1, 2]),
    ({"content": [TEXT], "structuredContent": "hi"}, "hi"),
    ({"content": [TEXT], "isError": None}, "hi"),
    ({"toolResult": {"a": 1}}, {"a": 1}),
    ({"id": 7, "name": "Anna"}, {"id": 7, "name": "Anna"}),
    ({}, None),
]


async def test_what_keeps_the_rules_is_read_as_it_is_meant(server: Server) -> None:
    for result, data in LAWFUL:
        outcome = await server.run(result)
        assert (outcome.status, outcome.data, outcome.note) == ("ok", data, None), result
        assert repr(outcome.data) == repr(data)


async def test_what_breaks_the_rules_is_read_as_far_as_it_goes(server: Server) -> None:
    """The tool has run: whoever called it learns what it said, and that something was wrong with it."""
    for result, data in LOOSE:
        outcome = await server.run(result)
        assert (outcome.status, outcome.data, outcome.note) == ("ok", data, NOTE), result


async def test_an_error_that_breaks_the_rules_is_an_error(server: Server) -> None:
    outcome = await server.run({"isError": True, "content": "the note is locked"})
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.message) == ("upstream_tool_error", "x answered: the note is locked")


@pytest.mark.parametrize("data", [PNG, "iVBO\nRw0K\r\nGgo=\n", "iVBORw0KGgo", f"data:image/png;base64,{PNG}"])
async def test_a_picture_is_a_file_however_its_base64_is_written(data: str, server: Server) -> None:
    """In lines as mail has it, without padding, as an address."""
    picture = (await server.run({"content": [{"type": "image", "data": data, "mimeType": "image/png"}]})).data
    assert isinstance(picture, Download)
    assert (picture.body, picture.media_type) == (b"\x89PNG\r\n\x1a\n", "image/png")


def message(request_id: Any, text: str = "ok") -> str:
    result = {"content": [{"type": "text", "text": text}]}
    return json.dumps({"jsonrpc": "2.0", "id": request_id, "result": result}, ensure_ascii=False)


#: how the same answer may come -> what its text is then
WIRES: dict[str, tuple[Callable[[Any], Response], str]] = {
    "a byte order mark": (lambda i: Response(b"\xef\xbb\xbf" + message(i).encode(), media_type="application/json"), "ok"),
    "UTF-16": (lambda i: Response(message(i, "Málaga").encode("utf-16"), media_type="application/json; charset=utf-16"), "Málaga"),
    "Latin-1": (lambda i: Response(message(i, "Málaga").encode("latin-1"), media_type="application/json; charset=iso-8859-1"), "Málaga"),
    "UTF-8 called Latin-1": (
        lambda i: Response(message(i, "Málaga").encode(), media_type="application/json; charset=iso-8859-1"),
        "Málaga",
    ),
    "text/plain": (lambda i: Response(message(i), media_type="text/plain"), "ok"),
    "text/json": (lambda i: Response(message(i), media_type="text/json"), "ok"),
    "no type": (lambda i: Response(message(i)), "ok"),
    "201": (lambda i: Response(message(i), 201, media_type="application/json"), "ok"),
    "half a character": (lambda i: Response(message(i, "a?b").replace("?", "\\ud83d"), media_type="application/json"), "a\ufffdb"),
    "a whole one": (lambda i: Response(message(i, "a?b").replace("?", "\\ud83d\\ude00"), media_type="application/json"), "a\U0001f600b"),
    "a backslash": (lambda i: Response(message(i, "a?b").replace("?", "\\\\ud83d"), media_type="application/json"), "a\\ud83db"),
    "events, half a character": (
        lambda i: Response(f"data: {message(i, '?')}\n\n".replace("?", "\\uD83D"), media_type="text/event-stream"),
        "\ufffd",
    ),
    "events with a mark": (lambda i: Response(f"\ufeffdata: {message(i)}\n\n", media_type="text/event-stream"), "ok"),
    "a charset for an encoding": (
        lambda i: Response(message(i), media_type="application/json", headers={"content-encoding": "utf-8"}),
        "ok",
    ),
}


async def test_an_answer_is_read_whatever_bytes_and_labels_it_comes_in(server: Server) -> None:
    """RFC 8259 §8.1; WHATWG HTML §9.2.5."""
    for name, (answer, text) in WIRES.items():
        outcome = await server.run(answer)
        assert (outcome.status, outcome.data) == ("ok", text), (name, outcome.error)


@pytest.mark.parametrize(
    ("status", "body", "media_type", "words"),
    [
        (500, '{"message":"db down"}', "application/json", "answered 500: db down"),
        (502, "<html>bad gateway</html>", "text/html", "answered 502"),
        (400, "No valid session", "text/plain", "answered 400: No valid session"),
        (429, "slow down", "text/plain", "answered 429: slow down"),
        (422, '{"detail":[{"msg":"field required"}]}', "application/json", "answered 422: field required"),
    ],
)
async def test_a_refusal_keeps_the_servers_own_words(status: int, body: str, media_type: str, words: str, server: Server) -> None:
    failure = (await server.run(lambda _id: Response(body, status, media_type=media_type))).error
    assert failure is not None
    assert failure.message == f"the MCP server of 'x' {words}"
    assert failure.upstream is not None
    assert failure.upstream["body"] is not None


@pytest.mark.parametrize("status", [200, 202, 204, 408, 500, 502, 524])
async def test_a_write_without_an_answer_is_unsure(status: int, server: Server) -> None:
    failure = (await server.run(lambda _id: Response(status_code=status))).error
    assert failure is not None
    assert UNSURE in (failure.hint or "")
    assert not failure.retryable
