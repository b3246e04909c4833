"""Upstream MCP servers that misbehave, over real HTTP: one clear error each, no leak, and the next call goes through."""

import asyncio
import base64
import json
from dataclasses import replace
from typing import Any

import anyio
import pytest
from starlette.responses import Response

from tests.tools.sources.mcp.hostile_calls import calling
from tests.tools.sources.mcp.hostile_mcp import asking_server, listed, raw_server
from tests.tools.sources.mcp.mcp_upstream import McpUpstream, served, tool
from tests.tools.sources.mcp.mcp_world import McpWorld
from tests.tools.sources.openapi.callable import ADA, call_of
from tools.egress.places import EgressPlaces
from tools.errors import Busy
from tools.operation import CallOptions, Download
from tools.sources.mcp.import_server import import_server
from tools.sources.mcp.session_pool import McpSessions, Upstream


async def test_a_hanging_upstream_costs_a_call_its_own_time_and_nobody_elses(world: McpWorld) -> None:
    """One dead upstream harms nobody else."""

    async def hang() -> dict[str, Any]:
        await anyio.sleep_forever()
        return {}

    async with McpUpstream() as fine, calling(world, lambda _params: hang()) as hanging:
        add = (await world.operations(fine))["notes.numbers.add"]
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(world.run, hanging, ADA, CallOptions(timeout_s=30))
            with anyio.fail_after(15):
                assert (await world.run(add, a=1, b=2)).status == "ok"
            group.cancel_scope.cancel()
        assert (await world.failure(hanging, CallOptions(timeout_s=0.5))).code == "upstream_timeout"


async def test_calls_that_fill_a_hanging_server_leave_room_for_another_tenant(world: McpWorld) -> None:
    """MCP servers have places like every origin: who floods one waits, and is told that nothing was sent; the other's call goes out."""
    world.egress.places = EgressPlaces(per_origin=3)

    async def hang_on(params: dict[str, Any]) -> dict[str, Any]:
        if params["arguments"].get("wait"):
            await anyio.sleep_forever()
        return {"content": []}

    async with calling(world, hang_on) as operation:
        flood = [asyncio.create_task(world.run(operation, ADA, CallOptions(timeout_s=30), wait=True)) for _ in range(10)]
        await asyncio.sleep(0)
        other = replace(ADA, tenant_id="quiet", subject="eve")
        with anyio.fail_after(15):
            assert (await world.run(operation, other)).status == "ok"
        with pytest.raises(Busy):
            await world.runner.run(replace(call_of(operation, {}), deadline=asyncio.get_running_loop().time() + 0.1))
        assert not any(task.done() for task in flood)
        for task in flood:
            task.cancel()
        await asyncio.gather(*flood, return_exceptions=True)


@pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
async def test_an_upstream_that_asks_in_the_middle_of_a_call_is_told_no(world: McpWorld) -> None:
    """Elicitation, sampling and roots of either era: nobody is asked, the call ends with one clear error."""
    for legacy, names in ((True, ("ask", "sample", "roots")), (False, ("ask",))):
        async with served(asking_server(legacy)) as port:
            brought = await import_server(world.egress, f"http://127.0.0.1:{port}/mcp", provider="x", tenant_id=None)
            by_tool = {operation.binding["tool"]: operation for operation in brought.operations}
            for name in names:
                with anyio.fail_after(10):
                    failure = await world.failure(by_tool[name])
                assert failure.code == "upstream_asks", failure
                assert "password" not in failure.message


@pytest.mark.parametrize("stream", [False, True], ids=["json", "event stream"])
async def test_a_result_beyond_what_we_hold_is_refused_and_the_next_call_goes_through(world: McpWorld, stream: bool) -> None:
    """Streaming bodies are capped."""
    sizes = [40 << 20, 10]

    def call(params: dict[str, Any]) -> Response:
        result = {"content": [{"type": "text", "text": "x" * sizes.pop(0)}]}
        body = json.dumps({"jsonrpc": "2.0", "id": params["request_id"], "result": result})
        return Response(f"data: {body}\n\n" if stream else body, media_type="text/event-stream" if stream else "application/json")

    async with calling(world, call) as do:
        failure = await world.failure(do, CallOptions(timeout_s=20))
        assert failure.code == "upstream_too_large", failure
        assert (await world.run(do)).data == "x" * 10


async def test_an_answer_in_an_encoding_that_was_not_asked_for_is_refused(world: McpWorld) -> None:
    """A few kilobytes that decode to gigabytes."""
    async with calling(world, lambda _params: Response(b"\x1f\x8b", headers={"content-encoding": "gzip"})) as do:
        failure = await world.failure(do, CallOptions(timeout_s=5))
        assert failure.code.startswith("upstream_")
        assert "encoding" in failure.message


async def test_an_error_keeps_its_own_words_and_its_structure(world: McpWorld) -> None:
    """isError results: the upstream's own body, untouched."""
    body = {"reason": "locked", "until": "tomorrow"}
    answer = {"content": [{"type": "text", "text": "locked"}], "structuredContent": body, "isError": True}
    async with calling(world, lambda _params: answer) as do:
        failure = await world.failure(do)
        assert (failure.code, failure.upstream) == ("upstream_tool_error", {"status": None, "body": body})


async def test_an_error_of_megabytes_is_its_beginning_and_its_length(world: McpWorld) -> None:
    """A model's context is not the upstream's to fill; what is left out is said."""
    answer = {"content": [{"type": "text", "text": "E" * 3_000_000}], "isError": True}
    async with calling(world, lambda _params: answer) as do:
        failure = await world.failure(do)
        assert failure.upstream is not None
        assert len(failure.upstream["body"]) < 70_000
        assert failure.upstream["body"].endswith("(3000027 characters)")
        assert len(failure.message) < 600


async def test_a_server_that_announces_nothing_is_listed_again_now_and_then(world: McpWorld) -> None:
    """Bounded periodic re-discovery, without a notification."""
    listings: list[int] = []

    def tools(_params: dict[str, Any]) -> dict[str, Any]:
        listings.append(1)
        return listed("do", description=f"Version {len(listings)}.")

    async with served(raw_server(tools=tools)) as port, McpSessions(world.egress, relist_s=0.05) as sessions:
        url = f"http://127.0.0.1:{port}/mcp"
        seen = anyio.Event()
        sessions.observe(lambda _who, _upstream, session: seen.set() if "Version 3." in str(session.definitions) else None)
        await sessions.get(ADA, Upstream("x", url), None, None, 5)
        with anyio.fail_after(10):
            await seen.wait()
    assert len(listings) >= 3


async def test_images_files_and_links_come_as_what_they_are(world: McpWorld) -> None:
    """Resource links stay links and are not followed; one image or file is a download."""
    image = {"type": "image", "data": base64.b64encode(b"png").decode(), "mimeType": "image/png"}
    link = {"type": "resource_link", "uri": "file:///etc/passwd", "name": "passwd"}
    answers: list[Any] = [[image], [link], [image, link], [{"type": "resource", "resource": {"uri": "a:b/n.txt", "text": "hi"}}], []]
    async with calling(world, lambda _params: {"content": answers.pop(0)}) as do:
        download = (await world.run(do)).data
        assert isinstance(download, Download)
        assert (download.body, download.media_type) == (b"png", "image/png")
        assert (await world.run(do)).data == link
        assert [block["type"] for block in (await world.run(do)).data] == ["image", "resource_link"]
        assert (await world.run(do)).data == "hi"
        assert (await world.run(do)).data is None


async def test_a_result_that_is_not_mcps_is_one_clear_error(world: McpWorld) -> None:
    """HTML and other words in its place."""
    html, words = Response("<html>", media_type="text/html"), Response("no JSON", media_type="text/plain")
    answers: list[Any] = [html, words, {"content": [{"type": "text", "text": "ok"}]}]
    async with calling(world, lambda _params: answers.pop(0)) as do:
        for _ in range(2):
            failure = await world.failure(do, CallOptions(timeout_s=5))
            assert failure.code in ("upstream_malformed", "upstream_error"), failure
        assert (await world.run(do)).data == "ok"


async def test_a_result_that_is_not_what_its_tool_declares_comes_with_a_note(world: McpWorld) -> None:
    """Also where the schema's pattern is made to take for ever."""
    slow = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}, "required": ["a"]}
    answers = [{"content": [], "structuredContent": {"a": "a" * 40 + "!"}}, {"content": [], "structuredContent": {"a": "aa"}}]
    server = raw_server(tools=lambda _params: listed("do", outputSchema=slow), call=lambda _params: answers.pop(0))
    async with served(server) as port:
        brought = await import_server(world.egress, f"http://127.0.0.1:{port}/mcp", provider="x", tenant_id=None)
        with anyio.fail_after(30):
            odd = await world.run(brought.operations[0])
        assert (odd.status, odd.note) == ("ok", "the answer does not fit the output schema that its server declares")
        assert (await world.run(brought.operations[0])).note is None


@pytest.mark.parametrize(
    ("answer", "code", "retryable"),
    [
        (Response("<html>Bad gateway</html>", 502, media_type="text/html"), "upstream_error", False),
        (Response(status_code=500), "upstream_error", False),
        (Response("slow down", 429, headers={"retry-after": "7"}), None, True),
        (Response(status_code=401), "upstream_unauthorized", False),
        (Response(b"", 200, media_type="application/json"), "upstream_malformed", False),
        (Response(status_code=302, headers={"location": "http://169.254.169.254/"}), "upstream_error", False),
    ],
    ids=["502", "500", "429", "401", "empty", "redirect"],
)
async def test_an_http_error_in_place_of_an_answer_says_its_status(
    world: McpWorld,
    answer: Response,
    code: str | None,
    retryable: bool,
) -> None:
    """No status is lost on the way, nothing is followed, and the next call goes through."""
    answers: list[Any] = [answer, {"content": [{"type": "text", "text": "ok"}]}]
    async with calling(world, lambda _params: answers.pop(0)) as do:
        failure = await world.failure(do, CallOptions(timeout_s=5))
        assert code in (None, failure.code), failure
        assert failure.retryable is retryable
        assert "html" not in failure.message
        if answer.status_code == 429:
            assert (failure.retry_after_s, failure.upstream) == (7.0, {"status": 429, "body": "slow down"})
        assert (await world.run(do)).data == "ok"


async def test_a_session_that_expires_between_calls_is_replaced_unseen(world: McpWorld) -> None:
    """404: the upstream did not run the call, so it is sent once more in a new session."""
    async with McpUpstream(legacy=True) as upstream:
        add = (await world.operations(upstream))["notes.numbers.add"]
        assert (await world.run(add, a=1, b=2)).status == "ok"
        await upstream.stop()
        await upstream.start()
        outcomes = [await world.run(add, a=1, b=2) for _ in range(3)]
        assert outcomes[-1].status == "ok"


async def test_announcements_without_end_are_listed_at_our_own_pace(world: McpWorld) -> None:
    """A storm of list_changed costs the upstream's own list, not ours."""
    async with McpUpstream() as upstream:
        add = (await world.operations(upstream))["notes.numbers.add"]
        assert (await world.run(add, a=1, b=2)).status == "ok"
        before = len(upstream.requests)
        for number in range(200):
            await upstream.change(tool("noise", f"Says {number}."))
        assert (await world.run(add, a=1, b=2)).status == "ok"
        assert len(upstream.requests) - before < 20
