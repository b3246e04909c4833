"""Items of a response's output."""

from typing import Any

from tools.ai_gateway.dialects.callers.seals import sealed
from tools.ai_gateway.dialects.conversation.call_ids import new_answer_id
from tools.ai_gateway.dialects.conversation.conversation import TextPart, Thinking, ToolCall


def item_of(part: TextPart | ToolCall | Thinking) -> list[dict[str, Any]]:
    """Return the items that a part of an answer makes, finished."""
    if isinstance(part, TextPart):
        content = {"type": "output_text", "text": part.text, "annotations": [], "logprobs": []}
        return [{"id": new_answer_id("msg_"), "type": "message", "status": "completed", "role": "assistant", "content": [content]}]
    if isinstance(part, Thinking):
        return [_reasoning(part)]
    if part.is_custom:
        return [
            {
                "id": new_answer_id("ctc_"),
                "type": "custom_tool_call",
                "status": "completed",
                "call_id": part.id,
                "name": part.name,
                "input": part.arguments,
            }
        ]
    call = {
        "id": new_answer_id("fc_"),
        "type": "function_call",
        "status": "completed",
        "call_id": part.id,
        "name": part.name,
        "arguments": part.arguments,
    }
    # Gemini signs a call, for which a response has no place: an item of reasoning before it carries the signature.
    signed = [_reasoning(Thinking(signature=part.signature, origin="gemini"))] if part.signature else []
    return [*signed, call]


def _reasoning(thought: Thinking) -> dict[str, Any]:
    summary = [{"type": "summary_text", "text": thought.text}] if thought.text else []
    return {"id": new_answer_id("rs_"), "type": "reasoning", "summary": summary, "encrypted_content": sealed(thought) or None}
