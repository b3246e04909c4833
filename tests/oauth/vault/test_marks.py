"""Rows of the vault put back from a backup: what is noticed, and what is not."""

import sqlite3
from dataclasses import replace

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.vault.checksum import Sum
from oauth.vault.envelope import Key, wrap
from oauth.vault.key_source import KeyFile
from oauth.vault.rotation import Rotation
from oauth.vault.secrets import SecretEvent
from oauth.vault.vault import Vault, VaultCaller
from tests.oauth.vault.vault_world import ACME, GLOBEX, VaultWorld


async def filled(world: VaultWorld) -> Vault:
    vault = await world.vault()
    for name in ("one", "two", "three"):
        await vault.put(ACME, name, b"first")
    await vault.put(GLOBEX, "one", b"globex")
    return vault


async def test_ordinary_work_leaves_the_mark_true(world: VaultWorld) -> None:
    """Adding, renewing, removing, rotating both layers: nothing of it looks like a rollback."""
    vault = await filled(world)
    await vault.put(ACME, "one", b"second")
    await vault.delete(ACME, "two")
    await vault.delete(ACME, "never there")
    rotation = Rotation(vault, world.store, KeyFile(world.folder / "vault.kek"))
    for _ in range(2):
        await rotation.rotate_dek("acme")
        await rotation.rotate_kek()
    await vault.put(ACME, "four", b"after")
    for fresh in (vault, await world.vault()):
        assert not await fresh.has_rolled_back("acme")
        assert not await fresh.has_rolled_back("globex")
        assert not await fresh.has_rolled_back("nobody")
    assert len(await world.store.keys("acme")) == 1


async def test_one_secrets_rows_put_back_are_noticed(world: VaultWorld) -> None:
    """Issue 6, versions rolled back: the row opens by itself, and the mark tells that it is not the newest."""
    vault = await filled(world)
    backup = world.rows("vault_secrets", name="one")
    await vault.put(ACME, "one", b"second")
    world.put_back("vault_secrets", backup, name="one")
    later = await world.vault()
    assert await later.reveal(ACME, "one") == b"first"
    assert await later.has_rolled_back("acme")
    assert not await later.has_rolled_back("globex")


@pytest.mark.parametrize(
    "attack", ["remove", "bring back", "lose the mark", "damage the mark", "name a key", "anothers mark", "an old mark"]
)
async def test_what_else_was_done_past_the_program_is_noticed(world: VaultWorld, attack: str) -> None:
    """Issue 6: vault rows swapped, taken out, brought back; the mark itself lost, damaged, swapped or put back alone."""
    vault = await filled(world)
    secret, mark = world.rows("vault_secrets", name="two"), world.rows("vault_marks")
    await vault.put(ACME, "one", b"second")
    await vault.delete(ACME, "two")
    if attack == "remove":
        world.put_back("vault_secrets", [], name="three")
    elif attack == "bring back":
        world.put_back("vault_secrets", secret, name="two")
    elif attack == "lose the mark":
        world.put_back("vault_marks", [])
    elif attack == "damage the mark":
        world.put_back("vault_marks", [(*mark[0][:2], b"\x01" + b"x" * 100)])
    elif attack == "name a key":
        world.put_back("vault_marks", [(mark[0][0], "no such key", mark[0][2])])
    elif attack == "anothers mark":
        theirs = world.rows("vault_marks", "globex")[0]
        world.put_back("vault_marks", [("acme", *theirs[1:])])
    else:
        world.put_back("vault_marks", mark)
    later = await world.vault()
    assert await later.has_rolled_back("acme")
    with anyio.fail_after(10):
        await later.put(ACME, "five", b"written meanwhile")
        await later.delete(ACME, "five")
    assert await later.has_rolled_back("acme"), "ordinary work does not hide it"


@pytest.mark.parametrize("act", ["put", "delete", "accept"])
async def test_a_tenant_without_an_active_key_gets_another(world: VaultWorld, act: str) -> None:
    """Keys put aside past the program: a write makes a new one, and does not look for the old one without end."""
    vault = await filled(world)
    with sqlite3.connect(world.file) as sql:
        sql.execute("UPDATE vault_keys SET is_active = 0")
    with anyio.fail_after(10):
        if act == "put":
            await vault.put(ACME, "one", b"second")
        elif act == "delete":
            await vault.delete(ACME, "two")
        else:
            await vault.accept(ACME)
    assert await vault.reveal(ACME, "one") == (b"second" if act == "put" else b"first")


async def test_all_rows_of_a_tenant_from_one_moment_are_a_true_picture_of_it(world: VaultWorld) -> None:
    """What cannot be told from a restored backup by anything inside the database; said in the guide."""
    vault = await filled(world)
    secrets, mark = world.rows("vault_secrets"), world.rows("vault_marks")
    await vault.put(ACME, "one", b"second")
    world.put_back("vault_secrets", secrets)
    world.put_back("vault_marks", mark)
    assert not await (await world.vault()).has_rolled_back("acme")


async def test_an_operator_takes_what_is_there_for_right(world: VaultWorld) -> None:
    """After a backup of one tenant was restored on purpose; it is in the audit."""
    vault = await filled(world)
    world.put_back("vault_secrets", [], name="one")
    assert await vault.has_rolled_back("acme")
    await vault.accept(VaultCaller("acme", "operator", "restored backup"))
    assert not await (await world.vault()).has_rolled_back("acme")
    newest = (await world.store.events("acme", 1))[0]
    assert (newest.actor, newest.action) == ("operator", "accepted")


async def test_many_writers_and_a_rotation_at_once_leave_the_mark_true(world: VaultWorld) -> None:
    """Every process changes the mark in the transaction of its write."""
    vaults = [await filled(world), await world.vault(), await world.vault()]

    async def write(number: int) -> None:
        vault = vaults[number % 3]
        for _ in range(4):
            await vault.put(ACME, f"n{number}", b"x")
        if number % 4 == 0:
            await vault.delete(ACME, f"n{number}")

    async with anyio.create_task_group() as group:
        for number in range(16):
            group.start_soon(write, number)
        group.start_soon(Rotation(vaults[1], world.store, KeyFile(world.folder / "vault.kek")).rotate_dek, "acme")
    for vault in vaults:
        assert not await vault.has_rolled_back("acme")


async def test_a_store_from_before_there_were_marks_gets_its_first_one(world: VaultWorld) -> None:
    """An upgrade is no attack; after the next rotation of its data key a lost mark is noticed there too."""
    source = KeyFile(world.folder / "vault.kek")
    old = wrap(source.read()[0], Key("old1", b"d" * 32), "test", "acme")
    await world.store.add_key(old)
    vault = await world.vault()
    secret = await vault.seal(ACME, "one", 1, b"first")
    event = SecretEvent(0, "acme", "ada", "sealed", "one", 1, "test")
    assert await world.store.put(replace(secret, marker=None), keep_versions=1, event=event)
    assert world.rows("vault_marks") == []
    assert not await vault.has_rolled_back("acme")
    assert len(world.rows("vault_marks")) == 1
    world.put_back("vault_marks", [])
    await Rotation(vault, world.store, source).rotate_dek("acme")
    assert not await (await world.vault()).has_rolled_back("acme")
    world.put_back("vault_marks", [])
    assert await (await world.vault()).has_rolled_back("acme")


ENTRIES = st.lists(st.tuples(st.text(max_size=8), st.integers(1, 5)), unique=True, max_size=8)


@given(before=ENTRIES, after=ENTRIES)
def test_a_sum_agrees_with_its_own_entries_only(before: list[tuple[str, int]], after: list[tuple[str, int]]) -> None:
    """An additive multiset hash: order is nothing, content is everything, and steps add up."""
    start = Sum.of(before)
    came, gone = [entry for entry in after if entry not in before], [entry for entry in before if entry not in after]
    there = start.changed(came, gone)
    assert there.agrees(after)
    assert there.agrees(after[::-1])
    assert Sum.from_bytes(there.to_bytes()) == there
    assert start.agrees(after) == (sorted(before) == sorted(after))
