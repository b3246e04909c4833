"""Every store of passkeys, identity providers and links keeps the same promises."""

from dataclasses import dataclass, replace

import anyio
import pytest

from oauth.errors import AlreadyTaken
from oauth.sign_in.identity_providers import IdentityProvider
from oauth.sign_in.stores import FederatedSignIn, IdentityLinkStore, Passkey, PasskeyStore, SubjectStore
from oauth.sign_in.subjects import Subject
from server.storage.database import Database
from server.storage.memory.identities import MemoryIdentityLinkStore
from server.storage.memory.passkeys import MemoryPasskeyStore
from server.storage.memory.subjects import MemorySubjectStore
from server.storage.oauth.identities import SqlIdentityLinkStore
from server.storage.oauth.passkeys import SqlPasskeyStore
from server.storage.oauth.subjects import SqlSubjectStore

NOW = 1_800_000_000.0
PASSKEY = Passkey(b"\x00credential\xff", "acme", "sub_ada", b"public key", 0, "Laptop", NOW)
CORP = IdentityProvider("acme", "corp", "Corp SSO", "https://id.corp.example", "ascend", admitted_domains=("corp.example",))
GRACE = Subject("acme", "sub_grace", "grace@corp.example", "Grace", identity_provider="corp")
AWAY = FederatedSignIn("state", "browser", "acme", "corp", "nonce", "verifier", {"request": "r"}, NOW + 600)


@dataclass
class Stores:
    subjects: SubjectStore
    passkeys: PasskeyStore
    links: IdentityLinkStore


@pytest.fixture
def stores(database: Database | None) -> Stores:
    """Fresh stores of each kind."""
    if database is None:
        subjects = MemorySubjectStore()
        return Stores(subjects, MemoryPasskeyStore(), MemoryIdentityLinkStore(subjects))
    return Stores(SqlSubjectStore(database), SqlPasskeyStore(database), SqlIdentityLinkStore(database))


async def test_a_passkey_comes_back_in_its_own_tenant_only(stores: Stores) -> None:
    """PasskeyStore.add, find, of_subject."""
    await stores.passkeys.add(PASSKEY)
    assert await stores.passkeys.find("acme", PASSKEY.credential_id) == PASSKEY
    assert await stores.passkeys.find("other", PASSKEY.credential_id) is None
    assert await stores.passkeys.of_subject("acme", "sub_ada") == (PASSKEY,)
    assert await stores.passkeys.of_subject("acme", "sub_bob") == ()


async def test_a_credential_id_is_registered_once_over_all_tenants(stores: Stores) -> None:
    """W10, WebAuthn 3 §7.1 step 26."""
    await stores.passkeys.add(PASSKEY)
    with pytest.raises(AlreadyTaken):
        await stores.passkeys.add(replace(PASSKEY, tenant_id="other", subject_id="sub_eve"))


async def test_of_concurrent_uses_with_one_counter_one_moves_it(stores: Stores) -> None:
    """W11: a compare-and-set."""
    await stores.passkeys.add(PASSKEY)
    moved: list[bool] = []

    async def use() -> None:
        moved.append(await stores.passkeys.used(replace(PASSKEY, sign_count=1, last_used_at=NOW, backed_up=True), 0))

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(use)
    assert sorted(moved) == [False] * 9 + [True]
    assert await stores.passkeys.find("acme", PASSKEY.credential_id) == replace(PASSKEY, sign_count=1, last_used_at=NOW, backed_up=True)


async def test_a_passkey_is_removed_by_its_own_subject_only(stores: Stores) -> None:
    """M4: addressed by somebody else."""
    await stores.passkeys.add(PASSKEY)
    assert not await stores.passkeys.remove("acme", "sub_bob", PASSKEY.credential_id)
    assert not await stores.passkeys.remove("other", "sub_ada", PASSKEY.credential_id)
    assert await stores.passkeys.remove("acme", "sub_ada", PASSKEY.credential_id)
    assert not await stores.passkeys.remove("acme", "sub_ada", PASSKEY.credential_id)


async def test_a_challenge_is_taken_once_however_many_ask(stores: Stores) -> None:
    """W4, W11."""
    await stores.passkeys.add_challenge("hash", "browser", "sign in", NOW + 300)
    taken: list[bool] = []

    async def take() -> None:
        taken.append(await stores.passkeys.take_challenge("hash", "browser", "sign in", NOW))

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(take)
    assert sorted(taken) == [False] * 9 + [True]


@pytest.mark.parametrize(
    ("browser", "purpose", "now"), [("other", "sign in", NOW), ("browser", "enrol", NOW), ("browser", "sign in", NOW + 300)]
)
async def test_a_challenge_serves_its_browser_purpose_and_time(stores: Stores, browser: str, purpose: str, now: float) -> None:
    """W4: other session's, other purpose, expired; the attempt spends it."""
    await stores.passkeys.add_challenge("hash", "browser", "sign in", NOW + 300)
    assert not await stores.passkeys.take_challenge("hash", browser, purpose, now)
    assert not await stores.passkeys.take_challenge("hash", "browser", "sign in", NOW)


async def test_a_browser_keeps_few_challenges_and_old_ones_are_swept(stores: Stores) -> None:
    """X4: memory is bounded."""
    for number in range(20):
        await stores.passkeys.add_challenge(f"hash-{number}", "browser", "sign in", NOW + number)
    await stores.passkeys.add_challenge("theirs", "other", "sign in", NOW)
    assert not await stores.passkeys.take_challenge("hash-3", "browser", "sign in", NOW - 1)
    assert await stores.passkeys.take_challenge("hash-4", "browser", "sign in", NOW - 1)
    assert await stores.passkeys.sweep(NOW + 10) == 7


async def test_an_identity_provider_belongs_to_one_tenant(stores: Stores) -> None:
    """IdentityLinkStore.save_provider, provider, providers, remove_provider."""
    await stores.links.save_provider(CORP)
    await stores.links.save_provider(replace(CORP, title="New title", client_auth="post"))
    assert await stores.links.providers("acme") == (replace(CORP, title="New title", client_auth="post"),)
    assert await stores.links.providers("other") == ()
    assert await stores.links.provider("other", "corp") is None
    assert not await stores.links.remove_provider("other", "corp")
    assert await stores.links.remove_provider("acme", "corp")
    assert await stores.links.provider("acme", "corp") is None


async def test_a_subject_is_linked_by_tenant_issuer_and_sub(stores: Stores) -> None:
    """M5."""
    assert await stores.links.link_new(GRACE, CORP.issuer, "1001") == "sub_grace"
    assert await stores.links.linked("acme", CORP.issuer, "1001") == "sub_grace"
    for tenant_id, issuer, sub in (("other", CORP.issuer, "1001"), ("acme", "https://x.example", "1001"), ("acme", CORP.issuer, "1002")):
        assert await stores.links.linked(tenant_id, issuer, sub) is None
    assert await stores.subjects.get("acme", "sub_grace") == GRACE


async def test_of_concurrent_first_sign_ins_of_one_person_one_subject_remains(stores: Stores) -> None:
    """IdentityLinkStore.link_new."""
    linked: list[str] = []

    async def link(number: int) -> None:
        linked.append(await stores.links.link_new(replace(GRACE, subject_id=f"sub_{number}"), CORP.issuer, "1001"))

    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(link, number)
    assert len(set(linked)) == 1
    assert [subject.subject_id for subject in await stores.subjects.of_tenant("acme")] == [linked[0]]


async def test_a_sign_in_that_is_away_comes_back_once(stores: Stores) -> None:
    """state is single-use, and expires."""
    await stores.links.add_sign_in(AWAY)
    assert await stores.links.take_sign_in("state", NOW) == AWAY
    assert await stores.links.take_sign_in("state", NOW) is None
    await stores.links.add_sign_in(AWAY)
    assert await stores.links.take_sign_in("state", NOW + 600) is None


async def test_a_browser_keeps_few_sign_ins_and_old_ones_are_swept(stores: Stores) -> None:
    """X4: memory is bounded."""
    for number in range(20):
        await stores.links.add_sign_in(replace(AWAY, state_hash=f"state-{number}", expires_at=NOW + number))
    assert await stores.links.take_sign_in("state-3", NOW - 1) is None
    assert await stores.links.take_sign_in("state-4", NOW - 1) is not None
    assert await stores.links.sweep(NOW + 10) == 6
