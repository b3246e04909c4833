"""What is known, end to end: a real gateway process, the SDK's client, a person who signs in; facts told, asked about, and asked again."""

from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from tests.flows.gateway_process import RunningGateway
from tests.flows.mcp_client import MemoryTokenStorage, connected
from tests.flows.person import Person
from tests.flows.test_main_job import call

DAY = "2026-02-15"


@pytest.fixture
def person(gateway: RunningGateway) -> Person:
    return Person(gateway.email, gateway.password)


async def test_an_agent_remembers_and_answers_who_it_is_today_and_who_it_was_in_february(gateway: RunningGateway, person: Person) -> None:
    """Issue: "who is the champion at Orinoco today, and who was it in February?", with sources; then the same over REST."""
    storage = MemoryTokenStorage()
    since = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%d")
    async with connected(gateway.mcp_url, person, "2026-07-28", storage) as client:
        found = await call(client, "discover_apis", query=["remember facts about a customer", "look up what is known about a customer"])
        assert {"context_assert", "context_query"} <= {hit["id"] for hit in found["results"]}
        kahuna = {"kind": "account", "name": "Orinoco"}
        facts = [
            {"subject": kahuna, "predicate": "champion", "value": "Dana Reyes", "valid_from": "2026-01-10", "valid_to": "2026-03-01"},
            {"subject": kahuna, "predicate": "champion", "value": "Lee Wong", "valid_from": since},
        ]
        episode = {"source": "call", "source_id": "call-42", "occurred_at": f"{since}T10:00:00Z", "url": "https://calls.example/42"}
        told = await call(client, "call_api", api="context_assert", args={"facts": facts, "episode": episode})
        assert [each["outcome"] for each in told["data"]["facts"]] == ["added", "added"]
        assert {"context:write", "mcp:write"} & set((storage.tokens.scope or "").split() if storage.tokens else [])

        question = "who is the champion at Orinoco"
        today = await call(client, "call_api", api="context_query", args={"query": question})
        february = await call(client, "context_query", query=question, as_of=DAY)
        assert today["data"]["facts"][0]["value"] == "Lee Wong"
        assert february["data"]["facts"][0]["value"] == "Dana Reyes"
        assert february["data"]["facts"][0]["sources"][0] == {
            "source": "call",
            "url": "https://calls.example/42",
            "at": f"{since}T10:00:00Z",
            "quote": None,
        }
        why = await call(client, "context_explain", query_id=february["data"]["query_id"], fact_id=today["data"]["facts"][0]["id"])
        assert why["data"]["facts"][0]["kept_out_by"] == ["as_of: it begins later"]
    assert storage.tokens is not None
    headers = {"authorization": f"Bearer {storage.tokens.access_token}"}
    async with httpx2.AsyncClient(base_url=gateway.base_url, headers=headers, timeout=20) as http:
        answer = await http.post("/v1/context/query", json={"query": question, "as_of": DAY})
        assert (answer.status_code, answer.json()["facts"]) == (200, february["data"]["facts"])
