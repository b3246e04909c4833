"""A tools/call that was sent and not answered: unsure, never repeated, and told apart by where the error came from."""

import asyncio
import json
from typing import Any

import pytest
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.tools.sources.mcp.hostile_calls import calling
from tests.tools.sources.mcp.hostile_mcp import listed, raw_server
from tests.tools.sources.mcp.mcp_upstream import McpUpstream, served
from tests.tools.sources.mcp.mcp_world import McpWorld
from tools.effects import UNSURE, may_have_taken_effect
from tools.operation import CallOptions, Failure, Outcome
from tools.sources.mcp.import_server import import_server

CLOSED = -32000


def error_of(params: dict[str, Any], code: int, message: str, status: int = 200, request_id: object = "") -> Response:
    body = {"jsonrpc": "2.0", "id": params["request_id"] if request_id == "" else request_id, "error": {"code": code, "message": message}}
    return Response(json.dumps(body), status, media_type="application/json")


def is_unsure(failure: Failure) -> bool:
    return may_have_taken_effect(Outcome("error", error=failure))


@pytest.mark.parametrize("words", ["Browser session not found, open one first", "Connection closed", "SSE stream ended without a response"])
async def test_a_tools_words_about_sessions_are_told_once(world: McpWorld, words: str) -> None:
    """mcp-session-words: code and words of the SDK's own errors, said by the server."""
    sent: list[str] = []

    def call(params: dict[str, Any]) -> Response:
        sent.append(params["name"])
        return error_of(params, CLOSED, words)

    async with calling(world, call) as do:
        failure = await world.failure(do)
    assert sent == ["do"]
    assert failure.upstream == {"status": None, "body": {"code": CLOSED, "message": words, "data": None}}
    assert (failure.code, failure.retryable, is_unsure(failure)) == ("upstream_error", False, True)
    assert failure.hint == UNSURE


@pytest.mark.parametrize("code", [-32700, -32600, -32601, -32602])
async def test_a_request_that_the_server_did_not_take_gives_its_key_back(world: McpWorld, code: int) -> None:
    """JSON-RPC 2.0 §5.1: it was not understood, so nothing ran."""
    async with calling(world, lambda params: error_of(params, code, "Invalid params: a is missing")) as do:
        failure = await world.failure(do)
    assert "a is missing" in failure.message
    assert not is_unsure(failure)


async def test_a_400_to_a_session_tells_its_status_and_words_and_the_next_call_has_a_new_session(world: McpWorld) -> None:
    """mcp-400-lost-session: many servers forget a session that way."""
    answers: list[Any] = ["lost", {"content": [{"type": "text", "text": "ok"}]}]
    sessions: list[bytes] = []

    def call(params: dict[str, Any]) -> Any:
        lost = error_of(params, CLOSED, "Bad Request: No valid session ID provided", 400, request_id=None)
        return lost if (answer := answers.pop(0)) == "lost" else answer

    app = with_sessions(raw_server(tools=lambda _params: listed("do"), call=call), sessions)
    async with served(app) as port:
        (do,) = (await import_server(world.egress, f"http://127.0.0.1:{port}/mcp", provider="x", tenant_id=None)).operations
        failure = await world.failure(do)
        assert (failure.code, (failure.upstream or {})["status"]) == ("upstream_rejected", 400)
        assert "No valid session ID provided" in failure.message
        assert not is_unsure(failure)
        opened = len(sessions)
        assert (await world.run(do)).data == "ok"
        assert len(sessions) > opened


async def test_a_404_to_a_session_is_a_lost_one_and_the_call_goes_out_in_a_new_one(world: McpWorld) -> None:
    """MCP 2025-11-25, session management: the server did not take the request, whatever it says beside it."""
    answers: list[Any] = [-1, {"content": [{"type": "text", "text": "ok"}]}, -1, -1]

    def call(params: dict[str, Any]) -> Any:
        return error_of(params, CLOSED, "who are you", 404) if (answer := answers.pop(0)) == -1 else answer

    async with served(with_sessions(raw_server(tools=lambda _params: listed("do"), call=call), [])) as port:
        (do,) = (await import_server(world.egress, f"http://127.0.0.1:{port}/mcp", provider="x", tenant_id=None)).operations
        assert (await world.run(do)).data == "ok"
        failure = await world.failure(do)
        assert "keeps losing its sessions" in failure.message
        assert not answers


async def test_a_404_without_a_session_is_an_answer(world: McpWorld) -> None:
    """Sent once."""
    sent: list[str] = []

    def call(params: dict[str, Any]) -> Any:
        sent.append(params["name"])
        return error_of(params, -32001, "Session not found", 404)

    async with calling(world, call) as do:
        failure = await world.failure(do)
    assert sent == ["do"]
    assert "Session not found" in failure.message


def with_sessions(app: ASGIApp, opened: list[bytes]) -> ASGIApp:
    """Return `app` with an Mcp-Session-Id in every answer, a new one for each client that has none."""

    async def naming(scope: Scope, receive: Receive, send: Send) -> None:
        named = dict(scope.get("headers", ())).get(b"mcp-session-id")

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and named is None:
                opened.append(b"s%d" % len(opened))
                message = {**message, "headers": [*message["headers"], (b"mcp-session-id", opened[-1])]}
            await send(message)

        await app(scope, receive, sending)

    return naming


@pytest.mark.parametrize("how", ["breaks off", "ends its stream", "ends its body"])
async def test_a_write_whose_connection_broke_is_unsure_and_sent_once(how: str, world: McpWorld) -> None:
    """The write may have taken effect: not "could not be reached", not retryable."""
    sent: list[str] = []

    async def one_call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            message = json.loads(await reader.readexactly(length))
            method = message["method"]
            if "id" not in message:
                writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
                continue
            if method == "tools/call":
                sent.append(method)
                if how == "ends its stream":
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n: ping\n\n")
                elif how == "ends its body":
                    writer.write(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"jsonrpc"')
                writer.close()
                return
            known = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "raw", "version": "1"}}
            answer: dict[str, Any] = {"error": {"code": -32601, "message": "Method not found"}}
            if method in ("initialize", "tools/list"):
                answer = {"result": known if method == "initialize" else listed("do")}
            body = json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await one_call(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, StopIteration):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
        (do,) = (await import_server(world.egress, url, provider="x", tenant_id=None)).operations
        failure = await world.failure(do, CallOptions(timeout_s=10))
        assert sent == ["tools/call"]
        assert (failure.code, failure.retryable, is_unsure(failure)) == ("upstream_reset", False, True)
        assert failure.hint == UNSURE
    finally:
        server.close()


async def test_a_server_that_is_not_there_was_sent_nothing(world: McpWorld) -> None:
    """Known: the key is given back, and the call may be repeated."""
    async with served(raw_server(tools=lambda _params: listed("do"))) as port:
        (do,) = (await import_server(world.egress, f"http://127.0.0.1:{port}/mcp", provider="x", tenant_id=None)).operations
    failure = await world.failure(do)
    assert (failure.code, failure.retryable, failure.sent, is_unsure(failure)) == ("upstream_unreachable", True, False, False)


async def test_a_server_that_went_away_in_a_session_was_sent_nothing(world: McpWorld) -> None:
    """The session is open, the connection of the call is refused."""
    async with McpUpstream(legacy=True) as upstream:
        delete = (await world.operations(upstream))["notes.note.delete"]
        assert (await world.run(delete)).status == "ok"
        await upstream.stop()
        failure = await world.failure(delete)
        assert (failure.code, failure.retryable, is_unsure(failure)) == ("upstream_unreachable", True, False)
        await upstream.start()


async def test_a_broken_call_leaves_those_beside_it_alone(world: McpWorld) -> None:
    """One session carries the calls of a person: what happens to one of them is its own."""
    release, under_way = asyncio.Event(), asyncio.Event()

    async def call(params: dict[str, Any]) -> Any:
        if params["arguments"].get("how") == "break":

            async def half() -> Any:
                yield b'{"jsonrpc"'
                raise ConnectionResetError

            return StreamingResponse(half(), media_type="application/json")
        under_way.set()
        await release.wait()
        return {"content": [{"type": "text", "text": "ok"}]}

    async with asyncio.timeout(30), calling(world, call) as do:
        waiting = asyncio.create_task(world.run(do))
        await under_way.wait()
        assert (await world.failure(do, how="break")).retryable is False
        release.set()
        assert (await waiting).data == "ok"
