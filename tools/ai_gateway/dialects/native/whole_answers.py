"""What whole answers say of their usage, and how much text is in them. Each raises for what is no answer of its endpoint."""

from tools.ai_gateway.dialects.exchange import MalformedAnswer
from tools.ai_gateway.dialects.native.gemini_reader import gemini_chars
from tools.ai_gateway.dialects.native.passing_reader import length
from tools.ai_gateway.dialects.usage.anthropic_usage import anthropic_usage
from tools.ai_gateway.dialects.usage.openai_usage import openai_usage
from tools.ai_gateway.dialects.usage.other_usage import bedrock_usage, gemini_usage
from tools.ai_gateway.token_usage import TokenUsage
from tools.operation import Json

Looked = tuple[TokenUsage | None, int]


def look_at_chat(answer: Json) -> Looked:
    choices = answer["choices"]
    if not isinstance(choices, list) or not choices:
        raise MalformedAnswer("a chat completion without choices")
    chars = 0
    for choice in choices:
        message = choice.get("message") or {}
        chars += length(message.get("content")) + length(message.get("refusal")) + length(choice.get("text"))
        chars += length(message.get("reasoning_content")) or length(message.get("reasoning"))
        for call in message.get("tool_calls") or ():
            made = call.get("function") or call.get("custom") or {}
            chars += length(made.get("arguments")) + length(made.get("input"))
    return openai_usage(answer.get("usage")), chars


def look_at_response(answer: Json) -> Looked:
    chars = 0
    for item in answer["output"]:
        chars += length(item.get("arguments")) + length(item.get("input"))
        for part in [*(item.get("content") or ()), *(item.get("summary") or ())]:
            chars += length(part.get("text")) + length(part.get("refusal"))
    return openai_usage(answer.get("usage")), chars


def look_at_message(answer: Json) -> Looked:
    chars = 0
    for block in answer["content"]:
        chars += length(block.get("text")) + length(block.get("thinking"))
        if "input" in block:
            chars += len(str(block["input"]))
    return anthropic_usage(answer.get("usage")), chars


def look_at_count(answer: Json) -> Looked:
    """Counting is free: nothing was used."""
    if not isinstance(answer["input_tokens"], int):
        raise MalformedAnswer("a count that is no number")
    return TokenUsage(), 0


def look_at_embeddings(answer: Json) -> Looked:
    if not isinstance(answer["data"], list):
        raise MalformedAnswer("embeddings without data")
    return openai_usage(answer.get("usage")), 0


def look_at_rerank(answer: Json) -> Looked:
    """Jina, vLLM and others report `usage`; Cohere `meta.tokens`."""
    if not isinstance(answer.get("results", answer.get("data")), list):
        raise MalformedAnswer("a ranking without results")
    meta = answer.get("meta")
    tokens = meta.get("tokens") if isinstance(meta, dict) else None
    return openai_usage(answer.get("usage")) or openai_usage(tokens), 0


def look_at_gemini(answer: Json) -> Looked:
    """A blocked prompt has no candidates, and is an answer all the same. A stream without alt=sse is a list of answers."""
    usage: TokenUsage | None = None
    chars = 0
    for each in answer if isinstance(answer, list) else [answer]:
        candidates = each.get("candidates")
        if not isinstance(candidates, list) and "promptFeedback" not in each and "usageMetadata" not in each:
            raise MalformedAnswer("an answer of Gemini without candidates")
        usage = gemini_usage(each.get("usageMetadata")) or usage
        chars += sum(map(gemini_chars, candidates or ()))
    return usage, chars


def look_at_converse(answer: Json) -> Looked:
    chars = 0
    for block in answer["output"]["message"]["content"]:
        chars += length(block.get("text")) + len(str(block.get("toolUse", "")))
    return bedrock_usage(answer.get("usage")), chars


def look_at_workers(answer: Json) -> Looked:
    """Text models answer an object with `response`, or one of OpenAI's; others whatever they make."""
    result = answer["result"]
    if not isinstance(result, dict):
        return None, length(result)
    return openai_usage(result.get("usage")), length(result.get("response"))


def look_at_anything(answer: Json) -> Looked:
    """An endpoint that we do not know: usage is read where one of the known forms holds it."""
    if not isinstance(answer, dict):
        return None, 0
    report = answer.get("usage")
    is_anthropic = isinstance(report, dict) and "cache_read_input_tokens" in report
    used = anthropic_usage(report) if is_anthropic else openai_usage(report) or bedrock_usage(report)
    return used or gemini_usage(answer.get("usageMetadata")), 0
