"""A definition against the catalogue, by the check of batch_execute: every fault with its line, its rule and a way out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from oauth.principal import Principal
from tools.expressions.over_steps import Expression
from tools.plans.check import Beside, CheckedPlan, PlanCheck
from tools.plans.plan import Plan, PlanFault, Step
from tools.workflows.consent import consent_digest
from tools.workflows.declared.definition import INPUT, Definition
from tools.workflows.declared.document import Document, path_in
from tools.workflows.declared.errors import DefinitionFault, DefinitionInvalid
from tools.workflows.declared.pauses import PAUSES
from tools.workflows.engine.given_faults import given_faults
from tools.workflows.schedules.cron import cron_faults, whole_expression

#: members of a step that a run does not keep
_NOT_KEPT = frozenset({"page", "handle", "note", "http"})


@dataclass(frozen=True, slots=True)
class CheckedDefinition:
    """`agreed`: steps that cannot be undone and were accepted, with the digest of what each does (consent.py); `listed`: expressions
    that may find nothing, by step. `notes`: what stands in the way of a run today and may not tomorrow.
    """

    definition: Definition
    agreed: Mapping[str, str]
    listed: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


async def check_definition(check: PlanCheck, principal: Principal, definition: Definition, document: Document) -> CheckedDefinition:
    """Return what is known of a definition, accepted by `principal`. Raises DefinitionInvalid with every fault."""
    plan = definition.plan
    beside = Beside({INPUT: definition.input_schema or {"type": "object"}}, PAUSES)
    checked = await check.check(principal, plan, list(definition.form_faults), beside)
    own = [*_not_kept(plan), *_not_agreed(check, principal, definition, checked)]
    places = {step.id: index for index, step in reversed(list(enumerate(plan.steps)))}
    faults = [*(_placed(fault, places, document) for fault in (*checked.faults, *own)), *_of_schedule(principal, definition, document)]
    if faults:
        raise DefinitionInvalid(sorted(dict.fromkeys(faults), key=lambda fault: fault.line or 0))
    notes = [f"step '{step.id}': no account of {readiness.provider} is ready ({readiness.status})" for step, readiness in checked.unready]
    return CheckedDefinition(definition, _agreed(checked), tuple(sorted(checked.listed)), tuple(dict.fromkeys(notes)))


def _destructive(checked: CheckedPlan) -> tuple[str, ...]:
    """Return the steps that cannot be undone, whether or not the tenant would ask about them today."""
    return tuple(step_id for step_id, operation in checked.operation_by_step.items() if operation.access == "destructive")


def _agreed(checked: CheckedPlan) -> Mapping[str, str]:
    return {step_id: consent_digest(checked.operation_by_step[step_id]) for step_id in _destructive(checked)}


def _not_agreed(check: PlanCheck, principal: Principal, definition: Definition, checked: CheckedPlan) -> Iterator[PlanFault]:
    if not (steps := _destructive(checked)):
        return
    if not definition.allows_destructive:
        for step_id in steps:
            operation = checked.operation_by_step[step_id].id
            message = f"'{operation}' cannot be undone, and a run asks nobody; say `allow: destructive`, and accept it as a person who may"
            yield PlanFault(step_id, "allow", message, "api")
        return
    if not principal.subject:
        yield PlanFault(None, "allow", "allow: destructive is a person's yes; name the person who accepts it (--as EMAIL)", "allow")
        return
    for fault in check.scope_faults(principal, checked):
        if fault.step in steps:
            yield PlanFault(fault.step, "scope", f"whoever accepts it may not do it themselves: {fault.message}", "api")


def _of_schedule(principal: Principal, definition: Definition, document: Document) -> Iterator[DefinitionFault]:
    schedule = definition.schedule
    if schedule is None:
        return
    if not principal.subject:
        message = "what is started by itself makes its calls for somebody; name the person (--as EMAIL)"
        yield DefinitionFault("schedule", message, document.line_of(("schedule",)))
    for fault in cron_faults(whole_expression(schedule.cron), schedule.zone):
        name = str(fault["path"]).partition(".")[0]
        message = f"{str(fault['value'])[:80]!r} is not: {fault['rule']}; write it like {fault['example']!r}"
        yield DefinitionFault(f"schedule.{name}", message, document.line_of(("schedule", name)))
    for each in given_faults(definition.input_schema or {"type": "object"}, schedule.given):
        place = each.path.replace("arguments", "schedule.given", 1)
        yield DefinitionFault(place, each.message.replace("arguments", "schedule.given"), document.line_of(path_in(place)))


def _not_kept(plan: Plan) -> Iterator[PlanFault]:
    """Find references to what a durable step does not keep: it would be there the first time, and not after a process died."""
    ids = plan.step_by_id.keys()
    for step in plan.steps:
        for where, expression in _expressions(step):
            path = expression.path or ()
            if len(path) > 1 and path[0] in ids and path[1] in _NOT_KEPT:
                message = f"{where}: '{expression.text}': a run keeps the data of a step, not its {path[1]}"
                yield PlanFault(step.id, "reference", message, where, expression.text)


def _expressions(step: Step) -> Iterator[tuple[str, Expression]]:
    for place in step.args.placeholders:
        if not place.of_item:
            yield "args", place.expression
    if step.condition is not None:
        yield "if", step.condition
    if step.for_each is not None:
        yield "for_each", step.for_each


def _placed(fault: PlanFault, places: dict[str, int], document: Document) -> DefinitionFault:
    """Return a fault of the plan at its place in the document."""
    within = (fault.path or "").replace("arguments", "args", 1)
    index = places.get(fault.step or "")
    path: Sequence[str | int] = path_in(within) if index is None else ("steps", index, *path_in(within))
    step = f"steps[{index}]" if index is not None else ""
    place = f"{step}.{within}" if step and within else step or within
    message = fault.message.replace("arguments.", "args.")
    named = f"step '{fault.step}': " if index is not None else ""
    meant = f"; did you mean {' or '.join(map(repr, fault.did_you_mean))}?" if fault.did_you_mean and "did you mean" not in message else ""
    return DefinitionFault(place, f"{named}{message.removeprefix(f'{within}: ')}{meant}", document.line_of(tuple(path)))
