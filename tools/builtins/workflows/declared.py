"""workflow_start, workflow_status, workflow_list, workflow_cancel, workflow_resume: declared without what they do.

That is loaded with the first call of one (docs/decisions/0059).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from tools.operation import Call, Json, Outcome
from tools.sources.builtin import BuiltinFunction

READ, WRITE = "workflows:read", "workflows:write"
RUNS_PER_PAGE = 20
_RUN_ID: dict[str, Json] = {"type": "string", "minLength": 1, "maxLength": 400}
_STEP: dict[str, Json] = {"type": "string", "minLength": 1, "maxLength": 200}
_EXAMPLE_ID = "default:onboard-account:2026-11-28"


class RunsOfPeople(Protocol):
    """What each of them does."""

    async def start(self, call: Call) -> Outcome: ...
    async def status(self, call: Call) -> Outcome: ...
    async def list(self, call: Call) -> Outcome: ...
    async def cancel(self, call: Call) -> Outcome: ...
    async def resume(self, call: Call) -> Outcome: ...


#: gives them, loaded
Opens = Callable[[], Awaitable[RunsOfPeople]]


def workflow_functions(opens: Opens) -> tuple[BuiltinFunction, ...]:
    """Return the operations."""

    async def start(call: Call) -> Outcome:
        return await (await opens()).start(call)

    async def status(call: Call) -> Outcome:
        return await (await opens()).status(call)

    async def listed(call: Call) -> Outcome:
        return await (await opens()).list(call)

    async def cancel(call: Call) -> Outcome:
        return await (await opens()).cancel(call)

    async def resume(call: Call) -> Outcome:
        return await (await opens()).resume(call)

    workflow: dict[str, Json] = {"type": "string", "minLength": 1, "maxLength": 64}
    started: dict[str, Json] = {
        "workflow": workflow,
        "given": {"type": "object"},
        "key": {"type": "string", "minLength": 1, "maxLength": 200},
        "at": {"type": "string", "maxLength": 40},
    }
    states = ["queued", "running", "waiting", "succeeded", "failed", "cancelled"]
    list_of: dict[str, Json] = {
        "workflow": workflow,
        "states": {"type": "array", "items": {"enum": states}, "maxItems": len(states)},
        "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": RUNS_PER_PAGE},
        "cursor": {"type": "string", "maxLength": 800},
    }
    again: dict[str, Json] = {"type": "array", "items": _STEP, "maxItems": 1_000}
    example = {"workflow": "onboard-account", "given": {"account": "Kahuna"}, "key": "2026-11-28"}
    one, its_id = {"run_id": _RUN_ID}, {"run_id": _EXAMPLE_ID}
    return (
        BuiltinFunction("workflow_start", start, _schema(started, "workflow"), idempotent=False, scope=WRITE, example=example),
        BuiltinFunction("workflow_status", status, _schema(one | {"step": _STEP}, "run_id"), scope=READ, example=its_id),
        BuiltinFunction("workflow_list", listed, _schema(list_of), scope=READ, example={"states": ["failed"]}),
        BuiltinFunction("workflow_cancel", cancel, _schema(one, "run_id"), scope=WRITE, example=its_id),
        BuiltinFunction("workflow_resume", resume, _schema(one | {"again": again}, "run_id"), scope=WRITE, example=its_id),
    )


def _schema(properties: Mapping[str, Json], *required: str) -> dict[str, Json]:
    return {"type": "object", "properties": dict(properties), "required": list(required), "additionalProperties": False}
