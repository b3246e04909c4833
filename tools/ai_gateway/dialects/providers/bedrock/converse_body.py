"""A conversation as the body of Converse."""

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
from tools.ai_gateway.dialects.providers.anthropic.message_body import thinking, tool_choice, version_of
from tools.ai_gateway.dialects.providers.provider_dialect import arguments_of, blocks_of, closed, schema_of
from tools.ai_gateway.refusals import unsupported
from tools.ai_gateway.routing.decision import ModelTarget
from tools.json_text import encode

_IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_DOCUMENTS = {"application/pdf": "pdf", "text/plain": "txt", "text/markdown": "md", "text/csv": "csv", "text/html": "html"}


def converse_body(conversation: Conversation, target: ModelTarget, max_output_tokens: int | None) -> dict[str, Any]:
    """Return the body. Raises ModelCallRefused (`unsupported`) for what Converse has no word for."""
    sampling, where = conversation.sampling, target.provider.name
    is_claude = "claude" in target.model
    for name in ("seed", "frequency_penalty", "presence_penalty"):
        if getattr(sampling, name) is not None:
            raise unsupported(name, where)
    body: dict[str, Any] = {
        "messages": [
            {"role": block.role, "content": [_content(part, where) for part in block.parts]} for block in blocks_of(conversation, _is_said)
        ]
    }
    if conversation.system:
        body["system"] = [{"text": text} for text in conversation.system]
    most = conversation.max_output_tokens if conversation.max_output_tokens is not None else max_output_tokens
    config = {"maxTokens": most, "temperature": sampling.temperature, "topP": sampling.top_p, "stopSequences": list(sampling.stop) or None}
    if said := {name: value for name, value in config.items() if value is not None}:
        body["inferenceConfig"] = said
    # What Converse itself has no word for, Claude takes in its own.
    more: dict[str, Any] = {}
    if sampling.top_k is not None:
        if not is_claude:
            raise unsupported("top_k", where)
        more["top_k"] = sampling.top_k
    if conversation.tools:
        more |= _tools(body, conversation, is_claude, where)
    if is_claude and version_of(target.model) < (99, 0):
        more |= thinking(conversation, target.model, most or 4096)
    if conversation.json_answer is not None:
        body["outputConfig"] = {"textFormat": _format(conversation.json_answer, where)}
    return body | ({"additionalModelRequestFields": more} if more else {})


def _tools(body: dict[str, Any], conversation: Conversation, is_claude: bool, where: str) -> dict[str, Any]:
    """Put the tools into `body`; return what Claude has to be told beside it."""
    choice = conversation.tool_choice
    if choice is not None and choice.kind == "none":
        raise unsupported("tool_choice none", where)
    body["toolConfig"] = {"tools": [_tool(tool) for tool in conversation.tools]}
    if conversation.parallel_tool_calls is False:
        if not is_claude:
            raise unsupported("parallel_tool_calls", where)
        return {"tool_choice": tool_choice(conversation)}
    if choice is not None:
        chosen = {"tool": {"name": choice.name}} if choice.kind == "named" else {"any" if choice.kind == "required" else "auto": {}}
        body["toolConfig"]["toolChoice"] = chosen
    return {}


def _tool(tool: Tool) -> dict[str, Any]:
    made: dict[str, Any] = {"name": tool.name, "inputSchema": {"json": schema_of(tool)}}
    if tool.description:
        made["description"] = tool.description
    if tool.is_strict:
        made["strict"] = True
    return {"toolSpec": made}


def _is_said(part: Part) -> bool:
    if isinstance(part, Thinking):
        return part.origin == "bedrock" and bool(part.signature or part.hidden)
    return not isinstance(part, TextPart) or bool(part.text)


def _content(part: Part, where: str) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"text": part.text}
    if isinstance(part, Media):
        return _media(part, where)
    if isinstance(part, ToolCall):
        given = arguments_of(part)
        arguments = object_of(given) if isinstance(given, str) else given
        return {"toolUse": {"toolUseId": safe_id(part.id), "name": part.name, "input": arguments}}
    if isinstance(part, ToolResult):
        result: dict[str, Any] = {
            "toolUseId": safe_id(part.call_id),
            "content": [_content(each, where) for each in part.parts] or [{"text": "-"}],
        }
        return {"toolResult": result | ({"status": "error"} if part.is_error else {})}
    if part.hidden:
        return {"reasoningContent": {"redactedContent": part.hidden}}
    return {"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature}}}


def _media(media: Media, where: str) -> dict[str, Any]:
    known = _IMAGES if media.is_image else _DOCUMENTS
    # It takes bytes alone; nothing is fetched on a caller's word.
    if media.url:
        raise unsupported("a picture by its address" if media.is_image else "a document by its address", where)
    if media.media_type not in known:
        raise unsupported(media.media_type or "a file without a media type", where)
    made: dict[str, Any] = {"format": known[media.media_type], "source": {"bytes": media.data}}
    return {"image": made} if media.is_image else {"document": {**made, "name": _document_name(media.name)}}


def _document_name(name: str) -> str:
    """A document's name may hold letters, digits, single blanks, hyphens and brackets."""
    kept = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-()[]") else " " for letter in name)
    return " ".join(kept.split()) or "document"


def _format(answer: JsonAnswer, where: str) -> dict[str, Any]:
    if answer.schema is None:
        raise unsupported("response_format json_object", where)
    definition: dict[str, Any] = {"schema": encode(closed(answer.schema)).decode(), "name": answer.name}
    if answer.description:
        definition["description"] = answer.description
    return {"type": "json_schema", "structure": {"jsonSchema": definition}}
