"""Passkeys in memory, for tests: the same promises as the tables, kept by one event loop."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from oauth.errors import AlreadyTaken
from oauth.sign_in.stores import Passkey
from server.storage.oauth.passkeys import CHALLENGES_OF_A_BROWSER


@dataclass(frozen=True, slots=True)
class _Challenge:
    browser: str
    purpose: str
    expires_at: float


class MemoryPasskeyStore:
    def __init__(self) -> None:
        self._passkeys: dict[bytes, Passkey] = {}
        self._challenges: dict[str, _Challenge] = {}

    async def add(self, passkey: Passkey) -> None:
        if passkey.credential_id in self._passkeys:
            raise AlreadyTaken(passkey.name)
        self._passkeys[passkey.credential_id] = passkey

    async def find(self, tenant_id: str, credential_id: bytes) -> Passkey | None:
        found = self._passkeys.get(credential_id)
        return found if found is not None and found.tenant_id == tenant_id else None

    async def find_counting(self, credential_id: bytes) -> Passkey | None:
        found = self._passkeys.get(credential_id)
        return found if found is not None and found.counts else None

    async def of_subject(self, tenant_id: str, subject_id: str) -> Sequence[Passkey]:
        theirs = [each for each in self._passkeys.values() if (each.tenant_id, each.subject_id) == (tenant_id, subject_id)]
        return tuple(sorted(theirs, key=lambda passkey: passkey.created_at))

    async def used(self, passkey: Passkey, previous_count: int) -> bool:
        kept = await self.find(passkey.tenant_id, passkey.credential_id)
        if kept is None or kept.sign_count != previous_count:
            return False
        used = replace(kept, sign_count=passkey.sign_count, last_used_at=passkey.last_used_at, backed_up=passkey.backed_up)
        self._passkeys[passkey.credential_id] = used
        return True

    async def remove(self, tenant_id: str, subject_id: str, credential_id: bytes) -> bool:
        kept = await self.find(tenant_id, credential_id)
        if kept is None or kept.subject_id != subject_id:
            return False
        del self._passkeys[credential_id]
        return True

    async def add_challenge(self, challenge_hash: str, browser: str, purpose: str, expires_at: float) -> None:
        self._challenges[challenge_hash] = _Challenge(browser, purpose, expires_at)
        mine = [(each.expires_at, name) for name, each in self._challenges.items() if each.browser == browser]
        for _, name in sorted(mine)[:-CHALLENGES_OF_A_BROWSER]:
            del self._challenges[name]

    async def take_challenge(self, challenge_hash: str, browser: str, purpose: str, now: float) -> bool:
        kept = self._challenges.pop(challenge_hash, None)
        return kept is not None and (kept.browser, kept.purpose) == (browser, purpose) and kept.expires_at > now

    async def sweep(self, now: float) -> int:
        over = [name for name, each in self._challenges.items() if each.expires_at <= now]
        for name in over:
            del self._challenges[name]
        return len(over)
