"""The port `Workflows`: what starts, feeds, ends and shows runs. Whether this process runs them is nobody's concern here."""

import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Never

import orjson

from tools.near_names import near
from tools.operation import Json
from tools.plain_text import written_out
from tools.trace_ids import new_trace_id
from tools.workflows.engine.given_faults import given_faults
from tools.workflows.engine.run_records import (
    MostOpen,
    NewRun,
    NoSuchRun,
    NoSuchSteps,
    NotResumable,
    OtherRun,
    RunFilter,
    RunRecords,
    TooManyRuns,
    TooManySignals,
)
from tools.workflows.errors import RunsFull, WorkflowRefused, no_such_run
from tools.workflows.registry import WorkflowRegistry
from tools.workflows.run_keys import is_delivery_key, is_slot_key
from tools.workflows.stores import ActsFor, RunPage, RunState, RunView
from tools.workflows.workflow import MAX_GIVEN_BYTES, MAX_RESULT_BYTES, Workflow, is_workflow_name

#: of one tenant, at a time
MAX_OPEN_RUNS = 10_000
#: of these act for one person, who leaves room for colleagues, schedules and webhooks
MAX_OPEN_OF_PERSON = 5_000
MAX_KEY_CHARS = 200
#: tenant:workflow:key
MAX_ID_CHARS = 400
MAX_PAGE = 200


class DurableWorkflows:
    """Keeps `tools.workflows.stores.Workflows`. `wake`: has the engine of this process look; others hear of it by the change feed."""

    def __init__(
        self,
        records: RunRecords,
        registry: WorkflowRegistry,
        wake: Callable[[], None],
        most_open: MostOpen = MostOpen(MAX_OPEN_RUNS, MAX_OPEN_OF_PERSON),
    ) -> None:
        self._records, self._registry, self._wake, self._most_open = records, registry, wake, most_open

    async def start(
        self,
        tenant_id: str,
        workflow: str,
        given: Mapping[str, Json],
        *,
        key: str | None = None,
        at_us: int | None = None,
        acts_for: ActsFor | None = None,
        started_by: str = "manual",
        trace_id: str | None = None,
    ) -> str:
        found = await self._registry.find(tenant_id, workflow)
        if found is None:
            await self._unknown(tenant_id, workflow)
        _check_given(found, given)
        _check_time(found, at_us)
        key = secrets.token_hex(12) if key is None else _own_key(key)
        new = NewRun(tenant_id, workflow, key, given, acts_for, started_by, at_us, trace_id or new_trace_id())
        try:
            run_id = await self._records.start(new, self._most_open)
        except OtherRun as error:
            message = f"the key '{key[:80]}' is that of a run which was given something else"
            raise WorkflowRefused("conflict", message, "send what it was given, or another key") from error
        except TooManyRuns as error:
            raise self._too_many(error) from error
        except RunsFull as error:
            raise _full(error) from error
        self._wake()
        return run_id

    async def signal(self, tenant_id: str, run_id: str, name: str, value: Json, *, key: str) -> None:
        _check_bytes(value, MAX_RESULT_BYTES, "the value")
        try:
            await self._records.signal(tenant_id, _checked_id(run_id), _checked_key(name, "name"), value, _checked_key(key, "key"))
        except NoSuchRun as error:
            raise no_such_run(run_id) from error
        except NotResumable as error:
            raise WorkflowRefused("conflict", f"the run has ended: {error.state}", "start another one") from error
        except TooManySignals as error:
            message = f"{error.most:,} signals of this run wait to be taken, which is the quota"
            raise WorkflowRefused(
                "quota_exceeded", message, "send more when it has taken some, or cancel it if it waits in vain"
            ) from error
        except RunsFull as error:
            raise _full(error) from error
        self._wake()

    async def cancel(self, tenant_id: str, run_id: str) -> bool:
        try:
            is_ended = await self._records.cancel(tenant_id, _checked_id(run_id))
        except NoSuchRun as error:
            raise no_such_run(run_id) from error
        self._wake()
        return is_ended

    async def resume(self, tenant_id: str, run_id: str, *, again: Collection[str] = ()) -> None:
        try:
            await self._records.resume(tenant_id, _checked_id(run_id), again, self._most_open)
        except NoSuchRun as error:
            raise no_such_run(run_id) from error
        except NotResumable as error:
            message = f"the run is {error.state}; one that failed or was cancelled can be resumed"
            raise WorkflowRefused("conflict", message, "start another one, or wait until it ends") from error
        except NoSuchSteps as error:
            raise _no_steps(error) from error
        except TooManyRuns as error:
            raise self._too_many(error) from error
        self._wake()

    async def show(self, tenant_id: str, run_id: str) -> RunView | None:
        if not _may_be_id(run_id):
            return None
        return await self._records.show(tenant_id, run_id)

    async def runs(
        self,
        tenant_id: str,
        *,
        workflow: str | None = None,
        states: Sequence[RunState] = (),
        acts_for: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> RunPage:
        if workflow is not None and not is_workflow_name(workflow):
            return RunPage((), None)
        wanted = RunFilter(workflow, tuple(states), acts_for)
        page = await self._records.page(tenant_id, wanted, min(max(limit, 1), MAX_PAGE), cursor)
        if page is None:
            raise WorkflowRefused("invalid_arguments", "cursor is not one that a list gave", "leave it out to begin with the newest")
        return page

    async def forget(self, tenant_id: str) -> int:
        forgotten = await self._records.forget(tenant_id)
        self._wake()
        return forgotten

    def _too_many(self, error: TooManyRuns) -> WorkflowRefused:
        most = self._most_open
        whose = f"{most.of_person:,} runs that act for you" if error.of_person else f"{most.of_tenant:,} runs of your tenant"
        hint = "wait until some have ended, or cancel those that wait in vain"
        return WorkflowRefused("quota_exceeded", f"{whose} have not ended, which is the quota", hint)

    async def _unknown(self, tenant_id: str, workflow: str) -> Never:
        known = [each.name for each in await self._registry.of(tenant_id)]
        meant = near(workflow, known)
        hint = f"did you mean {', '.join(meant)}?" if meant else "list them with workflow_list"
        raise WorkflowRefused("not_found", f"there is no workflow '{workflow[:64]}'", hint)


def _full(error: RunsFull) -> WorkflowRefused:
    return WorkflowRefused("quota_exceeded", error.failure.message, error.failure.hint)


def _check_given(workflow: Workflow, given: Mapping[str, Json]) -> None:
    _check_bytes(given, MAX_GIVEN_BYTES, "what the run is given")
    if workflow.input_schema is not None and (faults := given_faults(workflow.input_schema, given)):
        message = "; ".join(fault.message for fault in faults[:3])
        raise WorkflowRefused("invalid_arguments", message, None, [fault.as_json() for fault in faults])


def _check_time(workflow: Workflow, at_us: int | None) -> None:
    """A run counts as open from its start, and is never older than its workflow allows: what begins later would only hold a place."""
    longest_s = workflow.limits.max_age_s
    if at_us is not None and at_us - time.time_ns() // 1000 > longest_s * 1_000_000:
        rule = f"within {longest_s / 86_400:g} days from now"
        raise WorkflowRefused("invalid_arguments", f"at: must be {rule}", "have a schedule start what is to begin later")


def _check_bytes(value: Json, most: int, what: str) -> None:
    try:
        size = len(orjson.dumps(value))
    except TypeError as error:
        raise WorkflowRefused("invalid_arguments", f"{what} is no JSON: {str(error)[:100]}") from error
    if size > most:
        raise WorkflowRefused("too_large", f"{what} has {size:,} bytes; {most:,} are taken", "keep it elsewhere, and give its id")


def _checked_key(key: str, what: str) -> str:
    if 0 < len(key) <= MAX_KEY_CHARS and ":" not in key and key.isprintable():
        return key
    rule = f"1 to {MAX_KEY_CHARS} characters, no ':' and no control characters"
    faults = [{"path": what, "value": key[:80], "rule": rule, "example": "2026-11-28"}]
    raise WorkflowRefused("invalid_arguments", f"{what}: {rule}", "where a source's ids may have any, hash them", faults)


def _own_key(key: str) -> str:
    """Return a key that somebody may give; those of slots and events are the gateway's."""
    if is_slot_key(key) or is_delivery_key(key):
        rule = "no key of a schedule's slot or a webhook's event, like 'nightly@20261128T020000Z'"
        faults = [{"path": "key", "value": key[:80], "rule": rule, "example": "nightly-2026-11-28"}]
        raise WorkflowRefused("invalid_arguments", f"key: {rule}: the gateway gives those", "give another key", faults)
    return _checked_key(key, "key")


def _may_be_id(run_id: str) -> bool:
    """Say whether there can be such a run: what no key may hold, the store need not be asked for, and PostgreSQL cannot be."""
    return len(run_id) <= MAX_ID_CHARS and run_id.isprintable()


def _checked_id(run_id: str) -> str:
    if not _may_be_id(run_id):
        raise no_such_run(written_out(run_id[:200]))
    return run_id


def _no_steps(error: NoSuchSteps) -> WorkflowRefused:
    faults = [
        {"path": "again", "value": name[:80], "rule": "a step that is on record", "example": next(iter(near(name, error.known)), None)}
        for name in error.unknown
    ]
    message = f"the run has no step {', '.join(repr(name[:80]) for name in error.unknown[:3])} on record"
    return WorkflowRefused("invalid_arguments", message, "see its steps with workflow_status", faults)
