"""Links to the connect page: the same wish gets the same one, and what is remembered of them has a bound."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from oauth.connections.connecting.connect_flow import FLOW_TTL_S
from oauth.connections.connecting.links import ConnectLinks
from oauth.principal import Principal
from server.config.store import sqlite_url
from server.storage.oauth.connect_flows import SqlConnectFlowStore
from tests.contracts.databases import empty_database

ADA = Principal("acme", "ada", "client", frozenset({"mcp"}), "grant")


@pytest.fixture
def now() -> list[float]:
    return [1_000_000.0]


@pytest.fixture
async def links(now: list[float], tmp_path: Path) -> AsyncIterator[ConnectLinks]:
    async with empty_database(sqlite_url(tmp_path / "store.sqlite3")) as database:
        yield ConnectLinks(SqlConnectFlowStore(database), "https://gw.example", lambda: now[0])


async def link(links: ConnectLinks, alias: str, principal: Principal = ADA) -> str:
    return await links.link(principal, "crm", frozenset({"read"}), alias=alias)


async def test_the_same_wish_gets_the_same_link_until_it_is_nearly_over(links: ConnectLinks, now: list[float]) -> None:
    """A looping agent fills no table."""
    first, others = await link(links, "work"), [await link(links, "home"), await link(links, "work", replace(ADA, subject="bob"))]
    assert await link(links, "work") == first
    assert first not in others
    now[0] += FLOW_TTL_S - 60
    assert await link(links, "work") != first


async def test_of_many_wishes_the_oldest_are_forgotten(links: ConnectLinks, now: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Issue 10, kind 4: nothing kept is uncounted."""
    monkeypatch.setattr("oauth.connections.connecting.links.MAX_GIVEN", 3)
    given = [await link(links, f"number {number}") for number in range(5)]
    assert [await link(links, f"number {number}") for number in (4, 3, 2)] == given[:1:-1]
    assert await link(links, "number 0") != given[0]
    now[0] += FLOW_TTL_S + 1
    await link(links, "another")
    assert len(links._given) == 1
