"""Find a client by its client_id, whichever way it became known."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable

from oauth.audit import SecurityEvent, reason_of
from oauth.clients.client import Client
from oauth.clients.metadata_documents import ClientDocuments, is_document_url
from oauth.errors import RegistrationRefused
from oauth.stores import AuditLog, ClientStore

MAX_CLIENT_ID_LENGTH = 512
#: a client that registered itself is forgotten when it was never used for 30 days, or not for 90: many register when they are
#: set up, sign in days later, and keep an id that is unknown by then for ever
UNUSED_KEPT_S = 30 * 24 * 3600.0
IDLE_KEPT_S = 90 * 24 * 3600.0
#: the last use is written once an hour, not with every request
USE_NOTED_EVERY_S = 3600.0
#: a client whose document is refused tries again and again; its reason is told once an hour
REFUSAL_TOLD_EVERY_S = 3600.0
MAX_REFUSALS_REMEMBERED = 1_000

log = logging.getLogger("ascend")


class Clients:
    """Usable clients: pre-registered, documents and dynamic ones behind one door."""

    def __init__(self, store: ClientStore, documents: ClientDocuments, audit: AuditLog, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._documents = documents
        self._audit = audit
        self._clock = clock
        #: (client_id, reason) -> when it was told
        self._told: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def find(self, client_id: str) -> Client | None:
        """Return the client; None where it is unknown, disabled, expired or its document is no good: all look alike."""
        # RFC 6749 appendix A.1: visible characters; anything else is not worth a look-up or a log line.
        if not 0 < len(client_id) <= MAX_CLIENT_ID_LENGTH or not client_id.isprintable():
            return None
        now = self._clock()
        # CIMD draft: a URL is never looked up as an id of ours, and none of ours begins like one, so nobody can register somebody's URL.
        if is_document_url(client_id):
            try:
                client: Client | None = await self._documents.find(client_id, now)
            except RegistrationRefused as refused:
                await self._tell(client_id, reason_of(refused.description), now)
                return None
        else:
            client = await self._store.find(client_id)
        # RFC 6749 §5.2: disabled, expired and unknown are one answer.
        return client if client is not None and client.is_usable(now) else None

    async def note_use(self, client: Client) -> None:
        """Keep a self-registered client alive; written at most once an hour."""
        now = self._clock()
        if client.last_used_at is not None and now - client.last_used_at < USE_NOTED_EVERY_S:
            return
        await self._store.used(client.client_id, now, None if client.kind == "registered" else now + IDLE_KEPT_S)

    async def _tell(self, client_id: str, reason: str, now: float) -> None:
        """Tell the operator why a document is no good; the client itself hears only that it is unknown."""
        if now - self._told.get((client_id, reason), 0.0) < REFUSAL_TOLD_EVERY_S:
            return
        self._told[client_id, reason] = now
        self._told.move_to_end((client_id, reason))
        while len(self._told) > MAX_REFUSALS_REMEMBERED:
            self._told.popitem(last=False)
        log.warning("client_refused", extra={"facts": {"client": client_id, "reason": reason}})
        await self._audit.record(SecurityEvent("client_refused", now, client_id=client_id, facts={"reason": reason}))
