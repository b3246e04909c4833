"""Passwords: Argon2id, the same work for everybody."""

from typing import Literal

import anyio
import pytest
from argon2 import Parameters, PasswordHasher, extract_parameters
from argon2.low_level import Type

from oauth.errors import AlreadyTaken
from oauth.sign_in.errors import HashingBusy, InvalidInput
from oauth.sign_in.passwords import MAX_WAITING, Passwords, new_password
from server.storage.memory.subjects import MemorySubjectStore
from tests.quick_passwords import OWASP

PASSWORD = "correct-horse-battery"


class CountingHasher(PasswordHasher):
    """Argon2id with little memory, which counts what it verifies and notes at which cost."""

    def __init__(self, time_cost: int = 1) -> None:
        super().__init__(memory_cost=64, time_cost=time_cost, parallelism=1)
        self.verified = 0
        self.costs: list[Parameters] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.verified += 1
        self.costs.append(extract_parameters(str(hash)))
        return super().verify(hash, password)


async def test_a_right_password_finds_its_subject() -> None:
    """Passwords.verify; the e-mail is compared as people mean it."""
    passwords = Passwords(MemorySubjectStore(), hasher=CountingHasher())
    ada = await passwords.add_subject("acme", " Ada@Example.COM ", PASSWORD, display_name="Ada\u202e Lovelace")
    assert ada.email == "ada@example.com"
    assert ada.display_name == "Ada Lovelace"
    assert await passwords.verify("acme", "ADA@example.com", PASSWORD) == ada
    assert await passwords.verify("other", "ada@example.com", PASSWORD) is None
    assert await passwords.verify("acme", "ada@example.com", PASSWORD.upper()) is None


async def test_a_password_is_the_same_however_a_keyboard_composes_it() -> None:
    """NIST SP 800-63B §3.1.1.2: NFKC before hashing."""
    passwords = Passwords(MemorySubjectStore(), hasher=CountingHasher())
    await passwords.add_subject("acme", "ada@example.com", "größere-straße")
    assert await passwords.verify("acme", "ada@example.com", "gro\u0308ßere-straße")


async def test_unknown_people_cost_the_same_work() -> None:
    """C20: one verification each, whoever is asked for."""
    hasher = CountingHasher()
    passwords = Passwords(MemorySubjectStore(), hasher=hasher)
    await passwords.add_subject("acme", "ada@example.com", PASSWORD)
    await passwords.add_subject("acme", "passkey-only@example.com", None)
    for email, password in (
        ("ada@example.com", "wrong"),
        ("nobody@example.com", "wrong"),
        ("passkey-only@example.com", "wrong"),
        ("no address", "wrong"),
        ("ada@example.com", "x" * 5000),
        ("ada@example.com", "\ud800"),
    ):
        before = hasher.verified
        assert await passwords.verify("acme", email, password) is None
        assert hasher.verified == before + 1
    assert hasher.costs == [extract_parameters(hasher.hash(PASSWORD))] * hasher.verified


async def test_a_password_is_hashed_anew_when_the_cost_has_risen() -> None:
    """RFC 9106 §4: parameters grow with the machines."""
    subjects = MemorySubjectStore()
    await Passwords(subjects, hasher=CountingHasher(1)).add_subject("acme", "ada@example.com", PASSWORD)
    assert await Passwords(subjects, hasher=CountingHasher(2)).verify("acme", "ada@example.com", PASSWORD)
    _, kept = await subjects.find_local("acme", "ada@example.com") or (None, None)
    assert kept is not None
    assert "t=2" in kept
    assert PASSWORD not in kept


@pytest.mark.parametrize("password", ["short", "x" * 1025])
async def test_a_weak_password_is_refused_with_its_rule(password: str) -> None:
    """NIST SP 800-63B §3.1.1.2: length is what counts."""
    with pytest.raises(InvalidInput, match="than"):
        await Passwords(MemorySubjectStore(), hasher=CountingHasher()).add_subject("acme", "ada@example.com", password)


@pytest.mark.parametrize("email", ["", "ada", "@example.com", "ada@", "a b@example.com", "ada\n@example.com", "a" * 250 + "@x.io"])
async def test_what_is_no_address_makes_no_subject(email: str) -> None:
    """oauth/sign_in/subjects.py normalize_email."""
    with pytest.raises(InvalidInput):
        await Passwords(MemorySubjectStore(), hasher=CountingHasher()).add_subject("acme", email, PASSWORD)


async def test_an_email_is_taken_once_in_a_tenant() -> None:
    """Passwords.add_subject raises AlreadyTaken."""
    passwords = Passwords(MemorySubjectStore(), hasher=CountingHasher())
    await passwords.add_subject("acme", "ada@example.com", PASSWORD)
    await passwords.add_subject("other", "ada@example.com", PASSWORD)
    with pytest.raises(AlreadyTaken):
        await passwords.add_subject("acme", "ADA@example.com", PASSWORD)


async def test_a_password_is_changed_by_who_knows_it() -> None:
    """Passwords.change."""
    passwords = Passwords(MemorySubjectStore(), hasher=CountingHasher())
    ada = await passwords.add_subject("acme", "ada@example.com", PASSWORD)
    assert not await passwords.change(ada, "wrong", "another-good-one")
    assert await passwords.change(ada, PASSWORD, "another-good-one")
    assert await passwords.verify("acme", ada.email, PASSWORD) is None
    assert await passwords.verify("acme", ada.email, "another-good-one") == ada


def test_the_hash_is_argon2id_as_owasp_recommends() -> None:
    """OWASP password storage: 19 MiB, two passes, one lane."""
    assert (OWASP.type, OWASP.memory_cost, OWASP.time_cost, OWASP.parallelism) == (Type.ID, 19456, 2, 1)


def test_a_made_password_can_be_read_out_loud() -> None:
    """new_password: groups of four without letters that look alike."""
    made = {new_password() for _ in range(50)}
    assert len(made) == 50
    assert all(len(each) == 19 and not set(each) & set("01ilo") for each in made)


async def test_a_flood_of_guesses_is_sent_away_rather_than_kept_waiting() -> None:
    """What waits is bounded; what was waiting is still answered."""
    passwords = Passwords(MemorySubjectStore(), hasher=CountingHasher())
    outcomes: list[str] = []

    async def guess() -> None:
        try:
            await passwords.verify("acme", "ada@example.com", "wrong")
            outcomes.append("checked")
        except HashingBusy:
            outcomes.append("sent away")

    async with anyio.create_task_group() as group:
        for _ in range(3 * MAX_WAITING):
            group.start_soon(guess)
    assert (outcomes.count("checked"), outcomes.count("sent away")) == (MAX_WAITING, 2 * MAX_WAITING)
