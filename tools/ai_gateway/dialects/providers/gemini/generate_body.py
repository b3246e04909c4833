"""A conversation as the body of generateContent."""

import mimetypes
import re
from typing import Any

from tools.ai_gateway.dialects.conversation.arguments import object_of
from tools.ai_gateway.dialects.conversation.conversation import Conversation, Effort, Media, Part, TextPart, Thinking, ToolCall, ToolResult
from tools.ai_gateway.dialects.providers.provider_dialect import arguments_of, blocks_of, schema_of
from tools.ai_gateway.refusals import unsupported
from tools.ai_gateway.routing.decision import ModelTarget
from tools.text.urls import parts_of

_CANNOT_THINK = re.compile(r"gemini-(?:1|2\.0)")
#: it refuses not to think
_LEAST_OF_PRO = 128
_NEWER = re.compile(r"gemini-(?:[3-9]|\d\d)")
_TOKENS: dict[Effort, int] = {
    "none": 0, "minimal": 1_024, "low": 1_024, "medium": 8_192, "high": 24_576, "xhigh": 24_576, "max": 24_576,
}  # fmt: skip
_LEVELS: dict[Effort, str] = {"none": "MINIMAL", "minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM"}
#: Google's word for calls that another model made: Gemini 3 refuses a call without a signature
_FOREIGN_SIGNATURE = "skip_thought_signature_validator"
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "named": "ANY"}


def generate_body(conversation: Conversation, target: ModelTarget, max_output_tokens: int | None) -> dict[str, Any]:
    """Return the body. Raises ModelCallRefused (`unsupported`) for what Gemini's dialect has no word for."""
    if conversation.parallel_tool_calls is False and conversation.tools:
        raise unsupported("parallel_tool_calls", target.provider.name)
    is_newer = _NEWER.search(target.model) is not None
    body: dict[str, Any] = {
        "contents": [
            {
                "role": "model" if block.role == "assistant" else "user",
                "parts": [_part(part, conversation, is_newer) for part in block.parts],
            }
            for block in blocks_of(conversation, _is_said)
        ]
    }
    if conversation.system:
        body["systemInstruction"] = {"parts": [{"text": text} for text in conversation.system]}
    if conversation.tools:
        body["tools"] = [{"functionDeclarations": [_declaration(conversation, number) for number in range(len(conversation.tools))]}]
        if (choice := conversation.tool_choice) is not None:
            named = {"allowedFunctionNames": [choice.name]} if choice.kind == "named" else {}
            body["toolConfig"] = {"functionCallingConfig": {"mode": _MODES[choice.kind], **named}}
    config = _config(conversation, max_output_tokens)
    if (thinking := _thinking(conversation, target.model)) is not None:
        config["thinkingConfig"] = thinking
    return body | ({"generationConfig": config} if config else {})


def _config(conversation: Conversation, max_output_tokens: int | None) -> dict[str, Any]:
    sampling = conversation.sampling
    most = conversation.max_output_tokens if conversation.max_output_tokens is not None else max_output_tokens
    config: dict[str, Any] = {
        "temperature": sampling.temperature,
        "topP": sampling.top_p,
        "topK": sampling.top_k,
        "seed": sampling.seed,
        "frequencyPenalty": sampling.frequency_penalty,
        "presencePenalty": sampling.presence_penalty,
        "stopSequences": list(sampling.stop) or None,
        "maxOutputTokens": most,
    }
    if conversation.json_answer is not None:
        config["responseMimeType"] = "application/json"
        config["responseJsonSchema"] = conversation.json_answer.schema
    return {name: value for name, value in config.items() if value is not None}


def _thinking(conversation: Conversation, model: str) -> dict[str, Any] | None:
    """Return how much is to be thought, as this model takes it; None where it cannot think or nobody asks."""
    effort, tokens = conversation.effort, conversation.thinking_tokens
    if _CANNOT_THINK.search(model):
        return None
    if tokens is not None:
        return {"thinkingBudget": tokens, "includeThoughts": True}
    if effort is None:
        return None
    least = _LEAST_OF_PRO if "2.5-pro" in model else 0
    is_newer = _NEWER.search(model) is not None
    amount = {"thinkingLevel": _LEVELS.get(effort, "HIGH")} if is_newer else {"thinkingBudget": max(least, _TOKENS[effort])}
    return {**amount, "includeThoughts": effort != "none"}


def _declaration(conversation: Conversation, number: int) -> dict[str, Any]:
    tool = conversation.tools[number]
    declared: dict[str, Any] = {"name": tool.name}
    if tool.description:
        declared["description"] = tool.description
    schema = schema_of(tool)
    # An object without members is no schema to Gemini; a function without parameters is.
    if schema.get("properties") or schema.get("type") != "object":
        declared["parametersJsonSchema"] = schema
    return declared


def _is_said(part: Part) -> bool:
    """Thoughts stay out: their signatures are with the calls that they led to."""
    return not isinstance(part, Thinking) and (not isinstance(part, TextPart) or bool(part.text))


def _part(part: Part, conversation: Conversation, is_newer: bool) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"text": part.text}
    if isinstance(part, Media):
        return _media(part)
    if isinstance(part, ToolCall):
        given = arguments_of(part)
        made: dict[str, Any] = {"name": part.name, "args": object_of(given) if isinstance(given, str) else given}
        # From Gemini 3 on calls and results belong together by id, before by their order.
        call = {"functionCall": made | ({"id": part.id} if is_newer else {})}
        signature = part.signature or (_FOREIGN_SIGNATURE if is_newer else "")
        return call | ({"thoughtSignature": signature} if signature else {})
    assert isinstance(part, ToolResult)
    response: dict[str, Any] = {
        "name": conversation.name_of_call(part.call_id),
        "response": {"error" if part.is_error else "output": part.text},
    }
    if is_newer:
        response["id"] = part.call_id
    if media := [_media(each) for each in part.parts if isinstance(each, Media)]:
        response["parts"] = media
    return {"functionResponse": response}


def _media(media: Media) -> dict[str, Any]:
    if not media.url:
        return {"inlineData": {"mimeType": media.media_type, "data": media.data}}
    guessed = mimetypes.guess_type(parts_of(media.url).path)[0]
    return {"fileData": {"fileUri": media.url, "mimeType": guessed or ("image/jpeg" if media.is_image else "application/pdf")}}
