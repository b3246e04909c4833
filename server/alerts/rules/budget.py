"""What budgets have spent within their window, by threshold."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from server.alerts.rule import Condition, RuleKind
from tools.metering.money import to_nano_usd, to_usd
from tools.metering.stores import Counter


class BudgetCounters(Protocol):
    async def counters(self, now_us: int) -> Sequence[Counter]: ...


class Budget:
    """The highest threshold that was reached is the alert; the next one is another. Their own thresholds count as well as ours."""

    kind: ClassVar = RuleKind("budget", "warning", "`ascend ai usage` says who spends it, `ascend ai budget` what is left")

    def __init__(self, counters: BudgetCounters, usd: Callable[[], Sequence[float]]) -> None:
        self._counters, self._usd = counters, usd

    async def conditions(self, now_us: int) -> Sequence[Condition]:
        ours = [to_nano_usd(each) for each in self._usd()]
        found = []
        for counter in await self._counters.counters(now_us):
            own = [each.nano_usd for each in counter.alerted if each.nano_usd]
            reached = [each for each in (*ours, *own) if counter.spent.nano_usd >= each]
            tokens = max((each.tokens for each in counter.alerted if each.tokens), default=0)
            charge = counter.charge
            whose = f" of {charge.whose}" if charge.whose else ""
            labels = {"budget": charge.budget, "tenant": charge.tenant_id or "(several)"} | (
                {"whose": charge.whose} if charge.whose else {}
            )
            if reached:
                spent, threshold = to_usd(counter.spent.nano_usd), to_usd(max(reached))
                said = f"budget {charge.budget}{whose} has spent ${spent:,.2f}, past ${threshold:,.2f}"
                found.append(Condition(said, labels | {"threshold": f"{threshold:g} USD"}))
            elif tokens:
                said = f"budget {charge.budget}{whose} has spent {counter.spent.tokens:,} tokens, past {tokens:,}"
                found.append(Condition(said, labels | {"threshold": f"{tokens} tokens"}))
        return found
