"""Credentials for calls: who may use which account, and what a call without one is answered with."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from oauth.connections.connecting.connect_flow import hash_of
from oauth.connections.connecting.keys import add_key
from oauth.connections.connecting.links import ConnectLinks
from oauth.connections.connection import Connection, ConnectionSecret
from oauth.connections.connections import KnownConnections
from oauth.connections.errors import ConnectionNeeded, ConnectionRefused, UnknownConnection
from oauth.principal import Principal
from oauth.vault.key_source import KeyText
from oauth.vault.secrets import SealedSecret, SecretEvent
from oauth.vault.vault import Vault, VaultCaller
from server.storage.database import Database
from server.storage.oauth.connect_flows import SqlConnectFlowStore
from server.storage.oauth.connections import SqlConnectionStore
from server.storage.oauth.secrets import SqlSecretStore
from tests.empty_store import put_empty_store

NOW = 1_800_000_000.0
ADA = Principal("acme", "ada", "claude", frozenset({"mcp"}), "g1")
BOB = replace(ADA, subject="bob")
EVE = replace(ADA, tenant_id="globex", subject="ada")
NONE: frozenset[str] = frozenset()


class OvertakenStore(SqlConnectionStore):
    """Gives an answer out only after `overtake` has run, once."""

    overtake: Callable[[], Awaitable[object]] | None = None

    async def get(self, tenant_id: str, account_id: str) -> tuple[Connection, SealedSecret] | None:
        found = await super().get(tenant_id, account_id)
        overtake, self.overtake = self.overtake, None
        if overtake is not None:
            await overtake()
        return found


class AccountsWorld:
    """The vault, the stores, and accounts over them."""

    def __init__(self, database: Database) -> None:
        self.secrets = SqlSecretStore(database)
        self.store = OvertakenStore(database)
        self.flows = SqlConnectFlowStore(database)
        self.vault = Vault(self.secrets, KeyText(lambda: "A" * 43 + "=", "test"), "test", lambda: NOW)
        self.accounts = KnownConnections(self.store, self.vault, ConnectLinks(self.flows, "https://gw.example", lambda: NOW), lambda: NOW)

    async def key(self, provider: str = "crm", subject: str = "", alias: str = "default", secret: str = "k-1") -> Connection:
        connection = await add_key(
            self.store,
            self.vault,
            tenant_id="acme",
            subject=subject,
            provider=provider,
            alias=alias,
            secret=ConnectionSecret(secret),
            clock=lambda: NOW,
        )
        await self.accounts.renew("acme", [connection.account_id])
        return connection

    async def tokens(self, connection: Connection, access_token: str) -> None:
        caller = VaultCaller(connection.tenant_id, "test", "test")
        sealed = await self.vault.seal(caller, connection.secret_name, connection.version, ConnectionSecret(access_token).to_bytes())
        event = SecretEvent(NOW, connection.tenant_id, "test", "sealed", connection.secret_name, connection.version, "test")
        assert await self.store.put(connection, sealed, event)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[AccountsWorld]:
    database = Database(put_empty_store(tmp_path / "store.sqlite3"))
    world = AccountsWorld(database)
    await world.vault.open()
    await world.accounts.load()
    yield world
    await database.close()


async def test_a_key_of_the_tenant_serves_everybody_in_it_and_nobody_else(world: AccountsWorld) -> None:
    """Issue 6: static secrets per tenant."""
    await world.key()
    for principal in (ADA, BOB):
        assert world.accounts.readiness(principal, "crm", NONE).status == "ready"
        assert (await world.accounts.for_call(principal, "crm", NONE, None)).secret == "k-1"
    assert world.accounts.readiness(EVE, "crm", NONE).status == "needs_auth"
    with pytest.raises(ConnectionNeeded):
        await world.accounts.for_call(EVE, "crm", NONE, None)


async def test_a_read_that_a_renewal_overtakes_is_no_rollback(world: AccountsWorld, caplog: pytest.LogCaptureFixture) -> None:
    """A refresh that lands while the row of before is on its way: the call goes out with the newer secret."""
    connection = await world.key()
    world.store.overtake = partial(world.key, secret="k-2")
    assert (await world.accounts.for_call(ADA, "crm", NONE, None)).secret == "k-2"
    world.store.overtake = partial(world.key, secret="k-3")
    await world.accounts.renew("acme", [connection.account_id])
    assert (await world.accounts.for_call(ADA, "crm", NONE, None)).secret == "k-3"
    assert "connection_rolled_back" not in caplog.messages


async def test_ones_own_account_comes_before_everybodys(world: AccountsWorld) -> None:
    """Issue 6: alias and default."""
    await world.key()
    await world.key(subject="ada", alias="mine", secret="k-ada")
    assert (await world.accounts.for_call(ADA, "crm", NONE, None)).secret == "k-ada"
    assert (await world.accounts.for_call(ADA, "crm", NONE, "default")).secret == "k-1"
    assert (await world.accounts.for_call(BOB, "crm", NONE, None)).secret == "k-1"
    assert world.accounts.readiness(ADA, "crm", NONE).accounts == ("mine", "default")
    used = [await world.accounts.for_call(ADA, "crm", NONE, name) for name in ("mine", "default")]
    assert [credential.is_shared for credential in used] == [False, True]


async def test_another_subjects_account_is_unknown(world: AccountsWorld) -> None:
    """Principal first: neither alias nor id reaches it."""
    theirs = await world.key(subject="ada", alias="mine")
    await world.key(subject="bob", alias="own")
    for name in ("mine", theirs.account_id):
        with pytest.raises(UnknownConnection) as refused:
            await world.accounts.for_call(BOB, "crm", NONE, name)
        assert refused.value.known == ("own",)


async def test_a_call_without_an_account_gets_a_link_that_names_nobody(world: AccountsWorld) -> None:
    """oauth-behaviour E4; facts/oauth.md §3.6: bound to tenant and subject in the store, not in the link."""
    with pytest.raises(ConnectionNeeded) as needed:
        await world.accounts.for_call(ADA, "crm", frozenset({"crm.read"}), None)
    assert (needed.value.readiness.status, needed.value.readiness.missing_scopes) == ("needs_auth", ("crm.read",))
    origin, _, handle = needed.value.url.rpartition("/")
    assert origin == "https://gw.example/connect"
    assert len(handle) >= 43
    flow = await world.flows.get(hash_of(handle))
    assert flow
    assert (flow.tenant_id, flow.subject, flow.client_id, flow.scopes) == ("acme", "ada", "claude", frozenset({"crm.read"}))


async def test_asking_again_gives_the_same_link_to_the_same_principal_only(world: AccountsWorld) -> None:
    """A looping agent fills no table; another person gets a link of their own."""
    urls = []
    for principal in (ADA, ADA, BOB):
        with pytest.raises(ConnectionNeeded) as needed:
            await world.accounts.for_call(principal, "crm", NONE, None)
        urls.append(needed.value.url)
    assert urls[0] == urls[1] != urls[2]


OAUTH = Connection(
    "acc_1",
    "acme",
    "ada",
    "hubspot",
    "sales",
    "42",
    "Sales",
    "bearer",
    frozenset({"read"}),
    NOW,
    expires_at=NOW + 1800,
    refresh_due_at=NOW + 1200,
)


async def test_missing_scopes_are_told_before_the_upstream_is_asked(world: AccountsWorld) -> None:
    """three-tools.md: readiness inside discovery."""
    await world.tokens(OAUTH, "at-1")
    await world.accounts.load()
    assert world.accounts.readiness(ADA, "hubspot", frozenset({"read"})).status == "ready"
    readiness = world.accounts.readiness(ADA, "hubspot", frozenset({"read", "write"}))
    assert (readiness.status, readiness.missing_scopes) == ("missing_scope", ("write",))
    with pytest.raises(ConnectionNeeded) as needed:
        await world.accounts.for_call(ADA, "hubspot", frozenset({"write"}), None)
    flow = await world.flows.get(hash_of(needed.value.url.rpartition("/")[2]))
    assert flow
    assert (flow.account_id, flow.scopes) == ("acc_1", frozenset({"read", "write"}))


async def test_an_expired_connection_asks_to_be_connected_again(world: AccountsWorld) -> None:
    """Issue 6: dead connections become `expired` with a reconnect link."""
    await world.tokens(replace(OAUTH, state="expired"), "at-1")
    await world.accounts.load()
    with pytest.raises(ConnectionNeeded) as needed:
        await world.accounts.for_call(ADA, "hubspot", NONE, None)
    assert needed.value.readiness.status == "expired"


async def test_an_account_that_another_node_connected_a_moment_ago_is_found(world: AccountsWorld) -> None:
    """facts/oauth.md §3.6 step 6: the retry re-reads the store, whichever node it comes to."""
    await world.tokens(OAUTH, "at-1")
    assert world.accounts.readiness(ADA, "hubspot", NONE).status == "needs_auth"
    assert (await world.accounts.for_call(ADA, "hubspot", NONE, "sales")).secret == "at-1"
    assert world.accounts.readiness(ADA, "hubspot", NONE).status == "ready"
    assert world.accounts.providers_of(ADA) == ("hubspot",)
    assert world.accounts.providers_of(BOB) == ()


async def test_after_a_401_a_newer_token_is_taken_from_the_store(world: AccountsWorld) -> None:
    """facts/oauth.md §3.3 step 8."""
    await world.tokens(OAUTH, "at-1")
    await world.accounts.load()
    credential = await world.accounts.for_call(ADA, "hubspot", NONE, None)
    assert await world.accounts.rejected(ADA, "hubspot", credential) is None
    assert len(await world.store.lease_due(NOW, "refresher", NOW + 60, 9, frozenset())) == 1
    await world.tokens(replace(OAUTH, version=2, is_default=True), "at-2")
    fresh = await world.accounts.rejected(ADA, "hubspot", credential)
    assert fresh
    assert fresh.secret == "at-2"
    assert await world.accounts.rejected(BOB, "hubspot", credential) is None


async def test_a_reveal_is_audited_before_the_first_use_and_carries_its_purpose(world: AccountsWorld) -> None:
    """Issue 6: audit before reveal."""
    connection = await world.key()
    for _ in range(3):
        await world.accounts.for_call(ADA, "crm", NONE, None)
    events = [(event.actor, event.action, event.purpose) for event in await world.secrets.events("acme", 9)]
    assert events == [("ada", "revealed", "call"), ("operator", "sealed", "add key")]
    assert connection.secret_name == f"tokens:acme:crm:{connection.account_id}"


async def test_a_key_is_replaced_by_a_new_version_under_its_alias(world: AccountsWorld) -> None:
    """Issue 6: versions."""
    first = await world.key()
    await world.accounts.for_call(ADA, "crm", NONE, None)
    second = await world.key(secret="k-2")
    assert (second.account_id, second.version) == (first.account_id, 2)
    assert (await world.accounts.for_call(ADA, "crm", NONE, None)).secret == "k-2"


async def test_a_disconnected_account_is_gone_at_the_next_news(world: AccountsWorld) -> None:
    """The change feed's item is the account."""
    connection = await world.key()
    event = SecretEvent(NOW, "acme", "ada", "deleted", connection.secret_name, 0, "disconnect")
    await world.store.remove("acme", connection.account_id, event)
    await world.accounts.renew("acme", [connection.account_id])
    assert world.accounts.readiness(ADA, "crm", NONE).status == "needs_auth"


@pytest.mark.parametrize(
    ("provider", "alias", "secret"), [("a:b", "x", "k"), ("crm", " x", "k"), ("crm", "a/b", "k"), ("crm", "x", "a\nb"), ("crm", "x", "")]
)
async def test_what_cannot_be_part_of_a_key_is_refused(world: AccountsWorld, provider: str, alias: str, secret: str) -> None:
    """facts/oauth.md §3.4: a ':' inside a part would make two logical keys collide."""
    with pytest.raises(ConnectionRefused):
        await world.key(provider, alias=alias, secret=secret)


async def test_no_secret_shows_in_a_repr(world: AccountsWorld) -> None:
    """Issue 6: secrets absent from logs, spans, errors."""
    await world.key(secret="k-very-secret")
    credential = await world.accounts.for_call(ADA, "crm", NONE, None)
    assert "k-very-secret" not in repr((credential, ConnectionSecret("k-very-secret", "k-very-secret", "k-very-secret")))
