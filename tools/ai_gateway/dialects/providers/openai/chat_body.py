"""A conversation as the body of a chat completion."""

import re
from typing import Any

from tools.ai_gateway.dialects.conversation.arguments import text_of
from tools.ai_gateway.dialects.conversation.conversation import (
    Conversation,
    Effort,
    JsonAnswer,
    Media,
    Part,
    TextPart,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from tools.ai_gateway.dialects.native.native_exchange import REPORT_UNASKED
from tools.ai_gateway.dialects.providers.provider_dialect import arguments_of, schema_of
from tools.ai_gateway.refusals import unsupported
from tools.ai_gateway.routing.decision import ModelTarget
from tools.operation import Json

#: think at all, and take `reasoning_effort`; others refuse the member
_THINKS = re.compile(r"(?:^|/)(?:o[1-9](?:\b|-)|gpt-[5-9]|gpt-oss)")
#: can be told not to; those before refuse the word
_MAY_NOT_THINK = re.compile(r"gpt-(?:5\.[1-9]|[6-9])")
#: want their thoughts back while a tool runs
_WANTS_THOUGHTS = frozenset({"deepseek"})
_EFFORTS: dict[Effort, str] = {"xhigh": "high", "max": "high"}
#: tokens of thinking from which on an effort is meant
_MEDIUM_TOKENS, _HIGH_TOKENS = 4_096, 16_384


def chat_body(conversation: Conversation, target: ModelTarget, max_output_tokens: int | None) -> dict[str, Any]:
    """Return the body. Raises ModelCallRefused (`unsupported`) for what OpenAI's dialect has no word for."""
    if conversation.sampling.top_k is not None:
        raise unsupported("top_k", target.provider.name)
    body: dict[str, Any] = {"model": target.model, "messages": messages_of(conversation, target)}
    if conversation.tools:
        body["tools"] = [tool_of(tool) for tool in conversation.tools]
        if conversation.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = conversation.parallel_tool_calls
    choice = conversation.tool_choice
    if choice is not None and conversation.tools:
        body["tool_choice"] = {"type": "function", "function": {"name": choice.name}} if choice.kind == "named" else choice.kind
    if conversation.json_answer is not None:
        body["response_format"] = _response_format(conversation.json_answer)
    body |= _sampling(conversation)
    most = conversation.max_output_tokens if conversation.max_output_tokens is not None else max_output_tokens
    thinks = _THINKS.search(target.model) is not None
    if most is not None:
        # OpenAI's own thinking models refuse the older name, and many others know only that.
        body["max_completion_tokens" if thinks or target.provider.name == "openai" else "max_tokens"] = most
    effort = _effort(conversation)
    if effort and thinks and (effort != "none" or _MAY_NOT_THINK.search(target.model)):
        body["reasoning_effort"] = effort
    if conversation.is_stream:
        body["stream"] = True
        if target.provider.name not in REPORT_UNASKED:
            body["stream_options"] = {"include_usage": True}
    return body


def _sampling(conversation: Conversation) -> dict[str, Any]:
    sampling = conversation.sampling
    named = ("temperature", "top_p", "seed", "frequency_penalty", "presence_penalty")
    said = {name: getattr(sampling, name) for name in named if getattr(sampling, name) is not None}
    return said | ({"stop": list(sampling.stop)} if sampling.stop else {})


def _effort(conversation: Conversation) -> str | None:
    tokens = conversation.thinking_tokens
    if tokens is not None:
        return "high" if tokens >= _HIGH_TOKENS else "medium" if tokens >= _MEDIUM_TOKENS else "low"
    effort = conversation.effort
    return _EFFORTS.get(effort, effort) if effort else None


def tool_of(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "parameters": schema_of(tool)}
    if tool.description:
        function["description"] = tool.description
    if tool.is_strict is not None:
        function["strict"] = tool.is_strict
    return {"type": "function", "function": function}


def _response_format(answer: JsonAnswer) -> dict[str, Any]:
    if answer.schema is None:
        return {"type": "json_object"}
    schema: dict[str, Any] = {"name": answer.name, "schema": answer.schema}
    if answer.description:
        schema["description"] = answer.description
    if answer.is_strict is not None:
        schema["strict"] = answer.is_strict
    return {"type": "json_schema", "json_schema": schema}


def messages_of(conversation: Conversation, target: ModelTarget) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if conversation.system:
        messages.append({"role": "system", "content": "\n\n".join(conversation.system)})
    for turn in conversation.turns:
        if turn.role == "assistant":
            message = _said(turn, target.provider.name in _WANTS_THOUGHTS)
            # A turn of nothing but thoughts that cannot be said is none.
            messages += [message] if message["content"] or len(message) > 2 else []
        else:
            messages += _heard(turn)
    return messages


def _said(turn: Turn, with_thoughts: bool) -> dict[str, Any]:
    text = "".join(part.text for part in turn.parts if isinstance(part, TextPart))
    calls = [part for part in turn.parts if isinstance(part, ToolCall)]
    message: dict[str, Any] = {"role": "assistant", "content": text or (None if calls else "")}
    if calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": text_of(arguments_of(call))}} for call in calls
        ]
    thoughts = "".join(part.text for part in turn.parts if isinstance(part, Thinking))
    if with_thoughts and thoughts:
        message["reasoning_content"] = thoughts
    return message


def _heard(turn: Turn) -> list[dict[str, Any]]:
    """Results of tools are messages of their own, and first: they must follow the calls. Pictures in them can only be the user's."""
    results = [part for part in turn.parts if isinstance(part, ToolResult)]
    messages = [{"role": "tool", "tool_call_id": result.call_id, "content": _result_text(result)} for result in results]
    rest: list[Part] = [media for result in results for media in result.parts if isinstance(media, Media)]
    rest += [part for part in turn.parts if isinstance(part, TextPart | Media)]
    if not rest:
        return messages
    if len(rest) == 1 and isinstance(rest[0], TextPart):
        return [*messages, {"role": turn.role, "content": rest[0].text}]
    return [*messages, {"role": turn.role, "content": [_content(part) for part in rest]}]


def _result_text(result: ToolResult) -> str:
    # There is no word for a failure but the text's own.
    return f"Error: {result.text}" if result.is_error and not result.text.lower().startswith("error") else result.text


def _content(part: Part) -> Json:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    assert isinstance(part, Media)
    if part.is_image:
        return {"type": "image_url", "image_url": {"url": part.data_url} | ({"detail": part.detail} if part.detail else {})}
    if part.url:
        raise unsupported("a document by its address", "OpenAI's chat completions")
    return {"type": "file", "file": {"filename": part.name, "file_data": part.data_url}}
