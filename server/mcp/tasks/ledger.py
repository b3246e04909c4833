"""Tasks of calls as they are on record: changed by whoever is first, and told to be broken off where their process is silent."""

import logging
import secrets
import time
from collections.abc import Collection
from dataclasses import replace
from typing import Final

import anyio

from oauth.errors import SealBroken
from oauth.principal import Principal
from oauth.sealing import seal, unseal
from server.mcp.answers import encoded
from server.mcp.tasks.ending import broken_off, not_kept
from server.mcp.tasks.work import Work
from server.storage.database import StoreUnavailable
from tools.errors import QuotaExceeded
from tools.long_work import CALLS, Task, TaskRecord, TaskStatus, TaskStore

#: from its creation: the longest plan takes two minutes, and a person may be asked in between
TTL_US: Final = 3_600 * 1_000_000
#: how long a process may be silent
LEASE_US: Final = 20 * 1_000_000
#: of what it takes to go on with a call; a larger one is no task
MAX_WORK_BYTES: Final = 1 << 20

log = logging.getLogger("ascend")


class TaskLedger:
    """The record of this process's tasks, and of everybody's as far as they may be seen.

    Answers, arguments and links are sealed under `key` (32 bytes, the same on all nodes): who reads the store has none of them.
    """

    def __init__(self, store: TaskStore, key: bytes, lease_us: int = LEASE_US) -> None:
        self._store, self._key, self._lease_us = store, key, lease_us
        #: of this process
        self._owner = secrets.token_hex(8)

    async def open(self, principal: Principal, work: Work, message: str | None) -> TaskRecord | None:
        """Make a task of a call that is under way; None where there is no room for it, or no store."""
        now = now_us()
        task = Task(f"{CALLS}{secrets.token_urlsafe(24)}", "working", message, now, now, TTL_US // 1000)
        try:
            kept = work.encoded()
            record = TaskRecord(task, kept, self._owner, now + self._lease_us, now + TTL_US)
            if len(kept) <= MAX_WORK_BYTES:
                await self._store.open(principal, self._sealed(record))
                return record
        except (QuotaExceeded, StoreUnavailable, TypeError) as error:
            log.info("call_is_no_task", extra={"facts": {"reason": type(error).__name__, "tenant": principal.tenant_id}})
        return None

    async def find(self, principal: Principal, task_id: str) -> TaskRecord | None:
        """Return a task as it is; one that says it works, and whose process is silent, is first told to be broken off."""
        record = await self._load(principal, task_id)
        if record is None or record.task.status != "working" or record.lease_until_us > now_us():
            return record
        why = "the node that ran the call stopped answering"
        failed = await self.end(principal, record, "failed", why, broken_off(why, Work.decoded(record.work)))
        return failed or await self._load(principal, task_id)

    async def working(
        self, principal: Principal, record: TaskRecord, work: Work, message: str | None, *, is_news: bool = True
    ) -> TaskRecord | None:
        """Say that this process runs it; None where somebody else was first. `is_news`: whoever listens is told."""
        return await self._change(principal, record, "working", message, work, is_news=is_news)

    async def asking(self, principal: Principal, record: TaskRecord, work: Work) -> TaskRecord | None:
        """Say that it waits for answers to the requests of `work`; None where somebody else was first."""
        return await self._change(principal, record, "input_required", "waits for the person", work, encoded(work.requests))

    async def end(
        self, principal: Principal, record: TaskRecord, status: TaskStatus, message: str | None, payload: bytes | None = None
    ) -> TaskRecord | None:
        """Say how it ended; None where somebody else was first. What it would take to go on is forgotten."""
        try:
            return await self._change(principal, record, status, message, None, payload)
        except QuotaExceeded as error:
            return await self._change(principal, record, status, message, None, not_kept(error.failure.message))

    async def ask_to_stop(self, principal: Principal, task_id: str) -> None:
        """Have whichever process runs it told to stop."""
        await self._store.ask_to_stop(principal, task_id)

    async def keep_leases(self, under_way: Collection[str]) -> None:
        """Say again and again, until cancelled, that this process is alive, while there is something `under_way`."""
        while True:
            # Three may fail before anybody takes it for dead.
            await anyio.sleep(self._lease_us / 4_000_000)
            if not under_way:
                continue
            try:
                await self._store.renew(self._owner, now_us() + self._lease_us)
            except StoreUnavailable as error:
                log.warning("tasks_not_renewed", exc_info=error)

    async def _change(
        self,
        principal: Principal,
        record: TaskRecord,
        status: TaskStatus,
        message: str | None,
        work: Work | None,
        payload: bytes | None = None,
        *,
        is_news: bool = True,
    ) -> TaskRecord | None:
        now = now_us()
        runs = status == "working"
        changed = replace(
            record,
            task=replace(record.task, status=status, message=message, payload=payload, updated_at_us=now),
            work=b"" if work is None else work.encoded(),
            owner=self._owner if runs else "",
            lease_until_us=now + self._lease_us if runs else 0,
        )
        kept = await self._store.change(principal, self._sealed(changed), is_news=is_news)
        return None if kept is None else replace(changed, version=kept.version)

    async def _load(self, principal: Principal, task_id: str) -> TaskRecord | None:
        record = await self._store.load(principal, task_id)
        if record is None:
            return None
        place = _place(task_id)
        try:
            payload = None if record.task.payload is None else unseal(self._key, record.task.payload, place)
            work = unseal(self._key, record.work, place) if record.work else b""
        except SealBroken:
            # The key is another one by now: nobody can say any more what was in it.
            return None
        return replace(record, task=replace(record.task, payload=payload), work=work)

    def _sealed(self, record: TaskRecord) -> TaskRecord:
        place = _place(record.task.task_id)
        payload = None if record.task.payload is None else seal(self._key, record.task.payload, place)
        return replace(record, task=replace(record.task, payload=payload), work=seal(self._key, record.work, place) if record.work else b"")


def _place(task_id: str) -> bytes:
    return b"task " + task_id.encode()


def now_us() -> int:
    """Return the time as records have it."""
    return time.time_ns() // 1000
