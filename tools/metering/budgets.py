"""Budgets: what a call may cost is set aside before it is made, in every budget that applies or in none (decision 0036)."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import anyio

from tools.metering.money import to_nano_usd, to_usd
from tools.metering.rules import BudgetRule
from tools.metering.selection import Counted, Selections
from tools.metering.spending import Amount, Charge, Reservation, Spending
from tools.metering.stores import Ask, BudgetStore, Ceiling, Counter
from tools.metering.windows import bounds_us

#: of one transaction; the rest gathers for the next
MAX_GROUP = 200
RELEASE_S = 1.0
ANSWER_S = 30.0

log = logging.getLogger("ascend")


@dataclass
class BudgetUsedUp(Exception):
    """A budget has no room for the call. `over`: the route that its rule takes instead; "": none. Nothing was set aside."""

    budget: str
    over: str
    message: str

    def __str__(self) -> str:
        return self.message


@dataclass
class PriceUnknown(Exception):
    """A budget in dollars cannot hold a call whose price nobody knows."""

    budget: str

    def __str__(self) -> str:
        return f"budget {self.budget!r} is in dollars, and there is no price for this"


class BudgetsUnavailable(Exception):
    """Nobody can say what is left of a budget, so nothing may be spent; why is the cause."""


class Budgets:
    """Reservations of this process, exact together with those of all others on the same store.

    `rules`: what is in force now; `own`: the budget of one caller's key. `settle_first` writes what this process has settled and not
    yet written, and returns how much that was: nobody is refused for room that is only not yet given back.
    """

    def __init__(
        self,
        store: BudgetStore,
        rules: Callable[[], tuple[BudgetRule, ...]],
        own: Callable[[str], BudgetRule | None],
        settle_first: Callable[[], Awaitable[int]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._rules, self._own, self._settle_first, self._clock = store, rules, own, settle_first, clock
        self._selections = Selections[BudgetRule](())
        #: asked for while a transaction is under way
        self._waiting: list[tuple[Ask, asyncio.Future[Charge | None]]] = []
        self._has_waiting = anyio.Event()
        self._has_reserved = False
        #: set aside for callers that had left by then
        self._abandoned: list[str] = []

    def applying(self, spending: Spending) -> tuple[BudgetRule, ...]:
        """Return the budgets that hold this call, without a look at what is left of them."""
        return tuple(dict.fromkeys(rule for rule, _counted in self._counting(spending)))

    async def standing(self, spending: Spending) -> list[tuple[BudgetRule, Counter]]:
        """Return the budgets that would hold this call, each with its counter.

        Those of several tenants together stay out: they show what the others spend.
        """
        now_us = self._now_us()
        charges = [(rule, current(rule, counted, now_us)) for rule, counted in self._counting(spending) if counted.tenant_id]
        if not charges:
            return []
        counters = {each.charge.counter_id: each for each in await self._store.counters(now_us)}
        return [(rule, counters.get(charge.counter_id, Counter(charge, Amount(), Amount()))) for rule, charge in charges]

    async def reserve(self, spending: Spending, most: Amount, most_is_known: bool, expires_s: float) -> Reservation | None:
        """Set aside `most` in every budget that applies, or in none; None where none applies.

        It is given back when the call is settled, or after `expires_s`. Raises BudgetExceeded, PriceUnknown, BudgetsUnavailable.
        """
        counting = self._counting(spending)
        if not counting:
            return None
        if not most_is_known and (rule := next((rule for rule, _counted in counting if rule.nano_usd is not None), None)):
            raise PriceUnknown(rule.name)
        ask = self._ask(counting, spending, most, expires_s)
        full = await self._asked(ask)
        if full is not None:
            # Also where another task is writing just now: it was not written yet when the store was asked.
            await self._release()
            await self._settle_first()
            full = await self._asked(ask)
        if full is None:
            return ask.reservation
        rule = counting[ask.reservation.charges.index(full)][0]
        raise BudgetUsedUp(rule.name, rule.over, _refusal(rule, full, most))

    async def run(self) -> None:
        """Decide what is asked for, and give back what calls of dead processes had set aside, until cancelled."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._decide_all)
            group.start_soon(self._release_regularly)

    def _counting(self, spending: Spending) -> list[tuple[BudgetRule, Counted]]:
        rules = self._rules()
        if self._selections.rules is not rules:
            self._selections = Selections(rules)
        counting = self._selections.counting(spending)
        if spending.key_id and (rule := self._own(spending.key_id)) is not None:
            counting.append((rule, Counted(spending.tenant_id, spending.key_id)))
        return counting

    def _ask(self, counting: Sequence[tuple[BudgetRule, Counted]], spending: Spending, most: Amount, expires_s: float) -> Ask:
        now_us = self._now_us()
        charges = tuple(current(rule, counted, now_us) for rule, counted in counting)
        # A route that is taken because of a budget counts in it, and is not refused by it: it is what the operator wants instead.
        ceilings = tuple(
            Ceiling() if rule.over and rule.over == spending.requested else Ceiling(rule.nano_usd, rule.tokens) for rule, _c in counting
        )
        reservation = Reservation(new_reservation_id(), charges, most)
        return Ask(reservation, ceilings, spending.tenant_id, now_us + int(expires_s * 1_000_000))

    async def _asked(self, ask: Ask) -> Charge | None:
        """Have the ask decided, together with all that came while the transaction before was under way."""
        decided: asyncio.Future[Charge | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((ask, decided))
        self._has_waiting.set()
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._heard(ask, decided)
        except TimeoutError as error:
            raise BudgetsUnavailable("the budgets did not answer") from error

    async def _heard(self, ask: Ask, decided: asyncio.Future[Charge | None]) -> Charge | None:
        try:
            return await decided
        except asyncio.CancelledError:
            # Decided already, and nobody hears of it: the caller left between the answer and its own turn.
            if decided.done() and not decided.cancelled() and decided.exception() is None and decided.result() is None:
                self._abandoned.append(ask.reservation.reservation_id)
            raise

    async def _decide_all(self) -> None:
        while True:
            await self._has_waiting.wait()
            self._has_waiting = anyio.Event()
            while self._waiting:
                group, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
                await self._decide([(ask, decided) for ask, decided in group if not decided.done()])

    async def _decide(self, group: Sequence[tuple[Ask, asyncio.Future[Charge | None]]]) -> None:
        """Ask the store for a whole group in one transaction. What was set aside for somebody who left meanwhile goes back."""
        self._has_reserved = True
        try:
            outcomes = await self._store.reserve([ask for ask, _decided in group])
        except Exception as error:
            log.error("budgets_not_asked", exc_info=error, extra={"facts": {"calls": len(group), "kind": type(error).__name__}})
            for _ask, decided in group:
                if not decided.done():
                    unavailable = BudgetsUnavailable("the store of the budgets does not answer")
                    unavailable.__cause__ = error
                    decided.set_exception(unavailable)
            return
        for (ask, decided), full in zip(group, outcomes, strict=True):
            if not decided.done():
                decided.set_result(full)
            elif full is None:
                self._abandoned.append(ask.reservation.reservation_id)

    async def _release_regularly(self) -> None:
        while True:
            await anyio.sleep(RELEASE_S)
            # A gateway without budgets leaves the store alone.
            if not (self._has_reserved or self._rules()):
                continue
            try:
                await self._release()
                await self._store.release_expired(self._now_us())
            except Exception as error:
                log.error("budgets_not_released", exc_info=error, extra={"facts": {"kind": type(error).__name__}})

    async def _release(self) -> int:
        abandoned, self._abandoned = self._abandoned, []
        if abandoned:
            try:
                await self._store.release(abandoned)
            except BaseException:
                self._abandoned += abandoned
                raise
        return len(abandoned)

    def _now_us(self) -> int:
        return int(self._clock() * 1_000_000)


def new_reservation_id() -> str:
    return f"res_{secrets.token_urlsafe(16)}"


def current(rule: BudgetRule, counted: Counted, now_us: int) -> Charge:
    """Return the counter in which calls that `rule` counts together count now."""
    start_us, end_us = bounds_us(rule.window, now_us)
    return Charge(rule.name, counted.whose, start_us, end_us, counted.tenant_id, counted.targets, thresholds(rule))


def thresholds(rule: BudgetRule) -> tuple[Amount, ...]:
    """Return what is to be told, in ascending order: dollars where the budget has dollars, else tokens."""
    if rule.nano_usd is None:
        return tuple(Amount(tokens=int(each)) for each in sorted(rule.alerts))
    return tuple(Amount(nano_usd=to_nano_usd(each)) for each in sorted(rule.alerts))


def _refusal(rule: BudgetRule, full: Charge, most: Amount) -> str:
    limits = [f"${to_usd(rule.nano_usd):,.10g}"] if rule.nano_usd is not None else []
    limits += [f"{rule.tokens:,} tokens"] if rule.tokens is not None else []
    window = "in all" if rule.window == "total" else f"a {rule.window}"
    anew = "" if full.window_end_us is None else f"; it starts anew at {shown(full.window_end_us)}"
    asked = f"${to_usd(most.nano_usd):,.6g}" + (f" and {most.tokens:,} tokens" if most.tokens else "")
    return f"budget {rule.name!r} ({' and '.join(limits)} {window}) has no room for a call of up to {asked}{anew}"


def shown(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%MZ")
