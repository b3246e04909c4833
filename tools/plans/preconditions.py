"""What stands before a run: faults, scopes, missing accounts, and a person's yes to what cannot be undone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from oauth.connections.credentials import Credentials, Readiness
from oauth.connections.errors import ConnectionNeeded, UnknownConnection
from oauth.principal import Principal
from tools.always_on import BATCH_EXECUTE
from tools.dispatch.confirmations import Confirmations
from tools.dispatch.questions import plan_question
from tools.dispatch.wire import failure_to_wire
from tools.operation import Call, ConnectionRequest, Failure, Json, Operation, Outcome
from tools.plans.check import CheckedPlan, PlanCheck
from tools.plans.plan import MAX_FAULTS, PlanFault
from tools.plans.step_result import connection_to_wire

#: of what a step is run for each of, as the question shows it
MAX_PATH_CHARS = 80
#: (operation id, account, arguments, idempotency key) -> the token that the door asks for, for a plan that was agreed to
Confirm = Callable[[str, str | None, Mapping[str, Json], str | None], str | None]


@dataclass(frozen=True, slots=True)
class Preconditions:
    """Lets nothing through that is not sound, permitted, connected and agreed to."""

    check: PlanCheck
    confirmations: Confirmations
    credentials: Credentials

    def refusal(self, principal: Principal, checked: CheckedPlan) -> Outcome | None:
        """Return everything that is wrong, or None. Scopes alone are a step-up that names those of the whole plan.

        Missing accounts are among the faults of a plan that has others; alone they are for the person to mend (`connection`).
        """
        faults = [*checked.faults, *self.check.scope_faults(principal, checked)]
        if not faults:
            return None
        faults += [_unready(step.id, readiness) for step, readiness in checked.unready]
        shown = tuple(fault.as_json() for fault in faults[:MAX_FAULTS])
        if not checked.faults:
            named = " ".join(sorted(checked.missing_scopes))
            message = f"the plan needs the scopes '{named}', which this token lacks"
            hint = "sign in again and allow them; nothing has run"
            return failed(Failure("insufficient_scope", message, faults=shown, hint=hint, missing_scopes=checked.missing_scopes))
        first = checked.faults[0]
        where = f"step '{first.step}': " if first.step else ""
        more = f" (and {len(faults) - 1} more, see faults)" if len(faults) > 1 else ""
        hint = "nothing has run; correct every fault and send the plan again"
        return failed(Failure("invalid_plan", f"{where}{first.message}{more}", faults=shown, hint=hint))

    async def connection(self, call: Call, checked: CheckedPlan, finished: frozenset[str] = frozenset()) -> Outcome | None:
        """Return the links for the accounts that are missing, or None; steps that are finished need none."""
        needed: dict[str, ConnectionRequest] = {}
        for step, readiness in checked.unready:
            if step.id in finished or readiness.provider in needed:
                continue
            operation = checked.operation_by_step[step.id]
            try:
                await self.credentials.for_call(call.principal, readiness.provider, operation.connection_scopes, step.account)
            except ConnectionNeeded as asked:
                needed[readiness.provider] = ConnectionRequest(readiness.provider, asked.readiness.status, asked.url, asked.message)
            except UnknownConnection:
                continue  # The step itself says so, with the accounts that there are.
        if not needed:
            return None
        wire: dict[str, Json] = {
            "status": "needs_connection",
            "steps": {},
            "connections": [connection_to_wire(each) for each in needed.values()],
            "note": "nothing has run; once the person has connected, send the same again or only the resume handle",
            "trace_id": call.trace_id,
        }
        return Outcome("needs_connection", data=wire, bare=True, connection=next(iter(needed.values())))

    def confirmation(self, call: Call, checked: CheckedPlan, bound: Mapping[str, Json]) -> Outcome | None:
        """Return the one question for all destructive steps, or None where the call carries the answer to exactly what is `bound`."""
        if not checked.confirmed_steps:
            return None
        token = call.arguments.get("confirm")
        if token and self.confirmations.accepts(token, call.principal, BATCH_EXECUTE.name, None, bound):
            return None
        message = plan_question([_asked(checked, step_id) for step_id in checked.confirmed_steps])
        asked = self.confirmations.issue(call.principal, BATCH_EXECUTE.name, None, bound, message=message)
        note = "nothing has run; after a yes send the same with confirm"
        wire: dict[str, Json] = {
            "status": "needs_confirmation",
            "steps": {},
            "destructive": list(checked.confirmed_steps),
            "confirmation": {"confirm": asked.token, "message": asked.message, "expires_in_s": asked.expires_in_s},
            "note": f"the confirm token is expired or belongs to another plan; {note}" if token else note,
            "trace_id": call.trace_id,
        }
        return Outcome("needs_confirmation", data=wire, bare=True, confirmation=asked)

    def connection_ids(self, principal: Principal, checked: CheckedPlan) -> dict[str, str]:
        """Return the ids of the accounts that what cannot be undone would run with, by step: a yes is for these and no others."""
        accounts: dict[str, str] = {}
        for step_id in checked.confirmed_steps:
            operation, step = checked.operation_by_step[step_id], checked.plan.step_by_id.get(step_id)
            if operation.connection is not None:
                readiness = self.credentials.readiness(principal, operation.connection, operation.connection_scopes)
                named = step.account if step is not None else None
                accounts[step_id] = readiness.id_of(named) or named or ""
        return accounts

    def tokens(self, principal: Principal) -> Confirm:
        """Return the maker of the tokens that the door asks of each destructive call of a plan that was agreed to."""

        def token(operation_id: str, account: str | None, arguments: Mapping[str, Json], key: str | None) -> str:
            sent = self.check.as_sent(principal, operation_id, arguments)
            return self.confirmations.issue(principal, operation_id, account, sent, idempotency_key=key, within_plan=True).token

        return token


def _asked(checked: CheckedPlan, step_id: str) -> tuple[str, Operation, Mapping[str, Json] | None, str]:
    operation, step = checked.operation_by_step[step_id], checked.plan.step_by_id.get(step_id)
    if step is None:
        return step_id, operation, None, ""
    repeated = f", for each of {len(step.elements)}" if step.elements is not None else ""
    repeated = f", for each of {step.for_each.text[:MAX_PATH_CHARS]}" if step.for_each is not None else repeated
    account = f" in the account '{step.account}'" if step.account else ""
    values = step.args.value if isinstance(step.args.value, Mapping) else {}
    return step_id, operation, values, f"{account}{repeated}"


def _unready(step_id: str, readiness: Readiness) -> PlanFault:
    words = f"no account of {readiness.provider} is ready ({readiness.status}); the link comes once nothing else is wrong with the plan"
    return PlanFault(step_id, "connection", words)


def ask(operation_id: str, account: str | None, arguments: Mapping[str, Json], key: str | None) -> None:
    """Bring no token: the door asks."""
    return


def failed(failure: Failure) -> Outcome:
    """Return the outcome of a plan that did not run."""
    wire: dict[str, Json] = {"status": "failed", "steps": {}, "error": failure_to_wire(failure)}
    return Outcome("error", data=wire, bare=True, error=failure)
