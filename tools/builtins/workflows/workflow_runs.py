"""What people do with runs: workflow_start, workflow_status, workflow_list, workflow_cancel, workflow_resume (declared.py).

A person sees and changes the runs that act for them; others' are like none. What the gateway brings along for itself is started by
schedules and operators alone: it reads what no person may.
"""

import hashlib
import re

from oauth.principal import Principal
from oauth.scopes import OFFLINE, permits
from tools.builtins.workflows.declared import RUNS_PER_PAGE
from tools.builtins.workflows.run_shown import run_summary, run_whole
from tools.context_plane.times import BadTime, time_us
from tools.errors import ToolError
from tools.long_work import RUNS
from tools.near_names import near
from tools.operation import Call, Failure, Json, Outcome
from tools.workflows.errors import WorkflowRefused, no_such_run
from tools.workflows.registry import WorkflowRegistry
from tools.workflows.stores import ActsFor, RunView, Workflows

#: of an idempotency key that is a run's key as it stands
_PLAIN_KEY = re.compile(r"[A-Za-z0-9._~+-]{1,200}")


class WorkflowRuns:
    """What one person does with runs."""

    def __init__(self, workflows: Workflows, registry: WorkflowRegistry) -> None:
        self._workflows, self._registry = workflows, registry

    async def start(self, call: Call) -> Outcome:
        given, principal = call.arguments, call.principal
        name: str = given["workflow"]
        known = [each.name for each in await self._registry.for_people(principal.tenant_id)]
        if name not in known:
            meant = near(name, known)
            hint = f"did you mean {', '.join(meant)}?" if meant else "workflow_list shows those that there are"
            raise WorkflowRefused("not_found", f"there is no workflow '{name}'", hint)
        run_id = await self._workflows.start(
            principal.tenant_id,
            name,
            given.get("given", {}),
            key=given.get("key") or _key_of(call.options.idempotency_key),
            at_us=_time(given.get("at")),
            acts_for=ActsFor(principal.subject, principal.scopes),
            trace_id=call.trace_id,
        )
        view = await self._workflows.show(principal.tenant_id, run_id)
        if view is None or view.acts_for != principal.subject:
            raise WorkflowRefused("conflict", "the key is that of somebody else's run", "give another key")
        # Whoever polls follows what begins now; what begins some day is not to be waited for.
        return Outcome("ok", data={"run_id": run_id, "state": view.state}, task=None if "at" in given else RUNS + run_id)

    async def status(self, call: Call) -> Outcome:
        view = await self._own(call)
        return Outcome("ok", data=run_whole(view, call.arguments.get("step")))

    async def list(self, call: Call) -> Outcome:
        given, principal = call.arguments, call.principal
        page = await self._workflows.runs(
            principal.tenant_id,
            workflow=given.get("workflow"),
            states=given.get("states", ()),
            acts_for=principal.subject,
            limit=given.get("limit", RUNS_PER_PAGE),
            cursor=given.get("cursor"),
        )
        data: dict[str, Json] = {"runs": [run_summary(run) for run in page.runs], "next_cursor": page.next_cursor}
        if "cursor" not in given:
            workflows = await self._registry.for_people(principal.tenant_id)
            data["workflows"] = [{"name": each.name, "version": each.version, "title": each.title} for each in workflows]
        return Outcome("ok", data=data)

    async def cancel(self, call: Call) -> Outcome:
        view = await self._own(call)
        is_cancelled = await self._workflows.cancel(view.tenant_id, view.run_id)
        return Outcome("ok", data={"run_id": view.run_id, "cancelled": is_cancelled})

    async def resume(self, call: Call) -> Outcome:
        view = await self._own(call)
        _check_scopes(view, call.principal)
        await self._workflows.resume(view.tenant_id, view.run_id, again=call.arguments.get("again", ()))
        return Outcome("ok", data={"run_id": view.run_id, "state": "queued"})

    async def _own(self, call: Call) -> RunView:
        """Return the caller's run. Raises WorkflowRefused."""
        run_id: str = call.arguments["run_id"]
        view = await self._workflows.show(call.principal.tenant_id, run_id)
        if view is None or view.acts_for != call.principal.subject:
            raise no_such_run(run_id)
        return view


def _check_scopes(view: RunView, principal: Principal) -> None:
    """A run goes on with the scopes that it was started with; a token with fewer must not have it do what itself may not."""
    missing = frozenset(scope for scope in view.scopes - {OFFLINE} if not permits(principal.scopes, scope))
    if missing:
        named = " ".join(sorted(missing))
        message = f"the run was started with the scope '{named}', which this token lacks"
        hint = "sign in again and allow it, or start the workflow anew: it then does what this token may"
        raise ToolError(Failure("insufficient_scope", message, hint=hint, missing_scopes=missing))


def _key_of(idempotency_key: str | None) -> str | None:
    """Return the key of a run that an idempotency key stands for: itself, or its hash where it may be none, as a step's of another run."""
    if idempotency_key is None or _PLAIN_KEY.fullmatch(idempotency_key):
        return idempotency_key
    return f"idempotent-{hashlib.sha256(idempotency_key.encode(errors='surrogatepass')).hexdigest()}"


def _time(text: str | None) -> int | None:
    try:
        return None if text is None else time_us(text)
    except BadTime as error:
        faults = [{"path": "arguments.at", "value": text, "rule": "a time of RFC 3339", "example": "2026-11-29T07:00:00Z"}]
        raise WorkflowRefused("invalid_arguments", f"at: {error}", None, faults) from error
