"""The contract of clients and of security events."""

from dataclasses import replace

import anyio
import pytest

from oauth.audit import SecurityEvent
from oauth.clients.client import Client
from oauth.tokens.formats import hash_token
from server.storage.database import Database
from tests.contracts.oauth.oauth_stores import NOW, Stores, stores_on

CLIENT = Client(
    client_id="client_1",
    kind="dynamic",
    name="Probe",
    redirect_uris=("http://127.0.0.1/cb",),
    created_at=NOW,
    application_type="native",
    registered_from="203.0.113.7",
    links=(("client_uri", "https://probe.example"),),
    registration_hash=hash_token("rat"),
    expires_at=NOW + 100,
)


@pytest.fixture
def stores(database: Database | None) -> Stores:
    return stores_on(database)


async def test_a_client_saved_many_times_at_once_is_there_once(stores: Stores) -> None:
    """oauth/stores.py ClientStore.save: two requests may read the same metadata document."""
    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(stores.clients.save, CLIENT)
    assert list(await stores.clients.all()) == [CLIENT]


async def test_clients_are_saved_found_used_listed_and_removed(stores: Stores) -> None:
    """oauth/stores.py ClientStore."""
    await stores.clients.save(CLIENT)
    assert await stores.clients.find("client_1") == CLIENT
    changed = replace(CLIENT, name="Other", disabled=True)
    await stores.clients.save(changed)
    assert await stores.clients.find("client_1") == changed
    await stores.clients.used("client_1", NOW + 5.0, None)
    assert await stores.clients.find("client_1") == replace(changed, last_used_at=NOW + 5.0, expires_at=None)
    await stores.clients.save(replace(CLIENT, client_id="client_2", kind="registered", created_at=NOW + 1))
    assert [client.client_id for client in await stores.clients.all()] == ["client_2", "client_1"]
    assert [client.client_id for client in await stores.clients.all("dynamic")] == ["client_1"]
    assert await stores.clients.remove("client_1")
    assert not await stores.clients.remove("client_1")


async def test_events_are_read_newest_first_by_tenant(stores: Stores) -> None:
    """oauth/stores.py AuditLog."""
    events = [SecurityEvent("sign_in", NOW + at, "default", "ada", facts={"by": str(at)}) for at in range(3)]
    for event in events:
        await stores.audit.record(event)
    async with stores.grants.transaction() as rows:
        await rows.note(SecurityEvent("sign_out", NOW, "acme", "bob"))
    assert list(await stores.audit.recent("default", 2)) == [events[2], events[1]]
    assert [event.action for event in await stores.audit.recent("acme")] == ["sign_out"]
