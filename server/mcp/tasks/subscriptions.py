"""`subscriptions/listen` for tasks: whoever listens is told of each status, on one stream, until all of its tasks have ended.

Nobody has to listen, and nobody may rely on it: `tasks/get` says the same (tasks, "Task Status Notifications").
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, Literal

import anyio
import mcp_types as types
from mcp.server.context import HandlerResult
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS

from oauth.principal import Principal
from server.mcp.extras import Context
from server.mcp.tasks.methods import caller
from server.mcp.tasks.wire import detailed, not_declared
from server.storage.tools.tasks import task_hash
from tools.long_work import ENDED, LongWork, Task, prefix_of

#: of one stream; streams of one person, and of all
MAX_TASKS: Final = 50
MAX_STREAMS: Final = (8, 1_000)
#: a stream ends after so long, and its client may open another: what is open for ever holds up every restart
MAX_STREAM_S: Final = 300.0
#: how often is looked without news: nobody announces that a process has died
LOOK_EVERY_S: Final = 5.0

TaskNotification = types.Notification[dict[str, Any], Literal["notifications/tasks"]]


class TaskSubscriptions:
    """Answers `subscriptions/listen`. `changed` hears of the tasks, by their hashes, that have another status."""

    def __init__(self, work_by_prefix: Mapping[str, LongWork]) -> None:
        self._work_by_prefix = work_by_prefix
        self._streams: Counter[tuple[str, str]] = Counter()
        self._listening: dict[anyio.Event, frozenset[str]] = {}

    def changed(self, hashes: Collection[str]) -> None:
        """Wake whoever listens to one of these tasks."""
        for event, wanted in self._listening.items():
            if not wanted.isdisjoint(hashes):
                event.set()

    async def listen(self, ctx: Context, params: types.SubscriptionsListenRequestParams) -> HandlerResult:
        """Serve one stream: say what is listened to, then each status. Of lists nothing is told: ours never change."""
        wanted = (params.notifications.model_extra or {}).get("taskIds")
        principal, client = caller(ctx)
        if wanted and not client.takes_tasks:
            raise not_declared("taskIds of subscriptions/listen")
        ids = _ids(wanted)
        if self._streams[principal.person] >= MAX_STREAMS[0] or self._streams.total() >= MAX_STREAMS[1]:
            raise MCPError(INTERNAL_ERROR, "too many streams are open; close one, or ask with tasks/get")
        self._streams[principal.person] += 1
        try:
            await self._serve(ctx, principal, ids)
        finally:
            self._streams[principal.person] -= 1
            self._streams += Counter()
        return types.SubscriptionsListenResult(_meta=_stamp(ctx))

    async def _serve(self, ctx: Context, principal: Principal, ids: Iterable[str]) -> None:
        event = anyio.Event()
        self._listening[event] = frozenset(map(task_hash, ids))
        try:
            # Looked at after listening has begun, so that no change falls in between.
            tasks = await self._tasks(principal, ids)
            acknowledged = types.SubscriptionFilter.model_validate({"taskIds": list(tasks)} if tasks else {})
            params = types.SubscriptionsAcknowledgedNotificationParams(notifications=acknowledged, _meta=_stamp(ctx))
            await ctx.session.send_notification(types.SubscriptionsAcknowledgedNotification(params=params), ctx.request_id)
            with anyio.move_on_after(MAX_STREAM_S):
                for task in tasks.values():
                    await _send(ctx, task)
                while open_ids := [task_id for task_id, task in tasks.items() if task.status not in ENDED]:
                    with anyio.move_on_after(LOOK_EVERY_S):
                        await event.wait()
                    del self._listening[event]
                    event = anyio.Event()
                    self._listening[event] = frozenset(map(task_hash, open_ids))
                    for task_id, task in (await self._tasks(principal, open_ids)).items():
                        if task.status != tasks[task_id].status or task.payload != tasks[task_id].payload:
                            await _send(ctx, task)
                        tasks[task_id] = task
        finally:
            del self._listening[event]

    async def _tasks(self, principal: Principal, ids: Iterable[str]) -> dict[str, Task]:
        """Return the principal's own tasks among `ids`; of the others nobody learns why they are not told of."""
        found = {}
        for task_id in ids:
            work = self._work_by_prefix.get(prefix_of(task_id))
            if work is not None and (task := await work.show(principal, task_id)) is not None:
                found[task_id] = task
        return found


async def _send(ctx: Context, task: Task) -> None:
    notification = TaskNotification(method="notifications/tasks", params={**detailed(task), "_meta": _stamp(ctx)})
    await ctx.session.send_notification(notification, ctx.request_id)  # type: ignore[arg-type]  # of an extension


def _stamp(ctx: Context) -> dict[str, Any]:
    return {SUBSCRIPTION_ID_META_KEY: ctx.request_id}


def _ids(wanted: object) -> list[str]:
    if wanted is None:
        return []
    if not isinstance(wanted, list) or len(wanted) > MAX_TASKS or not all(isinstance(each, str) for each in wanted):
        raise MCPError(INVALID_PARAMS, f"notifications.taskIds: must be a list of at most {MAX_TASKS} task ids")
    return list(dict.fromkeys(wanted))
