"""MCP's extension `io.modelcontextprotocol/tasks` as the server has it: what it advertises, and who answers its methods."""

from collections.abc import Collection, Mapping
from typing import Any

import mcp_types as types
from mcp.server.lowlevel import Server

from server.mcp.tasks.methods import TaskMethods, TaskParams, UpdateParams
from server.mcp.tasks.subscriptions import TaskSubscriptions
from server.mcp.tasks.wire import EXTENSION
from tools.long_work import LongWork


class TasksExtension:
    """The extension over every kind of long work; `work_by_prefix` says whose an id is (`t_`: calls). Another kind is one more entry."""

    def __init__(self, work_by_prefix: Mapping[str, LongWork]) -> None:
        self._methods, self._subscriptions = TaskMethods(work_by_prefix), TaskSubscriptions(work_by_prefix)

    def install(self, server: Server[Any]) -> None:
        """Have `server` advertise the extension and answer its methods."""
        server.extensions[EXTENSION] = {}
        server.add_request_handler("tasks/get", TaskParams, self._methods.get)
        server.add_request_handler("tasks/update", UpdateParams, self._methods.update)
        server.add_request_handler("tasks/cancel", TaskParams, self._methods.cancel)
        server.add_request_handler("subscriptions/listen", types.SubscriptionsListenRequestParams, self._subscriptions.listen)

    def changed(self, hashes: Collection[str]) -> None:
        """Tell whoever listens that these tasks, by the hashes of their ids, have changed."""
        self._subscriptions.changed(hashes)
