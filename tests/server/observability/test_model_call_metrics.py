"""Metrics of model calls: their names, and labels without a tenant and without end."""

from prometheus_client import CollectorRegistry, generate_latest

from server.observability.model_call_metrics import MAX_MODELS, ModelCallMetrics
from tests.contracts.ai_gateway.model_calls import call
from tools.ai_gateway.token_usage import TokenUsage


def metrics() -> tuple[ModelCallMetrics, CollectorRegistry]:
    registry = CollectorRegistry()
    return ModelCallMetrics(registry), registry


def test_a_call_is_counted_with_its_cost_time_and_tokens() -> None:
    """Contract, Money: the five metrics, by their names."""
    counting, registry = metrics()
    counting.closed(call(cost_nano_usd=1_500_000_000, ms=2_000.0, usage=TokenUsage(100, output_tokens=40)))
    said = generate_latest(registry).decode()
    labels = 'model="m",outcome="ok",provider="openai"'
    assert f'ascend_ai_calls_total{{cache="miss",{labels}}} 1.0' in said
    assert 'ascend_ai_cost_usd_total{model="m",provider="openai"} 1.5' in said
    gen_ai = 'gen_ai_provider_name="openai",gen_ai_request_model="m"'
    assert f'gen_ai_client_operation_duration_sum{{error_type="",{gen_ai}}} 2.0' in said
    assert f'gen_ai_client_token_usage_sum{{{gen_ai},gen_ai_token_type="input"}} 100.0' in said
    assert f'gen_ai_client_token_usage_sum{{{gen_ai},gen_ai_token_type="output"}} 40.0' in said
    assert "acme" not in said
    assert "ada" not in said


def test_a_call_without_a_price_is_an_alarm_and_no_cost() -> None:
    counting, registry = metrics()
    counting.closed(call(cost_nano_usd=None))
    said = generate_latest(registry).decode()
    assert 'ascend_ai_unpriced_total{model="m",provider="openai"} 1.0' in said
    assert "ascend_ai_cost_usd_total{" not in said


def test_a_failed_call_has_neither_price_nor_tokens() -> None:
    counting, registry = metrics()
    counting.closed(call(outcome="error", cost_nano_usd=None))
    said = generate_latest(registry).decode()
    assert 'outcome="error"' in said
    assert "ascend_ai_unpriced_total{" not in said
    assert (
        'gen_ai_client_token_usage_count{gen_ai_provider_name="openai",gen_ai_request_model="other",gen_ai_token_type="input"} 0.0' in said
    )


def test_invented_models_are_one() -> None:
    counting, registry = metrics()
    for n in range(MAX_MODELS + 50):
        counting.closed(call(model=f"m{n}"))
        counting.closed(call(model=f"never-{n}", outcome="error"))
    said = generate_latest(registry).decode()
    assert said.count("ascend_ai_cost_usd_total{") == MAX_MODELS + 1
    assert "never-" not in said
    counting.dropped(3)
    assert "ascend_ai_call_rows_dropped_total 3.0" in generate_latest(registry).decode()
