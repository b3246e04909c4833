"""Which trace a model call belongs to, and who learns of it."""

import pytest

from oauth.principal import Principal
from oauth.scopes import CONNECT, MODELS
from tests.server.model_api.conftest import Models
from tools.operation import ClientInfo

TRACE_ID = "a" * 32
TRACEPARENT = f"00-{TRACE_ID}-{'b' * 16}-01"
TRACED = {"traceparent": TRACEPARENT, "tracestate": "v=1", "baggage": "person=ada"}


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_call_is_on_record_under_the_trace_of_its_caller(models: Models, is_stream: bool) -> None:
    """W3C Trace Context §3.2; the provider, who is outside of it, is told nothing."""
    await models.chat("one/m", headers=TRACED, stream=is_stream)
    (row,) = await models.rows()
    assert row.trace_id == TRACE_ID
    ((_path, sent, _body),) = models.provider.asked
    assert not {"traceparent", "tracestate", "baggage"} & set(sent)


async def test_a_traceparent_that_is_none_starts_a_trace(models: Models) -> None:
    await models.chat("one/m", headers={"traceparent": "00-oh-no-01"})
    (row,) = await models.rows()
    assert len(row.trace_id) == 32
    assert row.trace_id != TRACE_ID


async def test_a_provider_of_the_house_is_told_the_trace_where_the_operator_says_so(models: Models) -> None:
    there = {"dialect": "openai", "base_url": f"{models.provider.url}/v1", "shared_key": True}
    await models.configure(providers={"one": there | {"traceparent": True}})
    await models.chat("one/m", headers=TRACED)
    ((_path, sent, _body),) = models.provider.asked
    assert sent["traceparent"].startswith(f"00-{TRACE_ID}-")
    assert not {"tracestate", "baggage"} & set(sent)


async def test_a_call_of_a_conversation_is_on_record_under_the_trace_of_its_tool_call(models: Models) -> None:
    principal = Principal("acme", "ada", "cl", frozenset({CONNECT, MODELS}), "gr")
    asked = {"model": "one/m", "prompt": "hello"}
    dispatcher = models.gateway.operations.dispatcher
    outcome = await dispatcher.call(principal, "llm.invoke", asked, client=ClientInfo("2026-07-28"), trace_id=TRACE_ID)
    assert outcome.status == "ok", outcome
    (row,) = await models.rows()
    assert (row.trace_id, outcome.trace_id) == (TRACE_ID, TRACE_ID)
