"""Check a whole plan against the catalogue before anything runs: operations, arguments, types, scopes, accounts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from oauth.connections.credentials import Credentials, Readiness
from oauth.principal import Principal
from tools.call_failures import no_connection, takes_connection
from tools.catalog.catalog import Catalog, CatalogView
from tools.catalog.suggestions import MAX_ANSWERED, Suggestions
from tools.dispatch.arguments import Validators
from tools.dispatch.policy import Policy
from tools.expressions.selection import SelectFault, compile_select
from tools.json_schema.argument_faults import path_of
from tools.operation import Json, Operation
from tools.plans.plan import MAX_CALLS, MAX_FAULTS, Plan, PlanFault, Step
from tools.plans.references import Template
from tools.plans.type_check import Typing
from tools.turns import in_turns

_STAND_IN = "(filled when the step runs)"
#: rules of Fault that are true whatever a place is filled with
_SURE_ABOVE_PLACES = ("type ", "required", "no such argument")


@dataclass(frozen=True, slots=True)
class CheckedPlan:
    """A plan whose operations all exist. `confirmed_steps`: the ones that the person must agree to first."""

    plan: Plan
    operation_by_step: Mapping[str, Operation]
    confirmed_steps: tuple[str, ...]
    faults: tuple[PlanFault, ...]
    missing_scopes: frozenset[str]
    #: steps whose account is not ready, with what is known of it
    unready: tuple[tuple[Step, Readiness], ...]
    #: (step, expression): what its schemas list and an answer may leave out
    listed: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Beside:
    """What a plan has beside the catalogue: values that it is given, by name with their schemas, and operations that are no one else's."""

    given: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    operations: Mapping[str, Operation] = field(default_factory=dict)


class PlanCheck:
    """Finds every fault at once; sends nothing."""

    def __init__(
        self, catalog: Catalog, policy: Policy, validators: Validators, credentials: Credentials, suggestions: Suggestions
    ) -> None:
        self._catalog, self._policy, self._validators = catalog, policy, validators
        self._credentials, self._suggestions = credentials, suggestions

    async def check(self, principal: Principal, plan: Plan, form_faults: list[PlanFault], beside: Beside = Beside()) -> CheckedPlan:
        """Return what is known of `plan`; `form_faults` are those of its form, which come first. Others have a turn between steps."""
        checked = self._checked(principal, plan, beside)
        faults = [*form_faults, *checked.faults]
        typing = Typing(plan, checked.operation_by_step, beside.given)
        async for step in in_turns(plan.steps):
            # What is above the limit is not shown, so nobody has to find it.
            if (operation := checked.operation_by_step.get(step.id)) is not None and len(faults) < MAX_FAULTS:
                faults += self._argument_faults(step, operation, suggests=len(faults) < MAX_ANSWERED)
                faults += typing.faults(step, operation)
        return replace(checked, faults=(*faults, *_budget_faults(plan)), listed=frozenset(typing.listed))

    def check_names(self, principal: Principal, names: Iterable[str]) -> CheckedPlan:
        """Return what is known of operations whose arguments are not: one step for each, with its id."""
        return self._checked(principal, Plan(tuple(Step(name, name, Template({}, ())) for name in names), None, {}))

    def _checked(self, principal: Principal, plan: Plan, beside: Beside = Beside()) -> CheckedPlan:
        faults: list[PlanFault] = []
        operations: dict[str, Operation] = {}
        for step in plan.steps:
            found = beside.operations.get(step.api) or self.operation(principal, step.id, step.api, suggests=len(faults) < MAX_ANSWERED)
            if isinstance(found, PlanFault):
                faults.append(found)
            else:
                operations[step.id] = found
        missing: frozenset[str] = frozenset()
        unready: list[tuple[Step, Readiness]] = []
        for step in plan.steps:
            if (operation := operations.get(step.id)) is None:
                continue
            missing |= self._policy.missing_scopes(principal, operation)
            readiness = self._readiness(principal, operation)
            if readiness is not None:
                unready.append((step, readiness))
        confirmed = tuple(each for each, operation in operations.items() if self._policy.needs_confirmation(principal, operation))
        return CheckedPlan(plan, operations, confirmed, tuple(faults), missing, tuple(unready))

    def visible(self, principal: Principal) -> CatalogView:
        """Return everything that the principal's tenant sees."""
        return self._catalog.visible(principal.tenant_id)

    def scope_faults(self, principal: Principal, checked: CheckedPlan) -> list[PlanFault]:
        """Return a fault for each step whose scope the token lacks."""
        faults = []
        for step_id, operation in checked.operation_by_step.items():
            if refusal := self._policy.refusal(principal, operation):
                faults.append(PlanFault(step_id, "scope", refusal.message, scopes=refusal.missing_scopes))
        return faults

    def operation(self, principal: Principal, step_id: str, api: str, *, suggests: bool = True) -> Operation | PlanFault:
        """Return the operation that a step names, or what is wrong with the name. `suggests`: say what was probably meant."""
        found = self._catalog.get(principal.tenant_id, api)
        if found is None:
            unknown = self._suggestions.unknown(principal.tenant_id, api, suggests=suggests)
            return PlanFault(step_id, "known operation", unknown.message, "api", api[:120], None, unknown.did_you_mean)
        if found.reenters:
            return PlanFault(step_id, "an operation", f"'{found.id}' cannot be a step; name the operation itself", "api", found.id)
        if (block := self._policy.block(principal, found)) is not None:
            return PlanFault(step_id, block.code, f"{block.message}; {block.hint}", "api", found.id)
        return found

    def as_sent(self, principal: Principal, operation_id: str, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the arguments of a call as the door sends them: what it asks of a person is about these."""
        operation = self._catalog.get(principal.tenant_id, operation_id)
        return arguments if operation is None else self._validators.as_sent(operation, arguments)

    def _readiness(self, principal: Principal, operation: Operation) -> Readiness | None:
        """Return what keeps the account from being used, or None."""
        if operation.connection is None:
            return None
        readiness = self._credentials.readiness(principal, operation.connection, operation.connection_scopes)
        return None if readiness.status == "ready" else readiness

    def _argument_faults(self, step: Step, operation: Operation, *, suggests: bool) -> list[PlanFault]:
        faults = []
        if step.account is not None and not takes_connection(operation):
            faults.append(PlanFault(step.id, "no account", no_connection(operation, step.account).message, "account", step.account[:80]))
        try:
            compile_select(step.select)
        except SelectFault as unread:
            faults.append(PlanFault(step.id, "JMESPath", unread.failure.message, "select"))
        arguments = step.args.with_stand_ins(_STAND_IN)
        if not isinstance(arguments, Mapping):
            return faults
        places = [path_of(place.at) for place in step.args.placeholders]
        for fault in self._validators.faults(operation, self._validators.as_sent(operation, arguments), suggests=suggests):
            if fault.rule in ("required", "no such argument") or not _is_open(fault.path, fault.rule, places):
                value = None if fault.value == _STAND_IN else fault.value
                faults.append(PlanFault(step.id, fault.rule, fault.message, fault.path, value, fault.example))
        return faults


def _is_open(path: str, rule: str, places: list[str]) -> bool:
    """Say whether a fault may vanish when the places are filled: it is in one, or is about something that holds one."""
    for place in places:
        if path == place or path.startswith((f"{place}.", f"{place}[")):
            return True
        if place.startswith((f"{path}.", f"{path}[")) and not rule.startswith(_SURE_ABOVE_PLACES):
            return True
    return False


def _budget_faults(plan: Plan) -> list[PlanFault]:
    calls = sum(1 if step.elements is None else len(step.elements) for step in plan.steps)
    if calls <= MAX_CALLS:
        return []
    return [PlanFault(None, f"at most {MAX_CALLS} calls", f"the plan makes {calls} calls; {MAX_CALLS} are the limit, split it")]
