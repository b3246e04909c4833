"""A list of tools in which some break MCP's rules: those are mended or marked, before the SDK refuses the list as a whole."""

import contextvars
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import mcp_types
from mcp.client import Transport
from mcp.shared.message import SessionMessage
from mcp_types.methods import validate_server_result
from pydantic import ValidationError

from tools.turns import in_turns

#: the description of what stands for a tool that cannot be mended
BROKEN = "its definition breaks MCP's rules for tools"
_EMPTY: dict[str, Any] = {"type": "object"}
_OPTIONAL = ("title", "description", "outputSchema", "annotations", "icons", "execution", "_meta")


@asynccontextmanager
async def tolerant(transport: Transport, version: Callable[[], str]) -> AsyncGenerator[tuple["_Mended", Any]]:
    """Yield the streams of `transport`, lists of tools mended by the rules of the protocol `version` of the moment."""
    async with transport as (reading, writing):
        yield _Mended(reading, version), writing


def mended(page: Mapping[str, Any], version: str) -> Mapping[str, Any]:
    """Return what `mended_in_turns` does, at once."""
    if (fits := _fitting(page, version)) is None:
        return page
    return _with(page, [tool if fits(tool) else _mended_tool(tool, fits) for tool in page["tools"]])


async def mended_in_turns(page: Mapping[str, Any], version: str) -> Mapping[str, Any]:
    """Return a result of tools/list whose tools all keep the rules, where the rest of it does; looked at tool by tool.

    What servers often get wrong is put right: a schema left out where there are no parameters, PHP's [] for an empty map, a
    type left out, an optional part of the wrong kind. Any other such tool becomes one without parameters, described as BROKEN.
    """
    if (fits := _fitting(page, version)) is None:
        return page
    return _with(page, [tool if fits(tool) else _mended_tool(tool, fits) async for tool in in_turns(page["tools"])])


def _with(page: Mapping[str, Any], tools: list[Any]) -> Mapping[str, Any]:
    is_same = all(mended_tool is tool for mended_tool, tool in zip(tools, page["tools"], strict=True))
    return page if is_same else {**page, "tools": tools}


def _fitting(page: Mapping[str, Any], version: str) -> Callable[[object], bool] | None:
    """Return what says whether a tool keeps the rules, or None for a page that breaks them beside its tools."""
    rest = {key: value for key, value in page.items() if key != "tools"}
    if not _fits({**rest, "tools": []}, version):
        return None

    def fits(tool: object) -> bool:
        return _fits({**rest, "tools": [tool]}, version) and not _has_list_for_map(tool)

    return fits


def _mended_tool(tool: object, fits: Callable[[object], bool]) -> dict[str, Any]:
    given = tool if isinstance(tool, dict) else {}
    least = {"name": given["name"] if isinstance(given.get("name"), str) else "", "inputSchema": _EMPTY}
    whole = {**least, "inputSchema": _mended_schema(given.get("inputSchema"))}
    whole |= {part: given[part] for part in _OPTIONAL if part in given and fits({**least, part: given[part]})}
    return whole if least["name"] and fits(whole) else {**least, "description": BROKEN}


def _mended_schema(schema: object) -> object:
    if schema is None or schema == []:
        return _EMPTY
    if not isinstance(schema, dict):
        return schema
    empty = {key for key in ("properties", "required") if key in schema and not schema[key]}
    return _EMPTY | {key: value for key, value in schema.items() if key not in empty}


def _has_list_for_map(tool: object) -> bool:
    schema = tool.get("inputSchema") if isinstance(tool, dict) else None
    return isinstance(schema, dict) and schema.get("properties") == []


def _fits(page: Mapping[str, Any], version: str) -> bool:
    try:
        validate_server_result("tools/list", version, page)
    except ValidationError:
        return False
    return True


class _Mended:
    """Reads what a transport receives; everything but a list of tools passes untouched."""

    def __init__(self, inner: Any, version: Callable[[], str]) -> None:
        # A ReadStream of the SDK, which has no public name.
        self._inner, self._version = inner, version

    @property
    def last_context(self) -> contextvars.Context | None:
        """What the SDK looks for on the stream itself: the context in which the message was sent."""
        context: contextvars.Context | None = getattr(self._inner, "last_context", None)
        return context

    async def receive(self) -> SessionMessage | Exception:
        return await self._checked(await self._inner.receive())

    async def _checked(self, received: SessionMessage | Exception) -> SessionMessage | Exception:
        if isinstance(received, SessionMessage) and isinstance(received.message, mcp_types.JSONRPCResponse):
            result = received.message.result
            if isinstance(result.get("tools"), list):
                received.message.result = dict(await mended_in_turns(result, self._version()))
        return received

    async def aclose(self) -> None:
        await self._inner.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        return await self._checked(await self._inner.__anext__())

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> bool | None:
        handled: bool | None = await self._inner.__aexit__(exc_type, exc_val, exc_tb)
        return handled
