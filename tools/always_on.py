"""The three tools as `tools/list` shows them: constant for a gateway, and together under 900 tokens of every client's context."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Final

from tools.operation import CallOptions, Json, PageRequest

#: the extra that runs code; imported where code runs
SANDBOX = "pydantic_monty"
#: bounds are checked and told where they are passed; in the list they would be noise
_CHECKED_ONLY = frozenset({"additionalProperties", "exclusiveMinimum", "maxItems", "maxLength", "maximum", "minItems", "minimum"})


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """One MCP tool. The edge turns it into the wire form of either protocol era. `input_schema` is what arguments are checked by."""

    name: str
    title: str
    description: str
    input_schema: Mapping[str, Json]
    annotations: Mapping[str, bool]
    #: arguments that are taken and stand on the tool's page; hardly a call needs them
    rare: frozenset[str] = frozenset()

    def to_wire(self) -> dict[str, Json]:
        """Return the tool as MCP's `Tool` object; `alwaysLoad` keeps clients with tool search from deferring it."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": _shown(self.without(*self.rare).input_schema),
            "annotations": self.annotations,
            "_meta": {"anthropic/alwaysLoad": True},
        }

    def without(self, *arguments: str) -> "ToolDefinition":
        """Return the tool without arguments that this gateway has no use for."""
        properties = {name: schema for name, schema in self.input_schema["properties"].items() if name not in arguments}
        return replace(self, input_schema={**self.input_schema, "properties": properties})


def _shown(schema: Mapping[str, Json], *, is_inner: bool = False) -> dict[str, Json]:
    """Return a schema as a model sees it: without bounds, and members and options by the description alone where there is one."""
    left_out = _CHECKED_ONLY
    if is_inner and "description" in schema:
        left_out |= {"properties", "required", "enum"}
    shown = {word: value for word, value in schema.items() if word not in left_out}
    if is_inner and shown.get("type") == _ONE_OR_MORE and "maxItems" not in schema:
        # A list of expressions is taken, too; one expression can make a list itself.
        shown["type"] = "string"
        del shown["items"]
    if "properties" in shown:
        shown["properties"] = {name: _shown(member, is_inner=True) for name, member in shown["properties"].items()}
    if "items" in shown:
        shown["items"] = _shown(shown["items"], is_inner=True)
    return shown


_ONE_OR_MORE = ["string", "array"]
_TEXTS = {"type": "array", "items": {"type": "string"}}

DISCOVER_APIS = ToolDefinition(
    name="discover_apis",
    title="Find operations",
    description=(
        "Find operations for an intent. `a.b: create · list` names a.b.create and a.b.list; ids describes them."
        " Without arguments: all providers."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "query": {
                "type": _ONE_OR_MORE,
                "items": {"type": "string"},
                "maxItems": 5,
                "description": "what to do, in words; up to 5, one per sub-task",
            },
            "ids": {**_TEXTS, "maxItems": 20, "description": "describe exactly these"},
            "providers": _TEXTS,
            "tags": {**_TEXTS, "description": "topics"},
            "access": {"enum": ["any", "read", "write", "destructive"], "description": "any|read|write|destructive"},
            "detail": {
                "enum": ["names", "signature", "full", "schema"],
                "description": "names|signature|full (arguments described)|schema",
            },
            "limit": {"type": "integer", "minimum": 1, "maximum": 20, "description": "per query, 1-20"},
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
    description="Run one operation. A large answer brings its start and a handle for api=result.read.",
    input_schema={
        "type": "object",
        "properties": {
            "api": {"type": "string", "description": "operation id"},
            "args": {"type": "object"},
            "account": {"type": "string", "description": "alias or id"},
            "select": {
                "type": _ONE_OR_MORE,
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
                "description": "{mode: one|all|max, max_items, cursor}",
            },
            "max_chars": {"type": "integer", "minimum": 200, "maximum": 500000},
            "dry_run": {"type": "boolean", "description": "show the request, send nothing"},
            "idempotency_key": {"type": "string", "maxLength": 255},
            "confirm": {"type": "string", "description": "token of needs_confirmation"},
            "timeout_s": {"type": "number", "exclusiveMinimum": 0, "maximum": 3600},
        },
        "required": ["api"],
        "additionalProperties": False,
    },
    annotations={"destructiveHint": True},
    rare=frozenset({"timeout_s"}),
)

BATCH_EXECUTE = ToolDefinition(
    name="batch_execute",
    title="Run a plan",
    description=(
        "Run up to 50 operations, independent ones side by side, all checked before anything runs."
        ' In args {"$ref": "step_id.data.items[0].id"} takes an earlier answer, {"$item": "id"} the element of for_each ("@": all of it).'
        " Both are JMESPath: join(': ', [id, name])."
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
                    "description": (
                        "{id, api, args, account, select, if: JMESPath over steps, for_each: step_id.data.items or a list,"
                        " depends_on: [ids], on_error: stop|skip|continue, idempotency_key}"
                    ),
                    "properties": {
                        "id": {"type": "string"},
                        "api": {"type": "string"},
                        "args": {"type": "object"},
                        "account": {"type": "string"},
                        "if": {"type": "string"},
                        "for_each": {"type": _ONE_OR_MORE},
                        "depends_on": _TEXTS,
                        "on_error": {"enum": ["stop", "skip", "continue"]},
                        "select": {"type": _ONE_OR_MORE, "items": {"type": "string"}},
                        "idempotency_key": {"type": "string"},
                    },
                    "required": ["id", "api"],
                    "additionalProperties": False,
                },
            },
            "code": {"type": "string", "description": "Python instead of steps"},
            "return": {"type": "string", "description": "JMESPath over steps"},
            "max_parallel": {"type": "integer", "minimum": 1, "maximum": 16},
            "timeout_s": {"type": "number", "exclusiveMinimum": 0, "maximum": 120},
            "dry_run": {"type": "boolean"},
            "confirm": {"type": "string"},
            "resume": {"type": "string", "description": "handle: run what is missing"},
        },
        "additionalProperties": False,
    },
    annotations={"destructiveHint": True},
    rare=frozenset({"max_parallel", "timeout_s"}),
)

ALWAYS_ON: tuple[ToolDefinition, ...] = (DISCOVER_APIS, CALL_API, BATCH_EXECUTE)


def offered() -> tuple[ToolDefinition, ...]:
    """Return the tools that this gateway shows to everybody: `code` only where its sandbox is installed."""
    batch = BATCH_EXECUTE if find_spec(SANDBOX) is not None else BATCH_EXECUTE.without("code")
    return (DISCOVER_APIS, CALL_API, batch)


MAX_CHARS = 16_000


_PLAIN = frozenset({"api", "args"})


_DEFAULTS = CallOptions(max_chars=MAX_CHARS)


#: an operation, its arguments, and how to run it
Asked = tuple[str, Mapping[str, Json], CallOptions]


def asked_of(given: Mapping[str, Json]) -> Asked:
    """Return what valid arguments of this tool ask for: an operation, its arguments, and how to run it."""
    return given["api"], given.get("args") or {}, _DEFAULTS if given.keys() <= _PLAIN else _options(given)


def _options(given: Mapping[str, Json]) -> CallOptions:
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
