"""The stores of the authorization server, of each kind."""

import time
from dataclasses import dataclass

from oauth.stores import AuditLog, ClientStore, GrantStore
from server.storage.database import Database
from server.storage.memory.oauth import MemoryClientStore, MemoryGrantStore
from server.storage.oauth.clients import SqlClientStore
from server.storage.oauth.grants import SqlGrantStore
from server.storage.oauth.security_events import SqlAuditLog

NOW = round(time.time())


@dataclass
class Stores:
    grants: GrantStore
    clients: ClientStore
    audit: AuditLog


def stores_on(database: Database | None) -> Stores:
    """Fresh stores of each kind; None: those in memory."""
    if database is None:
        memory = MemoryGrantStore()
        return Stores(memory, MemoryClientStore(), memory)
    return Stores(SqlGrantStore(database), SqlClientStore(database), SqlAuditLog(database))
