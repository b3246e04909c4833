"""Rotating both key layers while the vault is in use, and what a crash in between leaves."""

from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from oauth.vault.errors import KeyUnavailable
from oauth.vault.key_source import KeyText
from oauth.vault.rotation import Rotation
from oauth.vault.vault import Vault, VaultCaller
from tests.forked.module import ForkedModule
from tests.oauth.vault.vault_world import ACME, VaultWorld


async def test_a_new_key_encryption_key_rewrites_data_keys_only_and_running_processes_go_on(world: VaultWorld) -> None:
    """Issue 6: rotation of both key layers without downtime."""
    running = await world.fill()
    before = await world.store.newest("acme", "n1")
    done = await Rotation(await world.vault(), world.store, world.source).rotate_kek()
    assert (done.made, done.rewrapped) == (True, 2)
    assert await world.store.newest("acme", "n1") == before
    await world.check(running)
    await world.check(await world.vault())
    newest = world.source.read()[0].key_id
    assert {key.kek_id for key in await world.store.keys()} == {newest}
    await running.put(VaultCaller("new", "ada", "test"), "n", b"made by who did not rotate")
    assert {key.kek_id for key in await world.store.keys()} == {newest}


async def test_the_key_before_goes_with_the_next_rotation(world: VaultWorld) -> None:
    """It stays for one rotation, for processes that had not heard of the new one."""
    vault = await world.fill()
    rotation = Rotation(vault, world.store, world.source)
    counts = []
    for _ in range(3):
        await rotation.rotate_kek()
        counts.append(len(world.source.read()))
    assert counts == [2, 2, 2]
    await world.check(await world.vault())


async def test_a_new_data_key_seals_everything_anew_and_the_old_one_goes(world: VaultWorld) -> None:
    """Issue 6: the data key of a tenant; the other tenants are not touched."""
    running = await world.fill()
    before = {key.tenant_id: key.dek_id for key in await world.store.keys()}
    other = await world.store.newest("globex", "n")
    assert await Rotation(await world.vault(), world.store, world.source).rotate_dek("acme") == 20
    after = {key.tenant_id: key.dek_id for key in await world.store.keys()}
    assert before["acme"] != after["acme"]
    assert before["globex"] == after["globex"]
    assert await world.store.newest("globex", "n") == other
    await world.check(running)
    assert await running.put(ACME, "n0", b"acme 0") == 2  # it still had the old key at hand
    await world.check(await world.vault())


async def test_writers_and_two_rotations_at_once_lose_nothing(world: VaultWorld) -> None:
    """Issue 6: without downtime."""
    vaults = [await world.fill(), await world.vault(), await world.vault()]
    last = [0] * 20

    async def write(number: int) -> None:
        for turn in range(1, 6):
            await vaults[number % 3].put(ACME, f"n{number}", b"acme %d" % number)
            last[number] = turn

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(write, number)
        for vault in vaults[:2]:
            group.start_soon(Rotation(vault, world.store, world.source).rotate_dek, "acme")
    assert last == [5] * 20
    await world.check(await world.vault())


async def test_processes_that_start_at_once_agree_on_what_the_first_of_them_made(world: VaultWorld) -> None:
    """Vault.once: the key of proofs is the same everywhere."""
    vaults = [await world.vault() for _ in range(4)]
    found: list[bytes] = []

    async def ask(vault: Vault, number: int) -> None:
        found.append(await vault.once(ACME, "proofs", lambda: b"made by %d" % number))

    async with anyio.create_task_group() as group:
        for number, vault in enumerate(vaults):
            group.start_soon(ask, vault, number)
    assert len(set(found)) == 1
    assert await (await world.vault()).once(ACME, "proofs", lambda: b"too late") == found[0]


async def test_keys_from_outside_are_rotated_by_their_owner(world: VaultWorld) -> None:
    """Issue 6: environment or command: a new key in front, then `ascend vault rotate`."""
    old, new = "A" * 43 + "=", "B" * 42 + "A="
    first = Vault(world.store, KeyText(lambda: old, "test"), "test")
    await first.open()
    await first.put(ACME, "n", b"secret")
    source = KeyText(lambda: f"{new},{old}", "test")
    vault = Vault(world.store, source, "test")
    await vault.open()
    done = await Rotation(vault, world.store, source).rotate_kek()
    assert (done.made, done.rewrapped) == (False, 1)
    last = Vault(world.store, KeyText(lambda: new, "test"), "test")
    await last.open()
    assert await last.reveal(ACME, "n") == b"secret"
    with pytest.raises(KeyUnavailable):
        await Vault(world.store, KeyText(lambda: old, "test"), "test").open()


def rotating(folder: Path) -> ForkedModule:
    return ForkedModule("tests.oauth.vault.rotating_process", str(folder))


async def test_kill_in_the_middle_of_rotating_leaves_every_secret_readable(world: VaultWorld) -> None:
    """Issue 6: kill -9 in rotation: the store opens, nothing is lost; the next rotation finishes the work."""
    await world.fill()
    for round_number in range(4):
        process = await anyio.to_thread.run_sync(rotating, world.folder)
        for _ in range(1 + round_number):
            await anyio.to_thread.run_sync(process.stdout.readline)
        process.kill()
        await anyio.to_thread.run_sync(process.communicate)
        await world.check(await world.vault())
    rotation = Rotation(await world.vault(), world.store, world.source)
    await rotation.rotate_dek("acme")
    await rotation.rotate_kek()
    await world.check(await world.vault())
    assert len(await world.store.keys("acme")) == 1
