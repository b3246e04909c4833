"""Find a client by its client_id, whichever way it became known."""

import time
from collections.abc import Callable

from oauth.client_documents import ClientDocuments, DocumentRefused, is_document_url
from oauth.client_record import Client
from oauth.stores import ClientStore

MAX_CLIENT_ID_LENGTH = 512
#: a client that registered itself is forgotten when it was never used for 30 days, or not for 90: many register when they are
#: set up, sign in days later, and keep an id that is unknown by then for ever
UNUSED_KEPT_S = 30 * 24 * 3600.0
IDLE_KEPT_S = 90 * 24 * 3600.0
#: the last use is written once an hour, not with every request
USE_NOTED_EVERY_S = 3600.0


class Clients:
    """Usable clients: pre-registered, documents and dynamic ones behind one door."""

    def __init__(self, store: ClientStore, documents: ClientDocuments, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._documents = documents
        self._clock = clock

    async def find(self, client_id: str) -> Client | None:
        """Return the client; None where it is unknown, disabled, expired or its document is no good: all look alike."""
        if not 0 < len(client_id) <= MAX_CLIENT_ID_LENGTH or not client_id.isprintable():
            return None
        now = self._clock()
        if is_document_url(client_id):
            try:
                client: Client | None = await self._documents.find(client_id, now)
            except DocumentRefused:
                return None
        else:
            client = await self._store.find(client_id)
        return client if client is not None and client.is_usable(now) else None

    async def note_use(self, client: Client) -> None:
        """Keep a self-registered client alive; written at most once an hour."""
        now = self._clock()
        if client.last_used_at is not None and now - client.last_used_at < USE_NOTED_EVERY_S:
            return
        await self._store.used(client.client_id, now, None if client.kind == "registered" else now + IDLE_KEPT_S)
