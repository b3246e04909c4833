"""The durable record of one run: what finished survives a broken client and a killed process."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import anyio
import orjson

from oauth.principal import Principal
from tools.dispatch.uninterruptible import uninterruptible
from tools.errors import QuotaExceeded
from tools.operation import Json
from tools.plans.step_result import StepResult, decode_result
from tools.stores import PlanStore

TTL_S = 24 * 3600.0
#: A plan of reads is recorded only when it lasts this long or does not finish: reading again does no harm.
PATIENCE_S = 1.0
_CLOSING_S = 3.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A plan that ran before: its JSON, whether the person agreed to it, and the steps that are finished."""

    handle: str
    source: Mapping[str, Json]
    is_confirmed: bool
    result_by_step: Mapping[str, StepResult]
    #: step -> id of the account that the person agreed to; None in records of before
    accounts: Mapping[str, str] | None = None


class PlanRecord:
    """Writes steps as they finish, in the background of the run; the answer waits for what must not be lost."""

    def __init__(
        self,
        store: PlanStore,
        principal: Principal,
        source: Mapping[str, Json],
        accounts: Mapping[str, str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._principal, self._source, self._accounts, self._clock = store, principal, source, accounts, clock
        self.handle: str | None = None
        self.is_confirmed = False
        #: step id -> (its result, whether running it again does no harm)
        self._unsaved: dict[str, tuple[StepResult, bool]] = {}
        self._changed = anyio.Event()

    def confirm(self) -> None:
        """Note that the person agreed. A record made with the question does not know of it, so another one is made."""
        self.is_confirmed = True
        self.handle = None

    async def open(self) -> str:
        """Make the record, unless there is one, and return its handle."""
        if self.handle is None:
            kept = orjson.dumps({"plan": self._source, "confirmed": self.is_confirmed, "accounts": self._accounts})
            self.handle = await self._store.open(self._principal, kept, TTL_S)
        return self.handle

    def finished(self, step_id: str, result: StepResult, *, is_repeatable: bool) -> None:
        """Note a result; `keep_up` or `close` writes it."""
        self._unsaved[step_id] = (result, is_repeatable)
        self._changed.set()

    async def keep_up(self, *, at_once: bool) -> None:
        """Write results while the plan runs, until cancelled. `at_once` False: begin when the run turns out to be long."""
        if not at_once:
            await anyio.sleep(PATIENCE_S)
        with suppress(QuotaExceeded):  # The run goes on without a record; `close` says so.
            while True:
                await self._changed.wait()
                self._changed = anyio.Event()
                await self._write()

    async def close(self) -> str | None:
        """Write what is left, even while being cancelled, within a few seconds; return the handle."""
        with uninterruptible(), anyio.move_on_after(_CLOSING_S) as scope:
            try:
                await self._write_all(await self.open())
            except QuotaExceeded:
                _log.warning("plan_not_recorded steps=%d", len(self._unsaved))
        if scope.cancelled_caught:
            _log.error("plan_record_incomplete steps=%d", len(self._unsaved))
        return self.handle

    async def _write(self) -> None:
        # A write that began is finished: the run's end must not tear a transaction.
        with uninterruptible():
            await self._write_all(await self.open())

    async def _write_all(self, handle: str) -> None:
        while self._unsaved:
            step_id, noted = next(iter(self._unsaved.items()))
            encoded = noted[0].encoded(self._clock(), is_repeatable=noted[1])
            if encoded is not None:
                try:
                    await self._store.save_step(self._principal, handle, step_id, encoded)
                except QuotaExceeded:
                    # Resuming runs this step again; a write is answered from its own record.
                    _log.warning("plan_step_not_recorded bytes=%d", len(encoded))
            if self._unsaved.get(step_id) is noted:
                del self._unsaved[step_id]


async def load_record(store: PlanStore, principal: Principal, handle: str) -> Recorded | None:
    """Return what is recorded under `handle`; None for unknown, expired and foreign handles alike."""
    kept = await store.load(principal, handle)
    if kept is None:
        return None
    body, results = kept
    record = orjson.loads(body)
    result_by_step = {step_id: decode_result(each) for step_id, each in results.items()}
    return Recorded(handle, record["plan"], record["confirmed"], result_by_step, record.get("accounts"))
