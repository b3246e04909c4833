"""What oauth/stores.py promises, kept by the SQL stores and by the ones in memory."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from oauth.authorization.request import AuthorizationRequest
from oauth.tokens.formats import hash_token
from oauth.tokens.grant_records import (
    AccessToken,
    AuthorizationCode,
    DeviceCode,
    Grant,
    PushedRequest,
    RefreshToken,
    RememberedConsent,
    StoredRequest,
)
from server.config.store import sqlite_url
from server.storage.change_feed import Change, ChangeFeed
from server.storage.database import Database
from server.storage.migrate import migrate
from server.storage.oauth.grants import SqlGrantStore
from tests.contracts.oauth.oauth_stores import NOW, Stores, stores_on

RESOURCE = "https://gw/mcp"
SCOPES = frozenset({"mcp", "mcp:read"})
GRANT = Grant("grant_1", "default", "ada", "client_1", RESOURCE, SCOPES, "authorization_code", True, NOW, NOW + 1000)
CODE = AuthorizationCode(hash_token("code"), "grant_1", "default", "client_1", "http://127.0.0.1/cb", "c" * 43, NOW + 60)
ACCESS = AccessToken(hash_token("at"), "grant_1", "default", "ada", "client_1", "https://gw/mcp", frozenset({"mcp"}), NOW, NOW + 100)
REFRESH = RefreshToken(hash_token("rt"), "grant_1", "default", 0, NOW, NOW + 500)
REQUEST = AuthorizationRequest(
    request_id="",
    browser="browser",
    tenant_id="default",
    client_id="client_1",
    redirect_uri="http://127.0.0.1/cb",
    scopes=("mcp",),
    resource=RESOURCE,
    state="s",
    code_challenge="c" * 43,
    prompt=frozenset({"login"}),
    login_hint=None,
    max_age_s=5,
    created_at=NOW,
    expires_at=NOW + 600,
)
STORED = StoredRequest(REQUEST, hash_token("request"))
DEVICE = DeviceCode(hash_token("dc"), "BCDFGHJK", "client_1", "default", "https://gw/mcp", ("mcp",), NOW, NOW + 600, 5.0)
CONSENT = RememberedConsent("default", "ada", "client_1", "https://app.example/cb", "https://gw/mcp", frozenset({"mcp"}), "", NOW)


@pytest.fixture
def stores(database: Database | None) -> Stores:
    return stores_on(database)


async def test_everything_of_a_grant_comes_back_as_it_went_in(stores: Stores) -> None:
    """oauth/stores.py OAuthRows: values survive the store unchanged."""
    async with stores.grants.transaction() as rows:
        await rows.add_grant(GRANT)
        await rows.add_code(CODE)
        await rows.add_access_token(ACCESS)
        await rows.add_refresh_token(REFRESH)
        await rows.add_request(STORED)
        await rows.add_device_code(DEVICE)
        await rows.remember_consent(CONSENT)
    async with stores.grants.transaction() as rows:
        assert await rows.grant("grant_1") == GRANT
        assert await rows.code(CODE.code_hash) == CODE
        assert await rows.access_token(ACCESS.token_hash) == ACCESS
        assert await rows.refresh_token(REFRESH.token_hash) == REFRESH
        assert await rows.request(STORED.request_hash) == STORED
        assert await rows.device_code(DEVICE.device_hash) == DEVICE
        assert await rows.device_code_of("BCDFGHJK") == DEVICE
        assert await rows.consent("default", "ada", "client_1", "https://app.example/cb", "https://gw/mcp") == CONSENT
    assert await stores.grants.find_request(STORED.request_hash) == STORED
    assert await stores.grants.live_access_token(ACCESS.token_hash) == ACCESS
    assert await stores.grants.live_refresh_token(REFRESH.token_hash) == (REFRESH, GRANT)
    assert await stores.grants.grant_of_refresh_token(REFRESH.token_hash) == GRANT


async def test_changes_are_kept(stores: Stores) -> None:
    """oauth/stores.py OAuthRows: the update methods keep what they name."""
    code, token = replace(CODE, failed_tries=3, used_at=NOW + 1.5), replace(REFRESH, rotated_at=NOW + 2.25, reply_box=b"box")
    device = replace(DEVICE, last_polled_at=NOW + 1.0, grant_id="grant_1", used=True)
    async with stores.grants.transaction() as rows:
        await rows.add_grant(GRANT)
        await rows.add_code(CODE)
        await rows.add_refresh_token(REFRESH)
        await rows.add_device_code(DEVICE)
        await rows.add_request(STORED)
        await rows.update_code(code)
        await rows.update_refresh_token(token)
        await rows.update_device_code(device)
        await rows.finish_request(STORED.request_hash, NOW + 3.0, b"sealed")
        await rows.remember_consent(CONSENT)
        await rows.remember_consent(replace(CONSENT, scopes=frozenset({"mcp", "mcp:read"})))
    async with stores.grants.transaction() as rows:
        assert await rows.code(CODE.code_hash) == code
        assert await rows.refresh_token(REFRESH.token_hash) == token
        assert await rows.device_code(DEVICE.device_hash) == device
        assert await rows.request(STORED.request_hash) == replace(STORED, answered_at=NOW + 3.0, reply_box=b"sealed")
    known = await stores.grants.remembered("default", "ada", "client_1", "https://app.example/cb", "https://gw/mcp")
    assert known is not None
    assert known.scopes == {"mcp", "mcp:read"}
    assert await stores.grants.live_refresh_token(REFRESH.token_hash) is None


async def test_a_transaction_that_raises_changes_nothing(stores: Stores) -> None:
    """oauth/stores.py GrantStore.transaction: undone when it raises."""

    async def fail() -> None:
        async with stores.grants.transaction() as rows:
            await rows.add_grant(GRANT)
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        await fail()
    assert not await stores.grants.list_grants("default")


async def test_a_revoked_grant_takes_its_tokens_and_its_consent_along(stores: Stores) -> None:
    """oauth/stores.py OAuthRows.revoke_grant, GrantStore.hear: durable first, then told."""
    heard: list[str] = []

    def hear(items: Sequence[str]) -> None:
        heard.extend(items)

    stores.grants.hear(hear)
    async with stores.grants.transaction() as rows:
        await rows.add_grant(GRANT)
        await rows.add_access_token(ACCESS)
        await rows.add_refresh_token(REFRESH)
        await rows.remember_consent(CONSENT)
    async with stores.grants.transaction() as rows:
        await rows.revoke_grant(GRANT, NOW + 1.0, "test")
        assert heard == []
    assert heard == ["grant:grant_1"]
    assert await stores.grants.live_access_token(ACCESS.token_hash) is None
    assert await stores.grants.live_refresh_token(REFRESH.token_hash) is None
    assert not await stores.grants.has_grant("default", "ada", "client_1")
    assert await stores.grants.remembered("default", "ada", "client_1", "https://app.example/cb", "https://gw/mcp") is None


async def test_what_was_left_out_is_kept_with_the_grant_and_outlives_it(stores: Stores) -> None:
    """oauth/stores.py OAuthRows.revoke_grant: the yes is over, the choice stays."""
    left_out = frozenset({"mcp:write", "mcp:destructive"})
    async with stores.grants.transaction() as rows:
        await rows.add_grant(replace(GRANT, left_out=left_out))
        await rows.remember_consent(replace(CONSENT, left_out=left_out))
    [grant] = await stores.grants.list_grants("default", "ada")
    assert grant.left_out == left_out
    async with stores.grants.transaction() as rows:
        await rows.revoke_grant(grant, NOW + 1.0, "test")
    kept = await stores.grants.remembered("default", "ada", "client_1", "https://app.example/cb", "https://gw/mcp")
    assert kept == replace(CONSENT, scopes=frozenset(), left_out=left_out)


async def test_a_removed_access_token_leaves_its_grant_standing(stores: Stores) -> None:
    """oauth/stores.py OAuthRows.remove_access_token."""
    heard: list[str] = []
    stores.grants.hear(heard.extend)
    async with stores.grants.transaction() as rows:
        await rows.add_grant(GRANT)
        await rows.add_access_token(ACCESS)
        await rows.remove_access_token(ACCESS)
    assert heard == [f"token:{ACCESS.token_hash.hex()}"]
    assert await stores.grants.live_access_token(ACCESS.token_hash) is None
    assert await stores.grants.has_grant("default", "ada", "client_1")


async def test_grants_are_listed_by_tenant_subject_and_client(stores: Stores) -> None:
    """oauth/stores.py GrantStore.list_grants: a tenant sees its own grants only."""
    others = [replace(GRANT, grant_id="grant_2", tenant_id="acme"), replace(GRANT, grant_id="grant_3", subject="bob", created_at=NOW + 1)]
    async with stores.grants.transaction() as rows:
        for grant in [GRANT, *others]:
            await rows.add_grant(grant)
    assert [grant.grant_id for grant in await stores.grants.list_grants("default")] == ["grant_3", "grant_1"]
    assert [grant.grant_id for grant in await stores.grants.list_grants("default", "ada")] == ["grant_1"]
    assert [grant.grant_id for grant in await stores.grants.list_grants("acme", client_id="client_1")] == ["grant_2"]
    assert len(await stores.grants.grants_of_client("client_1")) == 3


async def test_a_pushed_request_serves_its_client_once(stores: Stores) -> None:
    """RFC 9126 §7.3: one use."""
    pushed = PushedRequest(hash_token("handle"), "client_1", (("scope", "mcp"), ("resource", "a"), ("resource", "b")), NOW + 90)
    async with stores.grants.transaction() as rows:
        await rows.add_pushed(pushed)
        assert await rows.take_pushed(pushed.handle_hash, "client_2", NOW) is None
        assert await rows.take_pushed(pushed.handle_hash, "client_1", NOW) == pushed
        assert await rows.take_pushed(pushed.handle_hash, "client_1", NOW) is None
        await rows.add_pushed(pushed)
        assert await rows.take_pushed(pushed.handle_hash, "client_1", NOW + 91) is None


async def test_an_assertion_is_used_once_however_many_ask(stores: Stores) -> None:
    """RFC 7523 §3: jti."""
    used: list[bool] = []

    async def use() -> None:
        async with stores.grants.transaction() as rows:
            used.append(await rows.use_assertion("issuer", "jti", NOW + 60))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(use)
    assert sum(used) == 1


async def test_of_two_transactions_that_decide_about_one_row_the_second_sees_what_the_first_did(stores: Stores) -> None:
    """oauth/stores.py OAuthRows: what is read is locked until the transaction ends."""
    async with stores.grants.transaction() as rows:
        await rows.add_grant(GRANT)
        await rows.add_code(CODE)
    spent: list[bool] = []

    async def spend() -> None:
        async with stores.grants.transaction() as rows:
            code = await rows.code(CODE.code_hash)
            assert code is not None
            await anyio.lowlevel.checkpoint()
            spent.append(code.used_at is None)
            await rows.update_code(replace(code, used_at=NOW + 1.0))

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(spend)
    assert sum(spent) == 1


async def test_the_sweep_keeps_what_a_replay_is_recognised_by(stores: Stores) -> None:
    """oauth/stores.py GrantStore.sweep: rotated tokens stay with their grant, sealed replies do not, expired things go."""
    rotated = replace(REFRESH, rotated_at=NOW + 1.0, reply_box=b"box")
    async with stores.grants.transaction() as rows:
        await rows.add_grant(GRANT)
        await rows.add_access_token(ACCESS)
        await rows.add_refresh_token(rotated)
        await rows.add_request(STORED)
    await stores.grants.sweep(NOW + 200.0, 120.0)
    async with stores.grants.transaction() as rows:
        assert await rows.refresh_token(REFRESH.token_hash) == replace(rotated, reply_box=None)
        assert await rows.access_token(ACCESS.token_hash) is None
        assert await rows.request(STORED.request_hash) == STORED
    await stores.grants.sweep(NOW + 1200.0, 120.0)
    async with stores.grants.transaction() as rows:
        assert await rows.grant("grant_1") is None
        assert await rows.refresh_token(REFRESH.token_hash) is None
        assert await rows.request(STORED.request_hash) is None


async def test_other_processes_hear_of_a_revocation(tmp_path: Path) -> None:
    """server/storage/change_feed.py, topic "tokens": a second process drops the token from its memory."""
    url = sqlite_url(tmp_path / "store.sqlite3")
    await migrate(url)
    here, there = Database(url), Database(url)
    feed, heard = ChangeFeed(there), list[Change]()

    async def listen(changes: list[Change]) -> None:
        heard.extend(changes)

    feed.listen("tokens", listen)
    await feed.start()
    async with SqlGrantStore(here).transaction() as rows:
        await rows.add_grant(GRANT)
        await rows.revoke_grant(GRANT, NOW, "test")
    await feed.poll()
    assert heard == [Change("tokens", "default", "grant:grant_1")]
    await here.close()
    await there.close()
