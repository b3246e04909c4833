"""Above a quota whoever holds most loses their oldest, and nobody else anything (oauth/quotas.py)."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from oauth.connections.connecting.connect_flow import ConnectFlow
from oauth.quotas import OAuthQuotas
from oauth.sign_in.stores import StoredSession
from oauth.sign_in.subjects import Subject
from oauth.stores import GrantStore
from oauth.tokens.formats import hash_token
from oauth.tokens.grant_records import PushedRequest
from server.storage.database import Database
from server.storage.memory.oauth import MemoryGrantStore
from server.storage.oauth.browser_sessions import SqlBrowserSessionStore
from server.storage.oauth.connect_flows import SqlConnectFlowStore
from server.storage.oauth.grants import SqlGrantStore
from server.storage.oauth.subjects import SqlSubjectStore
from tests.contracts.databases import empty_database, url_of
from tests.contracts.oauth.oauth_stores import NOW
from tests.contracts.oauth.test_oauth_stores import DEVICE, REQUEST, STORED

#: the stores look at the clock themselves, and NOW is when this module was read, which may be many minutes ago
LONG_S = 36_000
FEW = OAuthQuotas(authorization_requests=5, device_codes=5, pushed_requests=5, connect_flows=5, browser_sessions=3)
#: (holder, number): eight of a flood around three of others, the other tenant's among them
ARRIVALS = [("quiet", 0), *[("flood", number) for number in range(4)], ("other", 0), *[("flood", number) for number in range(4, 8)]]
LEFT = [("quiet", 0), ("other", 0), ("flood", 5), ("flood", 6), ("flood", 7)]


@pytest.fixture(params=["sqlite", "postgresql"])
async def sql(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(url_of(request.param, request, tmp_path)) as opened:
        yield opened


@pytest.fixture
def grants(database: Database | None) -> GrantStore:
    return MemoryGrantStore(FEW) if database is None else SqlGrantStore(database, FEW)


async def test_a_flood_of_requests_costs_the_client_that_floods(grants: GrantStore) -> None:
    async def add(client_id: str, number: int, tenant_id: str = "default") -> bytes:
        key = hash_token(f"{tenant_id} {client_id} {number}")
        request = replace(REQUEST, tenant_id=tenant_id, client_id=client_id, expires_at=NOW + LONG_S + number)
        async with grants.transaction() as rows:
            await rows.add_request(replace(STORED, request=request, request_hash=key))
        return key

    elsewhere = await add("flood", 0, "acme")
    keys = {arrival: await add(*arrival) for arrival in ARRIVALS}
    assert {arrival for arrival, key in keys.items() if await grants.find_request(key) is not None} == set(LEFT)
    assert await grants.find_request(elsewhere) is not None


async def test_a_flood_of_device_codes_costs_the_client_that_floods(grants: GrantStore) -> None:
    for at, (client_id, number) in enumerate(ARRIVALS):
        key, user_code = hash_token(f"{client_id} {number}"), f"CODE{at:04}"
        code = replace(DEVICE, device_hash=key, user_code=user_code, client_id=client_id, expires_at=NOW + LONG_S + at)
        async with grants.transaction() as rows:
            await rows.add_device_code(code)
    async with grants.transaction() as rows:
        left = {arrival for arrival in ARRIVALS if await rows.device_code(hash_token(f"{arrival[0]} {arrival[1]}")) is not None}
    assert left == set(LEFT)


async def test_a_flood_of_pushed_requests_costs_the_client_that_floods(grants: GrantStore) -> None:
    for at, (client_id, number) in enumerate(ARRIVALS):
        async with grants.transaction() as rows:
            await rows.add_pushed(PushedRequest(hash_token(f"{client_id} {number}"), client_id, (), NOW + LONG_S + at))
    async with grants.transaction() as rows:
        left = {(who, at) for who, at in ARRIVALS if await rows.take_pushed(hash_token(f"{who} {at}"), who, NOW) is not None}
    assert left == set(LEFT)


async def test_what_has_expired_takes_nobodys_place(grants: GrantStore) -> None:
    async with grants.transaction() as rows:
        await rows.add_device_code(replace(DEVICE, device_hash=hash_token("kept")))
        for number in range(4):
            code = replace(DEVICE, device_hash=hash_token(f"{number}"), user_code=f"CODE{number:04}", expires_at=NOW - 1)
            await rows.add_device_code(code)
        assert await rows.device_code(hash_token("kept")) is not None


async def test_a_flood_of_connect_links_costs_the_person_that_floods(sql: Database) -> None:
    flows = SqlConnectFlowStore(sql, FEW)
    for at, (subject, number) in enumerate(ARRIVALS):
        key = f"{subject} {number}"
        flow = ConnectFlow(
            flow_hash=key, tenant_id="default", subject=subject, client_id="c", provider="crm", scopes=frozenset(), state="new",
            created_at=NOW, expires_at=NOW + LONG_S + at, account_id="", alias="", wish="w",
        )  # fmt: skip
        await flows.add(flow)
    assert {arrival for arrival in ARRIVALS if await flows.get(f"{arrival[0]} {arrival[1]}") is not None} == set(LEFT)


async def test_a_person_signed_in_everywhere_is_signed_out_where_it_was_longest_ago(sql: Database) -> None:
    sessions, subjects = SqlBrowserSessionStore(sql, quotas=FEW), SqlSubjectStore(sql)
    ada, bob = (Subject("default", name, f"{name}@example.com") for name in ("ada", "bob"))
    for subject in (ada, bob):
        await subjects.add(subject, None)
    now = time.time()

    async def begin(subject: Subject, name: str, at: float) -> None:
        session = StoredSession(name, f"browser {name}", "default", subject, "b", ("pwd",), at, at, at + 9_000)
        await sessions.begin(session, None)

    await begin(bob, "bob", now - 500)
    for number in range(5):
        await begin(ada, f"ada {number}", now - 100 + number)
    left = [name for name in ("bob", *(f"ada {number}" for number in range(5))) if await sessions.find(name, "default", now) is not None]
    assert left == ["bob", "ada 2", "ada 3", "ada 4"]
