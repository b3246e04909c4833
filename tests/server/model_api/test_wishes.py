"""What headers wish for, and what of them goes on to a provider."""

import pytest

from server.model_api.wishes import passed_headers, read_wishes
from tools.ai_gateway.refusals import ModelCallRefused


@pytest.mark.parametrize("name", ["x-gateway-timeout-ms", "cf-aig-request-timeout"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "soon", "9" * 10])
def test_a_time_that_is_none_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(ModelCallRefused, match="x-gateway-timeout-ms is no whole number from 1 up"):
        read_wishes({name: value})


def test_a_caller_may_want_no_cache_time() -> None:
    assert read_wishes({"x-gateway-cache-ttl": "0", "x-gateway-timeout-ms": "1"}).cache_ttl_s == 0


def test_one_tenants_idempotency_key_is_never_anothers() -> None:
    """All come to the provider with one key of its; the same tenant's repetition is one still."""
    sent = {tenant: dict(passed_headers({"idempotency-key": "1"}, tenant))["idempotency-key"] for tenant in ("acme", "globex")}
    assert len({*sent.values(), "1"}) == 3
    assert dict(passed_headers({"idempotency-key": "1"}, "acme"))["idempotency-key"] == sent["acme"]
    # With a key of their own, callers are alone there.
    assert passed_headers({"idempotency-key": "1"}) == (("idempotency-key", "1"),)
