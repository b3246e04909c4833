"""A call that runs in an asyncio task of its own, so that it can outlast the request that began it."""

import asyncio
from collections.abc import Awaitable, Callable

import anyio

from server.mcp.answers import Answer
from server.mcp.tool_request import ToolRequest
from tools.dispatch.uninterruptible import until_between
from tools.long_work import Resumable
from tools.operation import Progress, no_progress

#: answers a call, as ToolCalls does
Runs = Callable[[ToolRequest, Progress], Awaitable[Answer]]
#: of what is kept of a message of progress
MAX_MESSAGE_CHARS = 500


class RunningCall:
    """The call, and what it said of itself: `message` is its newest progress, `resume` the handle of a plan that is on record."""

    def __init__(self, runs: Runs, request: ToolRequest, listener: Progress = no_progress, resume: str | None = None) -> None:
        self.message: str | None = None
        self.resume = resume
        #: somebody asked for its end
        self.is_stopping = False
        self._listener = listener
        self._answering = asyncio.ensure_future(self._answer(runs, request))

    async def _answer(self, runs: Runs, request: ToolRequest) -> Answer:
        return await runs(request, self._progress)

    async def _progress(self, done: float, total: float | None, message: str | None) -> None:
        if isinstance(message, Resumable):
            self.resume = message.handle
        self.message = message[:MAX_MESSAGE_CHARS] if message is not None else self.message
        await self._listener(done, total, message)

    def detach(self) -> None:
        """Tell nobody of progress any more: the request that listened is over."""
        self._listener = no_progress

    async def has_ended(self, within_s: float | None) -> bool:
        """Wait at most so long (None: as long as it takes), and say whether it is over. Who is cancelled here leaves it running."""
        await asyncio.wait({self._answering}, timeout=within_s)
        return self._answering.done()

    def answer(self) -> Answer | None:
        """Return what came of a call that is over; None where it was stopped. Raises MCPError."""
        return None if self._answering.cancelled() else self._answering.result()

    async def stop(self) -> None:
        """Cancel it where nothing is torn (a transaction, the record of a plan), and wait until it has ended."""
        with anyio.CancelScope(shield=True):
            await until_between(self._answering)
            self._answering.cancel()
            await asyncio.wait({self._answering})
            if not self._answering.cancelled():
                # Taken, so that nobody reports it as never looked at.
                self._answering.exception()
