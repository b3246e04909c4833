"""What is left of every budget, and what operations came to, for people and programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tools.metering.money import to_usd
from tools.metering.rules import BudgetRule
from tools.metering.spending import Amount
from tools.metering.stores import Counter, OperationUsage
from tools.metering.windows import bounds_us
from tools.operation import Json


@dataclass(frozen=True, slots=True)
class OwnBudget:
    """The budget of one caller's key."""

    rule: BudgetRule
    key_id: str


def budget_rows(rules: Sequence[BudgetRule], own: Sequence[OwnBudget], counters: Sequence[Counter], now_us: int) -> list[dict[str, Json]]:
    """Return a row for each counter of the present windows, in the order of the rules; one of zeros where nothing counted yet."""
    by_name: dict[str, list[Counter]] = {}
    for counter in counters:
        by_name.setdefault(counter.charge.budget, []).append(counter)
    keys = {each.key_id for each in own}
    rows = []
    for rule in rules:
        of_rule = [each for each in by_name.get(rule.name, ()) if each.charge.whose not in keys]
        rows += _rows(rule, of_rule, "", now_us)
    for each in own:
        rows += _rows(
            each.rule, [counter for counter in by_name.get(each.rule.name, ()) if counter.charge.whose == each.key_id], each.key_id, now_us
        )
    return rows


def left_row(rule: BudgetRule, counter: Counter) -> dict[str, Json]:
    """Return what is left of a budget for those whom it counts; what calls under way have set aside is not left."""
    used = Amount(counter.spent.nano_usd + counter.reserved.nano_usd, counter.spent.tokens + counter.reserved.tokens)
    end_us = counter.charge.window_end_us
    return {
        "name": rule.name,
        "window": rule.window,
        "until": None if end_us is None else _iso(end_us),
        "usd": None if rule.nano_usd is None else to_usd(rule.nano_usd),
        "left_usd": None if rule.nano_usd is None else to_usd(max(0, rule.nano_usd - used.nano_usd)),
        "tokens": rule.tokens,
        "left_tokens": None if rule.tokens is None else max(0, rule.tokens - used.tokens),
    }


def operation_row(usage: OperationUsage) -> dict[str, Json]:
    """Return the row of one operation with a price."""
    return {"operation": usage.operation, "calls": usage.calls, "errors": usage.errors, "cost_usd": to_usd(usage.cost_nano_usd)}


def _rows(rule: BudgetRule, counters: Sequence[Counter], whose: str, now_us: int) -> list[dict[str, Json]]:
    start_us, end_us = bounds_us(rule.window, now_us)
    window = {"window": rule.window, "from": _iso(start_us) if start_us else None, "until": None if end_us is None else _iso(end_us)}
    # A rule whose window was changed has counters of the other one until that ends.
    present = [each for each in counters if each.charge.window_start_us == start_us]
    if not present:
        return [_row(rule, rule.of.tenant, whose, window, Amount(), Amount(), ())]
    return [_row(rule, each.charge.tenant_id, each.charge.whose, window, each.spent, each.reserved, each.alerted) for each in present]


def _row(
    rule: BudgetRule, tenant_id: str, whose: str, window: Mapping[str, Json], spent: Amount, reserved: Amount, alerted: Sequence[Amount]
) -> dict[str, Json]:
    return {
        "name": rule.name,
        "tenant": tenant_id,
        "whose": whose,
        **window,
        "usd": None if rule.nano_usd is None else to_usd(rule.nano_usd),
        "tokens": rule.tokens,
        "spent_usd": to_usd(spent.nano_usd),
        "spent_tokens": spent.tokens,
        "reserved_usd": to_usd(reserved.nano_usd),
        "reserved_tokens": reserved.tokens,
        "alerted": [to_usd(each.nano_usd) if each.nano_usd else each.tokens for each in alerted],
        "over": rule.over or "refuse",
    }


def _iso(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
