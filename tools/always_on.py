"""The three tools as `tools/list` shows them: constant, and together under 900 tokens of every client's context."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tools.operation import CallOptions, Json, PageRequest


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """One MCP tool. The edge turns it into the wire form of either protocol era."""

    name: str
    title: str
    description: str
    input_schema: Mapping[str, Json]
    annotations: Mapping[str, bool]

    def to_wire(self) -> dict[str, Json]:
        """Return the tool as MCP's `Tool` object; `alwaysLoad` keeps clients with tool search from deferring it."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.input_schema,
            "annotations": self.annotations,
            "_meta": {"anthropic/alwaysLoad": True},
        }


_TEXTS = {"type": "array", "items": {"type": "string"}}

DISCOVER_APIS = ToolDefinition(
    name="discover_apis",
    title="Find operations",
    description="Find operations for an intent, with signatures ready for call_api and connection state.",
    input_schema={
        "type": "object",
        "properties": {
            "query": {
                "type": ["string", "array"],
                "items": {"type": "string"},
                "maxItems": 5,
                "description": "intent in words; several = one per sub-task",
            },
            "ids": {**_TEXTS, "maxItems": 20, "description": "exact operations to describe"},
            "providers": _TEXTS,
            "tags": _TEXTS,
            "access": {"enum": ["any", "read", "write", "destructive"]},
            "detail": {"enum": ["names", "signature", "full", "schema"]},
            "limit": {"type": "integer", "minimum": 1, "maximum": 20},
            "cursor": {"type": "string"},
            "check": {"type": "boolean", "description": "readiness only"},
        },
        "additionalProperties": False,
    },
    annotations={"readOnlyHint": True, "openWorldHint": False},
)

CALL_API = ToolDefinition(
    name="call_api",
    title="Run one operation",
    description="Run an operation found by discover_apis. A large answer comes as outline, first rows and a handle for api=result.read.",
    input_schema={
        "type": "object",
        "properties": {
            "api": {"type": "string", "description": "operation id"},
            "args": {"type": "object"},
            "account": {"type": "string", "description": "alias or id"},
            "select": {
                "type": ["string", "array"],
                "items": {"type": "string"},
                "description": "JMESPath over data: results[].{id: id}",
            },
            "page": {
                "type": "object",
                "properties": {
                    "mode": {"enum": ["one", "all", "max"]},
                    "max_items": {"type": "integer", "minimum": 1},
                    "cursor": {"type": "string"},
                },
                "additionalProperties": False,
            },
            "max_chars": {"type": "integer", "minimum": 200, "maximum": 500000},
            "dry_run": {"type": "boolean"},
            "idempotency_key": {"type": "string", "maxLength": 255},
            "confirm": {"type": "string", "description": "token of needs_confirmation"},
            "timeout_s": {"type": "number", "exclusiveMinimum": 0, "maximum": 3600},
        },
        "required": ["api"],
        "additionalProperties": False,
    },
    annotations={"readOnlyHint": False, "destructiveHint": True, "idempotentHint": False, "openWorldHint": True},
)

BATCH_EXECUTE = ToolDefinition(
    name="batch_execute",
    title="Run a plan",
    description=(
        "Run up to 50 operations in one go, independent ones side by side. The whole plan is checked before anything runs."
        ' {"$ref": "step_id.data.items[0].id"} anywhere in args takes an earlier answer;'
        ' with for_each, {"$item": "path"} the current element.'
    ),
    input_schema={
        "type": "object",
        "properties": {
            "steps": {
                "type": "array",
                "minItems": 1,
                "maxItems": 50,
                "items": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "string"},
                        "api": {"type": "string"},
                        "args": {"type": "object"},
                        "account": {"type": "string"},
                        "if": {"type": "string", "description": "JMESPath over steps"},
                        "for_each": {"type": ["string", "array"], "description": "step_id.data.items, or a list"},
                        "depends_on": _TEXTS,
                        "on_error": {"enum": ["stop", "skip", "continue"]},
                        "select": {"type": ["string", "array"], "items": {"type": "string"}},
                        "idempotency_key": {"type": "string"},
                    },
                    "required": ["id", "api"],
                    "additionalProperties": False,
                },
            },
            "code": {"type": "string", "description": "Python instead of steps"},
            "return": {"type": "string", "description": "JMESPath over steps; only this comes back"},
            "max_parallel": {"type": "integer", "minimum": 1, "maximum": 16},
            "timeout_s": {"type": "number", "exclusiveMinimum": 0, "maximum": 120},
            "dry_run": {"type": "boolean"},
            "confirm": {"type": "string"},
            "resume": {"type": "string", "description": "run only what failed or never ran"},
        },
        "additionalProperties": False,
    },
    annotations={"readOnlyHint": False, "destructiveHint": True, "idempotentHint": False, "openWorldHint": True},
)

ALWAYS_ON: tuple[ToolDefinition, ...] = (DISCOVER_APIS, CALL_API, BATCH_EXECUTE)


MAX_CHARS = 16_000


_PLAIN = frozenset({"api", "args"})


_DEFAULTS = CallOptions(max_chars=MAX_CHARS)


#: an operation, its arguments, and how to run it
Asked = tuple[str, Mapping[str, Json], CallOptions]


def asked_of(given: Mapping[str, Json]) -> Asked:
    """Return what valid arguments of this tool ask for: an operation, its arguments, and how to run it."""
    return given["api"], given.get("args") or {}, _options(given)


def _options(given: Mapping[str, Json]) -> CallOptions:
    if given.keys() <= _PLAIN:
        return _DEFAULTS
    page = given.get("page")
    return CallOptions(
        account=given.get("account"),
        select=given.get("select"),
        page=None if page is None else PageRequest(page.get("mode", "one"), page.get("max_items"), page.get("cursor")),
        max_chars=given.get("max_chars", MAX_CHARS),
        dry_run=given.get("dry_run", False),
        idempotency_key=given.get("idempotency_key"),
        confirm=given.get("confirm"),
        timeout_s=given.get("timeout_s", 30.0),
    )


#: tools that do nothing but name another operation -> how their arguments are read
NAMES_ANOTHER: Final[Mapping[str, Callable[[Mapping[str, Json]], Asked]]] = {CALL_API.name: asked_of}
