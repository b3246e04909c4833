"""What a provider, or somebody with write access to the store, can do to a refresh: the token in hand serves, and no old one goes out."""

import sqlite3
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from oauth.connections.changes import ConnectionChanges
from oauth.connections.connecting.links import ConnectLinks
from oauth.connections.connections import KnownConnections
from oauth.connections.errors import ConnectionNeeded
from oauth.connections.refresher import Refresher
from oauth.connections.upstream.token_endpoint import ProviderTokenEndpoint
from oauth.errors import FetchRefused, SealBroken
from oauth.fetch import Fetched
from oauth.vault.vault import VaultCaller
from server.storage.oauth.connect_flows import SqlConnectFlowStore
from tests.oauth.connections.provider_world import ADA, ProviderWorld, provider_world

NONE: frozenset[str] = frozenset()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ProviderWorld]:
    async with provider_world(tmp_path) as world:
        yield world


async def test_calls_do_not_wait_for_a_slow_token_endpoint(world: ProviderWorld) -> None:
    """Issue 6, slow token endpoint: the request path only reads memory."""
    await world.connect()
    asked, may_answer = anyio.Event(), anyio.Event()

    async def slow(method: str, url: str, **options: Any) -> Fetched:
        asked.set()
        await may_answer.wait()
        return await world.endpoint._send(method, url, **options)

    endpoint = ProviderTokenEndpoint(slow, world.clock)
    refresher = Refresher(world.store, world.vault, world.registrations, endpoint, world.accounts, clock=world.clock)
    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(refresher.refresh_due)
            await asked.wait()
            for _ in range(20):
                assert (await world.accounts.for_call(ADA, "crm", NONE, None)).secret == "at-1"
            may_answer.set()
    assert refresher.counts["crm", "refreshed"] == 1
    assert (await world.accounts.for_call(ADA, "crm", NONE, None)).secret != "at-1"


async def test_a_token_endpoint_that_takes_too_long_is_tried_again_later(world: ProviderWorld) -> None:
    """Issue 6, slow token endpoint: the limit is below the lease, so that nobody else begins meanwhile."""
    await world.connect()
    slow = world.endpoint

    async def impatient(
        method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, max_bytes: int, timeout_s: float
    ) -> Fetched:
        with anyio.move_on_after(0.2):
            return await slow._send(method, url, headers=headers, body=body, max_bytes=max_bytes, timeout_s=timeout_s)
        raise FetchRefused("gave no complete answer in time")

    world.faults.token_delay_s = 5
    refresher = Refresher(
        world.store, world.vault, world.registrations, ProviderTokenEndpoint(impatient), world.accounts, clock=world.clock
    )
    assert await refresher.refresh_due() == 1
    kept, secret = await world.kept()
    assert (kept.state, kept.last_error, kept.fail_count, secret.secret) == ("ready", "unreachable", 1, "at-1")
    world.faults.token_delay_s = 0
    world.clock.now += 10
    await world.refresher.refresh_due()
    assert (await world.kept())[0].fail_count == 0


async def test_a_consent_that_was_revoked_at_the_provider_ends_in_a_link(world: ProviderWorld) -> None:
    """Issue 6, revoked consent: the API's 401 makes a refresh due, which finds the grant dead."""
    await world.connect()
    await world.refresher.refresh_due()
    credential = await world.accounts.for_call(ADA, "crm", NONE, None)
    world.crm.all()[0].ended = True
    assert world.crm.check(credential.secret) is None
    assert await world.accounts.rejected(ADA, "crm", credential) is None
    assert await world.refresher.refresh_due() == 1
    with pytest.raises(ConnectionNeeded) as needed:
        await world.accounts.for_call(ADA, "crm", NONE, None)
    assert needed.value.readiness.status == "expired"


def copied(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with sqlite3.connect(path) as sql:
        return {table: sql.execute(f"SELECT * FROM {table}").fetchall() for table in ("connections", "vault_secrets", "vault_marks")}


def put_back(path: Path, rows: Mapping[str, list[tuple[object, ...]]]) -> None:
    with sqlite3.connect(path) as sql:
        for table, kept in rows.items():
            sql.execute(f"DELETE FROM {table}")
            sql.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(kept[0]))})", kept)


async def test_a_secret_and_its_connection_put_back_together_are_not_used(world: ProviderWorld, tmp_path: Path) -> None:
    """Issue 6, versions rolled back: the used refresh token would end the grant; with the mark, even a whole tenant's rows."""
    await world.connect()
    backup = copied(tmp_path / "store.sqlite3")
    await world.refresher.refresh_due()
    living = await world.accounts.for_call(ADA, "crm", NONE, None)
    put_back(tmp_path / "store.sqlite3", backup)
    assert await world.accounts.rejected(ADA, "crm", living) is None
    await world.accounts.renew("default", ["acc_1"])
    assert (await world.accounts.for_call(ADA, "crm", NONE, None)).secret == living.secret
    assert await world.refresher.refresh_due() == 1
    kept, _ = await world.kept()
    assert (kept.state, kept.last_error) == ("expired", "rolled_back")
    assert world.crm.reused == []
    assert world.crm.check(living.secret), "the grant lives on"


async def test_rows_swapped_between_tenants_open_for_neither(world: ProviderWorld, tmp_path: Path) -> None:
    """Issue 6: vault rows swapped between tenants, with everything that points to them; a real store, written to past the program."""
    await world.connect(1)
    await world.vault.put(VaultCaller("globex", "eve", "test"), "tokens:globex:crm:acc_g", b"globex's")
    with sqlite3.connect(tmp_path / "store.sqlite3") as sql:
        sealed = dict(sql.execute("SELECT tenant_id, sealed FROM vault_secrets WHERE name LIKE 'tokens:%'").fetchall())
        keys = dict(sql.execute("SELECT tenant_id, dek_id FROM vault_secrets WHERE name LIKE 'tokens:%'").fetchall())
        for to, by in (("default", "globex"), ("globex", "default")):
            swap = "UPDATE vault_secrets SET sealed = ?, dek_id = ? WHERE tenant_id = ? AND name LIKE 'tokens:%'"
            sql.execute(swap, (sealed[by], keys[by], to))
    with pytest.raises(ConnectionNeeded) as needed:
        await world.accounts.for_call(ADA, "crm", NONE, None)
    assert needed.value.readiness.status == "expired"
    with pytest.raises(SealBroken):
        await world.vault.reveal(VaultCaller("globex", "eve", "test"), "tokens:globex:crm:acc_g")


async def test_a_connection_row_moved_to_another_tenant_brings_no_token_along(world: ProviderWorld, tmp_path: Path) -> None:
    """Issue 6, token of tenant A in tenant B's call: the logical key tokens:{tenant}:{provider}:{account_id} is part of the seal."""
    connection = await world.connect(1)
    assert connection.secret_name == "tokens:default:crm:acc_1"
    with sqlite3.connect(tmp_path / "store.sqlite3") as sql:
        sql.execute("UPDATE connections SET tenant_id = 'globex'")
        sql.execute("UPDATE vault_secrets SET tenant_id = 'globex', name = 'tokens:globex:crm:acc_1' WHERE name LIKE 'tokens:%'")
    links = ConnectLinks(SqlConnectFlowStore(world.database), "http://gw.example", world.clock)
    accounts = KnownConnections(world.store, world.vault, links, world.clock)
    await accounts.load()
    eve = type(ADA)("globex", "ada", "claude", frozenset({"mcp"}), "g")
    assert accounts.of_provider(eve, "crm")
    with pytest.raises(ConnectionNeeded):
        await accounts.for_call(eve, "crm", NONE, None)
    changes = ConnectionChanges(world.store, world.vault, accounts, world.registrations, world.endpoint, world.clock)
    _, revoked = await changes.disconnect(eve, "crm", "a1")
    assert not revoked, "what cannot be opened can still be forgotten"
