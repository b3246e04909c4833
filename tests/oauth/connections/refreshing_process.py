"""A process of its own that refreshes what is due in a store, once or until it is killed: `python -m … DATABASE KEK PROVIDER_URL MODE`."""

import asyncio
import json
import sys

import httpx2

from oauth.connections.connecting.links import ConnectLinks
from oauth.connections.connections import KnownConnections
from oauth.connections.refresher import Refresher
from oauth.connections.upstream.registrations import Registrations
from oauth.connections.upstream.token_endpoint import ProviderTokenEndpoint
from oauth.vault.key_source import KeyText
from oauth.vault.vault import Vault
from server.storage.database import Database
from server.storage.oauth.connect_flows import SqlConnectFlowStore
from server.storage.oauth.connections import SqlConnectionStore
from server.storage.oauth.registrations import SqlRegistrationStore
from server.storage.oauth.secrets import SqlSecretStore
from tests.oauth.connections.unguarded import unguarded


async def main(url: str, kek: str, mode: str) -> None:
    database = Database(url)
    vault = Vault(SqlSecretStore(database), KeyText(lambda: kek, "test"), "test")
    await vault.open()
    registrations = Registrations(SqlRegistrationStore(database), vault)
    await registrations.load()
    store = SqlConnectionStore(database)
    accounts = KnownConnections(store, vault, ConnectLinks(SqlConnectFlowStore(database), "http://gw.example"))
    async with httpx2.AsyncClient(timeout=30) as client:
        refresher = Refresher(store, vault, registrations, ProviderTokenEndpoint(unguarded(client)), accounts)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)  # all processes start at the same word
        if mode == "run":
            await refresher.run()
        await refresher.refresh_due()
    sys.stdout.write(json.dumps({outcome: count for (_, outcome), count in refresher.counts.items()}) + "\n")
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
