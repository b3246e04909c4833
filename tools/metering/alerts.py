"""Thresholds of budgets, told when they are reached."""

import logging
from collections.abc import Sequence

from tools.metering.money import to_usd
from tools.metering.spending import BudgetAlert

log = logging.getLogger("ascend")


def tell(alerts: Sequence[BudgetAlert]) -> None:
    """Write a line of the log for each; the store gives each threshold once a window."""
    for alert in alerts:
        is_money = alert.threshold.nano_usd > 0
        facts = {
            "budget": alert.charge.budget,
            "tenant": alert.charge.tenant_id,
            "whose": alert.charge.whose,
            "threshold": to_usd(alert.threshold.nano_usd) if is_money else alert.threshold.tokens,
            "unit": "usd" if is_money else "tokens",
            "spent_usd": to_usd(alert.spent.nano_usd),
            "spent_tokens": alert.spent.tokens,
        }
        log.warning("budget_threshold_reached", extra={"facts": facts})
