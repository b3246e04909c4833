"""Definitions of an upstream's tools, and the pins by which a changed one is noticed."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import mcp_types
import orjson

from tools.json_schema.json_equal import same
from tools.operation import Json


@dataclass(frozen=True, slots=True)
class UpstreamTool:
    """What an upstream says of one tool: everything that decides whether and how a model would use it."""

    name: str
    title: str
    description: str
    input_schema: Mapping[str, Json]
    output_schema: Mapping[str, Json] | None
    #: MCP hints as given: readOnlyHint, destructiveHint, idempotentHint, openWorldHint
    annotations: Mapping[str, bool] = field(default_factory=dict)
    #: the hash that changes with any part of the definition
    pin: str = field(init=False, compare=False)
    size_bytes: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        # Made once: every call compares it.
        text = orjson.dumps(self.as_json(), option=orjson.OPT_SORT_KEYS, default=str)
        object.__setattr__(self, "pin", hashlib.sha256(text).hexdigest())
        object.__setattr__(self, "size_bytes", len(text))

    def as_json(self) -> dict[str, Json]:
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "input_schema": self.input_schema,
            "output_schema": self.output_schema,
            "annotations": dict(self.annotations),
        }


def definition_of(tool: mcp_types.Tool) -> UpstreamTool:
    """Return the definition of a listed tool. Raises TypeError for one that no JSON can hold."""
    hints = tool.annotations.model_dump(by_alias=True, exclude_none=True) if tool.annotations else {}
    return UpstreamTool(
        name=tool.name,
        title=tool.title or str(hints.get("title") or ""),
        description=tool.description or "",
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        annotations={name: value for name, value in hints.items() if isinstance(value, bool)},
    )


def definition_from(content: Mapping[str, Json]) -> UpstreamTool:
    """Return the definition that was kept by `as_json`."""
    return UpstreamTool(
        **{name: content[name] for name in ("name", "title", "description", "input_schema", "output_schema", "annotations")}
    )


def changes_between(pinned: Mapping[str, Json], current: UpstreamTool) -> dict[str, Json]:
    """Return what changed, as {part: {was, is}}, for an operator; schemas are told by argument.

    It holds the upstream's new words, so it is never part of an answer to a model.
    """
    now = current.as_json()
    changed: dict[str, Json] = {}
    for part in ("title", "description", "annotations", "output_schema"):
        if not same(pinned.get(part), now[part]):
            changed[part] = {"was": pinned.get(part), "is": now[part]}
    was, now_schema = pinned.get("input_schema") or {}, now["input_schema"]
    if not same(was, now_schema):
        told = _argument_changes(was, now_schema)
        # What no argument tells (definitions that they refer to, words about the whole) must not hide behind one that changed.
        rest, rest_now = _without_arguments(was), _without_arguments(now_schema)
        if not same(rest, rest_now):
            told["input_schema"] = {"was": rest, "is": rest_now}
        changed |= told or {"input_schema": {"was": was, "is": now_schema}}
    return changed


def _argument_changes(was: Mapping[str, Json], now: Mapping[str, Json]) -> dict[str, Json]:
    before, after = members_of(was), members_of(now)
    names: Iterable[str] = sorted(before.keys() | after.keys())
    found: dict[str, Json] = {
        f"arguments.{name}": {"was": before.get(name), "is": after.get(name)}
        for name in names
        if not same(before.get(name), after.get(name))
    }
    if required_of(was) != required_of(now):
        found["required"] = {"was": was.get("required"), "is": now.get("required")}
    return found


def _without_arguments(schema: Mapping[str, Json]) -> dict[str, Json]:
    told = {"properties"} if isinstance(schema.get("properties"), Mapping) else set()
    return {name: part for name, part in schema.items() if name not in told and (name != "required" or not isinstance(part, list | tuple))}


def members_of(schema: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the arguments that a schema declares, by name."""
    properties = schema.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def required_of(schema: Mapping[str, Json]) -> frozenset[str]:
    """Return the arguments that a schema demands."""
    required = schema.get("required")
    return frozenset(name for name in required if isinstance(name, str)) if isinstance(required, list | tuple) else frozenset()
