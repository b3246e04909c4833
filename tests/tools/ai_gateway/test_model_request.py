"""What a body says of the size of its answers: as its endpoint spells it, and in no other words."""

from typing import Any

import pytest

from tests.tools.ai_gateway.dialects.model_calls import asked
from tools.ai_gateway.model_request import Surface

GENERATE, CONVERSE = "v1beta/models/g:generateContent", "model/c/converse-stream"


@pytest.mark.parametrize(
    ("surface", "path", "body", "most", "answers"),
    [
        ("chat", "", {"max_tokens": 5}, 5, 1),
        ("chat", "", {"max_completion_tokens": 5, "max_tokens": 900, "n": 4}, 900, 4),
        ("chat", "", {"max_output_tokens": 5, "maxTokens": 5, "generationConfig": {"maxOutputTokens": 5}}, 0, 1),
        ("chat", "", {"max_tokens": None, "n": None}, 0, 1),
        ("responses", "", {"max_output_tokens": 7, "max_tokens": 9, "n": 3}, 7, 1),
        ("messages", "", {"max_tokens": 7, "max_completion_tokens": 9}, 7, 1),
        ("native", "v1/chat/completions", {"max_tokens": 7}, 7, 1),
        ("native", "v1/responses", {"max_output_tokens": 7}, 7, 1),
        ("native", GENERATE, {"max_tokens": 1, "generationConfig": {"maxOutputTokens": 70, "candidateCount": 3}}, 70, 3),
        ("native", GENERATE, {"generation_config": {"max_output_tokens": 70}}, 70, 1),
        ("native", CONVERSE, {"maxTokens": 1, "inferenceConfig": {"maxTokens": 70}}, 70, 1),
        ("native", CONVERSE, {"inferenceConfig": 7}, 0, 1),
    ],
)
def test_the_largest_of_what_its_endpoint_reads_counts(surface: Surface, path: str, body: dict[str, Any], most: int, answers: int) -> None:
    """A small number under another endpoint's name would reserve little and bound nothing."""
    request = asked(surface, body, native_path=path)
    assert (request.max_output_tokens, request.answers) == (most, answers)
    assert not request.unbounded_by


@pytest.mark.parametrize("value", [0, -1, 5.0, "5", True, [5]])
@pytest.mark.parametrize("name", ["max_tokens", "n"])
def test_what_is_no_whole_number_from_one_up_bounds_nothing(name: str, value: Any) -> None:
    assert asked("chat", {name: value}).unbounded_by == name
