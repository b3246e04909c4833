"""A write happens once for one key: claimed before it is sent, finished even when its caller is gone, answered from the record after."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from oauth.principal import Principal
from tools.dispatch.connection_identity import connection_id_of
from tools.dispatch.outcome_codec import decode_outcome, encode_outcome, without_data
from tools.effects import may_have_taken_effect, was_sent
from tools.errors import QuotaExceeded
from tools.json_text import canonical
from tools.operation import Call, Failure, Outcome
from tools.stores import IdempotencyStore, KeyConflict, KeyInFlight

TTL_S = 24 * 3600.0
#: How long a failure that may have taken effect answers for its repetitions: longer than a client's own retries, shorter than
#: anyone waits for an upstream to recover.
UNSURE_TTL_S = 120.0
#: what a yes stands for from when it is taken until its call has ended; it stays where the process dies in between
_BEGUN = Outcome(
    "error",
    error=Failure(
        "unknown_outcome",
        "the call that this yes is for began, and how it ended is not known",
        retryable=True,
        retry_after_s=5,
        hint="ask again in a moment; where this stays, look whether it took effect before you ask the person anew",
    ),
)
#: how the keys begin that plans and code give their writes
_OF_PLANS = ("plan:", "code:")
_log = logging.getLogger(__name__)

Write = Callable[[Call], Awaitable[Outcome]]


class WriteKey(NamedTuple):
    """What a write runs under, and the hash of what it asks: the same key with another hash is another write."""

    name: str
    request_hash: str


class Idempotency:
    """Runs writes under their key.

    The write itself is a task of its own: when the caller is cancelled (its connection broke), the write still ends within its
    deadline and leaves its record, so that the client's retry, which MCP makes the rule, finds it and does not write twice.
    """

    def __init__(self, store: IdempotencyStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        #: (tenant, subject, key) -> the write under way and the hash of its request
        self._under_way: dict[tuple[str, str, str], tuple[asyncio.Task[Outcome], str]] = {}

    def key_of(self, call: Call) -> WriteKey | None:
        """Return the key that `call` runs under, or None where repeating it is harmless.

        Without a key of its own, a write that is not idempotent by nature gets one from what it is: operation, account, arguments.
        """
        operation = call.operation
        if operation.access == "read" or operation.kind == "builtin":
            return None
        given = call.options.idempotency_key
        if operation.idempotent and not given:
            return None
        request_hash = _request_hash(call)
        return WriteKey(given or f"auto:{request_hash}", request_hash)

    async def run(self, call: Call, under: WriteKey, write: Write) -> Outcome:
        """Run `write` unless its key has run before. `write` gets the call with the key in its options."""
        key, request_hash = under
        if key.startswith(_OF_PLANS):
            # Nobody could give the same plan another key once it is for another account.
            key = f"{key}@{connection_id_of(call, None)}"
        keyed = replace(call, options=replace(call.options, idempotency_key=key))
        return await self._once(call.principal, key, request_hash, lambda: self._claimed(keyed, key, request_hash, write))

    async def confirmed(self, call: Call, token: str, write: Write) -> Outcome:
        """Run `write` unless `token`, a person's yes to exactly this call, has run it before: then that outcome is the answer, good or bad.

        Only what never set out, because an account is missing or its address is refused, leaves the yes unused.
        """
        return await self._once(call.principal, _key_of(token), token, lambda: self._agreed(call, token, write))

    async def take(self, principal: Principal, token: str, first: Callable[[], Awaitable[bytes]]) -> bytes | None:
        """Take `token`, a person's yes, for a run of its own: None, and `first` is recorded; else what was recorded before.

        Raises:
            KeyInFlight: another process is about to take it.
        """
        recorded = await self._store.begin(principal, _key_of(token), token, TTL_S)
        if recorded is None:
            await self._store.finish(principal, _key_of(token), await first())
        return recorded

    async def note(self, principal: Principal, token: str, result: bytes) -> None:
        """Record what came of the run that `token` was taken for."""
        await self._finish(principal, _key_of(token), result)

    async def _finish(self, principal: Principal, key: str, record: bytes) -> None:
        """Record how a write ended, without its answer where there is no room: that it ran must not be forgotten."""
        try:
            await self._store.finish(principal, key, record)
        except QuotaExceeded:
            await self._store.finish(principal, key, without_data(record))

    async def _once(self, principal: Principal, key: str, request_hash: str, run: Callable[[], Coroutine[Any, Any, Outcome]]) -> Outcome:
        mine = (principal.tenant_id, principal.subject, key)
        under_way = self._under_way.get(mine)
        if under_way is None:
            task = asyncio.create_task(run())
            self._under_way[mine] = (task, request_hash)
            task.add_done_callback(lambda done: self._under_way.pop(mine, None))
            return await asyncio.shield(task)
        task, other_hash = under_way
        if other_hash != request_hash:
            return _conflict(key)
        outcome = await asyncio.shield(task)
        return replace(outcome, note=_joined(outcome, "the same call was already under way; this is its outcome, nothing was sent twice"))

    async def drain(self, timeout_s: float = 30.0) -> None:
        """Wait for the writes that are under way (shutdown); each ends within its own deadline. What is left then is cancelled."""
        tasks = [task for task, _ in self._under_way.values()]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=timeout_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def _claimed(self, call: Call, key: str, request_hash: str, write: Write) -> Outcome:
        try:
            recorded = await self._store.begin(call.principal, key, request_hash, TTL_S)
            if recorded is not None:
                outcome, recorded_at = decode_outcome(recorded)
                age_s = self._clock() - recorded_at
                if not may_have_taken_effect(outcome) or age_s < UNSURE_TTL_S:
                    return _replayed(outcome, age_s)
                await self._store.abandon(call.principal, key)
                await self._store.begin(call.principal, key, request_hash, TTL_S)
        except KeyConflict:
            return _conflict(key)
        except KeyInFlight:
            return in_flight()
        # Where `write` is torn down with its process, the claim stands until it lapses: nobody knows what the upstream did.
        outcome = await write(call)
        await self._settle(call, key, outcome)
        return outcome

    async def _agreed(self, call: Call, token: str, write: Write) -> Outcome:
        async def first() -> bytes:
            return encode_outcome(_BEGUN, self._clock())

        try:
            recorded = await self.take(call.principal, token, first)
        except KeyInFlight:
            return in_flight()
        if recorded is not None:
            return replayed_yes(recorded, self._clock())
        outcome = await write(call)
        try:
            if outcome.status == "needs_connection" or (outcome.error is not None and not was_sent(outcome.error)):
                await self._store.abandon(call.principal, _key_of(token))
            else:
                await self.note(call.principal, token, encode_outcome(outcome, self._clock()))
        except Exception:
            _log.exception("confirmation_record_lost operation=%s trace_id=%s", call.operation.id, call.trace_id)
        return outcome

    async def _settle(self, call: Call, key: str, outcome: Outcome) -> None:
        try:
            if outcome.status == "ok" or may_have_taken_effect(outcome):
                await self._finish(call.principal, key, encode_outcome(outcome, self._clock()))
            else:
                # Known not to have been sent, or refused by the upstream: nothing was written, so the same call may run again.
                await self._store.abandon(call.principal, key)
        except Exception:
            # The write is done; its answer is worth more than the record of it.
            _log.exception("idempotency_record_lost operation=%s trace_id=%s", call.operation.id, call.trace_id)


def _request_hash(call: Call) -> str:
    hasher = hashlib.sha256(orjson.dumps([call.operation.id, connection_id_of(call, None)]))
    hasher.update(canonical(call.arguments))
    return hasher.hexdigest()


def _replayed(outcome: Outcome, age_s: float) -> Outcome:
    note = f"answered from the record of the same call {_ago(age_s)} ago; nothing was sent. To run it again, give a new idempotency_key"
    return replace(outcome, note=_joined(outcome, note))


def _ago(age_s: float) -> str:
    return f"{age_s:.0f} s" if age_s < 120 else f"{age_s / 60:.0f} min" if age_s < 7200 else f"{age_s / 3600:.0f} h"


def _joined(outcome: Outcome, note: str) -> str:
    return f"{note} ({outcome.note})" if outcome.note else note


def _conflict(key: str) -> Outcome:
    message = f"idempotency_key '{key[:60]}' was used with another operation, account or other arguments; give this call a new key"
    return Outcome("error", error=Failure("idempotency_conflict", message))


def replayed_yes(recorded: bytes, now: float) -> Outcome:
    """Return what the first use of a yes recorded, and say so."""
    outcome, recorded_at = decode_outcome(recorded)
    note = (
        f"this confirm token was used {_ago(now - recorded_at)} ago; a yes counts once, so this is what came of it and nothing was sent."
        " To run it again, call without confirm and ask the person again"
    )
    return replace(outcome, note=_joined(outcome, note))


def _key_of(token: str) -> str:
    return f"confirm:{token}"


def in_flight() -> Outcome:
    """Return that another process has the same call under way."""
    message = "the same call is still running on another node; ask again in a moment, it will not be sent twice"
    return Outcome("error", error=Failure("in_flight", message, retryable=True, retry_after_s=2))
