"""Check a whole plan against the catalogue before anything runs: operations, arguments, types, scopes, accounts."""

from collections.abc import Mapping
from dataclasses import dataclass

from oauth.connections.credentials import Credentials, Readiness
from oauth.principal import Principal
from tools.argument_faults import path_of
from tools.arguments import Validators
from tools.builtins.batch_plan import MAX_CALLS, Plan, PlanFault, Step
from tools.builtins.batch_types import Absent, Known, are_disjoint, said, types_at, walk
from tools.catalog import Catalog
from tools.operation import Json, Operation
from tools.policy import Policy, reenters
from tools.references import Expression, Path, Placeholder, ReferenceFault, parse_expression
from tools.selection import SelectFault, compile_select
from tools.suggestions import Suggestions

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


class PlanCheck:
    """Finds every fault at once; sends nothing."""

    def __init__(
        self, catalog: Catalog, policy: Policy, validators: Validators, credentials: Credentials, suggestions: Suggestions
    ) -> None:
        self._catalog, self._policy, self._validators = catalog, policy, validators
        self._credentials, self._suggestions = credentials, suggestions

    def check(self, principal: Principal, plan: Plan, form_faults: list[PlanFault]) -> CheckedPlan:
        """Return what is known of `plan`; `form_faults` are those of its form, which come first."""
        faults = list(form_faults)
        operations: dict[str, Operation] = {}
        for step in plan.steps:
            operation = self._catalog.get(principal.tenant_id, step.api)
            if operation is None:
                unknown = self._suggestions.unknown(principal.tenant_id, step.api)
                faults.append(PlanFault(step.id, "known operation", unknown.message, "api", step.api[:120], None, unknown.did_you_mean))
            elif reenters(operation):
                message = f"'{operation.id}' cannot be a step; name the operation itself"
                faults.append(PlanFault(step.id, "an operation", message, "api", operation.id))
            else:
                operations[step.id] = operation
        missing: frozenset[str] = frozenset()
        unready: list[tuple[Step, Readiness]] = []
        typing = _Typing(plan, operations)
        for step in plan.steps:
            if (found := operations.get(step.id)) is None:
                continue
            missing |= self._policy.missing_scopes(principal, found)
            readiness = self._readiness(principal, found, step, faults)
            if readiness is not None:
                unready.append((step, readiness))
            faults += self._argument_faults(step, found)
            faults += typing.faults(step, found)
        faults += _budget_faults(plan)
        confirmed = tuple(each for each, operation in operations.items() if self._policy.needs_confirmation(principal, operation))
        return CheckedPlan(plan, operations, confirmed, tuple(faults), missing, tuple(unready))

    def scope_faults(self, principal: Principal, checked: CheckedPlan) -> list[PlanFault]:
        """Return a fault for each step whose scope the token lacks."""
        faults = []
        for step_id, operation in checked.operation_by_step.items():
            if refusal := self._policy.refusal(principal, operation):
                faults.append(PlanFault(step_id, "scope", refusal.message, scopes=refusal.missing_scopes))
        return faults

    def _readiness(self, principal: Principal, operation: Operation, step: Step, faults: list[PlanFault]) -> Readiness | None:
        """Return what keeps the step's account from being used, or None."""
        if operation.connection is None:
            return None
        readiness = self._credentials.readiness(principal, operation.connection, operation.connection_scopes)
        if readiness.status != "ready":
            return readiness
        return None

    def _argument_faults(self, step: Step, operation: Operation) -> list[PlanFault]:
        faults = []
        try:
            compile_select(step.select)
        except SelectFault as unread:
            faults.append(PlanFault(step.id, "JMESPath", unread.failure.message, "select"))
        arguments = step.args.with_stand_ins(_STAND_IN)
        if not isinstance(arguments, Mapping):
            return faults
        places = [path_of(place.at) for place in step.args.placeholders]
        for fault in self._validators.faults(operation, arguments):
            if fault.rule in ("required", "no such argument") or not _is_open(fault.path, fault.rule, places):
                faults.append(PlanFault(step.id, fault.rule, fault.message, fault.path, fault.value, fault.example))
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


class _Typing:
    """Judges references by what the operations say that they answer and take."""

    def __init__(self, plan: Plan, operations: Mapping[str, Operation]) -> None:
        self._steps, self._operations = plan.step_by_id, operations

    def faults(self, step: Step, operation: Operation) -> list[PlanFault]:
        faults: list[PlanFault] = []
        element: Known | None = None
        if step.for_each is not None:
            element = self._element(step, step.for_each, faults)
        for place in step.args.placeholders:
            source = self._source(step, place, element, faults)
            target = walk(Known(operation.input_schema, operation.input_schema), place.at, "arguments")
            if source is None or not isinstance(target, Known):
                continue
            given, wanted = types_at(source), types_at(target)
            if given is not None and wanted is not None and are_disjoint(given, wanted):
                path = path_of(place.at)
                message = f"{path}: '{place.expression.text}' is {said(given)}, but {said(wanted)} is wanted"
                faults.append(PlanFault(step.id, f"type {' or '.join(sorted(wanted))}", message, path, place.expression.text))
        if step.condition is not None and step.condition.path is not None:
            self._of_steps(step, step.condition, "if", faults)
        return faults

    def _element(self, step: Step, expression: Expression, faults: list[PlanFault]) -> Known | None:
        found = self._of_steps(step, expression, "for_each", faults)
        if found is None:
            return None
        types = types_at(found)
        if types is not None and "array" not in types:
            message = f"for_each: '{expression.text}' is {said(types)}, but a list is wanted"
            faults.append(PlanFault(step.id, "type array", message, "for_each", expression.text))
            return None
        inside = walk(found, (0,), expression.text)
        return inside if isinstance(inside, Known) else None

    def _source(self, step: Step, place: Placeholder, element: Known | None, faults: list[PlanFault]) -> Known | None:
        if place.has_default:
            return None
        if not place.of_item:
            return self._of_steps(step, place.expression, path_of(place.at), faults)
        if element is None or place.expression.path is None:
            return None
        found = walk(element, place.expression.path, "the element")
        return self._judged(step, place.expression, found, path_of(place.at), faults)

    def _of_steps(self, step: Step, expression: Expression, where: str, faults: list[PlanFault]) -> Known | None:
        """Return the schema of what a path over steps finds, as far as it is known; add the fault where it finds nothing."""
        path = expression.path
        if path is None or not path or path[0] not in self._operations:
            return None
        other = self._steps[str(path[0])]
        found = walk(self._output(other), path[1:], str(path[0]))
        return self._judged(step, expression, found, where, faults)

    def _judged(
        self, step: Step, expression: Expression, found: Known | Absent | None, where: str, faults: list[PlanFault]
    ) -> Known | None:
        if isinstance(found, Absent):
            message = f"{where}: '{expression.text}' finds nothing: {found.why}"
            faults.append(PlanFault(step.id, "reference", message, where, expression.text, None, found.did_you_mean))
            return None
        return found

    def _output(self, step: Step) -> Known:
        """Return the schema of what references to `step` see."""
        operation = self._operations[step.id]
        data = self._data(step, operation)
        anything: dict[str, Json] = {}
        item = {"type": "object", "properties": {"ok": {"type": "boolean"}, "data": data, "error": anything, "note": {"type": "string"}}}
        members: dict[str, Json] = {"ok": {"type": "boolean"}, "skipped": {"type": "boolean"}, "error": anything, "data": data}
        if step.is_mapped:
            members |= {"data": {"type": "array", "items": data}, "items": {"type": "array", "items": item}}
        else:
            members |= {"page": {"type": "object"}, "handle": {"type": "string"}, "note": {"type": "string"}}
        return Known({"type": "object", "properties": members}, operation.output_schema or {})

    def _data(self, step: Step, operation: Operation) -> Mapping[str, Json]:
        schema = operation.output_schema or {}
        if step.select is None or not schema:
            return schema
        if not isinstance(step.select, str):
            return {}
        try:
            path: Path | None = parse_expression(step.select).path
        except ReferenceFault:
            return {}
        found = walk(Known(schema, schema), path, "data") if path is not None else None
        return found.schema if isinstance(found, Known) else {}
