"""Calls that became tasks: on record from the moment their client is told of them, run where they were begun, shown anywhere."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Final

import anyio
from anyio.abc import TaskGroup
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from oauth.principal import Principal
from server.mcp.answers import Answer, ToolAnswer
from server.mcp.tasks.ending import declined, stopped
from server.mcp.tasks.following import FollowedCall
from server.mcp.tasks.ledger import TaskLedger
from server.mcp.tasks.running import RunningCall, Runs
from server.mcp.tasks.wire import TaskAnswer
from server.mcp.tasks.work import Work
from server.mcp.tool_request import ToolRequest
from tools.long_work import ENDED, LongWork, Task, TaskRecord, prefix_of
from tools.operation import ClientInfo, Json, Progress

#: how long calls that became tasks may go on when this process is told to stop
DRAIN_S: Final = 10.0
#: how often a change is tried that somebody else was faster with
_ATTEMPTS: Final = 5
NO_OTHERS: Final[Mapping[str, LongWork]] = MappingProxyType({})


class CallTasks:
    """LongWork of calls. Enter `run()` in the lifespan.

    `after_s`: how long a call may last before its client gets a task. `runs` answers calls; `runs_by_tool` has those that others answer.
    `others`: other kinds of long work, by the prefix of their ids; a call that began some is answered with its task at once.
    """

    def __init__(self, runs: Runs, ledger: TaskLedger, after_s: float, others: Mapping[str, LongWork] = NO_OTHERS) -> None:
        self._runs, self._ledger, self._after_s, self._others = runs, ledger, after_s, others
        self.runs_by_tool: dict[str, Runs] = {}
        self._under_way: dict[str, RunningCall] = {}
        self._group: TaskGroup | None = None

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Work while entered. Leaving it lets calls that became tasks end for some seconds; what then runs is told to be broken off."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._ledger.keep_leases, self.under_way)
            self._group = group
            try:
                yield
                with anyio.move_on_after(DRAIN_S):
                    for running in tuple(self._under_way.values()):
                        await running.has_ended(None)
            finally:
                self._group = None
                group.cancel_scope.cancel()

    async def answer(self, request: ToolRequest, progress: Progress, *, after_s: float | None = None) -> Answer:
        """Run a call and return its answer, or a task where it lasts; where there is no room for one, it is waited for. Raises MCPError."""
        # What runs for a task is itself no task.
        within = request._replace(client=replace(request.client, takes_tasks=False))
        running = RunningCall(self._runs_of(request.name), within, progress)
        try:
            if not await running.has_ended(self._after_s if after_s is None else after_s):
                if (task := await self._put_on_record(within, running)) is not None:
                    return TaskAnswer(task)
                await running.has_ended(None)
        except BaseException:
            # MCP 2026-07-28 transports: who closes the stream before it is answered cancels the call.
            await running.stop()
            raise
        answered = running.answer()
        assert answered is not None, "nobody stops a call whose client waits for it"
        return await self._begun(request.principal, answered) or answered

    async def begun(self, principal: Principal, name: str) -> None:
        # Calls are begun by requests alone.
        return None

    async def show(self, principal: Principal, task_id: str) -> Task | None:
        record = await self._ledger.find(principal, task_id)
        return None if record is None else record.task

    async def feed(self, principal: Principal, task_id: str, responses: Mapping[str, Json], *, client: ClientInfo) -> bool:
        for _ in range(_ATTEMPTS):
            record = await self._ledger.find(principal, task_id)
            if record is None or record.task.status != "input_required":
                return record is not None
            work = Work.decoded(record.work)
            fed = work.answered(responses)
            if fed == work or await self._fed(principal, record, fed, client) is not None:
                break
        return True

    async def cancel(self, principal: Principal, task_id: str) -> bool:
        for _ in range(_ATTEMPTS):
            record = await self._ledger.find(principal, task_id)
            if record is None or record.task.status in ENDED:
                return record is not None
            if record.task.status == "working":
                await self._ledger.ask_to_stop(principal, task_id)
                self.stop([task_id])
                break
            if await self._ledger.end(principal, record, "cancelled", stopped(Work.decoded(record.work))) is not None:
                break
        return True

    def stop(self, task_ids: Collection[str]) -> None:
        """Stop those of these tasks that this process runs."""
        for task_id in task_ids:
            if (running := self._under_way.get(task_id)) is not None and self._group is not None:
                running.is_stopping = True
                self._group.start_soon(running.stop)

    @property
    def under_way(self) -> Collection[str]:
        """Ids of the tasks that this process runs."""
        return self._under_way.keys()

    async def _begun(self, principal: Principal, answered: Answer) -> TaskAnswer | None:
        """Return the task of the long work that a call began; None where it began none."""
        if not isinstance(answered, ToolAnswer) or answered.task is None:
            return None
        prefix = prefix_of(answered.task)
        work = self._others.get(prefix)
        task = await work.begun(principal, answered.task.removeprefix(prefix)) if work is not None else None
        return None if task is None else TaskAnswer(task)

    async def _put_on_record(self, request: ToolRequest, running: RunningCall) -> Task | None:
        if self._group is None:
            return None
        work = Work(request.name, request.arguments, running.resume)
        # tasks, "Task Creation": told only once a tasks/get finds it.
        record = await self._ledger.open(request.principal, work, running.message)
        if record is None:
            return None
        running.detach()
        self._begin(self._group, FollowedCall(self._ledger, request.principal, request.client, record, work, running))
        return record.task

    async def _fed(self, principal: Principal, record: TaskRecord, work: Work, client: ClientInfo) -> TaskRecord | None:
        """Put answers on record; once nothing is open any more, run the call anew in this process, as whoever answered last."""
        if self._group is None:
            raise MCPError(INTERNAL_ERROR, "this node is being stopped; send the answer again")
        if work.requests:
            return await self._ledger.asking(principal, record, work)
        if work.is_declined and "confirm" in work.then:
            return await self._ledger.end(principal, record, "completed", "the person said no", declined(work))
        work, client = work.going_on(), replace(client, takes_tasks=False)
        taken = await self._ledger.working(principal, record, work, None)
        if taken is not None:
            request = ToolRequest(principal, work.tool, work.arguments, client, {}, None, asked=work.asked)
            running = RunningCall(self._runs_of(work.tool), request, resume=work.resume)
            self._begin(self._group, FollowedCall(self._ledger, principal, client, taken, work, running))
        return taken

    def _begin(self, group: TaskGroup, followed: FollowedCall) -> None:
        # At once, so that it can be stopped before it is followed.
        self._under_way[followed.record.task.task_id] = followed.running
        group.start_soon(self._follow, followed)

    async def _follow(self, followed: FollowedCall) -> None:
        try:
            await followed.follow()
        finally:
            del self._under_way[followed.record.task.task_id]

    def _runs_of(self, tool: str) -> Runs:
        return self.runs_by_tool.get(tool, self._runs)
