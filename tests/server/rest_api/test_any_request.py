"""Whatever JSON comes to an operation of memory, over MCP or REST: it is answered or refused, in the contract's words (§6).

A long run by hand: `FUZZ_EXAMPLES=3000 pytest tests/server/rest_api/test_any_request.py`.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import anyio.from_thread
import httpx2
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.server.mcp.requests import modern_body, modern_headers
from tests.server.rest_api.any_json import ANYTHING, TEXTS, arguments_of
from tests.server.rest_api.test_rest_and_mcp import FACTS, Doors, doors_of
from tools.operation import Json

OPERATIONS = (
    *("context_query", "context_explain", "context_assert", "context_retract", "context_forget", "context_proposals", "context_link"),
    *("rag_upload", "rag_documents", "rag_search", "rag_query", "rag_delete"),
)
PATHS = (
    *(f"/v1/context/{name}" for name in ("query", "explain", "facts", "retract", "forget", "link")),
    *("/v1/rag/documents", "/v1/rag/search", "/v1/rag/query"),
)
ADDRESSED = (
    *("/v1/context/entities/{}", "/v1/context/entities/{}/proposals", "/v1/context/proposals?limit={}"),
    *("/v1/rag/documents/{}", "/v1/rag/documents?cursor={}"),
)
#: context contract §6, and what the gateway says before any operation is asked
CODES = {
    *("invalid_arguments", "bad_time", "unsupported_media", "too_large", "encrypted", "no_text", "damaged", "not_found", "conflict"),
    *("rate_limited", "quota_exceeded", "needs_confirmation", "egress_refused", "upstream_error"),
}
INTERNAL = ("Traceback", "sqlalchemy", "sqlite", "psycopg", "orjson", "NoneType", "object at 0x", "KeyError", ".py", "dataclass", "<class")
COUNT = int(os.environ.get("FUZZ_EXAMPLES", "0"))
pytestmark = pytest.mark.time_limit(max(120, COUNT))


def tries(count: int) -> settings:
    """Return a few examples, or as many as somebody asked for."""
    quiet: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
    return settings(max_examples=COUNT, **quiet) if COUNT else examples(count, **quiet)


class Asked:
    """A gateway in a loop of its own, asked from outside of it."""

    def __init__(self, doors: Doors, call: Callable[..., Any]) -> None:
        self.doors, self.call = doors, call

    def send(self, method: str, path: str, body: Json, headers: Mapping[str, str] | None = None) -> httpx2.Response:
        content = json.dumps(body).encode()
        head = {"content-type": "application/json", **(headers or {}), "authorization": f"Bearer {self.doors.ada}"}

        async def sent() -> httpx2.Response:
            return await self.doors.http.request(method, path, content=content, headers=head)

        answer: httpx2.Response = self.call(sent)
        return answer

    def schema(self, operation: str) -> Json:
        found = self.doors.gateway.operations.catalog.get("default", operation)
        assert found is not None
        return found.input_schema


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("any")
    with anyio.from_thread.start_blocking_portal() as portal, portal.wrap_async_context_manager(doors_of(folder)) as doors:
        gateway = Asked(doors, portal.call)
        assert gateway.send("POST", "/v1/context/facts", FACTS).status_code == 200
        yield gateway


def check_words(text: str) -> None:
    assert not [word for word in INTERNAL if word in text], text[:2_000]


@tries(90)
@given(st.data())
def test_any_arguments_are_answered_or_refused_over_mcp(asked: Asked, data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(OPERATIONS))
    arguments = data.draw(st.one_of(arguments_of(asked.schema(operation)), ANYTHING))
    is_direct = data.draw(st.booleans())
    tool, given_to = (operation, arguments) if is_direct else ("call_api", {"api": operation, "args": arguments})
    body = modern_body("tools/call", {"name": tool, "arguments": given_to})
    answer = asked.send("POST", "/mcp", body, modern_headers("tools/call", tool))
    assert answer.status_code < 500, answer.text
    said = answer.json()
    check_words(answer.text)
    if "error" in said:
        # Arguments that are no object are no request of MCP.
        assert said["error"]["code"] in (-32600, -32602, -32700), said
        return
    outcome = said["result"]["structuredContent"]
    event(outcome["error"]["code"] if outcome["status"] == "error" else outcome["status"])
    assert outcome["status"] in ("ok", "needs_confirmation", "error"), outcome
    if outcome["status"] == "error":
        assert outcome["error"]["code"] in CODES, outcome


@tries(90)
@given(st.data())
def test_any_body_is_answered_or_refused_over_rest(asked: Asked, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(PATHS))
    operation = {"facts": "context_assert", "documents": "rag_upload"}.get(path.rpartition("/")[2], path[4:].replace("/", "_"))
    body = data.draw(st.one_of(arguments_of(asked.schema(operation)), ANYTHING))
    checked(asked.send("POST", path, body))


@tries(30)
@given(
    st.sampled_from(
        ["/v1/context/entities/{}", "/v1/context/entities/{}/proposals", "/v1/rag/documents/{}", "/v1/rag/documents?cursor={}"]
    ),
    st.sampled_from(["GET", "DELETE"]),
    TEXTS,
)
def test_any_address_is_answered_or_refused_over_rest(asked: Asked, path: str, method: str, text: str) -> None:
    named = "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))
    checked(asked.send(method, path.format(named), None))


def checked(answer: httpx2.Response) -> None:
    assert answer.status_code < 500 or answer.json()["error"]["code"] == "upstream_error", answer.text
    check_words(answer.text)
    event(str(answer.status_code))
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert error["code"] in CODES, error
        assert error["message"]
