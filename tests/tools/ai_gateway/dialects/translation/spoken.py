"""One answer as each provider says it, whole and streamed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.tools.ai_gateway.dialects.model_calls import named, sse
from tools.ai_gateway.configuration.config import Dialect
from tools.ai_gateway.dialects.framing.aws_event_stream import written_message
from tools.ai_gateway.token_usage import TokenUsage

USAGE = TokenUsage(100, 30, 20, 0, 7)


@dataclass(frozen=True)
class Said:
    """What a model answers. Without calls it is text; `is_cut`: its maximum was reached."""

    text: str = ""
    thought: str = ""
    #: name and arguments
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    usage: TokenUsage = USAGE
    is_cut: bool = False


def halves(text: str) -> list[str]:
    return [half for half in (text[: len(text) // 2], text[len(text) // 2 :]) if half]


def _calls(said: Said) -> list[tuple[str, str, str]]:
    return [(f"call_{number}", name, json.dumps(arguments)) for number, (name, arguments) in enumerate(said.calls)]


def openai(said: Said) -> tuple[bytes, bytes]:
    usage = {
        "prompt_tokens": said.usage.input_tokens,
        "completion_tokens": said.usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": said.usage.cached_input_tokens, "cache_write_tokens": said.usage.cache_write_tokens},
    }
    calls = [{"id": i, "type": "function", "function": {"name": n, "arguments": a}} for i, n, a in _calls(said)]
    message = {"role": "assistant", "content": said.text or None, "reasoning_content": said.thought, "tool_calls": calls}
    finish = "length" if said.is_cut else "tool_calls" if calls else "stop"
    shared = {"id": "chatcmpl-1", "model": "there"}
    whole = json.dumps({**shared, "choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage})

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        return sse({**shared, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    def chunks() -> Iterator[bytes]:
        yield chunk({"role": "assistant", "content": ""})
        yield from (chunk({"reasoning_content": half}) for half in halves(said.thought))
        yield from (chunk({"content": half}) for half in halves(said.text))
        for index, (call_id, name, _) in enumerate(_calls(said)):
            function = {"name": name, "arguments": ""}
            yield chunk({"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": function}]})
        # Fragments of parallel calls interleave.
        for which in range(2):
            for index, (_, _, arguments) in enumerate(_calls(said)):
                yield chunk({"tool_calls": [{"index": index, "function": {"arguments": halves(arguments)[which]}}]})
        yield chunk({}, finish)
        yield sse({**shared, "choices": [], "usage": usage})
        yield sse("[DONE]")

    return whole.encode(), b"".join(chunks())


def anthropic(said: Said) -> tuple[bytes, bytes]:
    used = said.usage
    usage = {
        "input_tokens": used.input_tokens - used.cached_input_tokens - used.cache_write_tokens,
        "cache_read_input_tokens": used.cached_input_tokens,
        "cache_creation_input_tokens": used.cache_write_tokens,
        "output_tokens": used.output_tokens,
    }
    content: list[dict[str, Any]] = []
    if said.thought:
        content.append({"type": "thinking", "thinking": said.thought, "signature": "sig/+="})
    if said.text:
        content.append({"type": "text", "text": said.text})
    content += [{"type": "tool_use", "id": i, "name": n, "input": json.loads(a)} for i, n, a in _calls(said)]
    reason = "max_tokens" if said.is_cut else "tool_use" if said.calls else "end_turn"
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "there",
        "content": content,
        "stop_reason": reason,
        "usage": usage,
    }
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "content": [], "usage": {**usage, "output_tokens": 1}}}
    ]
    for index, block in enumerate(content):
        empty: dict[str, Any] = {name: "" for name in ("text", "thinking", "signature") if name in block}
        empty |= {"input": {}} if "input" in block else {}
        events.append({"type": "content_block_start", "index": index, "content_block": {**block, **empty}})
        if block["type"] == "tool_use":
            deltas = [{"type": "input_json_delta", "partial_json": half} for half in halves(json.dumps(block["input"]))]
        else:
            deltas = [{"type": f"{block['type']}_delta", block["type"]: half} for half in halves(block[block["type"]])]
        if block["type"] == "thinking":
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    events.append({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": used.output_tokens}})
    return json.dumps(message).encode(), b"".join(named(*events, {"type": "message_stop"}))


def gemini(said: Said) -> tuple[bytes, bytes]:
    usage = {
        "promptTokenCount": said.usage.input_tokens,
        "candidatesTokenCount": said.usage.output_tokens,
        "cachedContentTokenCount": said.usage.cached_input_tokens,
    }
    calls = [{"functionCall": {"name": n, "args": json.loads(a)}, "thoughtSignature": "c2ln"} for _, n, a in _calls(said)]
    reason = "MAX_TOKENS" if said.is_cut else "STOP"

    def body(parts: list[Any], finish: str | None = None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0} | (
            {"finishReason": finish} if finish else {}
        )
        return {"candidates": [candidate], "modelVersion": "there"} | ({"usageMetadata": usage} if finish else {})

    thoughts = [{"text": half, "thought": True} for half in halves(said.thought)]
    texts = [{"text": half} for half in halves(said.text)]
    whole = [{"text": said.thought, "thought": True}] * bool(said.thought) + [{"text": said.text}] * bool(said.text) + calls
    pieces = [body([part]) for part in (*thoughts, *texts, *calls)]
    stream = b"".join(sse(each) for each in (*pieces, body([{"text": ""}], reason)))
    return json.dumps(body(whole, reason)).encode(), stream


def bedrock(said: Said) -> tuple[bytes, bytes]:
    used = said.usage
    usage = {
        "inputTokens": used.input_tokens - used.cached_input_tokens - used.cache_write_tokens,
        "outputTokens": used.output_tokens,
        "cacheReadInputTokens": used.cached_input_tokens,
        "cacheWriteInputTokens": used.cache_write_tokens,
    }
    content: list[dict[str, Any]] = []
    if said.thought:
        content.append({"reasoningContent": {"reasoningText": {"text": said.thought, "signature": "sig/+="}}})
    if said.text:
        content.append({"text": said.text})
    content += [{"toolUse": {"toolUseId": i, "name": n, "input": json.loads(a)}} for i, n, a in _calls(said)]
    reason = "max_tokens" if said.is_cut else "tool_use" if said.calls else "end_turn"
    whole = {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": reason, "usage": usage}
    frames: list[tuple[str, dict[str, Any]]] = [("messageStart", {"role": "assistant"})]
    for index, block in enumerate(content):
        deltas: list[dict[str, Any]]
        if "toolUse" in block:
            call = block["toolUse"]
            frames.append(
                (
                    "contentBlockStart",
                    {"contentBlockIndex": index, "start": {"toolUse": {"toolUseId": call["toolUseId"], "name": call["name"]}}},
                )
            )
            deltas = [{"toolUse": {"input": half}} for half in halves(json.dumps(call["input"]))]
        elif "text" in block:
            deltas = [{"text": half} for half in halves(block["text"])]
        else:
            said_text = block["reasoningContent"]["reasoningText"]
            deltas = [{"reasoningContent": {"text": half}} for half in halves(said_text["text"])]
            deltas.append({"reasoningContent": {"signature": said_text["signature"]}})
        frames += [("contentBlockDelta", {"contentBlockIndex": index, "delta": delta}) for delta in deltas]
        frames.append(("contentBlockStop", {"contentBlockIndex": index}))
    frames += [("messageStop", {"stopReason": reason}), ("metadata", {"usage": usage})]
    stream = b"".join(
        written_message({":message-type": "event", ":event-type": name, ":content-type": "application/json"}, json.dumps(each).encode())
        for name, each in frames
    )
    return json.dumps(whole).encode(), stream


def workers_ai(said: Said) -> tuple[bytes, bytes]:
    """It knows neither thoughts nor why it stopped, and no caches."""
    usage = {"prompt_tokens": said.usage.input_tokens, "completion_tokens": said.usage.output_tokens}
    calls = [{"name": n, "arguments": json.loads(a)} for _, n, a in _calls(said)]
    result: dict[str, Any] = {"response": said.text or None, "usage": usage} | ({"tool_calls": calls} if calls else {})
    events: list[Any] = [{"response": half} for half in halves(said.text)]
    events += [{"response": "", "tool_calls": [call]} for call in calls]
    events.append({"response": "", "usage": usage})
    return json.dumps({"result": result, "success": True}).encode(), b"".join(map(sse, events)) + sse("[DONE]")


SPOKEN = {"openai": openai, "anthropic": anthropic, "gemini": gemini, "bedrock": bedrock, "workers_ai": workers_ai}


def spoken(dialect: Dialect, said: Said) -> tuple[bytes, bytes]:
    """Return the whole answer and the stream."""
    return SPOKEN[dialect](said)
