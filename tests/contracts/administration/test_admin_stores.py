"""What the administration remembers, in both databases: the last owner stays, an invite serves once, whatever happens at one moment."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from oauth.administration.errors import LastOwner
from oauth.administration.roles import AdminRole, Role
from oauth.administration.stores import AdminInvite, AdminSession
from oauth.errors import AlreadyTaken
from oauth.sign_in.stores import Passkey
from oauth.sign_in.subjects import Subject
from server.storage.administration.invites import SqlAdminInviteStore
from server.storage.administration.people import SqlPeople
from server.storage.administration.roles import SqlAdminRoleStore
from server.storage.administration.sessions import SESSIONS_OF_A_PERSON, SqlAdminSessionStore
from server.storage.database import Database
from server.storage.oauth.passkeys import SqlPasskeyStore
from server.storage.oauth.subjects import SqlSubjectStore
from tests.contracts.databases import empty_database, url_of

ADA, EVE = AdminRole("default", "ada", Role.OWNER, True, "x", 1.0), AdminRole("default", "eve", Role.OWNER, True, "x", 1.0)
NOW = float(int(time.time()))


def subject_of(role: AdminRole) -> Subject:
    return Subject(role.tenant_id, role.subject_id, f"{role.subject_id}@example.com")


def passkey_of(role: AdminRole, name: bytes = b"k") -> Passkey:
    return Passkey(name * 32, role.tenant_id, role.subject_id, b"public", 0, "Laptop", NOW, counts=True)


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(url_of(request.param, request, tmp_path)) as found:
        subjects, roles = SqlSubjectStore(found), SqlAdminRoleStore(found)
        for role in (ADA, EVE):
            await subjects.add(subject_of(role), None)
            await roles.give(role)
        yield found


async def test_of_two_who_take_each_others_role_one_stays(database: Database) -> None:
    """At one moment, each sees the other as the owner who is left."""
    roles, subjects, lost = SqlAdminRoleStore(database), SqlSubjectStore(database), []

    async def without(role: AdminRole, *, disable: bool) -> None:
        try:
            await (subjects.save(replace(subject_of(role), disabled=True)) if disable else roles.take(role.tenant_id, role.subject_id))
        except LastOwner:
            lost.append(role)

    async with anyio.create_task_group() as group:
        group.start_soon(lambda: without(ADA, disable=True))
        group.start_soon(lambda: without(EVE, disable=False))
    assert len(lost) == 1
    with pytest.raises(LastOwner):
        await roles.give(replace(lost[0], role=Role.AUDITOR))
    assert await roles.of(lost[0].tenant_id, lost[0].subject_id) == lost[0]


async def test_of_two_who_redeem_one_invite_one_has_a_passkey(database: Database) -> None:
    """And what cannot be kept spends nothing."""
    invites, passkeys = SqlAdminInviteStore(database), SqlPasskeyStore(database)
    assert await invites.put(AdminInvite("default", "ada", "hash", "x", NOW + 60), ADA)
    assert not await invites.redeem("hash", passkey_of(EVE), NOW)
    assert not await invites.redeem("hash", passkey_of(ADA), NOW + 61)
    await passkeys.add(passkey_of(EVE, b"e"))
    with pytest.raises(AlreadyTaken):
        await invites.redeem("hash", passkey_of(ADA, b"e"), NOW)
    told: list[bool] = []

    async def redeem(name: bytes) -> None:
        told.append(await invites.redeem("hash", passkey_of(ADA, name), NOW))

    async with anyio.create_task_group() as group:
        group.start_soon(redeem, b"1")
        group.start_soon(redeem, b"2")
    assert sorted(told) == [False, True]
    assert len(await passkeys.of_subject("default", "ada")) == 1


async def test_what_was_there_before_a_role_rises_or_comes_anew_opens_nothing_with_it(database: Database) -> None:
    """Whoever might invite an auditor of one tenant would else be, later, the owner whom the auditor has become."""
    roles, invites, passkeys = SqlAdminRoleStore(database), SqlAdminInviteStore(database), SqlPasskeyStore(database)
    sessions, place = SqlAdminSessionStore(database), ("acme", "zoe")
    auditor = AdminRole(*place, Role.AUDITOR, False, "x", 1.0)
    operator, reaching = replace(auditor, role=Role.OPERATOR), replace(auditor, reaches_gateway=True)
    await SqlSubjectStore(database).add(subject_of(auditor), None)
    await roles.give(auditor)
    planted = 0

    async def plant(role: AdminRole) -> None:
        nonlocal planted
        planted += 1
        name = str(planted).encode()
        await passkeys.add(passkey_of(auditor, name))
        await sessions.begin(AdminSession(f"s{planted}", *place, name * 32, "browser", NOW, NOW, NOW + 3_600), None)
        assert await invites.put(AdminInvite(*place, f"hash{planted}", "x", NOW + 60), role)

    async def stands() -> set[bool]:
        counting = [each for each in await passkeys.of_subject(*place) if each.counts]
        living = await sessions.of_subject(*place, NOW)
        return {bool(counting), bool(living), await invites.find(f"hash{planted}", NOW) is not None}

    for before, after in ((auditor, operator), (auditor, reaching), (reaching, operator)):
        await roles.give(before)
        await plant(before)
        await roles.give(before)
        assert await stands() == {True}, before
        await roles.give(after)
        assert await stands() == {False}, after
        await roles.give(auditor)
    await plant(auditor)
    await roles.take(*place)
    await roles.give(auditor)
    assert await stands() == {False}
    await roles.give(operator)
    await plant(operator)
    await roles.give(auditor)
    assert await stands() == {True}, "less than before leaves who they are"


async def test_an_invite_for_who_they_were_is_not_kept_for_who_they_have_become(database: Database) -> None:
    """Made while somebody else promotes them; for whoever may less by now it is kept."""
    roles, invites = SqlAdminRoleStore(database), SqlAdminInviteStore(database)
    invite = AdminInvite("default", "ada", "hash", "x", NOW + 60)
    assert not await invites.put(invite, replace(ADA, role=Role.OPERATOR))
    assert not await invites.put(invite, replace(ADA, reaches_gateway=False))
    assert await invites.find("hash", NOW) is None
    await roles.give(replace(ADA, role=Role.AUDITOR))
    assert await invites.put(invite, ADA)
    await roles.take("default", "ada")
    assert not await invites.put(replace(invite, token_hash="other"), ADA)


async def test_a_use_of_a_passkey_does_not_bring_back_that_it_counts(database: Database) -> None:
    """Passkeys without a counter say 0 each time, so one that was read before a promotion could be written after it."""
    passkeys, roles = SqlPasskeyStore(database), SqlAdminRoleStore(database)
    await passkeys.add(passkey_of(ADA))
    read = await passkeys.find_counting(b"k" * 32)
    assert read is not None
    await roles.take("default", "ada")
    await roles.give(ADA)
    assert await passkeys.used(replace(read, last_used_at=NOW), 0)
    assert await passkeys.find_counting(b"k" * 32) is None


async def test_a_session_needs_its_person_role_and_passkey_and_a_person_has_some_at_most(database: Database) -> None:
    sessions, passkeys = SqlAdminSessionStore(database), SqlPasskeyStore(database)
    made = AdminSession("s", "default", "ada", b"k" * 32, "browser", NOW, NOW, NOW + 3_600)
    await sessions.begin(made, None)
    assert await sessions.find("s", NOW) is None
    await passkeys.add(passkey_of(ADA))
    found = await sessions.find("s", NOW)
    assert found is not None
    assert (found.session, found.role, found.email) == (made, ADA, "ada@example.com")
    assert await passkeys.find_counting(b"k" * 32) == passkey_of(ADA)
    for number in range(SESSIONS_OF_A_PERSON + 2):
        await sessions.begin(replace(made, session_hash=f"s{number}", last_seen_at=NOW + number + 1), None)
    assert len(await sessions.of_subject("default", "ada", NOW)) == SESSIONS_OF_A_PERSON
    assert await sessions.find("s", NOW) is None


async def test_people_come_by_the_page_with_what_they_administer(database: Database) -> None:
    people = SqlPeople(database)
    await SqlSubjectStore(database).add(Subject("acme", "zoe", "zoe@acme.test"), None)
    [first] = await people.page(None, None, 1)
    assert first.subject.subject_id == "zoe"
    assert first.role is None
    after = (first.subject.tenant_id, first.subject.email, first.subject.subject_id)
    assert [each.role for each in await people.page(None, after, 5)] == [ADA, EVE]
    assert [each.subject.subject_id for each in await people.page("default", None, 5, email="eve", role="owner", disabled=False)] == ["eve"]
    assert await people.find("acme", "ada") is None
