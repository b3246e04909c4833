"""Fixture prompts and completion of the conformance suite."""

from typing import Any

import mcp_types as types
from mcp.server.context import HandlerResult
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

from server.mcp.conformance.rounds import form, required
from server.mcp.conformance.tools import IMAGE, resource
from server.mcp.extras import Context

CACHE_TTL_MS = 60_000
#: prompt name -> names of its required arguments
PROMPTS = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
    "test_input_required_result_prompt": (),
}


async def list_prompts(ctx: Context, params: types.PaginatedRequestParams) -> types.ListPromptsResult:
    """Return every fixture prompt."""
    prompts = [
        types.Prompt(
            name=name,
            description=f"conformance fixture {name}",
            arguments=[types.PromptArgument(name=argument, description=argument, required=True) for argument in arguments],
        )
        for name, arguments in PROMPTS.items()
    ]
    return types.ListPromptsResult(prompts=prompts, ttl_ms=CACHE_TTL_MS, cache_scope="private")


async def get_prompt(ctx: Context, params: types.GetPromptRequestParams) -> HandlerResult:
    """Return the messages of one fixture prompt."""
    given = params.arguments or {}
    if params.name not in PROMPTS:
        raise MCPError(INVALID_PARAMS, f"unknown prompt {params.name[:200]!r}; prompts/list names them")
    if missing := [argument for argument in PROMPTS[params.name] if argument not in given]:
        raise MCPError(INVALID_PARAMS, f"arguments.{missing[0]}: is required")
    match params.name:
        case "test_prompt_with_arguments":
            blocks = [_text(f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'")]
        case "test_prompt_with_embedded_resource":
            embedded = resource(given["resourceUri"], "text/plain", "Embedded resource content for testing.")
            blocks = [embedded, _text("Please process the embedded resource above.")]
        case "test_prompt_with_image":
            blocks = [dict(IMAGE), _text("Please analyze the image above.")]
        case "test_input_required_result_prompt":
            if "user_context" not in (params.input_responses or {}):
                return required({"user_context": form("What context should the prompt use?", "context")})
            blocks = [_text("the context has arrived")]
        case _:
            blocks = [_text("This is a simple prompt for testing.")]
    return {"messages": [{"role": "user", "content": block} for block in blocks], "resultType": "complete"}


async def complete(ctx: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
    """Complete an argument out of a few words."""
    words = [word for word in ("paris", "park", "party") if word.startswith(params.argument.value)]
    return types.CompleteResult(completion=types.Completion(values=words, total=len(words), has_more=False))


def _text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}
