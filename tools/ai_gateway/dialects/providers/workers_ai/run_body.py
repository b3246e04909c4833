"""A conversation as the body of a text model of Workers AI."""

from typing import Any

from tools.ai_gateway.dialects.conversation.conversation import Conversation
from tools.ai_gateway.dialects.providers.openai.chat_body import messages_of, tool_of
from tools.ai_gateway.refusals import unsupported
from tools.ai_gateway.routing.decision import ModelTarget

#: these models stop after 256 tokens where nobody says otherwise
_MAX_TOKENS = 2048


def run_body(conversation: Conversation, target: ModelTarget, max_output_tokens: int | None) -> dict[str, Any]:
    """Return the body. Raises ModelCallRefused (`unsupported`) for what these models have no word for."""
    where, sampling = target.provider.name, conversation.sampling
    choice = conversation.tool_choice
    if sampling.stop:
        raise unsupported("stop", where)
    if choice is not None and choice.kind in ("required", "named"):
        raise unsupported("tool_choice", where)
    if conversation.parallel_tool_calls is False and conversation.tools:
        raise unsupported("parallel_tool_calls", where)
    body: dict[str, Any] = {"messages": messages_of(conversation, target)}
    # Tools that may not be used need not be known.
    if conversation.tools and (choice is None or choice.kind != "none"):
        body["tools"] = [tool_of(tool) for tool in conversation.tools]
    answer = conversation.json_answer
    if answer is not None:
        schema = {"type": "json_schema", "json_schema": answer.schema} if answer.schema is not None else {"type": "json_object"}
        body["response_format"] = schema
    named = ("temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty")
    body |= {name: value for name in named if (value := getattr(sampling, name)) is not None}
    most = conversation.max_output_tokens if conversation.max_output_tokens is not None else max_output_tokens
    body["max_tokens"] = most if most is not None else _MAX_TOKENS
    return body | ({"stream": True} if conversation.is_stream else {})
