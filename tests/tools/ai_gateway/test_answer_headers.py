"""What of a provider's answer headers goes on, and how long it asks to wait."""

import pytest

from oauth.connections.credentials import Credential
from tools.ai_gateway.answer_headers import MAX_WAIT_S, asked_wait_s, passed_headers
from tools.sources.credential_redaction import Redaction

NOW = 1_795_780_800.0


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after": "Sat, 28 Nov 2026 00:00:00 GMT"}, 1_795_824_000 - NOW),
        ({"retry-after": "Sat, 28 Nov 2020 00:00:00 GMT"}, 0),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "1e308"}, MAX_WAIT_S),
        ({"retry-after": "inf"}, MAX_WAIT_S),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Wed"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_a_wait_is_a_number_of_seconds_or_a_date_and_never_for_ever(headers: dict[str, str], wait_s: float | None) -> None:
    assert asked_wait_s(headers, NOW) == wait_s


def test_what_goes_on_is_named_and_repeats_no_key() -> None:
    redaction = Redaction((Credential("bearer", "sk-of-the-gateway"),))
    headers = {"x-request-id": "a", "request-id": "for sk-of-the-gateway", "set-cookie": "a=b", "x-gateway-cost": "0", "retry-after": "3"}
    assert passed_headers(headers, redaction) == {"x-request-id": "a", "retry-after": "3"}
    assert passed_headers({"retry-after": "Wed"}, None) == {}
