"""`Idempotency-Key`: a change that is asked for twice under one key is made once (draft-ietf-httpapi-idempotency-key-header)."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

import orjson

from oauth.principal import Principal
from server.admin.administrators import Administrator
from server.admin.refusals import AdminRefused
from server.audited import unaudited
from server.storage.database import StoreUnavailable
from tools.errors import QuotaExceeded
from tools.operation import Json
from tools.stores import IdempotencyStore, KeyConflict, KeyInFlight

TTL_S = 24 * 3600.0
#: in the store, where calls of operations have keys as well
_PREFIX = "admin:"
# Draft §2.1: an sf-string; many send it bare, and nobody means two keys by that.
_KEY = re.compile(r'("?)([A-Za-z0-9._:/+=-]{1,255})\1')


class Repetitions:
    """Remembers for a day what came of changes, for whoever asked for them; secrets that are shown once are not kept."""

    def __init__(self, store: IdempotencyStore) -> None:
        self._store = store

    async def once(
        self,
        administrator: Administrator,
        sent: Sequence[str],
        what: str,
        values: Mapping[str, str],
        do: Callable[[], Awaitable[tuple[int, Json]]],
        has_changed: Callable[[], bool],
    ) -> tuple[int, Json, bool]:
        """Return status and body of the change, and whether that is from the record. sent: the header, as often as it came.
        `has_changed`: whether `do` got as far as to change something.

        Raises AdminRefused: 422 where the key was used for something else, 409 while that is under way, 429 without room.
        """
        if not sent:
            status, body = await do()
            return status, body, False
        key = _PREFIX + _key(sent)
        # Tenant and subject first: nobody meets another's keys.
        mine = Principal(administrator.tenant_id, administrator.subject, "", frozenset(), "")
        # Their reach, too: what came of a change may be of a tenant that they do not see any more.
        asked = hashlib.sha256(orjson.dumps([what, administrator.reaches_gateway, sorted(values.items())])).hexdigest()
        if (recorded := await self._begun(mine, key, asked)) is not None:
            status, body = orjson.loads(recorded)
            return status, body, True
        try:
            status, body = await do()
        except Exception as error:
            # Where nothing has changed, the same key may be sent again once the reason is gone; a change that nobody knows the end
            # of is not made twice.
            if isinstance(error, AdminRefused) or not has_changed():
                with unaudited(), suppress(StoreUnavailable):
                    await self._store.abandon(mine, key)
            raise
        with unaudited():
            await self._store.finish(
                mine, key, orjson.dumps([status, {name: value for name, value in body.items() if name != "shown_once"}])
            )
        return status, body, False

    async def _begun(self, mine: Principal, key: str, asked: str) -> bytes | None:
        try:
            # The claim is no change: the change itself is what stands on the audit trail.
            with unaudited():
                return await self._store.begin(mine, key, asked, TTL_S)
        except KeyConflict as error:
            hint = "give this change a key of its own"
            raise AdminRefused(422, "idempotency_conflict", "this Idempotency-Key was used for another change", hint) from error
        except KeyInFlight as error:
            hint = "ask again in a moment; it will not be made twice"
            raise AdminRefused(409, "in_flight", "the change with this key is under way", hint, headers={"retry-after": "2"}) from error
        except QuotaExceeded as error:
            hint = "leave Idempotency-Key out, or wait: keys are kept for a day"
            raise AdminRefused(429, "quota_exceeded", str(error), hint, headers={"retry-after": "3600"}) from error


def _key(sent: Sequence[str]) -> str:
    match = _KEY.fullmatch(sent[0].strip()) if len(sent) == 1 else None
    if match is None:
        rule = "Idempotency-Key: give it once, 1 to 255 letters, digits and . _ : / + = -"
        raise AdminRefused(400, "invalid_request", rule, "a random UUID does")
    return match[2]
