"""Every store of tenants, subjects and browser sessions keeps the same promises."""

from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import pytest
from sqlalchemy import update

from oauth.errors import AlreadyTaken
from oauth.sign_in.stores import BrowserSessionStore, StoredSession, SubjectStore
from oauth.sign_in.subjects import Subject
from oauth.tenants import Tenant
from server.config.store import sqlite_url
from server.storage.change_feed import Change, ChangeFeed
from server.storage.database import Database
from server.storage.memory.subjects import MemoryBrowserSessionStore, MemorySubjectStore
from server.storage.migrate import migrate
from server.storage.oauth.browser_sessions import IDLE_S, SqlBrowserSessionStore
from server.storage.oauth.subjects import SqlSubjectStore
from server.storage.oauth.tenants import SqlTenantStore
from server.storage.schema.platform_tables import tenants as tenant_rows

ADA = Subject("acme", "sub_ada", "ada@example.com", "Ada", allowed_scopes=frozenset({"mcp", "crm:read"}))
NOW = 1_800_000_000.0


@dataclass
class Stores:
    subjects: SubjectStore
    sessions: BrowserSessionStore


@pytest.fixture
def stores(database: Database | None) -> Stores:
    """Fresh stores of each kind."""
    if database is None:
        subjects = MemorySubjectStore()
        return Stores(subjects, MemoryBrowserSessionStore(subjects))
    return Stores(SqlSubjectStore(database), SqlBrowserSessionStore(database))


def session(name: str, subject: Subject = ADA, at: float = NOW) -> StoredSession:
    return StoredSession(name, "browser", subject.tenant_id, subject, "binding", ("password",), at, at, at + 7 * 86400)


async def test_a_tenant_comes_back_as_it_was_kept(sql_database: Database) -> None:
    """TenantStore.add, save, all."""
    tenants = SqlTenantStore(sql_database)
    tenant = Tenant("acme", "Acme", ("mcp",), frozenset({"passkey"}), False, "2027-01-01", False, "pro")
    await tenants.add(tenant)
    assert await tenants.all() == (tenant,)
    assert await tenants.save(replace(tenant, title="Acme Ltd", suspended=True))
    assert await tenants.all() == (replace(tenant, title="Acme Ltd", suspended=True),)


async def test_a_tenant_that_an_earlier_release_kept_is_changed_as_it_was_seen(sql_database: Database) -> None:
    """TenantStore.save: what the row does not say yet is no difference."""
    tenants = SqlTenantStore(sql_database)
    await tenants.add(Tenant("acme", "Acme"))
    async with sql_database.write() as connection:
        await connection.execute(update(tenant_rows).values(settings="{}"))
    [seen] = await tenants.all()
    assert await tenants.save(replace(seen, plan="pro"), seen)
    assert not await tenants.save(replace(seen, title="Late"), seen)


async def test_a_tenant_name_is_taken_once(sql_database: Database) -> None:
    """TenantStore.add raises AlreadyTaken; save creates nothing."""
    tenants = SqlTenantStore(sql_database)
    await tenants.add(Tenant("acme", "Acme"))
    with pytest.raises(AlreadyTaken):
        await tenants.add(Tenant("acme", "Other"))
    assert not await tenants.save(Tenant("nobody", "Nobody"))


async def test_a_new_tenant_is_told_on_the_change_feed(tmp_path: Path) -> None:
    """The server sees what the command line adds (contracts.md)."""
    url = sqlite_url(tmp_path / "store.sqlite3")
    await migrate(url)
    database = Database(url)
    feed = ChangeFeed(database)
    news: list[Change] = []

    async def hear(changes: list[Change]) -> None:
        news.extend(changes)

    feed.listen("tenants", hear)
    await feed.start()
    await SqlTenantStore(database).add(Tenant("acme", "Acme"))
    await feed.poll()
    await database.close()
    assert news == [Change("tenants", "acme", "acme")]


async def test_a_subject_is_found_by_email_in_its_own_tenant_only(stores: Stores) -> None:
    """M2: a subject of one tenant is nobody in another."""
    await stores.subjects.add(ADA, "hash")
    assert await stores.subjects.find_local("acme", "ada@example.com") == (ADA, "hash")
    assert await stores.subjects.find_local("other", "ada@example.com") is None
    assert await stores.subjects.get("acme", "sub_ada") == ADA
    assert await stores.subjects.get("other", "sub_ada") is None
    assert await stores.subjects.of_tenant("other") == ()


async def test_an_email_names_one_local_subject_but_any_number_of_federated_ones(stores: Stores) -> None:
    """M5: the same e-mail from another issuer is another subject."""
    await stores.subjects.add(ADA, None)
    with pytest.raises(AlreadyTaken):
        await stores.subjects.add(replace(ADA, subject_id="sub_2"), None)
    federated = replace(ADA, subject_id="sub_3", identity_provider="okta")
    await stores.subjects.add(federated, None)
    await stores.subjects.add(replace(ADA, tenant_id="other"), None)
    assert await stores.subjects.of_tenant("acme") == (ADA, federated)
    assert await stores.subjects.find_local("acme", ADA.email) == (ADA, None)


async def test_of_concurrent_additions_of_one_email_one_wins(stores: Stores) -> None:
    """SubjectStore.add."""
    outcomes: list[str] = []

    async def add(number: int) -> None:
        try:
            await stores.subjects.add(replace(ADA, subject_id=f"sub_{number}"), None)
            outcomes.append("kept")
        except AlreadyTaken:
            outcomes.append("refused")

    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(add, number)
    assert sorted(outcomes) == ["kept"] + ["refused"] * 9


async def test_a_new_password_replaces_the_old_one(stores: Stores) -> None:
    """SubjectStore.set_password."""
    await stores.subjects.add(ADA, "old")
    assert await stores.subjects.set_password("acme", "sub_ada", "new")
    assert not await stores.subjects.set_password("other", "sub_ada", "theirs")
    assert await stores.subjects.find_local("acme", ADA.email) == (ADA, "new")


async def test_a_session_ends_when_it_is_idle_or_old(stores: Stores) -> None:
    """Idle 12 h, absolute 7 d."""
    await stores.subjects.add(ADA, None)
    await stores.sessions.begin(session("one"), None)
    assert await stores.sessions.find("one", "acme", NOW + 1) == session("one")
    assert await stores.sessions.find("one", "acme", NOW + IDLE_S) is None
    await stores.sessions.seen("one", "acme", NOW + IDLE_S - 1)
    assert await stores.sessions.find("one", "acme", NOW + IDLE_S) is not None
    await stores.sessions.seen("one", "acme", NOW + 7 * 86400 - 1)
    assert await stores.sessions.find("one", "acme", NOW + 7 * 86400) is None
    assert await stores.sessions.sweep(NOW + 7 * 86400) == 1


async def test_a_browser_is_known_to_its_subject_until_the_session_expires(stores: Stores) -> None:
    """C19: also idle, but not in another tenant and not for another person."""
    await stores.subjects.add(ADA, None)
    await stores.subjects.add(replace(ADA, subject_id="sub_bob", email="bob@example.com"), None)
    await stores.sessions.begin(session("one"), None)
    later = NOW + IDLE_S + 1
    assert await stores.sessions.knows_browser("acme", ADA.email, "browser", later)
    await stores.sessions.sweep(later)
    assert await stores.sessions.knows_browser("acme", ADA.email, "browser", later)
    for tenant_id, email, browser, now in (
        ("other", ADA.email, "browser", later),
        ("acme", "bob@example.com", "browser", later),
        ("acme", ADA.email, "another", later),
        ("acme", ADA.email, "browser", NOW + 7 * 86400),
    ):
        assert not await stores.sessions.knows_browser(tenant_id, email, browser, now)


async def test_a_new_sign_in_ends_the_session_before_it_and_carries_other_tenants_along(stores: Stores) -> None:
    """C16: the old value is dead."""
    bob = Subject("other", "sub_bob", "bob@example.com")
    for subject in (ADA, bob):
        await stores.subjects.add(subject, None)
    await stores.sessions.begin(session("one"), None)
    await stores.sessions.begin(session("two", bob), "one")
    await stores.sessions.begin(session("three"), "two")
    for dead in ("one", "two"):
        assert await stores.sessions.of_cookie(dead, NOW) == ()
    alive = await stores.sessions.of_cookie("three", NOW)
    assert [(each.tenant_id, each.subject.subject_id) for each in alive] == [("acme", "sub_ada"), ("other", "sub_bob")]


async def test_disabling_a_subject_ends_its_sessions(stores: Stores) -> None:
    """SubjectStore.save."""
    await stores.subjects.add(ADA, None)
    await stores.sessions.begin(session("one"), None)
    assert await stores.subjects.save(replace(ADA, disabled=True))
    assert await stores.sessions.find("one", "acme", NOW) is None
    assert await stores.subjects.save(ADA)
    assert await stores.sessions.find("one", "acme", NOW) is None
    assert not await stores.subjects.save(replace(ADA, subject_id="nobody"))


async def test_a_session_can_be_ended_alone_or_with_all_others_of_its_subject(stores: Stores) -> None:
    """Sign-out, and sign-out everywhere."""
    await stores.subjects.add(ADA, None)
    for name in ("one", "two", "three"):
        await stores.sessions.begin(session(name), None)
    await stores.sessions.end("one", "other")
    assert await stores.sessions.find("one", "acme", NOW) is not None
    await stores.sessions.end("one", "acme")
    assert await stores.sessions.find("one", "acme", NOW) is None
    assert await stores.sessions.end_all("acme", "sub_ada") == 2
