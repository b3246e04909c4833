"""The prompt for whoever looks for what is wrong: listed, filled in, and true about what there is."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from server.mcp import prompts
from tests.conftest import REPOSITORY
from tests.ports import free_port
from tests.server.importing.mcp_stand_in import StandInDispatcher, gateway, settings_for
from tests.server.live_server import serving
from tests.server.mcp.requests import legacy_body, legacy_headers, modern_body, modern_headers


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    port = free_port()
    app = gateway(settings_for(port, tmp_path_factory.mktemp("gateway")), StandInDispatcher())
    with serving(app, port) as origin, httpx2.Client(base_url=origin, timeout=10) as client:
        yield client


def test_a_client_is_told_of_the_one_prompt(http: httpx2.Client) -> None:
    """MCP 2026-07-28, server/prompts: ttlMs and cacheScope are required."""
    result = http.post("/mcp", json=modern_body("prompts/list"), headers=modern_headers("prompts/list")).json()["result"]
    (prompt,) = result["prompts"]
    assert (prompt["name"], [each["name"] for each in prompt["arguments"]]) == ("incident-response", ["symptom", "trace_id", "since"])
    assert (result["ttlMs"] > 0, result["cacheScope"]) == (True, "private")
    discovered = http.post("/mcp", json=modern_body("server/discover"), headers=modern_headers("server/discover")).json()["result"]
    assert discovered["capabilities"]["prompts"] == {"listChanged": False}


def test_what_is_known_stands_in_the_prompt(http: httpx2.Client) -> None:
    text = got(http, {"symptom": "Stripe {says}\nno", "trace_id": "0" * 32})
    assert "What is known: Stripe {says} no\n" in text
    assert f"Trace id: {'0' * 32}\n" in text
    assert "Since: about an hour ago" in text


def test_clients_of_the_era_before_get_it_too(http: httpx2.Client) -> None:
    body = legacy_body("prompts/get", {"name": "incident-response", "arguments": {"since": "2 days"}})
    result = http.post("/mcp", json=body, headers=legacy_headers()).text
    assert "Since: 2 days" in result


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"name": "incident"}, "prompts/list names incident-response"),
        ({"name": "incident-response", "arguments": {"symptoms": "x"}}, "known are symptom, trace_id, since"),
        ({"name": "incident-response", "arguments": {"symptom": "x" * 2_001}}, "2,000 are the most"),
    ],
    ids=["no such prompt", "no such argument", "too long"],
)
def test_a_wrong_request_is_told_what_is_right(http: httpx2.Client, params: dict[str, Any], said: str) -> None:
    answer = http.post("/mcp", json=modern_body("prompts/get", params), headers=modern_headers("prompts/get", params["name"])).json()
    assert (answer["error"]["code"], said in answer["error"]["message"]) == (-32602, True)


def test_every_operation_that_it_names_exists() -> None:
    """Its commands are looked at with those of the guides (tests/house/test_guides.py)."""
    quoted = re.findall(r"`([^`]+)`", prompts._TEXT.read_text())
    operations = [words for words in quoted if re.fullmatch(r"(gateway|connections)\.[a-z.]+", words)]
    assert len(operations) == 5
    assert [name for name in operations if not (REPOSITORY / "docs" / "tools" / f"{name}.md").is_file()] == []


def got(http: httpx2.Client, arguments: dict[str, str]) -> str:
    params = {"name": "incident-response", "arguments": arguments}
    answer = http.post("/mcp", json=modern_body("prompts/get", params), headers=modern_headers("prompts/get", "incident-response"))
    text: str = answer.json()["result"]["messages"][0]["content"]["text"]
    return text
