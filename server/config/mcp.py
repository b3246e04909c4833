"""Settings: what is served over MCP, and what MCP servers are given."""

from dataclasses import dataclass
from typing import ClassVar

from server.config.setting import setting
from server.config.value_kinds import Number, Switch


@dataclass(frozen=True, slots=True, kw_only=True)
class McpSettings:
    """The MCP endpoint, and the MCP servers behind it."""

    title: ClassVar[str] = "MCP"

    mcp_tool_timeout_s: float = setting(
        "ASCEND_MCP_TOOL_TIMEOUT_S",
        Number("seconds"),
        300.0,
        "how long a tool of an MCP server may take that reports progress, and the most that `timeout_s` may ask for it; give proxies in "
        "front a longer read timeout",
        guide="upstream-mcp.md#how-long-a-tool-may-take",
    )
    mcp_task_after_s: float = setting(
        "ASCEND_MCP_TASK_AFTER_S",
        Number("seconds"),
        5.0,
        "how long a call may last before a client that polls for answers (MCP tasks) gets a task instead of waiting on",
        guide="tasks.md",
    )
    conformance_fixtures: bool = setting(
        "ASCEND_CONFORMANCE_FIXTURES", Switch(), False, "serves what the MCP conformance suite calls; never in production"
    )
    conformance_listed: bool = setting(
        "ASCEND_CONFORMANCE_LISTED",
        Switch(),
        False,
        "with the fixtures, lists a fourth tool whose schema the MCP conformance suite looks for; never in production",
    )
