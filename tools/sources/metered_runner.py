"""Operations that have a price: set aside for before they run, in the same budgets as model calls, and settled as they end."""

import time
from collections.abc import Awaitable, Callable

import anyio

from tools.errors import ToolError
from tools.metering.budgets import BudgetExceeded, Budgets, BudgetsUnavailable
from tools.metering.spending import Amount, Reservation, Spending
from tools.operation import Call, Failure, Json, Outcome, Runner

#: beyond the call's deadline, until what was set aside comes back by itself; and how long that is at most
_BEYOND_S, _LONGEST_S = 60.0, 3_600.0


class MeteredRunner:
    """A runner in front of another. `price`: (provider, operation id) -> billionths of a dollar for each request; 0: it is free.

    While no operation has a price it is no hand that a call passes (decision 0018): `run` is the other's.
    """

    def __init__(self, inner: Runner, budgets: Budgets, price: Callable[[str, str], int]) -> None:
        self.keeps_time = inner.keeps_time
        self._inner, self._budgets, self._price = inner, budgets, price
        self.run: Callable[[Call], Awaitable[Outcome]] = inner.run

    def switch(self, *, has_prices: bool) -> None:
        """Begin to ask for prices, or stop."""
        self.run = self._run_or_pay if has_prices else self._inner.run

    def preview(self, call: Call) -> Json:
        return self._inner.preview(call)

    def _run_or_pay(self, call: Call) -> Awaitable[Outcome]:
        nano_usd = self._price(call.operation.provider, call.operation.id)
        return self._paid(call, Amount(nano_usd)) if nano_usd else self._inner.run(call)

    async def _paid(self, call: Call, price: Amount) -> Outcome:
        reservation = await self._reserved(call, price)
        spent = Amount()
        try:
            outcome = await self._inner.run(call)
            # As for models: what failed costs nothing.
            spent = price if outcome.status == "ok" else Amount()
            return outcome
        finally:
            if reservation is not None:
                with anyio.CancelScope(shield=True):
                    await self._budgets.settle(reservation, spent, call.operation.provider, call.operation.id)

    async def _reserved(self, call: Call, price: Amount) -> Reservation | None:
        operation = call.operation
        spending = Spending(
            tenant_id=call.principal.tenant_id,
            user=call.principal.subject,
            requested=operation.id,
            candidates=((operation.provider, operation.id),),
        )
        expires_s = min(max(0.0, call.deadline - time.monotonic()) + _BEYOND_S, _LONGEST_S)
        try:
            return await self._budgets.reserve(spending, price, True, expires_s)
        except BudgetExceeded as error:
            hint = "nothing was sent; wait until it starts anew, or ask an operator for more"
            raise ToolError(Failure("budget_exceeded", error.message, hint=hint)) from error
        except BudgetsUnavailable as error:
            raise ToolError(Failure("busy", f"{error}; nothing was sent", hint="try again", retryable=True)) from error
