"""A conversation as the body of an Anthropic message."""

import re
from typing import Any

from tools.ai_gateway.dialects.conversation.arguments import object_of, safe_id
from tools.ai_gateway.dialects.conversation.conversation import (
    Conversation,
    JsonAnswer,
    Media,
    Part,
    TextPart,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from tools.ai_gateway.dialects.providers.provider_dialect import arguments_of, blocks_of, closed, schema_of
from tools.ai_gateway.refusals import unsupported
from tools.ai_gateway.routing.decision import ModelTarget

#: Anthropic wants a maximum; where not even the gateway names one
_MAX_TOKENS = 4096
_MIN_THINKING_TOKENS = 1024
_THINKING_TOKENS = {"minimal": 1_024, "low": 2_048, "medium": 8_192, "high": 16_384, "xhigh": 24_576, "max": 32_768}
_VERSION = re.compile(
    r"claude-(?:(?P<old>\d)(?:[-.](?P<old_minor>\d))?(?:-[a-z]|$)|[a-z]+-(?P<major>\d+)(?:[-.](?P<minor>\d{1,2})(?!\d))?)"
)
#: the first that thinks by effort, and the first that thinks at all
_ADAPTIVE, _THINKS = (4, 6), (3, 7)
_EFFORTS = {"minimal": "low"}


def message_body(conversation: Conversation, target: ModelTarget, max_output_tokens: int | None) -> dict[str, Any]:
    """Return the body. Raises ModelCallRefused (`unsupported`) for what Anthropic's dialect has no word for."""
    sampling, where = conversation.sampling, target.provider.name
    for name in ("seed", "frequency_penalty", "presence_penalty"):
        if getattr(sampling, name) is not None:
            raise unsupported(name, where)
    most = conversation.max_output_tokens if conversation.max_output_tokens is not None else max_output_tokens or _MAX_TOKENS
    body: dict[str, Any] = {"model": target.model, "max_tokens": most}
    if conversation.system:
        body["system"] = [{"type": "text", "text": text} for text in conversation.system]
    blocks = blocks_of(conversation, is_said)
    body["messages"] = [{"role": block.role, "content": [content(part) for part in block.parts]} for block in blocks]
    if conversation.tools:
        body["tools"] = [_tool(tool) for tool in conversation.tools]
        if (choice := tool_choice(conversation)) is not None:
            body["tool_choice"] = choice
    body |= {name: value for name in ("temperature", "top_p", "top_k") if (value := getattr(sampling, name)) is not None}
    if sampling.stop:
        body["stop_sequences"] = list(sampling.stop)
    body |= thinking(conversation, target.model, most)
    if conversation.json_answer is not None:
        body["output_config"] = {**body.get("output_config", {}), "format": _format(conversation.json_answer, where)}
    if conversation.is_stream:
        body["stream"] = True
    return body


def thinking(conversation: Conversation, model: str, most: int) -> dict[str, Any]:
    """Return how much is to be thought, as this model takes it; nothing where it cannot think or nobody asks."""
    effort, tokens = conversation.effort, conversation.thinking_tokens
    version = version_of(model)
    if (effort is None and tokens is None) or version < _THINKS:
        return {}
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    if tokens is None and version >= _ADAPTIVE:
        return {"thinking": {"type": "adaptive"}, "output_config": {"effort": _EFFORTS.get(effort or "", effort)}}
    # Thoughts are within the maximum, and the answer needs some of it.
    budget = min(tokens or _THINKING_TOKENS[effort or "medium"], most // 2)
    return {"thinking": {"type": "enabled", "budget_tokens": budget}} if budget >= _MIN_THINKING_TOKENS else {}


def version_of(model: str) -> tuple[int, int]:
    """Return a Claude's version; of a name that says none, the newest."""
    match = _VERSION.search(model)
    if match is None:
        return (99, 0)
    return (int(match["old"]), int(match["old_minor"] or 0)) if match["old"] else (int(match["major"]), int(match["minor"] or 0))


def is_said(part: Part) -> bool:
    """Say whether a part can be said to Anthropic: of thoughts only its own, which it checks; and no empty text."""
    if isinstance(part, Thinking):
        return part.origin == "anthropic" and bool(part.signature or part.hidden)
    return not isinstance(part, TextPart) or bool(part.text)


def content(part: Part) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    if isinstance(part, Media):
        kind = "image" if part.is_image else "document"
        source = {"type": "url", "url": part.url} if part.url else {"type": "base64", "media_type": part.media_type, "data": part.data}
        return {"type": kind, "source": source}
    if isinstance(part, ToolCall):
        given = arguments_of(part)
        return {
            "type": "tool_use",
            "id": safe_id(part.id),
            "name": part.name,
            "input": object_of(given) if isinstance(given, str) else given,
        }
    if isinstance(part, ToolResult):
        shown = [content(each) for each in part.parts if is_said(each)]
        result: dict[str, Any] = {"type": "tool_result", "tool_use_id": safe_id(part.call_id), "content": shown}
        return result | ({"is_error": True} if part.is_error else {})
    if part.hidden:
        return {"type": "redacted_thinking", "data": part.hidden}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _tool(tool: Tool) -> dict[str, Any]:
    made: dict[str, Any] = {"name": tool.name, "input_schema": schema_of(tool)}
    if tool.description:
        made["description"] = tool.description
    if tool.is_strict:
        made["strict"] = True
    return made


def tool_choice(conversation: Conversation) -> dict[str, Any] | None:
    """Return Anthropic's tool choice; one call at a time is said within it."""
    choice = conversation.tool_choice
    single = {"disable_parallel_tool_use": True} if conversation.parallel_tool_calls is False else {}
    if choice is None:
        return {"type": "auto", **single} if single else None
    if choice.kind == "none":
        return {"type": "none"}
    if choice.kind == "named":
        return {"type": "tool", "name": choice.name, **single}
    return {"type": "any" if choice.kind == "required" else "auto", **single}


def _format(answer: JsonAnswer, where: str) -> dict[str, Any]:
    # There is no word for any JSON whatever, only for a schema.
    if answer.schema is None:
        raise unsupported("response_format json_object", where)
    return {"type": "json_schema", "schema": closed(answer.schema)}
