"""Streams whose bytes are framed otherwise, and refusals that a client reads inside a stream alone."""

import orjson

from tests.server.model_api.conftest import Models
from tests.server.model_api.provider import CONVERSE, GEMINI

GATEWAYS = {"agents": {"tenant": "acme"}}


async def bedrock(models: Models) -> None:
    there = {"dialect": "bedrock", "base_url": models.provider.url, "shared_key": True}
    await models.configure(providers={"one": there}, gateways=GATEWAYS)


async def test_into_a_binary_framing_nothing_is_put(models: Models) -> None:
    """A comment would be a message whose checksum is wrong, and boto3 would break off."""
    await bedrock(models)
    response = await models.post("/v1/acme/agents/one/model/claude/converse-stream", {"model": "converse", "messages": []})
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/vnd.amazon.eventstream"
    assert response.content == CONVERSE
    (row,) = await models.rows()
    assert (row.outcome, row.usage.input_tokens, row.usage.output_tokens) == ("ok", 3, 2)


async def test_between_events_of_gemini_nothing_is_put(models: Models) -> None:
    """Google's SDK takes every line for JSON."""
    there = {"dialect": "gemini", "base_url": models.provider.url, "shared_key": True}
    await models.configure(providers={"one": there}, gateways=GATEWAYS)
    path = "/v1/acme/agents/one/v1beta/models/g:streamGenerateContent?alt=sse"
    response = await models.post(path, {"model": "gemini", "contents": []})
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.content == GEMINI
    (row,) = await models.rows()
    assert (row.outcome, row.usage.output_tokens) == ("ok", 2)


async def test_an_overlong_prompt_of_a_streamed_response_is_told_inside_the_stream(models: Models) -> None:
    """Codex reads of it in response.failed and nowhere else, and then makes its conversation shorter."""
    response = await models.post("/v1/responses", {"model": "one/overlong", "input": "x", "stream": True})
    assert response.status_code == 200
    event = orjson.loads(response.text.partition("data: ")[2])
    assert (event["type"], event["response"]["error"]["code"]) == ("response.failed", "context_length_exceeded")
    assert "response.completed" not in response.text
    (row,) = await models.rows()
    assert (row.outcome, row.status) == ("error", 400)


async def test_an_overlong_prompt_is_a_refusal_where_no_stream_is_asked_for(models: Models) -> None:
    response = await models.post("/v1/responses", {"model": "one/overlong", "input": "x"})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "context_length_exceeded")
