"""Prompts (MCP 2026-07-28, server/prompts): what a person may have their agent do with the three tools. One: find out what is wrong."""

from functools import cache
from pathlib import Path
from typing import Any, Final

import mcp_types as types
from mcp.server.context import HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS

#: the list is constant, so a client may keep it for an hour
LIST_TTL_MS: Final = 3_600_000
MAX_ARGUMENT_CHARS: Final = 2_000
INCIDENT_RESPONSE: Final = "incident-response"
_TEXT = Path(__file__).with_name("incident_response.md")
#: name -> what it means, and what the prompt says where it is left out
_ARGUMENTS: Final = {
    "symptom": ("What was seen, in your words, as an error message or a question", "nothing yet; begin with what failed last"),
    "trace_id": ("The trace id of a call that went wrong: 32 hexadecimal digits, in its error", "none was given"),
    "since": ("Since when, as `1h`, `2 days` or a time", "about an hour ago"),
}
_PROMPT = types.Prompt(
    name=INCIDENT_RESPONSE,
    title="Incident response",
    description="Find out what goes wrong behind this gateway and whose it is: failed calls, their class, when it began, what to do next.",
    arguments=[types.PromptArgument(name=name, description=meaning, required=False) for name, (meaning, _) in _ARGUMENTS.items()],
)


async def list_prompts(ctx: ServerRequestContext[Any, Any], params: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
    """Return the prompts: the same for everybody."""
    return types.ListPromptsResult(prompts=[_PROMPT], ttl_ms=LIST_TTL_MS, cache_scope="private")


async def get_prompt(ctx: ServerRequestContext[Any, Any], params: types.GetPromptRequestParams) -> HandlerResult:
    """Return the messages of a prompt. Raises MCPError: no such prompt or argument, or one too long."""
    if params.name != INCIDENT_RESPONSE:
        raise MCPError(INVALID_PARAMS, f"unknown prompt {params.name[:200]!r}; prompts/list names {INCIDENT_RESPONSE}")
    given = params.arguments or {}
    for name, value in given.items():
        if name not in _ARGUMENTS:
            raise MCPError(INVALID_PARAMS, f"arguments.{name[:80]}: there is no such argument; known are {', '.join(_ARGUMENTS)}")
        if len(value) > MAX_ARGUMENT_CHARS:
            raise MCPError(INVALID_PARAMS, f"arguments.{name}: {len(value):,} characters; {MAX_ARGUMENT_CHARS:,} are the most")
    told = {name: " ".join(given.get(name, "").split()) or otherwise for name, (_, otherwise) in _ARGUMENTS.items()}
    message = types.PromptMessage(role="user", content=types.TextContent(type="text", text=_template().format(**told)))
    return types.GetPromptResult(description=_PROMPT.description, messages=[message])


@cache
def _template() -> str:
    return _TEXT.read_text(encoding="utf-8")
