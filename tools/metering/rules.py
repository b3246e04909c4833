"""What may be spent, and how often something may be asked for, as the operator writes it down."""

from dataclasses import dataclass
from typing import Literal

Window = Literal["minute", "hour", "day", "month", "total"]


@dataclass(frozen=True, slots=True)
class Selector:
    """Which calls a budget or limit counts; "" does not matter, `*` counts each by itself, all else is a glob."""

    tenant: str = ""
    gateway: str = ""
    key: str = ""
    user: str = ""
    provider: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class BudgetRule:
    """What may be spent in a window; money in billionths of a dollar (nano_usd), exact."""

    name: str
    of: Selector
    window: Window
    nano_usd: int | None = None
    tokens: int | None = None
    #: told once each a window: dollars where the budget has dollars, else tokens
    alerts: tuple[float, ...] = ()
    #: a route that is taken instead of a refusal; "": refuse
    over: str = ""


@dataclass(frozen=True, slots=True)
class LimitRule:
    of: Selector
    per: Literal["minute", "hour", "day"]
    requests: int | None = None
    tokens: int | None = None
