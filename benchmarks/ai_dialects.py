"""What passing and translating cost: µs an event of a stream, and a body, beside what reading its JSON alone takes in the same round.

    python -m benchmarks.ai_dialects

Defends: an event that passes costs at most 10 times its JSON, a translated one at most 20 times, and a long body that is passed on
at most 6 times (it is looked through for names that stand twice, changed in place and read once more). The best rounds count.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import orjson

from tools.ai_gateway.configuration.config import Dialect, ModelProvider
from tools.ai_gateway.dialects.exchanges import exchange_of
from tools.ai_gateway.model_request import ModelCaller, ModelRequest, Surface, Wishes
from tools.ai_gateway.routing.decision import ModelTarget

ROUNDS = 300
CHUNK = {
    "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "usage": None,
    "choices": [{"index": 0, "delta": {"content": "hello "}, "logprobs": None, "finish_reason": None}],
}  # fmt: skip
DELTA = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello "}}
#: surface, dialect, event; a goal in multiples of its JSON
EVENTS: tuple[tuple[Surface, Dialect, dict[str, Any], float], ...] = (
    ("chat", "openai", CHUNK, 10),
    ("messages", "anthropic", DELTA, 10),
    ("messages", "openai", CHUNK, 20),
    ("chat", "anthropic", DELTA, 20),
)
BODY_GOAL = 6.0


def target_of(dialect: Dialect) -> ModelTarget:
    return ModelTarget(ModelProvider(dialect, dialect, "https://models.example"), "there")


def asked(surface: Surface, raw: bytes) -> ModelRequest:
    return ModelRequest(surface, raw, orjson.loads(raw), ModelCaller("t1"), Wishes())


def conversation(turns: int) -> bytes:
    """Return a body as Claude Code sends it: tools, a long history, the model behind it."""
    schema = {"type": "object", "properties": {"path": {"type": "string", "description": 'a path, "quoted"'}}}
    tools = [{"name": f"Tool{n}", "description": "It does what its name says. " * 12, "input_schema": schema} for n in range(25)]
    messages: list[dict[str, Any]] = []
    for n in range(turns):
        messages.append({"role": "user", "content": [{"type": "text", "text": 'Some words, and {"json": "within"} them.\n' * 20}]})
        call = {"type": "tool_use", "id": f"t{n}", "name": "Task", "input": {"model": "haiku", "prompt": "Look around. " * 20}}
        messages.append({"role": "assistant", "content": [call]})
    return json.dumps({"max_tokens": 32_000, "messages": messages, "model": "route", "system": "Be kind. " * 500, "tools": tools}).encode()


def best_us(work: Callable[[], object], calls: int) -> float:
    began = time.perf_counter_ns()
    for _ in range(calls):
        work()
    return (time.perf_counter_ns() - began) / calls / 1_000


def measured(name: str, work: Callable[[], object], yardstick: Callable[[], object], calls: int, goal: float) -> bool:
    """Print what `work` took beside its yardstick; say whether the goal was reached."""
    taken, beside = [], []
    for _ in range(ROUNDS):
        taken.append(best_us(work, calls))
        beside.append(best_us(yardstick, calls))
    times = min(taken) / min(beside)
    print(f"{name:36} {min(taken):8.1f} µs   {times:5.1f} times its JSON (goal {goal:g})")
    return times <= goal


def main() -> int:
    reached = []
    for surface, dialect, event, goal in EVENTS:
        data = orjson.dumps(event)
        block = b"event: %s\ndata: %s\n\n" % (event["type"].encode(), data) if "type" in event else b"data: %s\n\n" % data
        reader = exchange_of(surface, target_of(dialect).provider).reader(asked(surface, b'{"model":"m"}'), target_of(dialect))
        name = f"an event, {dialect} to {surface}"
        reached.append(measured(name, lambda: reader.feed(block), lambda: orjson.loads(data), 50, goal))  # noqa: B023
    raw = conversation(100)
    request, exchange, target = asked("messages", raw), exchange_of("messages", target_of("anthropic").provider), target_of("anthropic")
    name = f"a body of {len(raw) >> 10} KiB that passes"
    reached.append(measured(name, lambda: exchange.request(request, target, None), lambda: orjson.loads(raw), 2, BODY_GOAL))
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
