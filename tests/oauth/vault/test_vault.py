"""The vault: what opens, what does not, and who was told."""

import base64
import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from oauth.errors import SealBroken
from oauth.vault.envelope import Key, kek_of, seal, unseal, unwrap, wrap
from oauth.vault.errors import KeyUnavailable
from oauth.vault.key_source import KeyFile, KeyText, key_source
from oauth.vault.vault import Vault, VaultCaller
from server.storage.database import Database
from server.storage.oauth.secrets import SqlSecretStore

ACME = VaultCaller("acme", "ada", "test")
GLOBEX = VaultCaller("globex", "eve", "test")
KEK = base64.b64encode(b"k" * 32).decode()


def vault_over(store: SqlSecretStore, kek: str = KEK, environment: str = "test") -> Vault:
    return Vault(store, KeyText(lambda: kek, "test"), environment, lambda: 1.0, keep_versions=3)


async def test_a_secret_comes_back_after_its_audit_record_is_kept(database: Database) -> None:
    """Issue 6: audit before reveal, versions."""
    store = SqlSecretStore(database)
    vault = vault_over(store)
    await vault.open()
    assert await vault.put(ACME, "tokens:acme:crm:1", b"one") == 1
    assert await vault.put(ACME, "tokens:acme:crm:1", b"two") == 2
    assert await vault.reveal(ACME, "tokens:acme:crm:1") == b"two"
    assert await vault.reveal(ACME, "tokens:acme:crm:2") is None
    newest = (await store.events("acme", 1))[0]
    assert (newest.actor, newest.action, newest.version, newest.purpose) == ("ada", "revealed", 2, "test")


async def test_a_secret_whose_audit_fails_is_not_revealed(database: Database) -> None:
    """Issue 6: audit before reveal."""

    class Full(SqlSecretStore):
        async def record(self, event: object) -> None:
            raise OSError("disk full")

    store = Full(database)
    vault = vault_over(store)
    await vault.open()
    await vault.put(ACME, "n", b"one")
    with pytest.raises(OSError, match="disk full"):
        await vault.reveal(ACME, "n")


async def test_rows_swapped_between_tenants_do_not_open(database: Database) -> None:
    """Issue 6: vault rows swapped between tenants; facts/oauth.md §3.4: AAD."""
    store = SqlSecretStore(database)
    vault = vault_over(store)
    await vault.open()
    await vault.put(ACME, "n", b"acme's")
    await vault.put(GLOBEX, "n", b"globex's")
    theirs = await store.newest("globex", "n")
    mine = await store.newest("acme", "n")
    assert theirs
    assert mine
    for forged in (
        theirs,
        replace(theirs, tenant_id="acme"),
        replace(mine, sealed=theirs.sealed),
        replace(theirs, tenant_id="acme", dek_id=mine.dek_id),
    ):
        with pytest.raises(SealBroken):
            await vault.open_sealed(ACME, forged)


async def test_an_older_version_does_not_open_as_a_newer_one(database: Database) -> None:
    """Issue 6: versions rolled back."""
    store = SqlSecretStore(database)
    vault = vault_over(store)
    await vault.open()
    await vault.put(ACME, "n", b"one")
    old = await store.newest("acme", "n")
    await vault.put(ACME, "n", b"two")
    assert old
    with pytest.raises(SealBroken):
        await vault.open_sealed(ACME, replace(old, version=2))
    with pytest.raises(SealBroken):
        await vault.open_sealed(ACME, replace(old, name="m"))


async def test_every_changed_bit_is_noticed() -> None:
    """AES-GCM: integrity of format, nonce, ciphertext and tag."""
    key = Key("k", b"x" * 32)
    sealed = seal(key, b"secret", ("a",))
    for place in range(len(sealed)):
        broken = bytearray(sealed)
        broken[place] ^= 1
        with pytest.raises(SealBroken):
            unseal(key, bytes(broken), ("a",))
    for short in (b"", sealed[:10], sealed[:-1]):
        with pytest.raises(SealBroken):
            unseal(key, short, ("a",))


async def test_the_parts_of_a_place_do_not_run_into_each_other() -> None:
    """facts/oauth.md §3.4: a separator inside a part must not make two places equal."""
    key = Key("k", b"x" * 32)
    with pytest.raises(SealBroken):
        unseal(key, seal(key, b"s", ("a", "b:c")), ("a:b", "c"))


async def test_equal_secrets_look_different_at_rest() -> None:
    """A random nonce for each seal."""
    key = Key("k", b"x" * 32)
    assert len({seal(key, b"same", ("a",)) for _ in range(100)}) == 100


async def test_a_vault_with_the_wrong_key_does_not_start(database: Database) -> None:
    """facts/oauth.md §3.3 step 7: refuse to start with a wrong KEK."""
    store = SqlSecretStore(database)
    first = vault_over(store)
    await first.open()
    await first.put(ACME, "n", b"one")
    with pytest.raises(KeyUnavailable, match="not at hand"):
        await vault_over(store, base64.b64encode(b"z" * 32).decode()).open()


async def test_a_vault_of_another_environment_does_not_start(database: Database) -> None:
    """Issue 6: a development process refuses a production store."""
    store = SqlSecretStore(database)
    first = vault_over(store, environment="production")
    await first.open()
    await first.put(ACME, "n", b"one")
    with pytest.raises(KeyUnavailable, match="ASCEND_ENV"):
        await vault_over(store, environment="development").open()


async def test_a_key_that_another_process_made_is_learnt_when_it_is_met(database: Database) -> None:
    """Two processes on one store."""
    store = SqlSecretStore(database)
    one, two = vault_over(store), vault_over(store)
    await one.open()
    await two.open()
    await one.put(ACME, "n", b"one")
    assert await two.reveal(ACME, "n") == b"one"
    await two.put(ACME, "n", b"two")
    assert await one.reveal(ACME, "n") == b"two"
    assert len(await store.keys("acme")) == 1


def test_a_wrapped_key_opens_for_its_tenant_and_environment_only() -> None:
    """Envelope encryption: the data key's own AAD."""
    kek, dek = kek_of(b"k" * 32), Key("d", b"d" * 32)
    wrapped = wrap(kek, dek, "test", "acme")
    assert unwrap(kek, wrapped, "test") == dek
    for forged, environment in (
        (replace(wrapped, tenant_id="globex"), "test"),
        (replace(wrapped, dek_id="e"), "test"),
        (wrapped, "production"),
    ):
        with pytest.raises(SealBroken):
            unwrap(kek, forged, environment)


def test_the_key_file_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    """Issue 6: file made at first start with mode 0600."""
    path = tmp_path / "data" / "vault.kek"
    first = KeyFile(path).read()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert KeyFile(path).read() == first
    assert os.listdir(path.parent) == ["vault.kek"]
    path.chmod(0o644)
    with pytest.raises(KeyUnavailable, match="chmod 600"):
        KeyFile(path).read()


def test_a_rotated_key_file_keeps_the_former_key_until_it_is_dropped(tmp_path: Path) -> None:
    """Issue 6: rotation without downtime."""
    source = KeyFile(tmp_path / "vault.kek")
    [former] = source.read()
    assert source.rotate()
    newest, kept = source.read()
    assert kept == former != newest
    source.drop(frozenset({former.key_id, newest.key_id}))
    assert source.read() == [newest]
    assert stat.S_IMODE((tmp_path / "vault.kek").stat().st_mode) == 0o600


def test_keys_come_from_the_environment_or_a_command(tmp_path: Path) -> None:
    """Issue 6: file, environment, or a command."""
    expected = [kek_of(b"k" * 32)]
    assert key_source(KEK, tmp_path).read() == expected
    assert key_source(f"command:{sys.executable} -c \"print('{KEK}')\"", tmp_path).read() == expected
    assert not key_source(KEK, tmp_path).rotate()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["short", "A" * 44, "", "é" * 44, f"command:{sys.executable} -c 'raise SystemExit(1)'", "command:/nowhere/at/all"]
)
def test_a_malformed_key_is_refused_without_being_shown(text: str, tmp_path: Path) -> None:
    """Style guide: errors name the way out, never a secret."""
    source = key_source(text, tmp_path) if text else KeyText(lambda: "", "ASCEND_VAULT_KEK")
    with pytest.raises(KeyUnavailable) as refused:
        source.read()
    assert text not in str(refused.value) or not text
    assert "ASCEND_VAULT_KEK" in str(refused.value)
