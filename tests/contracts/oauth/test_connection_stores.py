"""Every store of secrets, connections and connect flows keeps the same promises."""

from dataclasses import replace

import anyio
import pytest

from oauth.connections.connection import Connection
from oauth.connections.connection_store import Lease
from oauth.errors import AlreadyTaken
from oauth.vault.errors import StaleKey
from oauth.vault.key_source import KeyText
from oauth.vault.secrets import SealedSecret, SecretEvent
from oauth.vault.vault import Vault, VaultCaller
from server.storage.database import Database
from tests.contracts.oauth.connection_stores import KEY, NOW, Stores, stores_on

EVENT = SecretEvent(NOW, "acme", "ada", "sealed", "n", 1, "test")
ADAS = Connection(
    account_id="acc_1",
    tenant_id="acme",
    subject="ada",
    provider="hubspot",
    alias="sales",
    external_id="42",
    title="Sales (42)",
    kind="bearer",
    scopes=frozenset({"read", "write"}),
    state="ready",
    version=1,
    is_default=False,
    created_at=NOW,
    expires_at=NOW + 1800,
    refresh_due_at=NOW + 1200,
)


@pytest.fixture
async def stores(sql_database: Database) -> Stores:
    return await stores_on(sql_database)


def secret_of(connection: Connection, content: bytes = b"x") -> SealedSecret:
    return SealedSecret(connection.tenant_id, connection.secret_name, connection.version, "dek1", content)


async def keep(stores: Stores, connection: Connection) -> bool:
    return await stores.connections.put(connection, secret_of(connection), EVENT)


async def lease(stores: Stores, now: float, owner: str = "me", busy: frozenset[tuple[str, str]] = frozenset()) -> list[Lease]:
    return list(await stores.connections.lease_due(now, owner, now + 60, 10, busy))


async def test_two_makers_of_a_tenants_key_agree_on_the_first(stores: Stores) -> None:
    """SecretStore.add_key."""
    other = replace(KEY, dek_id="dek2")
    assert (await stores.secrets.add_key(other)).dek_id == "dek1"
    assert [key.dek_id for key in await stores.secrets.keys("acme")] == ["dek1"]
    assert await stores.secrets.keys("globex") == []


async def test_a_secret_has_versions_and_one_writer_wins(stores: Stores) -> None:
    """SecretStore.put."""
    first = SealedSecret("acme", "api", 1, "dek1", b"one")
    assert await stores.secrets.put(first, keep_versions=2, event=EVENT)
    assert not await stores.secrets.put(first, keep_versions=2, event=EVENT)
    for version in (2, 3):
        assert await stores.secrets.put(replace(first, version=version, sealed=b"%d" % version), keep_versions=2, event=EVENT)
    assert await stores.secrets.newest("acme", "api") == replace(first, version=3, sealed=b"3")
    assert sorted(secret.version for secret in await stores.secrets.sealed_with("acme", "dek1", 9)) == [2, 3]
    assert await stores.secrets.newest("globex", "api") is None


async def test_a_former_key_seals_nothing_more_and_goes_when_nothing_needs_it(stores: Stores) -> None:
    """SecretStore.replace_active_key, reseal, remove_unused_keys."""
    old = SealedSecret("acme", "api", 1, "dek1", b"one")
    await stores.secrets.put(old, keep_versions=1, event=EVENT)
    await stores.secrets.replace_active_key(replace(KEY, dek_id="dek2"))
    with pytest.raises(StaleKey):
        await stores.secrets.put(replace(old, version=2), keep_versions=1, event=EVENT)
    assert await stores.secrets.remove_unused_keys("acme") == 0
    assert await stores.secrets.reseal(replace(old, dek_id="dek2", sealed=b"anew"), "dek1")
    assert not await stores.secrets.reseal(replace(old, dek_id="dek2", sealed=b"late"), "dek1")
    assert await stores.secrets.remove_unused_keys("acme") == 1
    assert await stores.secrets.newest("acme", "api") == replace(old, dek_id="dek2", sealed=b"anew")


async def test_a_key_is_rewrapped_once(stores: Stores) -> None:
    """SecretStore.rewrap."""
    again = replace(KEY, kek_id="kek2", wrapped=b"again")
    assert await stores.secrets.rewrap(again, "kek1")
    assert not await stores.secrets.rewrap(again, "kek1")
    assert list(await stores.secrets.keys()) == [again]


async def test_the_audit_lists_the_newest_first_and_one_tenants_only(stores: Stores) -> None:
    """SecretStore.record, events."""
    for number in range(3):
        await stores.secrets.record(replace(EVENT, version=number))
    await stores.secrets.record(replace(EVENT, tenant_id="globex"))
    assert [event.version for event in await stores.secrets.events("acme", 2)] == [2, 1]


async def test_old_records_of_one_actor_are_swept(stores: Stores) -> None:
    """SecretStore.sweep_events: the refresher's go, a person's stay."""
    for actor, at in (("refresher", NOW), ("refresher", NOW + 9), ("ada", NOW)):
        await stores.secrets.record(replace(EVENT, actor=actor, at=at))
    assert await stores.secrets.sweep_events("refresher", NOW + 5) == 1
    assert {(event.actor, event.at) for event in await stores.secrets.events("acme", 9)} == {("refresher", NOW + 9), ("ada", NOW)}


async def test_the_mark_of_a_tenant_changes_with_its_secrets_in_one_step(stores: Stores) -> None:
    """SecretStore.inventory, remark; oauth.vault.checksum: put, replace and remove, of connections too; on PostgreSQL as on SQLite."""
    source = KeyText(lambda: "A" * 43 + "=", "test")
    vault = Vault(stores.secrets, source, "test")
    caller = VaultCaller("umbrella", "ada", "test")
    theirs = replace(ADAS, tenant_id="umbrella", account_id="acc_u")
    for version in (1, 2):
        sealed = await vault.seal(caller, theirs.secret_name, version, b"x")
        assert await stores.connections.put(replace(theirs, version=version), sealed, EVENT)
    await vault.put(caller, "other", b"y")
    mark, entries = await stores.secrets.inventory("umbrella")
    assert mark
    assert sorted(entries) == [("other", 1), (theirs.secret_name, 2)]
    assert not await vault.has_rolled_back("umbrella")
    await vault.retried("umbrella", lambda: stores.connections.remove("umbrella", "acc_u", EVENT, vault))
    assert not await vault.has_rolled_back("umbrella")
    await stores.secrets.delete("umbrella", "other", EVENT)  # without its marker, as one who goes past the program
    assert await vault.has_rolled_back("umbrella")


async def test_a_connection_comes_back_with_its_secret(stores: Stores) -> None:
    """ConnectionStore.put, get, load; the first account is the default."""
    assert await keep(stores, ADAS)
    kept = replace(ADAS, is_default=True)
    assert await stores.connections.get("acme", "acc_1") == (kept, secret_of(ADAS))
    assert list(await stores.connections.load()) == [kept]
    assert await stores.connections.get("globex", "acc_1") is None


async def test_a_second_account_never_replaces_the_first(stores: Stores) -> None:
    """Issue 6: alias and default."""
    await keep(stores, ADAS)
    with pytest.raises(AlreadyTaken):
        await keep(stores, replace(ADAS, account_id="acc_2"))
    await keep(stores, replace(ADAS, account_id="acc_2", alias="support"))
    await keep(stores, replace(ADAS, account_id="acc_3", subject="bob"))
    assert {known.account_id: known.is_default for known in await stores.connections.load()} == {
        "acc_1": True,
        "acc_2": False,
        "acc_3": True,
    }
    assert await stores.connections.make_default("acme", "acc_2")
    assert {known.account_id: known.is_default for known in await stores.connections.load()} == {
        "acc_1": False,
        "acc_2": True,
        "acc_3": True,
    }
    with pytest.raises(AlreadyTaken):
        await stores.connections.rename("acme", "acc_2", "sales")
    assert not await stores.connections.rename("globex", "acc_2", "other")
    assert await stores.connections.remove("acme", "acc_2", EVENT)
    assert {known.account_id: known.is_default for known in await stores.connections.load()} == {"acc_1": True, "acc_3": True}


async def test_a_version_is_written_once(stores: Stores) -> None:
    """ConnectionStore.put: two reconnects at once do not both win."""
    await keep(stores, ADAS)
    assert not await keep(stores, ADAS)
    assert await keep(stores, replace(ADAS, version=2))
    assert not await keep(stores, replace(ADAS, version=4))


async def test_removing_a_connection_removes_its_secret(stores: Stores) -> None:
    """Issue 6: disconnect."""
    await keep(stores, ADAS)
    assert await stores.connections.remove("acme", "acc_1", EVENT)
    assert not await stores.connections.remove("acme", "acc_1", EVENT)
    assert await stores.secrets.newest("acme", ADAS.secret_name) is None


async def test_a_due_connection_has_one_holder_at_a_time(stores: Stores) -> None:
    """ConnectionStore.lease_due: leases end, fences rise."""
    await keep(stores, ADAS)
    assert await lease(stores, NOW) == []
    assert await lease(stores, NOW + 1200, busy=frozenset({("", "hubspot")})) == []
    first = await lease(stores, NOW + 1200)
    assert [(held.connection.account_id, held.fence) for held in first] == [("acc_1", 1)]
    assert await lease(stores, NOW + 1210, "other") == []
    assert [held.fence for held in await lease(stores, NOW + 1261, "other")] == [2]


async def test_a_lease_is_in_the_audit_before_its_holder_has_it(stores: Stores) -> None:
    """Issue 6: audit before reveal; the lease is what reveals a refresh token."""
    await keep(stores, ADAS)
    await lease(stores, NOW + 1200)
    newest = (await stores.secrets.events("acme", 1))[0]
    assert (newest.actor, newest.action, newest.name, newest.version) == ("refresher", "revealed", ADAS.secret_name, 1)


async def test_of_many_leaseholders_at_once_one_gets_the_connection(stores: Stores) -> None:
    """Issue 6: single-flight."""
    await keep(stores, ADAS)
    held: list[Lease] = []

    async def try_lease(owner: str) -> None:
        held.extend(await lease(stores, NOW + 1300, owner))

    async with anyio.create_task_group() as group:
        for number in range(12):
            group.start_soon(try_lease, f"w{number}")
    assert len(held) == 1


async def test_a_late_holder_cannot_store(stores: Stores) -> None:
    """ConnectionStore.finish_refresh: the fencing number."""
    await keep(stores, ADAS)
    late, *_ = await lease(stores, NOW + 1200, "late")
    new, *_ = await lease(stores, NOW + 1300, "new")
    fresh = replace(ADAS, version=2, expires_at=NOW + 3100, refresh_due_at=NOW + 2500)
    assert not await stores.connections.finish_refresh(late, fresh, secret_of(fresh, b"late"))
    assert not await stores.connections.fail_refresh(late, replace(ADAS, fail_count=1))
    assert await stores.connections.finish_refresh(new, fresh, secret_of(fresh, b"new"))
    found = await stores.connections.get("acme", "acc_1")
    assert found == (replace(fresh, is_default=True), secret_of(fresh, b"new"))
    assert not await stores.connections.finish_refresh(new, replace(fresh, version=3), secret_of(replace(fresh, version=3)))


async def test_a_refresh_keeps_a_rename_that_happened_meanwhile(stores: Stores) -> None:
    """ConnectionStore.finish_refresh writes tokens and times, not names."""
    await keep(stores, ADAS)
    held, *_ = await lease(stores, NOW + 1200)
    await stores.connections.rename("acme", "acc_1", "renamed")
    fresh = replace(held.connection, version=2)
    assert await stores.connections.finish_refresh(held, fresh, secret_of(fresh))
    found = await stores.connections.get("acme", "acc_1")
    assert found
    assert (found[0].alias, found[0].is_default) == ("renamed", True)


async def test_a_failed_refresh_gives_the_lease_back(stores: Stores) -> None:
    """ConnectionStore.fail_refresh."""
    await keep(stores, ADAS)
    held, *_ = await lease(stores, NOW + 1200)
    later = replace(held.connection, fail_count=1, last_error="http_503", refresh_due_at=NOW + 1210)
    assert await stores.connections.fail_refresh(held, later)
    assert [again.connection.fail_count for again in await lease(stores, NOW + 1210)] == [1]


async def test_a_refresh_can_be_asked_for_ahead_of_time_but_not_against_a_back_off(stores: Stores) -> None:
    """ConnectionStore.ask_refresh."""
    await keep(stores, ADAS)
    assert await stores.connections.earliest_expiry(NOW) == NOW + 1800
    await stores.connections.ask_refresh("acme", "acc_1", NOW + 5)
    held, *_ = await lease(stores, NOW + 5)
    await stores.connections.fail_refresh(held, replace(held.connection, fail_count=1, refresh_due_at=NOW + 100))
    await stores.connections.ask_refresh("acme", "acc_1", NOW + 6)
    assert await lease(stores, NOW + 6) == []


async def test_an_expired_connection_is_not_refreshed(stores: Stores) -> None:
    """Issue 6: nobody hammers the provider for a dead connection."""
    await keep(stores, replace(ADAS, state="expired"))
    assert await lease(stores, NOW + 9999) == []
