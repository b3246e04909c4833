"""Calls that go out are metered: of whoever may come so often they are counted, and what has a price is set aside for before it runs, in
the same budgets as model calls, and settled as it ends."""

import secrets
import time
from collections.abc import Awaitable, Callable

from oauth.principal import Principal
from oauth.sign_in.person_names import NameOf
from tools.effects import may_have_taken_effect
from tools.errors import ToolError
from tools.metering.budgets import Budgets, BudgetsUnavailable, BudgetUsedUp
from tools.metering.ledger import Ledger
from tools.metering.spending import Amount, Reservation, Spending, settled
from tools.metering.stores import ClosedCharge
from tools.operation import Call, Failure, Json, Outcome, Runner

#: beyond the call's deadline, until what was set aside comes back by itself; and how long that is at most
_BEYOND_S, _LONGEST_S = 60.0, 3_600.0


#: counts one call of somebody; None: it may go out
Count = Callable[[Principal], Awaitable[Failure | None]]


class MeteredRunner:
    """A runner in front of another. `price`: (provider, operation id) -> billionths of a dollar for each request; 0: it is free.
    `name_of`: what budgets call the person. `count`: of whoever may come so often and no more.

    While no operation has a price and nobody is counted it is no hand that a call passes (decision 0018): `run` is the other's.
    """

    def __init__(
        self,
        inner: Runner,
        budgets: Budgets,
        ledger: Ledger[ClosedCharge],
        price: Callable[[str, str], int],
        name_of: NameOf,
        count: Count | None = None,
    ) -> None:
        self.keeps_time = inner.keeps_time
        self._count, self._is_counting, self._has_prices = count, False, False
        self._inner, self._budgets, self._ledger, self._price, self._name_of = inner, budgets, ledger, price, name_of
        self.run: Callable[[Call], Awaitable[Outcome]] = inner.run

    def switch(self, *, has_prices: bool | None = None, is_counting: bool | None = None) -> None:
        """Begin to ask for prices or to count, or stop; None: as it was."""
        self._has_prices = self._has_prices if has_prices is None else has_prices
        self._is_counting = self._is_counting if is_counting is None else is_counting
        self.run = self._counted if self._is_counting else self._run_or_pay if self._has_prices else self._inner.run

    async def preview(self, call: Call) -> Json:
        return await self._inner.preview(call)

    async def _counted(self, call: Call) -> Outcome:
        if self._count is not None and (refusal := await self._count(call.principal)) is not None:
            raise ToolError(refusal)
        return await self._run_or_pay(call)

    def _run_or_pay(self, call: Call) -> Awaitable[Outcome]:
        nano_usd = self._price(call.operation.provider, call.operation.id)
        return self._paid(call, Amount(nano_usd)) if nano_usd else self._inner.run(call)

    async def _paid(self, call: Call, price: Amount) -> Outcome:
        reservation = await self._reserved(call, price)
        # Whoever leaves does not take the money along: the request may be on its way.
        end, spent = "cancelled", price
        try:
            outcome = await self._inner.run(call)
            end, spent = "ok" if outcome.status == "ok" else "error", price if _counts(outcome) else Amount()
        except Exception:
            end, spent = "error", Amount()
            raise
        finally:
            self._close(call, reservation, end, spent)
        return outcome

    def _close(self, call: Call, reservation: Reservation | None, end: str, spent: Amount) -> None:
        """Have the row written, and what was set aside settled, in one transaction, soon."""
        operation, principal = call.operation, call.principal
        settlement = None if reservation is None else settled(reservation, spent, operation.provider, operation.id)
        charge = ClosedCharge(
            charge_id=f"op_{secrets.token_urlsafe(16)}",
            tenant_id=principal.tenant_id,
            at_us=time.time_ns() // 1_000,
            provider=operation.provider,
            operation=operation.id,
            subject=principal.subject,
            outcome=end,
            cost_nano_usd=spent.nano_usd,
            trace_id=call.trace_id,
            settlement=settlement,
        )
        self._ledger.put(charge, is_settling=settlement is not None)

    async def _reserved(self, call: Call, price: Amount) -> Reservation | None:
        operation = call.operation
        spending = Spending(
            tenant_id=call.principal.tenant_id,
            user=await self._name_of(call.principal),
            requested=operation.id,
            candidates=((operation.provider, operation.id),),
        )
        expires_s = min(max(0.0, call.deadline - time.monotonic()) + _BEYOND_S, _LONGEST_S)
        try:
            return await self._budgets.reserve(spending, price, True, expires_s)
        except BudgetUsedUp as error:
            hint = "nothing was sent; wait until it starts anew, or ask an operator for more"
            raise ToolError(Failure("budget_exceeded", error.message, hint=hint)) from error
        except BudgetsUnavailable as error:
            raise ToolError(Failure("busy", f"{error}; nothing was sent", hint="try again", retryable=True)) from error


def _counts(outcome: Outcome) -> bool:
    """Say whether a request is paid for: it was answered, or went out and nobody knows. A failure that was told costs nothing."""
    if outcome.status == "ok":
        return True
    return may_have_taken_effect(outcome) and outcome.error is not None and outcome.error.upstream is None
