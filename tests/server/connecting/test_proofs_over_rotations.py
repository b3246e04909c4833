"""AuthParameters that were given out outlive the rotation of the vault's keys: confirmations, page cursors, states of questions."""

from dataclasses import replace
from pathlib import Path

from oauth.principal import Principal
from oauth.vault.key_source import key_source
from oauth.vault.rotation import Rotation
from server.mcp.request_state import RequestStates
from tests.gateway import opened
from tests.tools.stand_ins import operation
from tools.dispatch.confirmations import Confirmations
from tools.dispatch.pages.page_cursor import CursorSeal

ADA = Principal("default", "ada", "claude", frozenset({"mcp"}), "g1")
ARGUMENTS = {"id": "con_1"}


async def keys_of(data_dir: Path) -> tuple[bytes, bytes]:
    async with opened(data_dir) as gateway:
        return gateway.connections.proof_key("proofs"), gateway.connections.proof_key("request state")


async def test_what_was_given_out_before_a_rotation_is_good_after_it_and_a_restart(tmp_path: Path) -> None:
    """Issue 6: rotation of both key layers without downtime; twice, so that the key of the first start is gone from the ring."""
    proofs, states = await keys_of(tmp_path)
    confirm = Confirmations(proofs).issue(ADA, "crm.contacts.delete", None, ARGUMENTS).token
    cursor = CursorSeal(proofs).seal(ADA, operation("crm.contacts.list"), "https://crm.example/?page=2")
    state = RequestStates(states).seal(ADA, "call_api", ARGUMENTS)
    async with opened(tmp_path) as running:
        settings, store = running.settings, running.store
        for _ in range(2):
            rotation = Rotation(running.connections.vault, store.secrets, key_source(settings.store.vault_kek, settings.data_dir))
            await rotation.rotate_kek()
            for tenant_id in await rotation.tenants():
                await rotation.rotate_dek(tenant_id)
        assert (running.connections.proof_key("proofs"), running.connections.proof_key("request state")) == (proofs, states)
    proofs, states = await keys_of(tmp_path)
    assert Confirmations(proofs).accepts(confirm, ADA, "crm.contacts.delete", None, ARGUMENTS)
    assert not Confirmations(proofs).accepts(confirm, replace(ADA, subject="bob"), "crm.contacts.delete", None, ARGUMENTS)
    assert CursorSeal(proofs).open(ADA, operation("crm.contacts.list"), cursor) == "https://crm.example/?page=2"
    RequestStates(states).check(state, ADA, "call_api", ARGUMENTS)


async def test_the_key_of_proofs_is_in_no_dump_and_differs_between_installations(tmp_path: Path) -> None:
    """Whoever copies a store can forge nothing."""
    first = await keys_of(tmp_path / "one")
    second = await keys_of(tmp_path / "two")
    assert len({*first, *second}) == 4
    dump = b"".join(path.read_bytes() for path in (tmp_path / "one").iterdir() if path.is_file())
    assert not [key for key in first if key in dump or key.hex().encode() in dump]
