"""How much a request asks of a model (features.md S1-17)."""

import pytest

from tools.ai_gateway.routing.complexity import complexity_of
from tools.operation import Json


def level(text: str) -> str:
    return complexity_of({"messages": [{"role": "user", "content": text}]})[0]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("What is the capital of France?", "simple"),
        ("From now on, let us import wine of a class of its own.", "simple"),
        ("x" * 400, "simple"),
        ("x" * 401, "medium"),
        ("x" * 2_000, "medium"),
        ("x" * 2_001, "complex"),
        ("Analyze, please: sales fell.", "complex"),
        ("Explain why the sky is blue", "complex"),
        ("Think step by step.", "complex"),
        ("What does def add(a, b): return a + b do?", "complex"),
        ("if (a) { b(); }", "complex"),
        ("SELECT name FROM people WHERE id = 1", "complex"),
        ("import os\nprint(os.name)", "complex"),
    ],
)
def test_length_code_and_words_of_analysis_decide(text: str, wanted: str) -> None:
    assert level(text) == wanted


def test_more_than_ten_messages_are_complex() -> None:
    messages = [{"role": "user", "content": "hi"}]
    assert complexity_of({"messages": 10 * messages})[0] == "simple"
    assert complexity_of({"messages": 11 * messages}) == ("complex", "11 messages")


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "```x```"}]}]},
        {"system": [{"type": "text", "text": "```x```"}], "messages": []},
        {"input": "```x```"},
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": "```x```"}]}]},
        {"contents": [{"role": "user", "parts": [{"text": "```x```"}]}]},
        {"prompt": "```x```"},
    ],
)
def test_the_words_are_found_in_every_dialect(body: dict[str, Json]) -> None:
    assert complexity_of(body)[0] == "complex"


@pytest.mark.parametrize("body", [{}, {"messages": "x"}, {"messages": [7, None, {"content": 3}]}, {"messages": {"content": "x"}}])
def test_a_body_of_another_shape_is_simple(body: dict[str, Json]) -> None:
    assert complexity_of(body)[0] == "simple"
