"""The stores of secrets, connections and connect flows."""

from dataclasses import dataclass

from oauth.connections.connecting.connect_flow import ConnectFlowStore
from oauth.connections.connection_store import ConnectionStore
from oauth.vault.envelope import WrappedKey
from oauth.vault.secrets import SecretStore
from server.storage.database import Database
from server.storage.oauth.connect_flows import SqlConnectFlowStore
from server.storage.oauth.connections import SqlConnectionStore
from server.storage.oauth.secrets import SqlSecretStore

NOW = 1_800_000_000.0
KEY = WrappedKey("dek1", "acme", "kek1", b"wrapped")


@dataclass
class Stores:
    secrets: SecretStore
    connections: ConnectionStore
    flows: ConnectFlowStore


async def stores_on(database: Database) -> Stores:
    """Fresh stores with one data key."""
    stores = Stores(SqlSecretStore(database), SqlConnectionStore(database), SqlConnectFlowStore(database))
    await stores.secrets.add_key(KEY)
    return stores
