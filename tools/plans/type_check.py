"""Judge references by what the operations of a plan say that they answer and take."""

from collections.abc import Mapping
from dataclasses import replace

from tools.dispatch.missed_names import lists, missed_by
from tools.expressions.over_steps import STEPS, Expression, Path, ReferenceFault, parse_expression
from tools.expressions.reads import Read, reads_of
from tools.expressions.selection import SelectFault, reads_in
from tools.json_schema.argument_faults import path_of
from tools.json_schema.value_types import Absent, Known, are_disjoint, said, types_at, walk
from tools.json_text import encode
from tools.operation import Json, Operation
from tools.plans.plan import Plan, PlanFault, Step
from tools.plans.references import Placeholder
from tools.plans.wire_text import fits_as_text, way_out

#: places of one plan that are compared before anything runs; those above are judged when they are filled
MAX_PLACES = 200
#: names that one expression reads
MAX_READS = 50

_HTTP: dict[str, Json] = {
    "type": "object",
    "properties": {
        "status": {"type": "integer"},
        "request_id": {"type": "string"},
        "rate_limit": {"type": "object"},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "location": {"type": "string"},
    },
}


class Typing:
    """Knows the schema of every step's output, as far as its operation has one."""

    def __init__(self, plan: Plan, operations: Mapping[str, Operation], given: Mapping[str, Mapping[str, Json]] | None = None) -> None:
        self._steps, self._operations, self._given = plan.step_by_id, operations, given or {}
        self._places_left = MAX_PLACES
        #: (step, expression) whose every name a schema lists
        self.listed: set[tuple[str, str]] = set()

    def faults(self, step: Step, operation: Operation) -> list[PlanFault]:
        faults = self._select_faults(step, operation)
        element: Known | None = None
        if step.for_each is not None:
            element = self._element(step, step.for_each, faults)
        places = step.args.placeholders[: self._places_left]
        self._places_left -= len(places)
        for place in places:
            source = self._source(step, place, element, faults)
            target = walk(Known(operation.input_schema, operation.input_schema), place.at, "arguments")
            if source is None or not isinstance(target, Known):
                continue
            given, wanted = types_at(source), types_at(target)
            if given is None or wanted is None or not are_disjoint(given, wanted) or fits_as_text(operation, place.at, given, wanted):
                continue
            path, rule, better = path_of(place.at), f"type {' or '.join(sorted(wanted))}", way_out(place, given, wanted)
            message = f"{path}: '{place.expression.text}' is {said(given)}, but {said(wanted)} is wanted"
            if better is not None:
                message = f"{message}; write {encode(better).decode()}"
            faults.append(PlanFault(step.id, rule, message, path, place.expression.text, better))
        if step.condition is not None and step.condition.path is not None:
            self._of_steps(step, step.condition, "if", faults)
        return faults

    def _select_faults(self, step: Step, operation: Operation) -> list[PlanFault]:
        """Return a fault for each name in `select` that the operation's schema rules out."""
        schema = operation.output_schema
        if step.select is None or not schema:
            return []
        try:
            reads = reads_in(step.select)
        except SelectFault:
            return []  # The check of its form says so.
        missed = missed_by(reads[:MAX_READS], Known(schema, schema))
        return [
            PlanFault(step.id, "reference", f"select: {miss.told('the answer')}", "select", miss.read.text, None, miss.did_you_mean)
            for miss in missed
        ]

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
        if element is None:
            return None
        if place.expression.path is None:
            self._judge_reads(step, place.expression, path_of(place.at), faults, element)
            return None
        found = walk(element, place.expression.path, "the element")
        return self._judged(step, place.expression, found, path_of(place.at), faults)

    def _of_steps(self, step: Step, expression: Expression, where: str, faults: list[PlanFault]) -> Known | None:
        """Return the schema of what a path over steps finds, as far as it is known; add the fault where it finds nothing."""
        path = expression.path
        if path is None:
            self._judge_reads(step, expression, where, faults)
        if path is None or not path:
            return None
        if (schema := self._given.get(str(path[0]))) is not None:
            return self._judged(step, expression, walk(Known(schema, schema), path[1:], str(path[0])), where, faults)
        if path[0] not in self._operations:
            return None
        if path[1:3] == ("http", "headers") and len(path) > 3 and isinstance(path[3], str) and not path[3].islower():
            lower = path[3].lower()
            message = f"{where}: '{expression.text}' finds nothing: http.headers has names in lower case, '{lower}'"
            faults.append(PlanFault(step.id, "reference", message, where, expression.text, None, (lower,)))
            return None
        other = self._steps[str(path[0])]
        found = walk(self._output(other), path[1:], str(path[0]))
        return self._judged(step, expression, found, where, faults)

    def _judge_reads(self, step: Step, expression: Expression, where: str, faults: list[PlanFault], element: Known | None = None) -> None:
        """Add a fault for each name that an expression over steps, or over `element`, reads and their schemas rule out.

        Where they list all of them, the expression may find nothing when it runs: what is optional is left out of many answers.
        """
        reads = reads_of(expression.compiled.parsed)[:MAX_READS] if expression.compiled is not None else []
        are_listed = bool(reads)
        for read in reads:
            if element is None and read.path in ((), (STEPS,)):
                continue  # the step itself
            known, there = (element, read) if element is not None else self._located(read)
            are_listed = are_listed and known is not None and lists(known, there)
            for miss in missed_by([there], known) if known is not None else ():
                message = f"{where}: {miss.told('the plan' if element is None else 'the element')}"
                faults.append(PlanFault(step.id, "reference", message, where, expression.text, None, miss.did_you_mean))
        if are_listed:
            self.listed.add((step.id, expression.text))

    def _located(self, read: Read) -> tuple[Known | None, Read]:
        """Return the output of the step that a name over steps is read in, and the same read within it."""
        path = read.path[1:] if read.path and read.path[0] == STEPS else read.path
        if path and (schema := self._given.get(str(path[0]))) is not None:
            return Known(schema, schema), replace(read, path=path[1:])
        if not path or path[0] not in self._operations:
            return None, read
        return self._output(self._steps[str(path[0])]), replace(read, path=path[1:])

    def lists(self, read: Read) -> bool:
        """Say whether the schemas list what an expression over steps reads."""
        known, there = self._located(read)
        return known is not None and lists(known, there)

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
        note = {"type": "string"}
        item = {"type": "object", "properties": {"ok": {"type": "boolean"}, "data": data, "error": anything, "note": note, "http": _HTTP}}
        members: dict[str, Json] = {"ok": {"type": "boolean"}, "skipped": {"type": "boolean"}, "error": anything, "data": data}
        if step.is_mapped:
            members |= {"data": {"type": "array", "items": data}, "items": {"type": "array", "items": item}}
        else:
            members |= {"page": {"type": "object"}, "handle": {"type": "string"}, "note": note, "http": _HTTP}
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
