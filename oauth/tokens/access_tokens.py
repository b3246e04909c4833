"""Access tokens: opaque, hashed at rest, bound to one resource, verified from memory, dead the moment they are revoked."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from oauth.principal import Principal
from oauth.stores import GrantStore
from oauth.tokens.grant_records import AccessToken

# docs/decisions/0002: bounded, so that many tokens cost memory once and not for ever.
MAX_REMEMBERED = 100_000
TOKEN_LENGTH = len("asc_at_") + 43


@dataclass(frozen=True, slots=True)
class Verified:
    """A live access token: whose it is, and the one resource that it is for."""

    principal: Principal
    resource: str
    expires_at: float


class AccessTokens:
    """This process's live access tokens, least recently used ones forgotten first.

    A token that is not in memory costs one store read. What is revoked leaves the memory in the same step, and nothing that was
    read before a revocation is remembered after it.
    """

    def __init__(self, store: GrantStore, clock: Callable[[], float] = time.time, max_remembered: int = MAX_REMEMBERED) -> None:
        self._store = store
        self._clock = clock
        self._max_remembered = max_remembered
        self._verified_by_hash: OrderedDict[bytes, Verified] = OrderedDict()
        self._hashes_by_grant: dict[str, set[bytes]] = {}
        #: grows with every revocation that this process hears of
        self.revocations = 0
        store.hear(self.forget_announced)

    def recall(self, token: str) -> Verified | None:
        """Return the live token when memory holds it; no store is asked."""
        # decision 0002: looked up by hash, so the time of a comparison tells nothing of any token.
        token_hash = hashlib.sha256(token.encode("ascii", "replace")).digest()
        verified = self._verified_by_hash.get(token_hash)
        if verified is None:
            return None
        # RFC 6750 §3.1: expiry is looked at on every use, however fresh the memory.
        if verified.expires_at <= self._clock():
            self._drop(token_hash)
            return None
        self._verified_by_hash.move_to_end(token_hash)
        return verified

    async def verify(self, token: str) -> Verified | None:
        """Return the live token, or None for anything else: wrong kind, unknown, expired, revoked."""
        # Before anything is hashed or read: a refresh token or code sent as Bearer must not pass (RFC 6750 §3.1, invalid_token).
        if len(token) != TOKEN_LENGTH or not token.startswith("asc_at_"):
            return None
        return self.recall(token) or await self._load(token)

    def remember(self, token: AccessToken, revocations: int) -> None:
        """Keep a token that was just minted or read, unless something was revoked since `revocations` was noted."""
        # decision 0002: a revocation while the row was on its way wins, or the dead token would live on in memory.
        if revocations != self.revocations:
            return
        principal = Principal(token.tenant_id, token.subject, token.client_id, token.scopes, token.grant_id)
        self._verified_by_hash[token.token_hash] = Verified(principal, token.resource, token.expires_at)
        self._hashes_by_grant.setdefault(token.grant_id, set()).add(token.token_hash)
        # decision 0002: the least recently used goes; it costs one store read when it comes again.
        while len(self._verified_by_hash) > self._max_remembered:
            self._drop(next(iter(self._verified_by_hash)))

    def forget_announced(self, items: Iterable[str]) -> None:
        """Drop what was revoked, here or in another process: `grant:<id>` or `token:<hash in hex>` (change feed, topic "tokens")."""
        # decision 0003: counted before anything is dropped, so that a read under way cannot put back what goes now.
        self.revocations += 1
        for item in items:
            kind, _, name = item.partition(":")
            # RFC 7009 §2.1: the end of a grant is the end of its access tokens, found without a walk over all.
            hashes = self._hashes_by_grant.get(name, set()) if kind == "grant" else {bytes.fromhex(name)}
            for token_hash in tuple(hashes):
                self._drop(token_hash)

    async def _load(self, token: str) -> Verified | None:
        token_hash = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        # noted before the read, see `remember`
        revocations = self.revocations
        found = await self._store.live_access_token(token_hash)
        # An unknown token is not remembered: it may be minted, or heard of from another process, in the next moment.
        if found is None or found.expires_at <= self._clock():
            return None
        self.remember(found, revocations)
        principal = Principal(found.tenant_id, found.subject, found.client_id, found.scopes, found.grant_id)
        return Verified(principal, found.resource, found.expires_at)

    def _drop(self, token_hash: bytes) -> None:
        verified = self._verified_by_hash.pop(token_hash, None)
        if verified is None:
            return
        hashes = self._hashes_by_grant.get(verified.principal.grant_id)
        if hashes is not None:
            hashes.discard(token_hash)
            if not hashes:
                del self._hashes_by_grant[verified.principal.grant_id]
