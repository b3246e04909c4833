"""What a server may answer beside the calls of its three tools."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import mcp_types as types
from mcp.server.context import HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server

from server.mcp.tasks.calls import CallTasks

Context = ServerRequestContext[Any, Any]
CallTool = Callable[[Context, types.CallToolRequestParams], Awaitable[HandlerResult]]


class Extras(Protocol):
    """Tools beside the three, changes to what is listed, and handlers of other methods.

    `has_sessions`: 2025-11-25 is served with in-process MCP sessions, for a server that asks its client.
    """

    @property
    def has_sessions(self) -> bool: ...

    @property
    def tools(self) -> Mapping[str, CallTool]: ...

    @property
    def schema_by_name(self) -> dict[str, dict[str, Any]]: ...

    def listed(self, tools: Sequence[types.Tool]) -> list[types.Tool]:
        """Return what `tools/list` answers, of our own `tools`."""
        ...

    def install(self, server: Server[Any], tasks: CallTasks | None) -> None:
        """Register the handlers of other methods on `server`; `tasks` makes tasks of calls that last."""
        ...


class NoExtras:
    """The three tools are all there is."""

    has_sessions = False
    tools: ClassVar[Mapping[str, CallTool]] = {}
    schema_by_name: ClassVar[dict[str, dict[str, Any]]] = {}

    def listed(self, tools: Sequence[types.Tool]) -> list[types.Tool]:
        """Return `tools`: they are all that is listed."""
        return list(tools)

    def install(self, server: Server[Any], tasks: CallTasks | None) -> None:
        """Leave `server` as it is."""
