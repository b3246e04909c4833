"""CallerKeyStore in both databases, and the snapshot that follows it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from oauth.tenants import Tenant, Tenants
from server.storage.ai_gateway.caller_keys import SqlCallerKeyStore
from server.storage.change_feed import Change, ChangeFeed
from server.storage.database import Database
from server.storage.oauth.security_events import SqlAuditLog
from tests.contracts.databases import empty_database, url_of
from tests.contracts.filled import filled
from tools.ai_gateway.caller_keys import CallerKey, CallerKeyIssuer, CallerKeys, InvalidKey

TENANTS = Tenants([Tenant("acme", "Acme"), Tenant("globex", "Globex"), Tenant("gone", "Gone", suspended=True)])


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(url_of(request.param, request, tmp_path)) as opened:
        yield opened


async def test_a_key_is_read_back_as_it_was(database: Database) -> None:
    """CallerKeyStore.add, find, of_tenant: every field survives, and another tenant sees nothing."""
    store = SqlCallerKeyStore(database)
    key = filled(CallerKey, tenant_id="acme")
    assert await store.add(key, b"hash", 2)
    assert await store.find("acme", key.key_id) == (b"hash", key)
    assert list(await store.of_tenant("acme")) == [key]
    assert await store.find("globex", key.key_id) is None
    assert list(await store.of_tenant("globex")) == []


async def test_a_tenant_has_so_many_live_keys_and_no_more(database: Database) -> None:
    """Quota on what every process keeps in memory; revoked ones make room."""
    store = SqlCallerKeyStore(database)
    assert await store.add(CallerKey("k1", "one", "acme"), b"1", 1)
    assert not await store.add(CallerKey("k2", "two", "acme"), b"2", 1)
    assert await store.add(CallerKey("k3", "three", "globex"), b"3", 1)
    assert await store.revoke("acme", "k1", 7)
    assert await store.add(CallerKey("k2", "two", "acme"), b"2", 1)


async def test_a_key_is_revoked_once_and_by_its_tenant_only(database: Database) -> None:
    store = SqlCallerKeyStore(database)
    await store.add(CallerKey("k1", "one", "acme"), b"1", 9)
    assert not await store.revoke("globex", "k1", 7)
    assert await store.revoke("acme", "k1", 7)
    assert not await store.revoke("acme", "k1", 8)
    assert await store.find("acme", "k1") == (b"1", CallerKey("k1", "one", "acme", revoked_at_us=7))
    assert list(await store.load()) == []


async def test_a_minted_key_opens_and_nothing_else_does(database: Database) -> None:
    """Only the SHA-256 is kept; one kind of token for one purpose."""
    store = SqlCallerKeyStore(database)
    secret, key = await CallerKeyIssuer(store, SqlAuditLog(database), lambda: 5.0).mint("acme", "bot", "ada@acme.test", ["bulk"])
    keys = CallerKeys(store, TENANTS)
    await keys.load()
    assert keys.verify(secret) == key
    assert key == CallerKey(key.key_id, "bot", "acme", "ada@acme.test", ("bulk",), created_at_us=5_000_000)
    other = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    assert [keys.verify(each) for each in (other, secret.upper(), secret[:-1], secret.replace("_ak_", "_at_"), "")] == [None] * 5
    [(kept_hash, _key)] = await store.load()
    assert secret.encode() not in kept_hash
    assert len(kept_hash) == 32


async def test_keys_of_a_suspended_tenant_open_nothing(database: Database) -> None:
    store = SqlCallerKeyStore(database)
    secret, _key = await CallerKeyIssuer(store, SqlAuditLog(database)).mint("gone", "bot")
    keys = CallerKeys(store, TENANTS)
    await keys.load()
    assert keys.verify(secret) is None


async def test_another_process_hears_of_new_and_revoked_keys(database: Database) -> None:
    """The change feed's topic "caller_keys": what one process mints another verifies, and refuses once it is revoked."""
    store = SqlCallerKeyStore(database)
    keys, feed = CallerKeys(store, TENANTS), ChangeFeed(database)
    issuer = CallerKeyIssuer(store, SqlAuditLog(database))

    async def changed(changes: list[Change]) -> None:
        await keys.changed([(change.tenant_id or "", change.item) for change in changes])

    feed.listen("caller_keys", changed)
    await feed.start()
    await keys.load()
    secret, key = await issuer.mint("acme", "bot", budget_nano_usd=10**9, budget_window="day")
    await feed.poll()
    assert keys.verify(secret) == key
    budget = keys.budget_of(key.key_id)
    assert budget is not None
    assert (budget.nano_usd, budget.window) == (10**9, "day")
    assert await issuer.revoke(key)
    await feed.poll()
    assert keys.verify(secret) is None
    assert keys.budget_of(key.key_id) is None
    actions = [event.action for event in await SqlAuditLog(database).recent("acme")]
    assert actions == ["caller_key_revoked", "caller_key_minted"]


async def test_the_last_use_is_kept(database: Database) -> None:
    store = SqlCallerKeyStore(database)
    secret, key = await CallerKeyIssuer(store, SqlAuditLog(database)).mint("acme", "bot")
    keys = CallerKeys(store, TENANTS, lambda: 8.0)
    await keys.load()
    keys.verify(secret)
    await keys.flush()
    assert await store.find("acme", key.key_id) is not None
    assert list(await store.of_tenant("acme")) == [replace(key, last_used_at_us=8_000_000)]


async def test_all_keys_of_a_person_end_with_them(database: Database) -> None:
    store = SqlCallerKeyStore(database)
    issuer = CallerKeyIssuer(store, SqlAuditLog(database))
    for name, user in (("one", "ada@acme.test"), ("two", "ada@acme.test"), ("three", "bob@acme.test")):
        await issuer.mint("acme", name, user)
    assert await issuer.revoke_of_user("acme", "ada@acme.test") == 2
    assert [key.name for _hash, key in await store.load()] == ["three"]


@pytest.mark.parametrize("name", ["", "*", "team-?", "a\nb", "x" * 65, " bot"])
async def test_a_name_that_no_rule_could_select_is_refused(database: Database, name: str) -> None:
    with pytest.raises(InvalidKey, match="name"):
        await CallerKeyIssuer(SqlCallerKeyStore(database), SqlAuditLog(database)).mint("acme", name)
