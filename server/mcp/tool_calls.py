"""One `tools/call`, the same for every way in: trace it, dispatch it, answer it."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from oauth.principal import Principal
from server.error_responses import failure_outcome, internal_error
from server.mcp.answers import Answer, StepUpAnswer, UrlQuestion, answer
from server.mcp.pending_plans import PendingPlans
from server.mcp.request_state import Asked, RequestStates
from server.mcp.tasks.calls import CallTasks
from server.mcp.tool_request import ToolRequest
from server.observability.trace_context import CallSpan, Tracing, trace_id_of
from server.origins import Callers
from server.storage.database import StoreUnavailable
from tools.always_on import ALWAYS_ON
from tools.dispatch.execution import store_away
from tools.errors import StoreAway, ToolError
from tools.operation import ClientInfo, Json, Outcome, Progress, no_progress
from tools.trace_ids import new_trace_id

logger = logging.getLogger(__name__)

UNKNOWN_OPERATION = "unknown_operation"
INSUFFICIENT_SCOPE = "insufficient_scope"
_ALWAYS_ON = frozenset(tool.name for tool in ALWAYS_ON)
#: (principal, missing scopes, our origin as the client spells it) -> the 403 that asks for more scopes
StepUp = Callable[[Principal, frozenset[str], str], StepUpAnswer]


Known = TypeVar("Known")


class Dispatch(Protocol):
    """The one door of `tools`, by the name of an always-on tool or of a catalogue operation."""

    async def call(
        self,
        principal: Principal,
        name: str,
        arguments: Mapping[str, Json],
        *,
        client: ClientInfo,
        progress: Progress = ...,
        trace_id: str | None = None,
    ) -> Outcome: ...


class ToolCalls:
    """Answers calls through the dispatcher, whichever path recognised them."""

    def __init__(
        self,
        dispatcher: Dispatch,
        tracing: Tracing,
        states: RequestStates,
        step_up: StepUp,
        callers: Callers,
        plans: PendingPlans | None,
    ) -> None:
        self._dispatcher, self._tracing, self._states = dispatcher, tracing, states
        self._step_up, self._callers = step_up, callers
        self._plans = plans
        #: what makes tasks of calls that last; given once, by whoever puts both together
        self.tasks: CallTasks | None = None

    def answer(self, request: ToolRequest, progress: Progress = no_progress) -> Awaitable[Answer]:
        """Run one call and return its answer.

        Raises:
            MCPError: -32602 for a name that is neither tool nor operation and for a foreign `state`, -32042 (see `answer`),
                -32603 for our own faults.
        """
        # Who polls gets a task where the call lasts; what runs for one comes back here without the wish.
        if request.client.takes_tasks and self.tasks is not None:
            return self.tasks.answer(request, progress)
        asked = request.asked
        if request.state is not None:
            # MCP 2026-07-28: before anything runs; a state of another call is an error and no hint.
            asked = self._states.check(request.state, request.principal, request.name, request.arguments)
        if not self._tracing.is_collected:
            trace_id = trace_id_of(request.carrier) if request.carrier else new_trace_id()
            return self._answer(request, progress, asked, CallSpan(trace_id))
        spanning = self._tracing.call(request.name, request.client.protocol_version, request.carrier)
        return self._in_span(spanning, partial(self._answer, request, progress, asked))

    @staticmethod
    async def _in_span(spanning: AbstractContextManager[CallSpan], answered: Callable[[CallSpan], Awaitable[Answer]]) -> Answer:
        with spanning as span:
            return await answered(span)

    async def _answer(self, request: ToolRequest, progress: Progress, asked: Asked | None, span: CallSpan) -> Answer:
        principal, name, arguments, client = request.principal, request.name, request.arguments, request.client
        resume = asked.resume if asked is not None else None
        if resume is None and client.elicits_url and self._plans is not None:
            resume = await self._waiting(self._plans.resume(principal, name, arguments))
        given = arguments if resume is None else {**arguments, "resume": resume}
        try:
            outcome = await self._dispatcher.call(principal, name, given, client=client, progress=progress, trace_id=span.trace_id)
        except ToolError as error:
            outcome = failure_outcome(error)
        except StoreAway:
            outcome = Outcome("error", error=store_away(name, span.trace_id))
        except Exception as error:
            span.failed("internal_error")
            # JSON-RPC 2.0 §5.1 (-32603): the trace tells operators what it was, the client hears nothing of our insides.
            raise internal_error(error, span.trace_id) from error
        step_up = None
        if outcome.error is not None:
            span.failed(outcome.error.code)
            # MCP tools: an unknown tool is a protocol error; an unknown operation inside a tool is the tool's answer.
            if outcome.error.code == UNKNOWN_OPERATION and name not in _ALWAYS_ON:
                raise unknown_tool(name, outcome)
            if outcome.error.code == INSUFFICIENT_SCOPE and outcome.error.missing_scopes:
                step_up = self._step_up(principal, outcome.error.missing_scopes, self._callers.base_url_at(request.host))
        try:
            answered = answer(outcome, client, asked=asked.providers if asked is not None else None, step_up=step_up)
        except MCPError as question:
            if self._plans is not None and (resume := (question.error.data or {}).get("resume")):
                await self._waiting(self._plans.wait(principal, name, arguments, resume))
            raise
        if isinstance(answered, UrlQuestion):
            told = Asked(answered.providers | (asked.providers if asked is not None else frozenset()), answered.resume)
            return replace(answered, state=self._states.seal(principal, name, arguments, told))
        return answered

    @staticmethod
    async def _waiting(asked: Awaitable[Known]) -> Known | None:
        """Ask for plans that wait; while the store is away they begin anew, and writes that were done are answered from their record."""
        try:
            return await asked
        except StoreUnavailable:
            return None


def unknown_tool(name: str, outcome: Outcome) -> MCPError:
    """Return the protocol's error for a name that nothing answers to (MCP tools, "Error Handling")."""
    near = outcome.error.did_you_mean if outcome.error is not None else ()
    return MCPError(INVALID_PARAMS, f"unknown tool {name[:200]!r}; try discover_apis", {"did_you_mean": list(near)} if near else None)
