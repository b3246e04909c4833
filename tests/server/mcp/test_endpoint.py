"""tools/list and tools/call in both protocol eras, over real HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from tests.ports import free_port
from tests.server.importing.mcp_stand_in import CONNECT, StandInDispatcher, gateway, settings_for
from tests.server.live_server import serving
from tests.server.mcp.requests import (
    LEGACY,
    URL_MODE,
    events,
    legacy_body,
    legacy_headers,
    modern_body,
    modern_headers,
)
from tests.waiting import until_here


@pytest.fixture(scope="module")
def dispatcher() -> StandInDispatcher:
    return StandInDispatcher()


@pytest.fixture(scope="module", params=[True, False], ids=["lean", "sdk"])
def origin(request: pytest.FixtureRequest, dispatcher: StandInDispatcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    folder: Path = tmp_path_factory.mktemp("gateway")
    with serving(gateway(settings_for(port, folder), dispatcher, has_fast_path=request.param), port) as url:
        yield url


@pytest.fixture
def http(origin: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=origin, timeout=10) as client:
        yield client


def call_modern(http: httpx2.Client, name: str, arguments: dict[str, Any], **envelope: Any) -> httpx2.Response:
    params = {"name": name, "arguments": arguments, **envelope.pop("params", {})}
    return http.post("/mcp", json=modern_body("tools/call", params, **envelope), headers=modern_headers("tools/call", name))


def call_legacy(http: httpx2.Client, name: str, arguments: dict[str, Any], **headers: str) -> httpx2.Response:
    body = legacy_body("tools/call", {"name": name, "arguments": arguments})
    return http.post("/mcp", json=body, headers=legacy_headers(**headers))


def test_the_modern_list_is_the_three_tools_and_says_how_long_it_keeps(http: httpx2.Client) -> None:
    """MCP 2026-07-28 tools/list: ttlMs and cacheScope are required; shared/design/three-tools.md."""
    result = http.post("/mcp", json=modern_body("tools/list"), headers=modern_headers("tools/list")).json()["result"]
    assert [tool["name"] for tool in result["tools"]] == ["discover_apis", "call_api", "batch_execute"]
    assert (result["ttlMs"] > 0, result["cacheScope"], result["resultType"]) == (True, "private", "complete")
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "ascend-gateway"
    assert all(tool["_meta"] == {"anthropic/alwaysLoad": True} for tool in result["tools"])
    assert result["tools"][0]["annotations"]["readOnlyHint"] is True
    assert result["tools"][1]["annotations"]["destructiveHint"] is True


def test_discovery_names_the_server_and_tells_how_to_use_the_tools(http: httpx2.Client) -> None:
    """MCP 2026-07-28 server/discover; clients cut instructions at 2,048 characters."""
    result = http.post("/mcp", json=modern_body("server/discover"), headers=modern_headers("server/discover")).json()["result"]
    assert result["supportedVersions"] == ["2026-07-28"]
    assert "discover_apis" in result["instructions"]
    assert len(result["instructions"]) < 2_048
    assert result["capabilities"]["tools"] == {"listChanged": False}


def test_a_modern_call_answers_json_with_the_same_in_text_and_structure(http: httpx2.Client, dispatcher: StandInDispatcher) -> None:
    """MCP 2026-07-28 tools/call: structuredContent and, for older readers, the same as text."""
    response = call_modern(http, "call_api", {"api": "crm.x", "args": {"name": "Zoë"}})
    result = response.json()["result"]
    assert response.headers["content-type"] == "application/json"
    assert result["structuredContent"]["data"]["echo"] == {"api": "crm.x", "args": {"name": "Zoë"}}
    assert result["content"] == [{"type": "text", "text": '{"status":"ok","data":{"echo":{"api":"crm.x","args":{"name":"Zoë"}}}}'}]
    assert result["isError"] is False
    principal, name, _, client, trace_id = dispatcher.calls[-1]
    assert (principal.subject, name, client.name, client.protocol_version) == ("ada", "call_api", "probe", "2026-07-28")
    assert len(trace_id or "") == 32


@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/mcp/acme"])
def test_every_form_of_the_endpoint_answers_without_a_redirect(http: httpx2.Client, path: str) -> None:
    """A redirect loses the body or the token in some clients (facts: mcp §6.3.5)."""
    assert http.post(path, json=modern_body("tools/list"), headers=modern_headers("tools/list")).status_code == 200


def test_a_catalogue_operation_can_be_called_by_its_name(http: httpx2.Client) -> None:
    """shared/design/three-tools.md: clients that remember an operation need no detour."""
    assert call_modern(http, "crm.contacts.search", {}).json()["result"]["isError"] is False


def test_an_unknown_tool_is_a_protocol_error_that_suggests_a_name(http: httpx2.Client) -> None:
    """MCP tools, "Error Handling": unknown tools are -32602."""
    response = call_modern(http, "crm.contact.serach", {})
    assert response.status_code == 400
    assert response.json()["error"]["code"] == -32602
    assert response.json()["error"]["data"] == {"did_you_mean": ["crm.contacts.search"]}


@pytest.mark.parametrize(("how", "code"), [("fail", "upstream_timeout"), ("raise_known", "invalid_arguments")])
def test_a_failed_operation_is_a_tool_result_that_the_model_can_read(http: httpx2.Client, how: str, code: str) -> None:
    """MCP tools, "Error Handling": execution failures are isError results."""
    result = call_modern(http, "call_api", {"how": how}).json()["result"]
    assert (result["isError"], result["structuredContent"]["error"]["code"]) == (True, code)


def test_a_fault_of_ours_says_only_a_trace_id(http: httpx2.Client) -> None:
    """Internal messages may carry somebody's data."""
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    response = call_modern(http, "call_api", {"how": "raise_unknown"}, meta={"traceparent": trace})
    assert response.json()["error"] == {
        "code": -32603,
        "message": "internal error",
        "data": {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"},
    }


def test_a_call_belongs_to_the_trace_of_its_header(http: httpx2.Client, dispatcher: StandInDispatcher) -> None:
    """W3C Trace Context: `_meta` first, the HTTP header otherwise."""
    headers = modern_headers("tools/call", "call_api", traceparent=f"00-{'a' * 32}-{'b' * 16}-01")
    http.post("/mcp", json=modern_body("tools/call", {"name": "call_api", "arguments": {}}), headers=headers)
    assert dispatcher.calls[-1][4] == "a" * 32


def test_missing_scopes_answer_403_with_a_challenge_in_both_eras(http: httpx2.Client) -> None:
    """MCP authorization, "Runtime Insufficient Scope Errors"; the event stream of 2025-11-25 must not commit to 200 first."""
    for response in (call_modern(http, "call_api", {"how": "scope"}), call_legacy(http, "call_api", {"how": "scope"})):
        assert response.status_code == 403
        assert response.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="crm:write mcp mcp:read mcp:write"'
        assert response.json() == {"error": "insufficient_scope"}


def test_a_modern_client_that_opens_urls_is_asked_to_open_one(http: httpx2.Client) -> None:
    """MCP 2026-07-28 multi-round-trip requests with URL elicitation."""
    result = call_modern(http, "call_api", {"how": "connect"}, capabilities=URL_MODE).json()["result"]
    assert result["resultType"] == "input_required"
    assert result["inputRequests"]["connect"] == {
        "method": "elicitation/create",
        "params": {"mode": "url", "message": CONNECT.message, "url": CONNECT.url},
    }


def test_an_accept_that_connected_nothing_gets_the_link_and_no_second_question(http: httpx2.Client) -> None:
    """An accept proves nothing: the outcome is made anew; asking again would loop."""
    answered = {"inputResponses": {"connect": {"action": "accept"}}}
    result = call_modern(http, "call_api", {"how": "connect"}, capabilities=URL_MODE, params=answered).json()["result"]
    assert (result["resultType"], result["structuredContent"]["status"]) == ("complete", "needs_connection")


@pytest.mark.parametrize("capabilities", [{}, {"elicitation": {}}, {"elicitation": {"form": {}}}])
def test_a_client_that_cannot_open_urls_gets_the_link_as_a_result(http: httpx2.Client, capabilities: dict[str, Any]) -> None:
    """A server must not ask for undeclared capabilities; `elicitation: {}` is form mode only."""
    result = call_modern(http, "call_api", {"how": "connect"}, capabilities=capabilities).json()["result"]
    assert result["isError"] is False
    assert result["structuredContent"]["connection"]["url"] == CONNECT.url


def test_a_legacy_client_that_opens_urls_gets_the_elicitation_error(http: httpx2.Client) -> None:
    """MCP 2025-11-25 URLElicitationRequiredError; what was declared at initialize comes back in the session id."""
    opening = {"protocolVersion": LEGACY, "capabilities": URL_MODE, "clientInfo": {"name": "probe", "version": "2"}}
    greeting = http.post("/mcp", json=legacy_body("initialize", opening), headers=legacy_headers(None))
    session_id = greeting.headers["mcp-session-id"]
    assert all(0x21 <= ord(letter) <= 0x7E for letter in session_id)
    error = events(call_legacy(http, "call_api", {"how": "connect"}, mcp_session_id=session_id).text)[-1]["error"]
    assert error["code"] == -32042
    assert error["data"]["elicitations"] == [{"mode": "url", "message": CONNECT.message, "url": CONNECT.url, "elicitationId": "flow123"}]


def test_a_legacy_client_without_urls_gets_no_session_and_the_link(http: httpx2.Client) -> None:
    """2025-11-25 is served statelessly: nothing to remember, no session id."""
    opening = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "probe", "version": "2"}}
    greeting = http.post("/mcp", json=legacy_body("initialize", opening), headers=legacy_headers(None))
    assert "mcp-session-id" not in greeting.headers
    assert events(greeting.text)[-1]["result"]["protocolVersion"] == LEGACY
    result = events(call_legacy(http, "call_api", {"how": "connect"}).text)[-1]["result"]
    assert result["structuredContent"]["connection"]["url"] == CONNECT.url


@pytest.mark.parametrize("session_id", ["c1.", "c1.e30.x", "c1.W10.x", "c1.%%%", "somebody-elses", "c1." + "A" * 2_000])
def test_a_strange_session_id_declares_nothing(http: httpx2.Client, session_id: str) -> None:
    """The id is a name, not a capability; another server's id must not break the call."""
    result = events(call_legacy(http, "call_api", {"how": "connect"}, mcp_session_id=session_id).text)[-1]["result"]
    assert result["structuredContent"]["status"] == "needs_connection"


def test_progress_reaches_the_client_that_asked_for_it_in_both_eras(http: httpx2.Client) -> None:
    """MCP progress: notifications carry the request's progressToken, before the result."""
    token = {"progressToken": "p1"}
    modern = call_modern(http, "call_api", {"how": "progress"}, meta=token)
    body = legacy_body("tools/call", {"name": "call_api", "arguments": {"how": "progress"}, "_meta": token})
    legacy = http.post("/mcp", json=body, headers=legacy_headers())
    for response in (modern, legacy):
        messages = events(response.text)
        assert [message.get("method") for message in messages] == ["notifications/progress"] * 2 + [None]
        assert messages[0]["params"] == {"progressToken": "p1", "progress": 1.0, "total": 2.0, "message": "step 1"}


def test_without_a_progress_token_a_modern_call_stays_plain_json(http: httpx2.Client) -> None:
    """Nobody asked for notifications."""
    response = call_modern(http, "call_api", {"how": "progress"})
    assert response.json()["result"]["structuredContent"]["data"] == {"done": 2}


def test_missing_scopes_after_progress_are_told_in_the_stream(http: httpx2.Client) -> None:
    """The status is sent already; the result then carries the error."""
    response = call_modern(http, "call_api", {"how": "scope_after_progress"}, meta={"progressToken": 7})
    assert response.status_code == 200
    assert events(response.text)[-1]["result"]["structuredContent"]["error"]["code"] == "insufficient_scope"


def test_a_client_that_goes_away_cancels_its_call(origin: str, dispatcher: StandInDispatcher) -> None:
    """MCP 2026-07-28 transports: closing the response stream is cancellation."""
    dispatcher.cancelled = anyio.Event()
    patience = httpx2.Timeout(30, read=0.3)
    with httpx2.Client(base_url=origin, timeout=patience) as impatient, pytest.raises(httpx2.ReadTimeout):
        call_modern(impatient, "call_api", {"how": "hang"})
    until_here(dispatcher.cancelled.is_set)
