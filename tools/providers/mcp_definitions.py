"""Definitions of an upstream's tools, and the pins by which a changed one is noticed."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import mcp_types
import orjson

from tools.operation import Json


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """What an upstream says of one tool: everything that decides whether and how a model would use it."""

    name: str
    title: str
    description: str
    input_schema: Mapping[str, Json]
    output_schema: Mapping[str, Json] | None
    #: MCP hints as given: readOnlyHint, destructiveHint, idempotentHint, openWorldHint
    annotations: Mapping[str, bool] = field(default_factory=dict)

    @property
    def pin(self) -> str:
        """Return the hash that changes with any part of the definition."""
        return hashlib.sha256(orjson.dumps(self.as_json(), option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()

    def as_json(self) -> dict[str, Json]:
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "input_schema": self.input_schema,
            "output_schema": self.output_schema,
            "annotations": dict(self.annotations),
        }


def definition_of(tool: mcp_types.Tool) -> ToolDefinition:
    """Return the definition of a listed tool."""
    hints = tool.annotations.model_dump(by_alias=True, exclude_none=True) if tool.annotations else {}
    return ToolDefinition(
        name=tool.name,
        title=tool.title or str(hints.get("title") or ""),
        description=tool.description or "",
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        annotations={name: value for name, value in hints.items() if isinstance(value, bool)},
    )


def changes_between(pinned: Mapping[str, Json], current: ToolDefinition) -> dict[str, Json]:
    """Return what changed, as {part: {was, is}}; schemas are told by argument."""
    now = current.as_json()
    changed: dict[str, Json] = {}
    for part in ("title", "description", "annotations", "output_schema"):
        if pinned.get(part) != now[part]:
            changed[part] = {"was": pinned.get(part), "is": now[part]}
    was, now_schema = pinned.get("input_schema") or {}, now["input_schema"]
    if was != now_schema:
        changed |= _argument_changes(was, now_schema) or {"input_schema": {"was": was, "is": now_schema}}
    return changed


def _argument_changes(was: Mapping[str, Json], now: Mapping[str, Json]) -> dict[str, Json]:
    before, after = _members(was), _members(now)
    names: Iterable[str] = sorted(before.keys() | after.keys())
    found: dict[str, Json] = {
        f"arguments.{name}": {"was": before.get(name), "is": after.get(name)} for name in names if before.get(name) != after.get(name)
    }
    if set(was.get("required") or ()) != set(now.get("required") or ()):
        found["required"] = {"was": was.get("required"), "is": now.get("required")}
    return found


def _members(schema: Mapping[str, Json]) -> Mapping[str, Json]:
    properties = schema.get("properties")
    return properties if isinstance(properties, Mapping) else {}
