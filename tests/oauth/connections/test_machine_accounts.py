"""Machine accounts: GitHub App installations and client credentials, asked for, kept fresh and ended without a person."""

import functools
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from oauth.connections.app_jwt import app_jwt, check_private_key
from oauth.connections.connecting.machine_connection import MachineConnections
from oauth.connections.connection import EVERYBODY, Connection
from oauth.connections.errors import ConnectionNeeded, ConnectionRefused, ProviderInvalid
from oauth.connections.provider import known_definitions, parse
from oauth.connections.upstream.registrations import SHARED, Application, UpstreamRegistration
from oauth.connections.upstream.token_answer import tokens_of
from oauth.fetch import Fetched
from tests.oauth.connections.machine_provider import APP_ID, INSTALLATION, MachineProvider
from tests.oauth.connections.provider_world import ADA, ProviderWorld, provider_world
from tests.server.demo.listening import listening

NONE: frozenset[str] = frozenset()


@functools.cache
def key_pair() -> RSAKey:
    return RSAKey.generate_key(2048)


def pem() -> str:
    return key_pair().as_pem(private=True).decode()


@dataclass
class MachineWorld:
    inner: ProviderWorld
    github: MachineProvider
    machines: MachineConnections

    async def register(self, provider: str, definition: dict[str, Any], client_id: str, secret: str) -> None:
        await self.inner.registrations.add(UpstreamRegistration(SHARED, provider, client_id, definition), secret, "operator")

    async def add(self, provider: str, **wish: Any) -> Connection:
        connection = await self.machines.add("default", provider, **wish)
        await self.inner.accounts.renew("default", [connection.account_id])
        return connection


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[MachineWorld]:
    async with AsyncExitStack() as stack:
        inner = await stack.enter_async_context(provider_world(tmp_path))
        github = MachineProvider(inner.clock, RSAKey.import_key(key_pair().as_dict(private=False)))
        url = stack.enter_context(listening(github.app()))
        machines = MachineConnections(inner.store, inner.vault, inner.registrations, inner.endpoint, inner.clock)
        world = MachineWorld(inner, github, machines)
        app = {
            **known_definitions()["github_app"],
            "token_url": f"{url}/app/installations/{{installation_id}}/access_tokens",
            "revoke": {"url": f"{url}/installation/token", "style": "bearer", "token": "access", "method": "DELETE"},
        }
        await world.register("github_app", app, APP_ID, pem())
        machine = {**known_definitions()["client_credentials"], "id": "machine", "token_url": f"{url}/oauth/token"}
        await world.register("machine", {**machine, "default_scopes": ["things.read"]}, *github.client)
        yield world


async def test_an_installation_token_serves_everybody_in_the_tenant_and_is_renewed_ahead_of_its_end(world: MachineWorld) -> None:
    """Issue 6: GitHub App tokens; docs.github.com: JWT by RS256, POST /app/installations/{id}/access_tokens, one hour."""
    account = await world.add("github_app", installation=INSTALLATION, alias="acme")
    now = world.inner.clock()
    assert (account.subject, account.external_id, account.kind, account.expires_at) == (EVERYBODY, INSTALLATION, "bearer", now + 3600)
    assert account.refresh_due_at
    assert now + 2940 <= account.refresh_due_at <= now + 3000
    bob = replace(ADA, subject="bob")
    tokens = []
    for turn in range(3):
        first = await world.inner.accounts.for_call(bob, "github_app", NONE, None)
        assert world.github.is_good(first.secret)
        tokens.append(first.secret)
        world.inner.clock.now += 3000
        assert await world.inner.refresher.refresh_due() == 1, turn
    assert len(set(tokens)) == 3
    headers = world.github.asked[-1]
    assert (headers["accept"], headers["x-github-api-version"]) == ("application/vnd.github+json", "2022-11-28")
    other = replace(ADA, tenant_id="globex")
    with pytest.raises(ConnectionNeeded):
        await world.inner.accounts.for_call(other, "github_app", NONE, None)


@pytest.mark.parametrize("ahead_s", [-45, 59])
async def test_a_clock_that_differs_does_not_cost_the_jwt(world: MachineWorld, ahead_s: float) -> None:
    """docs.github.com: iat a minute back, against drift."""
    world.github.ahead_s = ahead_s
    assert (await world.add("github_app", installation=INSTALLATION)).state == "ready"


def test_an_end_is_counted_by_the_providers_own_clock_where_it_shows_it() -> None:
    """Clock skew: a token that ends at a time of day lives as long as the provider's Date header says, whatever our clock says."""
    application = Application(parse(known_definitions()["github_app"], {}, "x"), "", APP_ID, "")
    body = json.dumps({"token": "ghs_1", "expires_at": "2026-11-21T13:00:00Z"}).encode()
    ours = datetime(2026, 11, 21, 12, 20, tzinfo=UTC).timestamp()
    for date, ttl_s in (("Sat, 21 Nov 2026 12:00:00 GMT", 3600), ("", 2400), ("nonsense", 2400), ("Sat, 21 Nov 1970 12:00:00 GMT", 2400)):
        assert tokens_of(application, Fetched(201, {"date": date}, body), ours).ttl_s == ttl_s


async def test_a_removed_installation_expires_and_a_silent_provider_does_not(world: MachineWorld) -> None:
    """404 is the end of the grant; 503 and a wrong key are tried again."""
    account = await world.add("github_app", installation=INSTALLATION)
    world.github.status = 503
    world.inner.clock.now += 3000
    await world.inner.refresher.refresh_due()
    assert (await world.inner.kept(account.account_id))[0].state == "ready"
    world.github.status = 0
    world.github.installations.clear()
    world.inner.clock.now += 120
    await world.inner.refresher.refresh_due()
    kept, _ = await world.inner.kept(account.account_id)
    assert (kept.state, kept.last_error) == ("expired", "http_404")


async def test_an_app_whose_key_was_replaced_blocks_nobody_for_good(world: MachineWorld) -> None:
    """401 to the JWT is the registration's fault, not the account's: all is well once the new key is registered."""
    account = await world.add("github_app", installation=INSTALLATION)
    good, world.github.public_key = world.github.public_key, RSAKey.generate_key(2048)
    world.inner.clock.now += 3000
    await world.inner.refresher.refresh_due()
    kept, _ = await world.inner.kept(account.account_id)
    assert (kept.state, kept.last_error) == ("ready", "registration:http_401")
    world.github.public_key = good
    world.inner.clock.now += 120
    await world.inner.refresher.refresh_due()
    assert (await world.inner.kept(account.account_id))[0].fail_count == 0


async def test_removing_the_account_ends_its_token_at_the_provider(world: MachineWorld) -> None:
    """docs.github.com: DELETE /installation/token."""
    account = await world.add("github_app", installation=INSTALLATION)
    _, secret = await world.inner.kept(account.account_id)
    assert world.github.is_good(secret.secret)
    _, revoked = await world.inner.changes.remove("default", account.account_id)
    assert revoked
    assert not world.github.is_good(secret.secret)
    assert await world.inner.store.load() == []


async def test_client_credentials_are_asked_for_and_renewed_with_the_same_scopes(world: MachineWorld) -> None:
    """RFC 6749 §4.4: no person, no refresh token; a secret that needs encoding in Basic authentication."""
    await world.add("machine", alias="default")
    narrow = await world.machines.add("default", "machine", scopes=frozenset({"a", "b"}))
    assert (narrow.alias, narrow.version) == ("default", 2)
    assert [asked["scope"] for asked in world.github.asked] == ["things.read", "a b"]
    world.inner.clock.now += 3000
    assert await world.inner.refresher.refresh_due() == 1
    assert world.github.asked[-1] == {"grant_type": "client_credentials", "scope": "a b"}
    _, secret = await world.inner.kept(narrow.account_id)
    assert world.github.is_good(secret.secret)
    assert secret.refresh_token == ""


async def test_a_vendor_that_names_the_grant_otherwise_is_spoken_to_in_its_words(world: MachineWorld) -> None:
    """developers.zoom.us, server-to-server OAuth: grant_type=account_credentials with the account's id."""
    found = world.inner.registrations.find("default", "machine")
    assert found
    assert found[0].definition
    zoom = {**found[0].definition, "id": "zoom_server", "default_scopes": []}
    zoom["token_params"] = {"grant_type": "account_credentials", "account_id": "acc-1"}
    await world.register("zoom_server", zoom, *world.github.client)
    await world.add("zoom_server")
    assert world.github.asked[-1] == {"grant_type": "account_credentials", "account_id": "acc-1"}


async def test_a_401_of_the_api_makes_a_new_token_due(world: MachineWorld) -> None:
    """Issue 6: an upstream 401 re-reads the vault once; machine accounts too."""
    await world.add("machine")
    used = await world.inner.accounts.for_call(ADA, "machine", NONE, None)
    world.github.tokens.clear()
    assert await world.inner.accounts.rejected(ADA, "machine", used) is None
    assert await world.inner.refresher.refresh_due() == 1
    fresh = await world.inner.accounts.rejected(ADA, "machine", used)
    assert fresh
    assert world.github.is_good(fresh.secret)


@pytest.mark.parametrize(
    ("provider", "wish", "words"),
    [
        ("github_app", {}, "--installation"),
        ("github_app", {"installation": "../../x"}, "--installation"),
        ("github_app", {"installation": "99"}, "http_404"),
        ("machine", {"installation": "4711"}, "no installations"),
        ("crm", {}, "no machine accounts"),
        ("nowhere", {}, "ascend provider add"),
        ("machine", {"alias": " x"}, "alias"),
    ],
)
async def test_what_cannot_be_added_says_why(world: MachineWorld, provider: str, wish: dict[str, Any], words: str) -> None:
    """Errors name the thing and the way out; nothing is kept."""
    with pytest.raises(ConnectionRefused, match=words):
        await world.machines.add("default", provider, **wish)
    assert await world.inner.store.load() == []


async def test_a_wrong_client_secret_is_told_without_being_shown(world: MachineWorld) -> None:
    """Never a secret in an error."""
    found = world.inner.registrations.find("default", "machine")
    assert found
    await world.inner.registrations.add(found[0], "wr0ng", "operator")
    with pytest.raises(ConnectionRefused, match="invalid_client") as refused:
        await world.add("machine")
    assert "wr0ng" not in str(refused.value)


async def test_a_key_that_cannot_sign_is_refused_at_registration(world: MachineWorld) -> None:
    """Wrong at registration, not at the first call; the key itself is in no message."""
    registration = UpstreamRegistration(SHARED, "github_app", APP_ID)
    for key in ("", "nonsense", key_pair().as_pem(private=False).decode(), ECKey.generate_key("P-256").as_pem(private=True).decode()):
        with pytest.raises(ProviderInvalid, match="private key") as refused:
            await world.inner.registrations.add(registration, key, "operator")
        assert len(key) < 60 or key[30:60] not in str(refused.value)
    with pytest.raises(ProviderInvalid):
        check_private_key("x")


def test_the_jwt_is_signed_by_the_key_and_lives_below_ten_minutes() -> None:
    """docs.github.com: RS256, iat a minute back, exp ten minutes ahead at most, iss the client id."""
    token = jwt.decode(app_jwt("Iv1", pem(), 1_800_000_000.5), key_pair(), algorithms=["RS256"])
    assert token.claims == {"iss": "Iv1", "iat": 1_799_999_940, "exp": 1_800_000_540}


def test_a_definition_of_a_machine_needs_what_it_is_asked_with() -> None:
    """The schema checks kinds."""
    for name, gap in (("github_app", "client_auth"), ("client_credentials", "token_url")):
        broken = {key: value for key, value in known_definitions()[name].items() if key != gap}
        with pytest.raises(ProviderInvalid, match=gap):
            parse(broken, {}, "my.yaml")
    with pytest.raises(ProviderInvalid, match="token_url"):
        parse({**known_definitions()["github_app"], "token_url": "https://api.github.com/x"}, {}, "my.yaml")
