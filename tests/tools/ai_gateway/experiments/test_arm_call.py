"""What a call says of its arm, and what it does not."""

import pytest

from tests.contracts.ai_gateway.model_calls import call
from tools.ai_gateway.experiments.arm_call import ArmCall, arm_call_of
from tools.ai_gateway.records.call_record import TargetAttempt

TWO = (TargetAttempt("oai/a", 503, "busy", 5), TargetAttempt("oai/b", 200, "", 5))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, ArmCall("cf", "b", is_error=False, is_fallback=False, ms=20.5)),
        ({"attempts": TWO}, ArmCall("cf", "b", is_error=False, is_fallback=True, ms=20.5)),
        ({"attempts": (TWO[0], TWO[0])}, ArmCall("cf", "b", is_error=False, is_fallback=False, ms=20.5)),
        ({"outcome": "interrupted"}, ArmCall("cf", "b", is_error=True, is_fallback=False, ms=20.5)),
        *(
            ({"outcome": "error", "status": status}, ArmCall("cf", "b", is_error=True, is_fallback=False, ms=20.5))
            for status in (429, 502, 504)
        ),
    ],
)
def test_what_providers_do_counts(given: dict[str, object], said: ArmCall) -> None:
    assert arm_call_of(call(**given)) == said


@pytest.mark.parametrize(
    "given",
    [
        {"experiment": ""},
        {"attempts": ()},
        {"outcome": "cancelled"},
        {"cache": "hit"},
        {"cache": "semantic"},
        {"outcome": "error", "status": 400},
        {"outcome": "error", "status": 404},
        {"outcome": "error", "status": 413},
    ],
)
def test_what_callers_do_is_not_the_arms_doing(given: dict[str, object]) -> None:
    """A good arm is not held because its callers leave or send nonsense."""
    assert arm_call_of(call(**given)) is None
