"""Processes that share one store, and calls that end when a test says so."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import orjson

from oauth.principal import Principal
from server.mcp.answers import Answer, answer
from server.mcp.tasks.calls import CallTasks
from server.mcp.tasks.ledger import LEASE_US, TaskLedger
from server.mcp.tasks.wire import TaskAnswer
from server.mcp.tool_request import ToolRequest
from tests.tools.stand_ins import ADA
from tests.waiting import until
from tools.long_work import Resumable, Task, TaskStore
from tools.operation import ClientInfo, Confirmation, ConnectionRequest, Json, Outcome, Progress, no_progress

KEY = b"k" * 32
TAKES_TASKS = ClientInfo("2026-07-28", elicits_url=True, name="probe", elicits_form=True, takes_tasks=True)
CRM = ConnectionRequest("crm", "expired", "https://gw.test/connect/one", "connect crm again")
HUB = ConnectionRequest("hubspot", "expired", "https://gw.test/connect/two", "connect hubspot again")
PLAN: dict[str, Any] = {"steps": [{"id": "a", "api": "crm.contacts.list"}]}
DONE = Outcome("ok", data={"done": True})


def needs(*requests: ConnectionRequest, resume: str = "x_1") -> Outcome:
    """Return what a plan answers that lost accounts while it ran."""
    connections = [{"provider": each.provider, "status": each.status, "url": each.url, "message": each.message} for each in requests]
    wire = {"status": "needs_connection", "steps": {}, "connections": connections, "resume": resume}
    return Outcome("needs_connection", data=wire, bare=True, connection=requests[0])


def asks_for_a_yes(token: str = "c_1") -> Outcome:
    """Return what a plan answers that cannot be undone."""
    asked = Confirmation(token, "Delete contact 1?", 600)
    wire = {"status": "needs_confirmation", "steps": {}, "confirmation": {"confirm": token, "message": asked.message, "expires_in_s": 600}}
    return Outcome("needs_confirmation", data=wire, bare=True, confirmation=asked)


@dataclass
class Calls:
    """Answers calls with `outcomes`, one after the other (the last again and again), once `gate` is open."""

    outcomes: list[Outcome | Exception] = field(default_factory=lambda: [DONE])
    gate: anyio.Event = field(default_factory=anyio.Event)
    requests: list[ToolRequest] = field(default_factory=list)
    stopped: int = 0
    resume: str | None = None

    async def run(self, request: ToolRequest, progress: Progress) -> Answer:
        self.requests.append(request)
        if self.resume is not None:
            await progress(0, 1, Resumable(self.resume))
        try:
            await self.gate.wait()
        except BaseException:
            self.stopped += 1
            raise
        outcome = self.outcomes[min(len(self.requests), len(self.outcomes)) - 1]
        if isinstance(outcome, Exception):
            raise outcome
        asked = request.asked
        return answer(outcome, request.client, asked=asked.providers if asked is not None else None)


@dataclass
class Process:
    """One node: its tasks, and what its calls do."""

    tasks: CallTasks
    calls: Calls

    async def begin(self, principal: Principal = ADA, client: ClientInfo = TAKES_TASKS, progress: Progress = no_progress) -> Task:
        """Send a plan, which becomes a task."""
        answered = await self.send(principal, client, progress)
        assert isinstance(answered, TaskAnswer), answered
        return answered.task

    async def send(
        self,
        principal: Principal = ADA,
        client: ClientInfo = TAKES_TASKS,
        progress: Progress = no_progress,
        arguments: Mapping[str, Json] | None = None,
    ) -> Answer:
        request = ToolRequest(principal, "batch_execute", PLAN if arguments is None else arguments, client, {}, None)
        return await self.tasks.answer(request, progress)

    async def shown(self, task_id: str, principal: Principal = ADA) -> Task:
        task = await self.tasks.show(principal, task_id)
        assert task is not None
        return task

    async def until(self, task_id: str, *statuses: str) -> Task:
        """Wait until the task has one of these statuses."""
        found: list[Task] = []

        async def has_it() -> bool:
            found[:] = [await self.shown(task_id)]
            return found[0].status in statuses

        await until(has_it)
        return found[0]

    async def feed(self, task_id: str, responses: Mapping[str, Json], principal: Principal = ADA) -> bool:
        return await self.tasks.feed(principal, task_id, responses, client=TAKES_TASKS)


@asynccontextmanager
async def process(
    store: TaskStore, calls: Calls | None = None, *, after_s: float = 0, lease_us: int = LEASE_US, key: bytes = KEY
) -> AsyncIterator[Process]:
    """Give a node on `store`."""
    calls = calls or Calls()
    tasks = CallTasks(calls.run, TaskLedger(store, key, lease_us), after_s)
    async with tasks.run():
        yield Process(tasks, calls)


def payload(task: Task) -> Any:
    """Return the result, the error or the requests of a task."""
    assert task.payload is not None
    return orjson.loads(task.payload)


def accept(keys: Mapping[str, Any], content: Json = None) -> dict[str, Json]:
    """Return a yes to each of the requests `keys`."""
    return {key: {"action": "accept"} | ({"content": content} if content is not None else {}) for key in keys}
