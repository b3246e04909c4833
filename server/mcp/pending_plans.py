"""Plans of 2025-11-25 clients that wait for an account: error -32042 carries no state, so the same plan sent again is recognized."""

import hashlib
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import orjson

from oauth.errors import SealBroken
from oauth.principal import Principal
from oauth.sealing import seal, unseal
from tools.always_on import BATCH_EXECUTE
from tools.operation import Json

TTL_S: Final = 900
#: of one tenant; beyond it, its oldest goes
MAX_PLANS: Final = 100


class PendingPlanStore(Protocol):
    """Shared by all processes of a store. `call_hash` is of who sent what; what is kept is sealed."""

    async def keep(self, tenant_id: str, call_hash: str, sealed: bytes, expires_at_us: int, most: int) -> None:
        """Keep one, in the place of an earlier one of the same call; above `most` of a tenant its oldest go, in the same step."""
        ...

    async def take(self, tenant_id: str, call_hash: str, now_us: int) -> bytes | None:
        """Return it and forget it, in one step: of two processes one has it."""
        ...


class PendingPlans:
    """Who sent which plan -> the handle that runs the rest of it; once, in whichever process the plan comes again."""

    def __init__(self, store: PendingPlanStore, key: bytes, clock: Callable[[], float] = time.time) -> None:
        """`key`: 32 bytes that all processes share; a handle that lay open in the store could be used by whoever reads it."""
        self._store, self._key, self._clock = store, key, clock

    async def wait(self, principal: Principal, tool: str, arguments: Mapping[str, Json], resume: str) -> None:
        """Remember how to go on when the same call comes again. Raises what the store raises."""
        call_hash = _hash(principal, tool, arguments)
        sealed = seal(self._key, resume.encode(), call_hash.encode())
        await self._store.keep(principal.tenant_id, call_hash, sealed, self._now_us() + TTL_S * 1_000_000, MAX_PLANS)

    async def resume(self, principal: Principal, tool: str, arguments: Mapping[str, Json]) -> str | None:
        """Return the handle for this call, once. Asks the store where the tool runs plans. Raises what the store raises."""
        if tool != BATCH_EXECUTE.name:
            return None
        call_hash = _hash(principal, tool, arguments)
        sealed = await self._store.take(principal.tenant_id, call_hash, self._now_us())
        try:
            return None if sealed is None else unseal(self._key, sealed, call_hash.encode()).decode()
        except SealBroken:
            return None  # Of a store that was restored with another key: the plan begins anew.

    def _now_us(self) -> int:
        return int(self._clock() * 1_000_000)


def _hash(principal: Principal, tool: str, arguments: Mapping[str, Json]) -> str:
    who = [principal.tenant_id, principal.subject, principal.client_id, tool, arguments]
    return hashlib.sha256(orjson.dumps(who, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)).hexdigest()
