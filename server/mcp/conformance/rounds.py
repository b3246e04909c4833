"""Fixture tools of the conformance suite that need more than one round (MCP 2026-07-28, InputRequiredResult)."""

from collections.abc import Mapping
from typing import Any

import mcp_types as types
from mcp.server.context import HandlerResult

from server.mcp.conformance.tools import text
from server.mcp.extras import CallTool, Context


def form(message: str, field: str, kind: str = "string") -> dict[str, Any]:
    """Return an elicitation of one field."""
    schema = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    return {"method": "elicitation/create", "params": {"mode": "form", "message": message, "requestedSchema": schema}}


def sample(prompt: str, max_tokens: int) -> dict[str, Any]:
    """Return a sampling request of one message."""
    message = {"role": "user", "content": {"type": "text", "text": prompt}}
    return {"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": max_tokens}}


ROOTS = {"method": "roots/list", "params": {}}
CONFIRM = {"confirm": form("Please confirm", "ok", "boolean")}


def required(questions: Mapping[str, Any], state: str | None = None) -> dict[str, Any]:
    """Return the interim result that asks `questions`."""
    result: dict[str, Any] = {"resultType": "input_required", "inputRequests": dict(questions)}
    return result | {"requestState": state} if state is not None else result


def rounds(questions: Mapping[str, Any], done: str, state: str | None = None) -> CallTool:
    """Return a tool that asks until every question has a well-formed answer (and the state came back), then says `done`."""

    async def tool(ctx: Context, params: types.CallToolRequestParams) -> HandlerResult:
        answers = params.input_responses or {}
        if not set(questions) <= set(answers) or params.request_state != state:
            return required(questions, state)
        return text(done.format(*(_shown(answers[key]) for key in questions)))

    return tool


def _shown(answer: types.CreateMessageResult | types.CreateMessageResultWithTools | types.ListRootsResult | types.ElicitResult) -> str:
    match answer:
        case types.ElicitResult(content=content):
            return ", ".join(map(str, (content or {}).values()))
        case types.ListRootsResult(roots=roots):
            return ", ".join(str(root.uri) for root in roots)
        case types.CreateMessageResult(content=types.TextContent(text=words)):
            return words
    return "something else"


async def _three_rounds(ctx: Context, params: types.CallToolRequestParams) -> HandlerResult:
    answers = params.input_responses or {}
    if params.request_state == "round-1" and "step1" in answers:
        return required({"step2": form("Step 2: What is your favorite color?", "color")}, "round-2")
    if params.request_state == "round-2" and "step2" in answers:
        return text("both steps are done")
    return required({"step1": form("Step 1: What is your name?", "name")}, "round-1")


async def _what_the_client_can(ctx: Context, params: types.CallToolRequestParams) -> HandlerResult:
    capabilities = ctx.session.client_capabilities or types.ClientCapabilities()
    questions: dict[str, Any] = {}
    if capabilities.elicitation is not None:
        questions["name"] = form("What is your name?", "name")
    if capabilities.sampling is not None:
        questions["greeting"] = sample("Generate a greeting", 50)
    if capabilities.roots is not None:
        questions["client_roots"] = ROOTS
    if not questions or set(questions) <= set(params.input_responses or {}):
        return text("nothing left to ask")
    return required(questions)


NAME = {"user_name": form("What is your name?", "name")}
CAPITAL = {"capital_question": sample("What is the capital of France?", 100)}
THREE = {**NAME, "greeting": sample("Generate a greeting", 50), "client_roots": ROOTS}

ROUNDS: dict[str, CallTool] = {
    "test_input_required_result_elicitation": rounds(NAME, "Hello, {}!"),
    "test_streaming_elicitation": rounds(NAME, "Hello, {}!"),
    "test_input_required_result_sampling": rounds(CAPITAL, "{}"),
    "test_input_required_result_list_roots": rounds({"client_roots": ROOTS}, "roots: {}"),
    "test_input_required_result_request_state": rounds(CONFIRM, "state-ok {}", "awaiting-confirm"),
    "test_input_required_result_tampered_state": rounds(CONFIRM, "state-ok {}", "awaiting-confirm"),
    "test_input_required_result_multiple_inputs": rounds(THREE, "{} | {} | {}", "awaiting-three"),
    "test_input_required_result_multi_round": _three_rounds,
    "test_input_required_result_capabilities": _what_the_client_can,
}
