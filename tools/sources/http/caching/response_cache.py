"""Answers of safe operations, used again as long as their upstream allows; for the person who got them and nobody else."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from oauth.connections.credentials import Credentials
from tools.json_text import canonical, encode
from tools.large_json import LargeJson
from tools.operation import Call, Download, Json, Operation, Outcome, ResponseMeta, Runner
from tools.shared_answers import SharedAnswers
from tools.sources.http.caching.freshness import WORDS, freshness_of
from tools.sources.http.caching.shared_answer import KeptOutcome, from_bytes, to_bytes
from tools.weighed_cache import WeighedCache, weight_of_json

#: of an answer as text; what is longer is not weighed either
MAX_ENTRY_BYTES = 1024 * 1024
#: of the objects that answers are in memory, one and all; up to twenty times their text
MAX_ENTRY_WEIGHT_BYTES = 4 * 1024 * 1024
MAX_TOTAL_BYTES = 24 * 1024 * 1024
#: No answer is used longer than this, whatever its upstream says: somebody may have changed it there meanwhile.
MAX_FRESH_S = 300.0
REVALIDATION_S = 30.0
MAX_JUDGED = 50_000

#: (tenant, subject, account id, operation id and content hash, arguments, page address)
_Key = tuple[str, str, str, tuple[str, str], bytes, str]


class CachingRunner:
    """A runner in front of another. A private cache per principal and account (RFC 9111); any write to a provider by a tenant
    forgets what that tenant has of it (§4.4), so that everybody there reads what they wrote.

    With `shared` all processes keep together, and forget together. It is not asked for operations whose last answer nobody may keep: their
    calls pay nothing for it. While nobody answers, each keeps for itself.
    """

    def __init__(
        self,
        inner: Runner,
        credentials: Credentials,
        clock: Callable[[], float] = time.time,
        shared: SharedAnswers | None = None,
    ) -> None:
        self.keeps_time = inner.keeps_time
        self._inner, self._credentials, self._clock, self._shared = inner, credentials, clock, shared
        self._kept = WeighedCache[_Key, KeptOutcome](MAX_TOTAL_BYTES, MAX_ENTRY_WEIGHT_BYTES)
        #: (tenant, provider) -> how many writes there were: a read that began before one must not be kept after it
        self._writes: dict[tuple[str, str], int] = {}
        self._revalidations: dict[_Key, asyncio.Task[Outcome]] = {}
        #: content hash of an operation -> whether its answers may be kept at all
        self._is_kept: dict[str, bool] = {}
        #: content hashes of operations whose upstream lets nobody keep what it says
        self._never_kept: set[str] = set()

    def forget_tenant(self, tenant_id: str) -> None:
        """Forget in this process what people of a tenant read; what all keep together ends by itself within minutes."""
        for key, _kept in self._kept.items():
            if key[0] == tenant_id:
                self._kept.pop(key)

    async def preview(self, call: Call) -> Json:
        return await self._inner.preview(call)

    def run(self, call: Call) -> Awaitable[Outcome]:
        if call.operation.access != "read":
            return self._written(call)
        key = self._key(call)
        if key is None:
            return self._inner.run(call)
        if self._shared is not None and call.operation.content_hash not in self._never_kept:
            return self._run_together(call, key, self._shared)
        kept = self._kept.get(key)
        return self._fetched(call, key, None) if kept is None else self._used(call, key, kept)

    async def _run_together(self, call: Call, key: _Key, shared: SharedAnswers) -> Outcome:
        kept = self._kept.get(key)
        found = await shared.find(key[0], call.operation.provider, _as_bytes(key))
        if found is None:
            return await (self._fetched(call, key, None) if kept is None else self._used(call, key, kept))
        # Of another generation: somebody wrote since it came, or nobody knows whether. Its validator may still hold.
        outdated = kept if kept is not None and kept.generation != found.generation else None
        kept = None if outdated is not None else kept
        if found.value is not None and (kept is None or self._clock() - kept.kept_at >= kept.freshness.fresh_s):
            theirs = from_bytes(found.value, found.generation)
            if theirs is not None and (kept is None or theirs.kept_at > kept.kept_at):
                self._kept.put(key, theirs, _weight_of(theirs.outcome, weight_of_json(found.value), key))
                kept = theirs
        if kept is not None:
            return await self._used(call, key, kept, found.generation)
        return await self._fetched(call, key, outdated, found.generation)

    async def _written(self, call: Call) -> Outcome:
        tenant_id, provider = call.principal.tenant_id, call.operation.provider
        try:
            return await self._inner.run(call)
        finally:
            self._forget(tenant_id, provider)
            if self._shared is not None:
                await self._shared.forget(tenant_id, provider)

    async def _used(self, call: Call, key: _Key, kept: KeptOutcome, generation: int | None = None) -> Outcome:
        age_s = self._clock() - kept.kept_at
        if 0 <= age_s < kept.freshness.fresh_s:
            return _aged(kept.outcome, age_s)
        if 0 <= age_s < kept.freshness.fresh_s + kept.freshness.stale_while_revalidate_s:
            self._revalidate(call, key, kept, generation)
            return _aged(kept.outcome, age_s)
        return await self._fetched(call, key, kept, generation)

    async def settle(self) -> None:
        """Wait for the revalidations that run in the background."""
        await asyncio.gather(*self._revalidations.values(), return_exceptions=True)

    async def close(self) -> None:
        """End the revalidations that run in the background."""
        for task in self._revalidations.values():
            task.cancel()
        await self.settle()

    def _key(self, call: Call) -> _Key | None:
        """Return what an answer is kept under, or None for a call whose answers are not kept.

        An account that is not connected (any more) has no key: what it once read is not read again without it.
        """
        operation, principal = call.operation, call.principal
        is_kept = self._is_kept.get(operation.content_hash)
        if not (self._judge(operation) if is_kept is None else is_kept):
            return None
        account = ""
        if operation.connection is not None:
            readiness = self._credentials.readiness(principal, operation.connection, operation.connection_scopes)
            account_id = readiness.id_of(call.options.account)
            if readiness.status != "ready" or account_id is None:
                return None
            account = account_id
        elif call.options.account is not None:
            return None
        which = (operation.id, operation.content_hash)
        where = call.directions.follow or call.directions.restore or ""
        return (principal.tenant_id, principal.subject, account, which, canonical(call.arguments), where)

    def _judge(self, operation: Operation) -> bool:
        """Say whether the answers of an operation may be kept at all: not where an account is its caller's choice."""
        if len(self._is_kept) >= MAX_JUDGED:
            self._is_kept.clear()
        is_safe = operation.kind == "openapi" and operation.binding.get("method") in ("GET", "HEAD")
        is_kept = is_safe and (operation.connection is not None or not operation.binding.get("optional_security"))
        self._is_kept[operation.content_hash] = is_kept
        return is_kept

    async def _fetched(self, call: Call, key: _Key, kept: KeptOutcome | None, generation: int | None = None) -> Outcome:
        """Ask the upstream, and keep what it says under the `generation` that was in force before."""
        written = (call.principal.tenant_id, call.operation.provider)
        writes = self._writes.get(written, 0)
        if kept is not None and kept.freshness.etag is not None:
            call = replace(call, directions=replace(call.directions, if_none_match=kept.freshness.etag))
        outcome = await self._inner.run(call)
        if outcome.http is None or writes != self._writes.get(written, 0):
            return outcome
        if kept is not None:
            if outcome.http.status == 304:
                return self._renewed(key, kept, outcome, generation)
            self._kept.pop(key)
        self._keep(key, outcome, call.operation, generation)
        return outcome

    def _renewed(self, key: _Key, kept: KeptOutcome, answer: Outcome, generation: int | None) -> Outcome:
        """Return what was kept, with the header of the 304 over its own (RFC 9111 §4.3.4)."""
        assert answer.http is not None
        before = kept.outcome.http or ResponseMeta(200)
        headers = {**(before.headers or {}), **(answer.http.headers or {})}
        told = {**(before.told or {}), **(answer.http.told or {})} or None
        status, location = before.status, answer.http.location or before.location
        outcome = replace(kept.outcome, http=replace(answer.http, status=status, headers=headers, told=told, location=location))
        freshness = freshness_of(status, headers, self._clock(), MAX_FRESH_S)
        if freshness is None:
            self._kept.pop(key)
        else:
            renewed = replace(kept, outcome=outcome, freshness=freshness, kept_at=self._clock(), generation=generation)
            self._kept.replace(key, renewed)
            self._share(key, renewed)
        return outcome

    def _keep(self, key: _Key, outcome: Outcome, operation: Operation, generation: int | None) -> None:
        if outcome.status != "ok" or outcome.http is None or outcome.http.headers is None or isinstance(outcome.data, Download):
            return
        freshness = None
        if not WORDS.isdisjoint(outcome.http.headers):
            freshness = freshness_of(outcome.http.status, outcome.http.headers, self._clock(), MAX_FRESH_S)
        if freshness is None or not freshness.is_useful:
            self._note_never_kept(operation)
            return
        length = outcome.http.headers.get("content-length", "")
        if length.isdigit() and len(length) < 20 and int(length) > MAX_ENTRY_BYTES:
            return
        is_large = isinstance(outcome.data, LargeJson)
        text: bytes = outcome.data.text if is_large else encode(outcome.data)
        if len(text) > MAX_ENTRY_BYTES:
            return
        kept = KeptOutcome(outcome, freshness, self._clock(), operation.provider, generation)
        self._never_kept.discard(operation.content_hash)
        if self._kept.put(key, kept, _weight_of(outcome, len(text) if is_large else weight_of_json(text), key)):
            self._share(key, kept)

    def _note_never_kept(self, operation: Operation) -> None:
        if self._shared is not None:
            if len(self._never_kept) >= MAX_JUDGED:
                self._never_kept.clear()
            self._never_kept.add(operation.content_hash)

    def _share(self, key: _Key, kept: KeptOutcome) -> None:
        if self._shared is not None and kept.generation is not None and (value := to_bytes(kept)) is not None:
            age_s = kept.freshness.fresh_s + kept.freshness.stale_while_revalidate_s
            # A validator spares the upstream's work after that, too.
            age_s += MAX_FRESH_S if kept.freshness.etag is not None else 0
            self._shared.keep(key[0], kept.provider, _as_bytes(key), value, age_s, kept.generation)

    def _forget(self, tenant_id: str, provider: str) -> None:
        self._writes[tenant_id, provider] = self._writes.get((tenant_id, provider), 0) + 1
        for key, kept in self._kept.items():
            if key[0] == tenant_id and kept.provider == provider:
                self._kept.pop(key)

    def _revalidate(self, call: Call, key: _Key, kept: KeptOutcome, generation: int | None) -> None:
        """Ask again in the background, once however many callers are answered meanwhile (RFC 5861 §3)."""
        if key in self._revalidations:
            return
        fresh_call = replace(call, deadline=asyncio.get_running_loop().time() + REVALIDATION_S)
        task = asyncio.create_task(self._fetched(fresh_call, key, kept, generation))
        self._revalidations[key] = task
        task.add_done_callback(lambda done: self._revalidated(key, done))

    def _revalidated(self, key: _Key, done: asyncio.Task[Outcome]) -> None:
        self._revalidations.pop(key, None)
        # A failure is no news to anybody: the next caller after the stale time asks for itself and is told.
        if not done.cancelled() and done.exception() is not None:
            self._kept.pop(key)


def _aged(outcome: Outcome, age_s: float) -> Outcome:
    return outcome if age_s < 1 else replace(outcome, note=f"from the cache, {age_s:.0f} s old, as its upstream allows")


def _as_bytes(key: _Key) -> bytes:
    _tenant_id, subject, account, (operation_id, content_hash), arguments, where = key
    return encode([subject, account, operation_id, content_hash, where]) + arguments


def _weight_of(outcome: Outcome, weight_of_data: int, key: _Key) -> int:
    """Return about what an answer with its head and the objects around it take."""
    headers: Mapping[str, str] = (outcome.http.headers if outcome.http is not None else None) or {}
    head = 1_500 + sum(len(name) + len(value) + 120 for name, value in headers.items())
    # What stays text takes no more than that.
    return weight_of_data + head + sum(map(len, key[-2:]))
