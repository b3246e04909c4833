"""What of a thought must come back to its provider, as callers' dialects carry it there and back."""

import re
from collections.abc import Sequence
from dataclasses import replace

from tools.ai_gateway.dialects.conversation.conversation import Part, Thinking, ToolCall

#: how our own say whose they are; OpenAI's and Anthropic's have nothing of the kind
_ORIGIN = re.compile(r"(anthropic|gemini|bedrock)#(hidden#)?(.*)", re.DOTALL)


def sealed(thinking: Thinking) -> str:
    """Return what of a thought must come back, as text that says whose it is; "" where nothing must."""
    worth = thinking.hidden or thinking.signature
    if not worth:
        return ""
    return f"{thinking.origin}#{'hidden#' if thinking.hidden else ''}{worth}"


def unsealed(text: str, seal: str) -> Thinking:
    """Return the thought of which `sealed` made `seal`; one of another make is OpenAI's own, and read by nobody here."""
    match = _ORIGIN.fullmatch(seal)
    if match is None:
        return Thinking(text, origin="openai" if seal else "", signature=seal)
    if match[2]:
        return Thinking(text, hidden=match[3], origin=match[1])
    return Thinking(text, signature=match[3], origin=match[1])


def thoughts_in_place(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return parts without empty thoughts, and with a signature of Gemini's, which came in a thought before its call, at the call."""
    made: list[Part] = []
    for part in parts:
        before = made[-1] if made else None
        if isinstance(part, ToolCall) and isinstance(before, Thinking) and before.origin == "gemini" and before.signature:
            made[-1] = Thinking(before.text)
            part = replace(part, signature=before.signature)
        made.append(part)
    return tuple(part for part in made if not isinstance(part, Thinking) or part.text or part.signature or part.hidden)
