"""The clients that a person allowed, as the person sees them."""

from dataclasses import replace

import pytest

from oauth.clients.client import Client
from oauth.tokens.grant_records import Grant
from oauth.tokens.operator_issued import MINT_CLIENT
from oauth.tokens.own_grants import OwnGrants
from server.storage.memory.oauth import MemoryClientStore, MemoryGrantStore

NOW = 1_800_000_000.0


def grant(number: int, subject: str = "sub_ada", tenant_id: str = "acme", client_id: str = "client_1") -> Grant:
    scopes = frozenset({"mcp", "mcp:read"})
    return Grant(
        f"grant_{number}", tenant_id, subject, client_id, "https://x/mcp", scopes, "authorization_code", True, NOW + number, NOW + 1e6
    )


@pytest.fixture
async def grants() -> OwnGrants:
    """Ada's two grants, and one each of somebody else and of another tenant."""
    store, clients = MemoryGrantStore(), MemoryClientStore()
    await clients.save(Client("client_1", "registered", "Reporting", ("https://r.example/cb",), NOW))
    async with store.transaction() as rows:
        for each in (grant(1), grant(2, client_id="gone"), grant(3, subject="sub_bob"), grant(4, tenant_id="other")):
            await rows.add_grant(each)
    return OwnGrants(store, clients, clock=lambda: NOW + 10)


async def test_a_person_sees_their_own_grants_with_the_names_of_clients(grants: OwnGrants) -> None:
    """A client that is gone is shown by its id."""
    standing = await grants.standing("acme", "sub_ada")
    assert {(each.grant_id, each.client_name, each.verified) for each in standing} == {
        ("grant_1", "Reporting", True),
        ("grant_2", "gone", False),
    }


async def test_a_token_that_an_operator_minted_is_told_from_what_a_person_allowed() -> None:
    """No client claims anything there, so the page names who made it."""
    store = MemoryGrantStore()
    async with store.transaction() as rows:
        for each in (grant(1), replace(grant(2, client_id=MINT_CLIENT), grant_type="minted")):
            await rows.add_grant(each)
    standing = await OwnGrants(store, MemoryClientStore(), clock=lambda: NOW + 10).standing("acme", "sub_ada")
    assert {(each.grant_id, each.minted) for each in standing} == {("grant_1", False), ("grant_2", True)}


@pytest.mark.parametrize(("tenant_id", "subject"), [("acme", "sub_bob"), ("other", "sub_ada"), ("acme", "")])
async def test_a_grant_is_revoked_only_by_its_subject(grants: OwnGrants, tenant_id: str, subject: str) -> None:
    """M4."""
    assert not await grants.revoke(tenant_id, subject, "grant_1")
    assert len(await grants.standing("acme", "sub_ada")) == 2


async def test_a_revoked_grant_is_gone(grants: OwnGrants) -> None:
    """OwnGrants.revoke."""
    assert await grants.revoke("acme", "sub_ada", "grant_1")
    assert not await grants.revoke("acme", "sub_ada", "grant_1")
    assert not await grants.revoke("acme", "sub_ada", "unknown")
    assert [each.grant_id for each in await grants.standing("acme", "sub_ada")] == ["grant_2"]


async def test_everything_of_a_subject_ends_at_once(grants: OwnGrants) -> None:
    """OwnGrants.revoke_all, for whoever disables a subject."""
    assert await grants.revoke_all("acme", "sub_ada", by="operator") == 2
    assert await grants.standing("acme", "sub_ada") == ()
    assert len(await grants.standing("acme", "sub_bob")) == 1
