"""A call that became a task, followed to its end by the process that runs it: what it says and how it ends is put on record."""

import logging
from dataclasses import dataclass, replace
from typing import Final

import anyio
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from oauth.principal import Principal
from server.mcp.answers import Answer
from server.mcp.tasks.ending import broken_off, error_of, result_of, stopped
from server.mcp.tasks.ledger import TaskLedger, now_us
from server.mcp.tasks.questions import question_of
from server.mcp.tasks.running import RunningCall
from server.mcp.tasks.work import Work
from server.storage.database import StoreUnavailable
from tools.long_work import ENDED, TaskRecord
from tools.operation import ClientInfo

#: how often progress is put on record
TELL_EVERY_S: Final = 1.0
#: how long the record of a call that is broken off may take when this process ends
CLOSING_S: Final = 3.0
_RETRY_S: Final = 1.0
_STOPPED_WITH_US: Final = "the gateway was stopped while the call ran"

log = logging.getLogger("ascend")


@dataclass(slots=True)
class FollowedCall:
    """The call, as whom it runs, and its newest record."""

    ledger: TaskLedger
    principal: Principal
    client: ClientInfo
    record: TaskRecord
    work: Work
    running: RunningCall

    async def follow(self) -> None:
        """Return when its end is on record. Cancelled, it stops the call and says that it was broken off."""
        try:
            while not await self.running.has_ended(TELL_EVERY_S):
                await self._tell()
            await self._settle()
        except anyio.get_cancelled_exc_class():
            await self.running.stop()
            with anyio.move_on_after(CLOSING_S, shield=True):
                await self._settle()
            raise
        except Exception as error:  # whatever it is, it ends no other task; its own lease runs out
            log.error("task_not_settled", exc_info=error, extra={"facts": {"tool": self.work.tool}})

    async def _tell(self) -> None:
        if (self.running.message, self.running.resume) == (self.record.task.message, self.work.resume):
            return
        work = replace(self.work, resume=self.running.resume)
        try:
            told = await self.ledger.working(self.principal, self.record, work, self.running.message, is_news=False)
            self.record, self.work = told or self.record, work
            if told is None and await self._was_given_up():
                # Whoever was told so may have gone on elsewhere.
                await self.running.stop()
        except StoreUnavailable:
            return  # the next time

    async def _was_given_up(self) -> bool:
        found = await self.ledger.find(self.principal, self.record.task.task_id)
        return found is not None and found.task.status in ENDED

    async def _settle(self) -> None:
        self.work = replace(self.work, resume=self.running.resume)
        while now_us() < self.record.expires_at_us:
            try:
                if await self._settled() is None:
                    log.warning("task_was_given_up", extra={"facts": {"tool": self.work.tool, "tenant": self.principal.tenant_id}})
                return
            except StoreUnavailable:
                await anyio.sleep(_RETRY_S)

    async def _settled(self) -> TaskRecord | None:
        """Put the end on record; None where somebody had done so, since nothing was heard of this process for too long."""
        ledger, principal, record = self.ledger, self.principal, self.record
        try:
            answered = self._answer()
        except MCPError as error:
            return await ledger.end(principal, record, "failed", error.error.message, error_of(error))
        if answered is None and self.running.is_stopping:
            return await ledger.end(principal, record, "cancelled", stopped(self.work))
        if answered is None:
            return await ledger.end(principal, record, "failed", _STOPPED_WITH_US, broken_off(_STOPPED_WITH_US, self.work))
        question = question_of(answered, self.work.tool, self.client, may_confirm=not self.work.was_confirmation_asked)
        if question is not None:
            return await ledger.asking(principal, record, self.work.asking(question))
        return await ledger.end(principal, record, "completed", None, result_of(answered))

    def _answer(self) -> Answer | None:
        try:
            return self.running.answer()
        except MCPError:
            raise
        except Exception as error:
            log.error("task_failed", exc_info=error, extra={"facts": {"tool": self.work.tool}})
            # JSON-RPC 2.0 §5.1: the client hears nothing of our insides.
            raise MCPError(INTERNAL_ERROR, "internal error") from error
