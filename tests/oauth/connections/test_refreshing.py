"""Refreshing ahead of expiry, against a provider that fails in every way a test can ask for."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.to_thread
import httpx2
import pytest

from oauth.connections.errors import ConnectionNeeded
from oauth.connections.refresher import Refresher
from oauth.connections.upstream.registrations import UpstreamRegistration
from server.demo.provider import definition
from tests.forked.module import ForkedModule
from tests.oauth.connections.held_answer import holding_answer
from tests.oauth.connections.provider_world import ADA, KEK, ProviderWorld, provider_world
from tests.waiting import until

NONE: frozenset[str] = frozenset()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[ProviderWorld]:
    async with provider_world(tmp_path) as world:
        yield world


async def test_a_due_token_is_refreshed_and_calls_get_the_new_one(world: ProviderWorld) -> None:
    """Issue 6: in the background; the request path reads memory."""
    await world.connect()
    before = await world.accounts.for_call(ADA, "crm", NONE, None)
    assert await world.refresher.refresh_due() == 1
    connection, secret = await world.kept()
    assert (connection.version, connection.expires_at) == (2, world.clock() + 1800)
    assert connection.refresh_due_at
    assert connection.refresh_due_at <= world.clock() + 1200
    after = await world.accounts.for_call(ADA, "crm", NONE, None)
    assert before.secret != after.secret == secret.secret
    assert secret.refresh_token == world.crm.all()[0].refresh_token
    assert world.crm.check(after.secret)


async def test_what_is_not_due_is_left_alone(world: ProviderWorld) -> None:
    """Nobody hammers the provider."""
    await world.connect(due_in_s=1)
    assert await world.refresher.refresh_due() == 0
    world.clock.now += 1
    assert await world.refresher.refresh_due() == 1
    assert await world.refresher.refresh_due() == 0


async def test_a_provider_that_does_not_rotate_keeps_the_refresh_token(tmp_path: Path) -> None:
    """RFC 6749 §6: no refresh token in the answer means that the old one serves on."""
    async with provider_world(tmp_path, rotate=False) as world:
        await world.connect()
        token = (await world.kept())[1].refresh_token
        await world.refresher.refresh_due()
        assert (await world.kept())[1].refresh_token == token


async def test_a_revoked_grant_becomes_expired_and_asks_to_be_connected_again(world: ProviderWorld) -> None:
    """Issue 6: revoked consent, invalid_grant; dead connections get a reconnect link and no further requests."""
    await world.connect()
    world.crm.all()[0].ended = True
    await world.refresher.refresh_due()
    connection, _ = await world.kept()
    assert (connection.state, connection.last_error, connection.refresh_due_at) == ("expired", "invalid_grant", None)
    with pytest.raises(ConnectionNeeded) as needed:
        await world.accounts.for_call(ADA, "crm", NONE, None)
    assert (needed.value.readiness.status, needed.value.url[:26]) == ("expired", "http://gw.example/connect/")
    # The operator finds in the audit why somebody has to connect again.
    [ended] = [event for event in await world.secrets.events(connection.tenant_id, 50) if event.action == "refused"]
    assert (ended.name, ended.purpose) == (connection.secret_name, "the connection ended at its refresh: invalid_grant")
    world.clock.now += 9999
    assert await world.refresher.refresh_due() == 0


@pytest.mark.parametrize("fault", ["unavailable", "too_many_requests"])
async def test_a_passing_fault_is_tried_again_and_the_old_token_serves_on(world: ProviderWorld, fault: str) -> None:
    """Issue 6: 429 and 5xx; the token in hand is good until it ends."""
    await world.connect()
    setattr(world.faults, fault, 1)
    await world.refresher.refresh_due()
    connection, secret = await world.kept()
    assert (connection.state, connection.fail_count, secret.secret) == ("ready", 1, "at-1")
    assert connection.refresh_due_at
    assert connection.refresh_due_at > world.clock() + 1
    assert world.accounts.readiness(ADA, "crm", NONE).status == "ready"
    world.clock.now += 70
    await world.refresher.refresh_due()
    assert (await world.kept())[0].fail_count == 0


async def test_after_a_429_the_whole_application_waits(world: ProviderWorld) -> None:
    """Issue 6: nobody hammers the provider."""
    for number in range(1, 4):
        await world.connect(number)
    world.faults.too_many_requests, world.faults.retry_after_s = 99, 30
    world.refresher = Refresher(
        world.store, world.vault, world.registrations, world.endpoint, world.accounts, clock=world.clock, parallel=1
    )
    assert await world.refresher.refresh_due() == 1
    assert world.faults.too_many_requests == 98
    world.faults.too_many_requests = 0
    world.clock.now += 38
    assert await world.refresher.refresh_due() == 3


async def test_a_refused_application_blocks_nobody_for_good(world: ProviderWorld) -> None:
    """facts/oauth.md §3.3 step 6: invalid_client concerns the registration, not the accounts."""
    await world.connect()
    await world.registrations.add(UpstreamRegistration("", "crm", "ascend", definition(world.crm_url)), "wrong", "operator")
    await world.refresher.refresh_due()
    connection, _ = await world.kept()
    assert (connection.state, connection.last_error) == ("ready", "registration:invalid_client")
    assert world.accounts.readiness(ADA, "crm", NONE).status == "ready"
    world.clock.now += 601
    assert world.accounts.readiness(ADA, "crm", NONE).status == "blocked"
    await world.registrations.add(UpstreamRegistration("", "crm", "ascend", definition(world.crm_url)), "app-secret", "operator")
    await world.refresher.refresh_due()
    assert world.accounts.readiness(ADA, "crm", NONE).status == "ready"


async def test_a_lost_reply_ends_a_connection_whose_tokens_are_used_once(world: ProviderWorld) -> None:
    """Issue 6: rotated and lost replies. No client can close this gap; it ends in a reconnect link, not in a loop."""
    await world.connect()
    world.faults.lost_replies = 1
    await world.refresher.refresh_due()
    assert (await world.kept())[0].state == "ready"
    world.clock.now += 30
    await world.refresher.refresh_due()
    assert (await world.kept())[0].state == "expired"


async def test_a_lost_reply_costs_nothing_where_the_provider_is_patient(tmp_path: Path) -> None:
    """Issue 6: a provider with a grace window answers the retry."""
    async with provider_world(tmp_path, reuse_grace_s=120) as world:
        await world.connect()
        world.faults.lost_replies = 1
        await world.refresher.refresh_due()
        world.clock.now += 30
        await world.refresher.refresh_due()
        connection, secret = await world.kept()
        assert (connection.state, connection.version) == ("ready", 2)
        assert world.crm.check(secret.secret)


async def test_clock_skew_is_found_by_the_call_and_healed_by_a_refresh(world: ProviderWorld) -> None:
    """Issue 6: the provider's clock is ahead, tokens end early; an upstream 401 re-reads the vault once and makes a refresh due."""
    await world.connect()
    await world.refresher.refresh_due()
    credential = await world.accounts.for_call(ADA, "crm", NONE, None)
    world.faults.clock_ahead_s = 1801
    assert world.crm.check(credential.secret) is None
    assert await world.accounts.rejected(ADA, "crm", credential) is None
    world.faults.clock_ahead_s = 0
    assert await world.refresher.refresh_due() == 1
    fresh = await world.accounts.rejected(ADA, "crm", credential)
    assert fresh
    assert world.crm.check(fresh.secret)


async def test_whoever_asks_us_to_stop_waits_for_the_rotated_token_to_be_stored(world: ProviderWorld) -> None:
    """Issue 6: rotated refresh tokens are stored even if the caller goes away."""
    await world.connect()
    with holding_answer(world.endpoint) as answer:
        async with anyio.create_task_group() as group:
            group.start_soon(world.refresher.run)
            await answer.came.wait()
            group.cancel_scope.cancel()
            answer.may_go_on.set()
    connection, secret = await world.kept()
    assert (connection.version, secret.refresh_token) == (2, world.crm.all()[0].refresh_token)


async def test_disconnecting_while_a_refresh_is_under_way_leaves_no_living_token(world: ProviderWorld) -> None:
    """Issue 6: disconnect, revoking upstream."""
    await world.connect()
    with holding_answer(world.endpoint) as answer:
        async with anyio.create_task_group() as group:
            group.start_soon(world.refresher.refresh_due)
            await answer.came.wait()
            await world.changes.disconnect(ADA, "crm", "a1")
            answer.may_go_on.set()
    assert world.refresher.counts["crm", "superseded"] == 1
    assert await world.store.load() == []
    assert world.crm.all()[0].ended


async def test_one_slow_provider_does_not_hold_up_another(world: ProviderWorld) -> None:
    """facts/oauth.md §3.3 step 3: few at once per provider."""
    slow = {**definition("http://127.0.0.1:9", "slow"), "parallel_refreshes": 1}
    await world.registrations.add(UpstreamRegistration("", "slow", "x", slow), "y", "operator")
    for number in range(1, 7):
        await world.connect(number, provider="slow" if number < 6 else "crm")
    with anyio.fail_after(10):
        await world.refresher.refresh_due()
    assert (await world.kept("acc_6"))[0].version == 2


async def test_a_damaged_secret_expires_its_connection_only(world: ProviderWorld) -> None:
    """Bad input is normal input: one row's damage is not the others'."""
    await world.connect(1)
    await world.connect(2)
    found = await world.store.get("default", "acc_1")
    assert found
    async with world.database.write() as connection:
        await connection.exec_driver_sql("UPDATE vault_secrets SET sealed = x'00' WHERE name = 'tokens:default:crm:acc_1'")
    await world.refresher.refresh_due()
    assert [(await world.store.load())[place].state for place in (0, 1)] == ["expired", "ready"]


def processes(world: ProviderWorld, count: int, mode: str) -> list[ForkedModule]:
    started = [ForkedModule("tests.oauth.connections.refreshing_process", world.url, KEK, mode) for _ in range(count)]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    return started


def bytes_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def go(started: list[ForkedModule]) -> None:
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()


async def test_real_processes_on_one_store_never_use_a_refresh_token_twice(world: ProviderWorld) -> None:
    """Issue 6: two processes; the provider ends a grant whose rotated token comes back, so one mistake would show."""
    for number in range(1, 41):
        await world.connect(number, due_in_s=-3_600_000_000)  # due by the processes' own clocks as well
    started = await anyio.to_thread.run_sync(processes, world, 3, "once")
    go(started)
    told = []
    for process in started:
        output = await anyio.to_thread.run_sync(process.communicate)
        assert process.returncode == 0
        told.append(json.loads(output))
    assert world.crm.reused == []
    assert [grant.refreshes for grant in world.crm.all()] == [1] * 40
    assert sum(counts.get("refreshed", 0) for counts in told) == 40
    assert {connection.version for connection in await world.store.load()} == {2}


async def test_a_process_killed_in_the_middle_of_refreshing_loses_no_account_and_leaves_no_clear_text(tmp_path: Path) -> None:
    """Issue 6: kill -9; the provider allows a token again for a while, as those do that can be refreshed safely at all."""
    async with provider_world(tmp_path, reuse_grace_s=10_000_000) as world:
        for number in range(1, 31):
            await world.connect(number, due_in_s=-3_600_000_000)
        given = [grant.refresh_token for grant in world.crm.all()]
        world.faults.reply_delay_s = 0.05
        [process] = await anyio.to_thread.run_sync(processes, world, 1, "run")
        go([process])
        await until(lambda: sum(grant.refreshes for grant in world.crm.all()) >= 10)
        process.kill()
        await anyio.to_thread.run_sync(process.communicate)
        world.faults.reply_delay_s = 0
        async with world.database.write() as connection:  # the dead holder's leases are over
            await connection.exec_driver_sql("UPDATE connections SET lease_until = 0 WHERE lease_until IS NOT NULL")
        refreshed = [known.version for known in await world.store.load()]
        assert 1 in refreshed
        await world.refresher.refresh_due()
        connections = await world.store.load()
        assert (len(connections), {known.state for known in connections}) == (30, {"ready"})
        for known in connections:
            _, secret = await world.kept(known.account_id)
            assert secret.refresh_token in {grant.refresh_token for grant in world.crm.all()}
        dump = bytes_in(tmp_path)
        given += [grant.refresh_token for grant in world.crm.all()]
        assert not [token for token in given if token.encode() in dump]


async def test_an_api_that_is_called_with_the_refreshed_token_answers(world: ProviderWorld) -> None:
    """The round trip: connection -> refresh -> call."""
    await world.connect()
    await world.refresher.refresh_due()
    credential = await world.accounts.for_call(ADA, "crm", NONE, None)
    async with httpx2.AsyncClient(timeout=30) as client:
        answer = await client.get(f"{world.crm_url}/owners/me", headers={"authorization": f"Bearer {credential.secret}"})
    assert answer.json()["id"] == "own_1"
