"""How a call that became a task ends: with its answer, with an error of the protocol, or broken off, which is told as it is."""

from typing import Final

import orjson
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR

from server.mcp.answers import Answer, answer, encoded
from server.mcp.tasks.work import Work
from tools.always_on import BATCH_EXECUTE
from tools.operation import ClientInfo, Failure, Json, Outcome

#: of the result of a task; answers are cut to 16,000 characters, and stand in it twice
MAX_RESULT_BYTES: Final = 1 << 20
#: error data of a task that was broken off
BROKEN_OFF: Final = "broken_off"
_UNSURE = "what it was doing then may have taken effect"
_ONCE = "a write that came through is answered from its record and not sent again"


def result_of(answered: Answer) -> bytes:
    """Return the CallToolResult, as the call itself would have been answered (tasks, "Task Execution Errors")."""
    result = b"{%b}" % answered.to_members()
    return (
        result if len(result) <= MAX_RESULT_BYTES else not_kept(f"the answer has {len(result)} bytes, and a task keeps {MAX_RESULT_BYTES}")
    )


def not_kept(why: str) -> bytes:
    """Return the result of a call whose answer has no room."""
    hint = f"{_ONCE}; send the call again, with a select that takes less"
    return result_of(answer(Outcome("error", error=Failure("answer_not_kept", why, hint=hint)), ClientInfo("")))


def declined(work: Work) -> bytes:
    """Return the result of a call to which the person said no."""
    hint = f"do not ask again; {way_on(work)}" if work.resume is not None else "do not ask again"
    failure = Failure("confirmation_declined", "the person was asked and said no; what cannot be undone was not done", hint=hint)
    return result_of(answer(Outcome("error", error=failure), ClientInfo("")))


def error_of(error: MCPError) -> bytes:
    """Return the JSON-RPC error that the call would have been answered with."""
    return encoded(error.error.model_dump(mode="json", exclude_none=True))


def broken_off(why: str, work: Work) -> bytes:
    """Return the error of a call that did not end: what is known, what is not, and how to go on."""
    data: dict[str, Json] = {"code": BROKEN_OFF, "hint": way_on(work)}
    if work.resume is not None:
        data["resume"] = work.resume
    return orjson.dumps({"code": INTERNAL_ERROR, "message": f"{why}; {_UNSURE}", "data": data})


def stopped(work: Work) -> str:
    """Return what is told of a task that its client had stopped."""
    return f"stopped; what was done stays done. To go on, {way_on(work)}"


def way_on(work: Work) -> str:
    """Return how the rest of a call is run that did not end."""
    if work.resume is not None:
        return f"call batch_execute with {{'resume': '{work.resume}'}}: finished steps answer from the record, and {_ONCE}"
    again = "the same plan" if work.tool == BATCH_EXECUTE.name else "the same call"
    return f"send {again} again: {_ONCE}"
