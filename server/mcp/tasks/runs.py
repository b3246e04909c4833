"""Runs of workflows as tasks: a view of what is on record anyway, for whoever started them by `workflow_start`.

Nothing is kept beside the run. The id is its name, sealed for tenant, person and client: it opens for nobody else, and nobody guesses one.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

import orjson

from oauth import base64url
from oauth.errors import SealBroken
from oauth.principal import Principal
from oauth.sealing import seal, unseal
from server.mcp.answers import answer, encoded
from server.mcp.tasks.ending import result_of
from tools.always_on import MAX_CHARS
from tools.builtins.workflows.run_shown import run_summary
from tools.long_work import RUNS, Task, TaskStatus
from tools.operation import ClientInfo, Json, Outcome

if TYPE_CHECKING:
    from tools.workflows.stores import RunState, RunView, Workflows

#: states of a run that has ended; one that failed is an answer that says so: `failed` is for errors of the protocol
#: (tasks, "Task Execution Errors")
_STATUS: Final["Mapping[RunState, TaskStatus]"] = {"succeeded": "completed", "failed": "completed", "cancelled": "cancelled"}


class RunTasks:
    """LongWork of runs. `key`: 32 bytes, the same on all nodes."""

    def __init__(self, workflows: "Callable[[], Awaitable[Workflows]]", key: bytes) -> None:
        """`workflows`: asked for with the first task (docs/decisions/0059)."""
        self._workflows, self._key = workflows, key

    async def begun(self, principal: Principal, name: str) -> Task | None:
        view = await self._own(principal, name)
        if view is None:
            return None
        return _task(RUNS + base64url.encode(seal(self._key, name.encode(), _bound(principal))), view)

    async def show(self, principal: Principal, task_id: str) -> Task | None:
        view = await self._own(principal, self._opened(principal, task_id))
        return None if view is None else _task(task_id, view)

    async def feed(self, principal: Principal, task_id: str, responses: Mapping[str, Json], *, client: ClientInfo) -> bool:
        # A run asks its client nothing; what it waits for are signals, which are operations of their own.
        return await self.show(principal, task_id) is not None

    async def cancel(self, principal: Principal, task_id: str) -> bool:
        view = await self._own(principal, self._opened(principal, task_id))
        if view is not None and view.state not in _STATUS:
            await (await self._workflows()).cancel(view.tenant_id, view.run_id)
        return view is not None

    async def _own(self, principal: Principal, run_id: str | None) -> "RunView | None":
        view = None if run_id is None else await (await self._workflows()).show(principal.tenant_id, run_id)
        return None if view is None or view.acts_for != principal.subject else view

    def _opened(self, principal: Principal, task_id: str) -> str | None:
        try:
            return unseal(self._key, base64url.decode(task_id.removeprefix(RUNS)), _bound(principal)).decode()
        except (SealBroken, ValueError):
            return None


def _task(task_id: str, view: "RunView") -> Task:
    """Return the run as a task; it is kept as long as its tenant keeps runs, so no time is promised."""
    status = _STATUS.get(view.state, "working")
    payload = result_of(answer(_outcome(view), ClientInfo(""))) if status == "completed" else None
    return Task(task_id, status, _message(view), view.created_at_us, view.updated_at_us, None, payload)


def _message(view: "RunView") -> str:
    step = f", step '{view.steps[-1].name}'" if view.steps and view.state not in _STATUS else ""
    return f"run {view.run_id}: {view.state}{step}"


def _outcome(view: "RunView") -> Outcome:
    if view.failure is not None:
        return Outcome("error", error=view.failure, note=f"workflow_resume with run_id '{view.run_id}' goes on where it stopped")
    shown = run_summary(view)
    if len(encoded(view.result)) > MAX_CHARS:
        return Outcome("ok", data=shown, note="the result is large: workflow_status with a select reads what is needed of it")
    return Outcome("ok", data=shown | {"result": view.result})


def _bound(principal: Principal) -> bytes:
    return orjson.dumps(["task of a run", principal.tenant_id, principal.subject, principal.client_id])
