"""The sweep keeps what the configuration says, and for as long as it says."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from oauth.audit import SecurityEvent
from oauth.tenants import Tenant
from server import housekeeping
from server.app import Gateway
from server.audited import Audited, audited
from server.config_versions.changes import ConfigChanges
from server.housekeeping import DAY_US, Housekeeping
from server.storage.change_feed import ChangeFeed
from server.storage.database import now_us
from server.storage.history.calls import CallFilter
from server.storage.tenant_removal.removal import LONGEST_CALL_US, TenantRemoval
from tests.gateway import add_person, opened, opened_idle
from tests.waiting import until
from tools.stores import CallRecord

CALL = CallRecord(
    tenant_id="default",
    tool="call_api",
    operation="crm.deals.list",
    auth_method="access_token",
    duration_ms=1.0,
    success=False,
    error_code="upstream_error",
    trace_id="t" * 32,
    subject="ada",
    client_id="client",
    called_at_us=0,
    error_class="upstream",
)


def housekeeping_of(gateway: Gateway) -> Housekeeping:
    return Housekeeping(
        gateway.store,
        ChangeFeed(gateway.store.database),
        gateway.authorization,
        gateway.operations.usage,
        lambda: gateway.config.current.retention,
        gateway.late,
        gateway.context,
    )


async def marked_long_ago(gateway: Gateway, name: str) -> None:
    """Mark a tenant as leaving so long ago that no call of before goes on."""
    before = TenantRemoval(gateway.store.database, gateway.store.history, now_us=lambda: now_us() - LONGEST_CALL_US)
    assert await before.begin(Tenant(name, name))


async def _no_secret(_name: str) -> bool:
    return False


@pytest.mark.parametrize(("calls_days", "kept"), [(30, {1, 20}), (7, {1})])
async def test_calls_stay_as_long_as_the_configuration_says(tmp_path: Path, calls_days: int, kept: set[int]) -> None:
    async with opened(tmp_path) as gateway:
        store = gateway.store
        await store.calls.append_calls([replace(CALL, called_at_us=now_us() - days * DAY_US) for days in (200, 20, 1)])
        await ConfigChanges(store.config_versions, _no_secret).apply({"retention": {"calls_days": calls_days}}, "ada")
        await gateway.config.load()
        sweeping = housekeeping_of(gateway)
        await sweeping.sweep()
        left = await store.calls.calls(CallFilter(since_us=0), 10)
        assert {round((now_us() - each.record.called_at_us) / DAY_US) for each in left} == kept


async def test_a_fault_in_the_sweep_is_no_end(tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as gateway:
        tries = 0

        async def broken() -> None:
            nonlocal tries
            tries += 1
            raise KeyError("a fault of ours")

        monkeypatch.setattr(gateway.operations.usage, "flush", broken)
        monkeypatch.setattr(housekeeping, "FLUSH_USAGE_S", 0.0)
        sweeping = housekeeping_of(gateway)
        async with anyio.create_task_group() as group:
            group.start_soon(sweeping.run)
            await until(lambda: tries > 1)
            group.cancel_scope.cancel()
    assert "housekeeping_failed" in [record.message for record in caplog.records]


async def test_what_tells_of_changes_is_kept_whatever_the_configuration_says(tmp_path: Path) -> None:
    """The least that `audit_days` may be is ninety; what is older goes, and what is younger stays."""
    async with opened(tmp_path) as gateway:
        store = gateway.store
        for days in (500, 80):
            await store.security_events.record(SecurityEvent("sign_in", now_us() / 1e6 - days * 86_400, "default"))
        with audited(Audited("command", "config apply", "local:ada")):
            await ConfigChanges(store.config_versions, _no_secret).apply({"retention": {"audit_days": 90}}, "ada")
        await gateway.config.load()
        sweeping = housekeeping_of(gateway)
        await sweeping.sweep()
        assert len(await store.security_events.recent("default")) == 1
        assert [row.action for row in await store.audit_trail.rows()] == ["config apply"]


async def test_a_tenant_that_was_leaving_when_somebody_was_killed_is_gone_after_the_next_start(tmp_path: Path) -> None:
    """Marked, and half of what it owns gone: what is left goes, files of its indexes too; other tenants keep theirs."""
    async with opened(tmp_path) as gateway:
        store = gateway.store
        for name in ("acme", "globex"):
            await store.tenants.add(Tenant(name, name))
            await add_person(gateway, f"ada@{name}.test", name)
        folders = [tmp_path / "context" / "facts" / hashlib.sha256(name.encode()).hexdigest()[:32] for name in ("acme", "globex")]
        for folder in folders:
            folder.mkdir(parents=True)
        await marked_long_ago(gateway, "acme")
        await housekeeping_of(gateway).remove_tenants()
        assert {each.tenant_id for each in await store.tenants.all()} == {"default", "globex"}
        assert [len(await store.subjects.of_tenant(name)) for name in ("acme", "globex")] == [0, 1]
        assert [folder.exists() for folder in folders] == [False, True]


async def test_of_two_processes_one_sweeps_until_it_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Issue 17: one housekeeper by lease over all workers."""
    monkeypatch.setattr(housekeeping, "RELEASE_S", 60.0)
    async with opened(tmp_path) as gateway:
        one, two = (housekeeping_of(gateway) for _ in range(2))
        async with anyio.create_task_group() as group:
            group.start_soon(one.run)
            assert [await one.sweep_for_all(), await two.sweep_for_all(), await one.sweep_for_all()] == [True, False, True]
            group.cancel_scope.cancel()
        assert [await two.sweep_for_all(), await one.sweep_for_all()] == [True, False]


async def test_a_tenant_added_during_a_removal_keeps_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "context" / "facts" / hashlib.sha256(b"globex").hexdigest()[:32]
    # Its own housekeeping would do the same beside it.
    async with opened_idle(tmp_path) as gateway:
        store, finish = gateway.store, TenantRemoval.finish
        await store.tenants.add(Tenant("acme", "acme"))
        await marked_long_ago(gateway, "acme")

        async def added_meanwhile(removal: TenantRemoval, tenant_id: str) -> Mapping[str, int]:
            if not folder.exists():
                await store.tenants.add(Tenant("globex", "globex"))
                folder.mkdir(parents=True)
            return await finish(removal, tenant_id)

        monkeypatch.setattr(TenantRemoval, "finish", added_meanwhile)
        await housekeeping_of(gateway).remove_tenants()
        assert {each.tenant_id for each in await store.tenants.all()} == {"default", "globex"}
        assert folder.exists()
