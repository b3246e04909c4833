"""What deciding about a model call costs: µs for requests of each kind, by a configuration with 1,000 routes and 100 tenants.

    python -m benchmarks.ai_decision

Defends: route, allow-lists, experiment, conditions and order of the targets in at most 60 µs, without I/O. Every round measures a
yardstick too, the sum of a thousand squares in Python, so that a busy or slow machine shows in both; the best rounds count.
"""

import sys
import time
from collections.abc import Callable
from datetime import date

from tools.ai_gateway.configuration.build_config import build_config
from tools.ai_gateway.configuration.config import Dialect
from tools.ai_gateway.configuration.read_document import read_document
from tools.ai_gateway.model_request import ModelCaller, ModelRequest, Wishes
from tools.ai_gateway.routing.decision import ModelTarget
from tools.ai_gateway.routing.router import Router
from tools.operation import Json

GOAL_US = 60
#: what the yardstick took on the machine where the goal was set, unhurried
YARDSTICK_US = 35
# Short rounds, so that some of them are left alone on a machine that does other work.
ROUNDS, CALLS = 600, 20
CALLER = ModelCaller("t7", "key", "laptop", "ada@example.com", ("*-chat", "auto", "openai/*"))
#: within a token of where a request is complex, so that all of it is looked at
LONG_TEXT = ("A line of words that asks for nothing in particular, and goes on. " * 40)[:1_990]


class Standing:
    def latency_ms(self, target: ModelTarget) -> float | None:
        return 100.0

    def price(self, target: ModelTarget) -> float | None:
        return float(len(target.model))


def document() -> Json:
    models = [f"openai/gpt-{n}" for n in range(10)]
    return {
        "models": {name: {"context": 100_000 + n, "can": ["tools", "images"]} for n, name in enumerate(models)},
        "routes": {f"r{n}": {"targets": [models[n % 10], models[(n + 1) % 10], "standard"]} for n in range(1_000)}
        | {
            "weighted-chat": {"pick": "weighted", "sticky": "session", "targets": ["r1", "r2", {"use": "r3", "weight": 5}]},
            "cheap-chat": {"pick": "cheapest", "targets": ["r1", "r5", "anthropic/claude-sonnet-5"]},
            "auto": {
                "when": [{"metadata": {"plan": "paid"}, "use": "r1"}, {"complexity": "simple", "use": "r2"}, {"use": "weighted-chat"}]
            },
        },
        "tenants": {
            f"t{n}": {"route": "auto", "allow": ["*-chat", "auto", "openai/*"], "deny": ["*secret*", "groq/*"]} for n in range(100)
        },
        "experiments": [{"name": "trial", "route": "weighted-chat", "arms": {"b": "cheap-chat"}, "share": {"b": 0.5}}],
    }


def requests() -> dict[str, ModelRequest]:
    def asking(model: str, text: str = "What is the capital of France?") -> ModelRequest:
        body = {"model": model, "messages": [{"role": "user", "content": text}]}
        return ModelRequest("chat", b"", body, CALLER, Wishes(user="ada", session="s1", metadata={"team": 7}))

    return {
        "a model by its name": asking("openai/gpt-5"),
        "a route, weighted, in an experiment": asking("weighted-chat"),
        "the cheapest of seven targets": asking("cheap-chat"),
        "by complexity, a short question": asking("auto"),
        "by complexity, 500 tokens": asking("auto", LONG_TEXT),
    }


def best_us(work: Callable[[], object]) -> float:
    began = time.perf_counter_ns()
    for _ in range(CALLS):
        work()
    return (time.perf_counter_ns() - began) / CALLS / 1_000


def squares() -> int:
    return sum(n * n for n in range(1_000))


def main() -> int:
    config = build_config(read_document(document()))
    router = Router(lambda: config, Standing(), "", today=lambda: date(2026, 11, 27))

    def needs(_dialect: Dialect) -> frozenset[str]:
        return frozenset({"tools"})

    asked = requests()
    times: dict[str, list[float]] = {name: [] for name in ("yardstick", *asked)}
    for _ in range(ROUNDS):
        times["yardstick"].append(best_us(squares))
        for name, request in asked.items():
            times[name].append(best_us(lambda request=request: router.decide(request, needs, 20)))  # type: ignore[misc]
    best = {name: min(rounds) for name, rounds in times.items()}
    yardstick = best.pop("yardstick")
    print(f"{'yardstick':36} {yardstick:6.1f} µs")
    for name, taken in best.items():
        print(f"{name:36} {taken:6.1f} µs   {taken / yardstick:5.2f} yardsticks")
    worst = max(best.values()) / yardstick
    print(f"the dearest takes {worst:.2f} yardsticks (goal {GOAL_US} µs, {GOAL_US / YARDSTICK_US:.2f})")
    return 0 if worst <= GOAL_US / YARDSTICK_US else 1


if __name__ == "__main__":
    sys.exit(main())
