"""Quotas by measure."""

from oauth.quotas import OAuthQuotas
from tools.quotas import RESULTS, Quota


def test_a_scale_goes_for_every_count_and_size() -> None:
    """ASCEND_QUOTA_SCALE; nothing becomes none at all."""
    assert RESULTS.scaled(0.5).person == Quota(100, 32_000_000)
    assert RESULTS.scaled(1e-9).tenant == Quota(1, 1)
    assert OAuthQuotas().scaled(2) == OAuthQuotas(20_000, 20_000, 10_000, 10_000, 200)
    assert OAuthQuotas().scaled(1e-9) == OAuthQuotas(1, 1, 1, 1, 1)
