"""Who looks for an operation hears that what they ask about is remembered, if they may see it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from oauth.principal import Principal
from oauth.tenants import Tenant
from server.app import Gateway
from tests.gateway import opened
from tests.server.documents.test_rag_operations import SCOPES, Asking
from tests.waiting import until
from tools.operation import Json

ADA = Principal("default", "ada", "client", SCOPES, "grant")


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with opened(tmp_path) as gateway:
        await gateway.store.tenants.add(Tenant("globex", "Globex"))
        await gateway.tenants.load(gateway.store.tenants.all)
        yield gateway


async def names(gateway: Gateway, by: Principal = ADA, query: str = "who is the champion at Kahuna, today?") -> list[str]:
    answer = await Asking(gateway, by).ask("discover_apis", query=query)
    return list(answer.get("remembered", {}).get("names", []))


async def remember(gateway: Gateway, name: str = "Kahuna", **more: Json) -> None:
    fact = {"subject": {"name": name, "kind": "account"}, "predicate": "champion", "value": "Omar Haddad"}
    await Asking(gateway, ADA).ask("context_assert", facts=[fact], **more)


async def test_a_name_that_is_known_points_to_memory(gateway: Gateway) -> None:
    assert await names(gateway) == []
    await remember(gateway)

    async def is_told() -> bool:
        return await names(gateway) == ["Kahuna"]

    await until(is_told)
    outcome = await Asking(gateway, ADA).outcome("discover_apis", query="what changed at KAHUNA, inc.?")
    assert "known about Kahuna: ask context_query" in (outcome.text or "")
    assert await names(gateway, query="how do I list deals?") == []


async def test_a_longer_name_comes_before_its_part(gateway: Gateway) -> None:
    await remember(gateway)
    await remember(gateway, "Kahuna Renewal Deal")
    assert await names(gateway, query="the Kahuna renewal deal") == ["Kahuna Renewal Deal", "Kahuna"]


async def test_what_somebody_else_keeps_private_and_another_tenant_knows_is_told_to_nobody(gateway: Gateway) -> None:
    await remember(gateway, private=True)
    assert await names(gateway) == ["Kahuna"]
    assert await names(gateway, replace(ADA, subject="bo")) == []
    assert await names(gateway, replace(ADA, tenant_id="globex")) == []


async def test_who_may_not_read_memory_is_not_sent_there(gateway: Gateway) -> None:
    await remember(gateway)
    assert await names(gateway, replace(ADA, scopes=frozenset({"mcp", "llm:write"}))) == []
