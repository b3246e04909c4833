"""A task in the words of MCP's extension `io.modelcontextprotocol/tasks`, revision 2026-07-28."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, MISSING_REQUIRED_CLIENT_CAPABILITY

from tools.long_work import Task, TaskStatus
from tools.operation import Json

EXTENSION: Final = "io.modelcontextprotocol/tasks"
#: how often a client should ask
POLL_INTERVAL_MS: Final = 1_000
#: status -> the member that holds the payload (tasks, "Task Status")
_MEMBER: Final[Mapping[TaskStatus, str]] = {"completed": "result", "failed": "error", "input_required": "inputRequests"}


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """A CreateTaskResult: in place of the answer of a call that goes on (tasks, "Task Creation")."""

    task: Task
    step_up: None = None

    def to_result(self) -> dict[str, Json]:
        """Return the result as JSON values: what a client needs to ask for more, and nothing of what is asked or came out."""
        return {"resultType": "task", **metadata(self.task)}

    def to_members(self) -> bytes:
        """Return the members of the result's JSON object, encoded."""
        return orjson.dumps(self.to_result())[1:-1]


def metadata(task: Task) -> dict[str, Json]:
    """Return what is told of a task whatever became of it."""
    told: dict[str, Json] = {"taskId": task.task_id, "status": task.status}
    if task.message is not None:
        told["statusMessage"] = task.message
    return told | {
        "createdAt": _instant(task.created_at_us),
        "lastUpdatedAt": _instant(task.updated_at_us),
        "ttlMs": task.ttl_ms,
        "pollIntervalMs": POLL_INTERVAL_MS,
    }


def detailed(task: Task) -> dict[str, Json]:
    """Return a DetailedTask: with the result, the error or the requests of its status."""
    told = metadata(task)
    if (member := _MEMBER.get(task.status)) is not None and task.payload is not None:
        told[member] = orjson.loads(task.payload)
    return told


def unknown_task() -> MCPError:
    """Return the answer for a task that is not there, or not this caller's: nobody learns which (tasks, "Protocol Errors")."""
    message = "no such task: it is unknown, older than its ttlMs, or of another person or client; send the call again for a new one"
    return MCPError(INVALID_PARAMS, message)


def not_declared(what: str) -> MCPError:
    """Return the refusal of a client that did not declare the extension with this request."""
    required: dict[str, Any] = {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
    message = f"{what} needs the client capability extensions['{EXTENSION}'] in _meta of the request"
    return MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, message, required)


def _instant(at_us: int) -> str:
    # ISO 8601, as the schema of the extension has it
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
