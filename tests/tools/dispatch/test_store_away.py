"""What a caller hears of a store that is away, however it was found out."""

import pytest

from tools.dispatch.execution import broken
from tools.errors import StoreAway


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreAway("away"), "store_unavailable"),
        (ExceptionGroup("side by side", [StoreAway("away"), ExceptionGroup("within", [StoreAway("away")])]), "store_unavailable"),
        (ExceptionGroup("side by side", [StoreAway("away"), KeyError("a fault of ours")]), "internal_error"),
    ],
)
def test_a_store_that_is_away_is_no_fault_of_ours_in_a_group_either(error: Exception, code: str) -> None:
    """Issue 17: a plan whose steps ran side by side while PostgreSQL was restarted was an internal error."""
    try:
        raise error
    except Exception:
        failure = broken("batch_execute", "t" * 32).error
    assert failure is not None
    assert failure.code == code
