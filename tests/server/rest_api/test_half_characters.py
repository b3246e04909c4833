"""Nulls, lone surrogates and bidi controls are cleaned at every door of memory, and the answer names where (context contract §6)."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.command_line import ascend_here
from tests.server.mcp.requests import modern_body, modern_headers
from tests.server.rest_api.test_rest_and_mcp import Doors, doors_of
from tests.waiting import until
from tools.operation import Json

SAID = {
    "facts": [{"subject": "Ka\ud800huna", "predicate": "cham\x00pion", "value": "Da\u202ena"}],
    "episode": {"source": "c\udc00alls", "content": "She said \ud83d, and \U0001f600."},
}
CLEANED = ["episode.content", "episode.source", "facts[0].predicate", "facts[0].subject", "facts[0].value"]


@pytest.fixture
async def doors(tmp_path: Path) -> AsyncIterator[Doors]:
    async with doors_of(tmp_path) as found:
        yield found


async def rest(doors: Doors, path: str, body: Json) -> httpx2.Response:
    headers = {"authorization": f"Bearer {doors.ada}", "content-type": "application/json"}
    return await doors.http.post(path, content=json.dumps(body).encode(), headers=headers)


async def mcp(doors: Doors, tool: str, arguments: Json) -> Any:
    """Return the answer over MCP, to a body that has halves as escapes."""
    headers = modern_headers("tools/call", tool) | {"authorization": f"Bearer {doors.ada}", "content-type": "application/json"}
    body = json.dumps(modern_body("tools/call", {"name": tool, "arguments": arguments}))
    return (await doors.http.post("/mcp", content=body.encode(), headers=headers)).json()


async def test_what_is_asserted_is_cleaned_and_said_over_both_doors(doors: Doors) -> None:
    for said in (
        (await rest(doors, "/v1/context/facts", SAID)).json(),
        (await mcp(doors, "context_assert", SAID))["result"]["structuredContent"]["data"],
        (await mcp(doors, "call_api", {"api": "context_assert", "args": SAID}))["result"]["structuredContent"]["data"],
    ):
        assert sorted(said["cleaned"]) == CLEANED
    asked = (await rest(doors, "/v1/context/query", {"query": "cham\udfffpion", "entities": ["\ud800Kahuna"]})).json()
    assert [each["text"] for each in asked["facts"]] == ["Kahuna champion Dana"]
    assert asked["facts"][0]["sources"][0]["source"] == "calls"
    assert {"query", "entities[0]"} <= set(asked["cleaned"])


async def test_a_document_is_cleaned_and_says_so(doors: Doors) -> None:
    upload = {"name": "a\ud800.md", "content": "# Zebra\n\nThe zebra \ud800 sleeps.", "metadata": {"te\udc00am": "sa\x00les"}}
    said = (await rest(doors, "/v1/rag/documents", upload)).json()
    assert said["cleaned"] == ["name", "metadata.team"]
    headers = {"authorization": f"Bearer {doors.ada}"}

    async def is_read() -> bool:
        return bool((await shown())["status"] == "ready")

    async def shown() -> Any:
        return (await doors.http.get(f"/v1/rag/documents/{said['document_id']}", headers=headers)).json()

    await until(is_read)
    document = await shown()
    assert (document["name"], document["metadata"]) == ("a.md", {"team": "sales"})
    assert any("lone surrogate" in note for note in document["notes"])


async def test_what_is_meant_for_anything_else_is_no_json_as_before(doors: Doors) -> None:
    """RFC 8259 §8.2: nothing reaches an upstream but what somebody wrote."""
    answer = await mcp(doors, "discover_apis", {"query": "a\ud800"})
    assert answer["error"]["code"] == -32700
    assert (await mcp(doors, "call_api", {"api": "gateway.time.now", "args": {"zone": "\ud800"}}))["error"]["code"] == -32700


def test_a_file_is_cleaned_and_the_command_says_where(tmp_path: Path) -> None:
    file = tmp_path / "facts.jsonl"
    file.write_text(json.dumps(SAID), encoding="utf-8")
    told = ascend_here("context", "predicates", "champion", data_dir=tmp_path / "data")
    assert told.returncode == 0
    said = ascend_here("context", "assert", str(file), data_dir=tmp_path / "data")
    assert (said.returncode, "line 1: facts[0].subject" in said.stdout + said.stderr) == (0, True)
    again = json.loads(ascend_here("context", "assert", str(file), "--json", data_dir=tmp_path / "data").stdout)
    assert sorted(again["cleaned"]) == [f"line 1: {path}" for path in CLEANED]
