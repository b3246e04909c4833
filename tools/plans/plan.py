"""A plan as the client wrote it -> steps with their expressions parsed and their order known; every fault is kept."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from tools.expressions.over_steps import STEPS, Expression, Path, ReferenceFault, parse_expression, parse_reference, to_parse
from tools.json_schema.argument_faults import path_of
from tools.json_text import encode
from tools.near_names import near
from tools.operation import Json
from tools.plans.references import LITERAL, REF, Template, parse_template
from tools.plans.templates import MAX_PLAN_CHARS, ForeignTemplate, TemplateNames, foreign_templates, plain_reference

OnError = Literal["stop", "skip", "continue"]
MAX_STEPS = 50
#: `$ref` and `$item` in the arguments of one plan
MAX_REFERENCES = 1_000
#: Characters of the expressions of one plan that are more than names and indexes: to parse a thousand takes some 3 ms.
MAX_EXPRESSION_CHARS = 10_000
#: so many are told at once
MAX_FAULTS = 100
#: the first of them say what was probably meant
MAX_SUGGESTED = 10
#: calls of one plan, the elements of for_each counted one by one
MAX_CALLS = 500
#: what the answers of one plan or one piece of code may come to, since later steps may need all of them
MAX_BYTES = 64 * 1024 * 1024
_STEP_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class PlanFault:
    """What is wrong with a plan, and where. `step` None: with the plan as a whole."""

    step: str | None
    rule: str
    message: str
    path: str | None = None
    value: Json = None
    example: Json = None
    did_you_mean: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()

    def as_json(self) -> dict[str, Json]:
        """Return the fault as the model reads it."""
        members = {
            "step": self.step,
            "path": self.path,
            "value": self.value,
            "rule": self.rule,
            "example": self.example,
            "message": self.message,
            "did_you_mean": list(self.did_you_mean) or None,
        }
        return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a plan, run once or for each element of a list."""

    id: str
    api: str
    args: Template
    account: str | None = None
    condition: Expression | None = None
    #: where the list to map over comes from, or the list itself
    for_each: Expression | None = None
    elements: Sequence[Json] | None = None
    depends_on: tuple[str, ...] = ()
    on_error: OnError = "stop"
    select: str | Sequence[str] | None = None
    idempotency_key: str | None = None

    @property
    def is_mapped(self) -> bool:
        return self.for_each is not None or self.elements is not None

    @property
    def reads(self) -> frozenset[str]:
        """Steps whose answers the arguments are made of."""
        roots = [place.expression.roots for place in self.args.placeholders if not place.of_item]
        return frozenset().union(*roots, self.for_each.roots if self.for_each else frozenset())

    @property
    def needs(self) -> frozenset[str]:
        """Steps without whose answers it cannot run: those it reads without a default."""
        roots = [place.expression.roots for place in self.args.placeholders if not place.of_item and not place.has_default]
        return frozenset().union(*roots, self.for_each.roots if self.for_each else frozenset())

    @property
    def asks(self) -> frozenset[str]:
        """Steps that `if` looks at."""
        return self.condition.roots if self.condition else frozenset()

    @property
    def waits_for(self) -> frozenset[str]:
        """Every step that must be settled before this one begins."""
        return self.reads | self.asks | frozenset(self.depends_on)


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order they were given; `source` is the JSON they were made from."""

    steps: tuple[Step, ...]
    result: Expression | None
    source: Mapping[str, Json]

    @property
    def step_by_id(self) -> Mapping[str, Step]:
        return {step.id: step for step in self.steps}


@dataclass(slots=True)
class _Reading:
    ids: tuple[str, ...]
    names: TemplateNames
    given: frozenset[str] = frozenset()
    faults: list[PlanFault] = field(default_factory=list)
    references: int = 0
    chars_left: int = MAX_EXPRESSION_CHARS
    template_chars_left: int = MAX_PLAN_CHARS

    def fault(self, step: str | None, rule: str, message: str, **more: Json) -> None:
        self.faults.append(PlanFault(step, rule, message, **more))

    def expression(self, step: str | None, member: str, text: str) -> Expression | None:
        self.chars_left -= to_parse(text)
        if self.chars_left < 0:
            message = (
                f"{member}: the expressions of the plan come to more than {MAX_EXPRESSION_CHARS} characters; make fewer or shorter ones"
            )
            self.fault(step, f"at most {MAX_EXPRESSION_CHARS} characters", message, path=member)
            return None
        try:
            expression = parse_reference(text) if member == "for_each" else parse_expression(text)
        except ReferenceFault as fault:
            self.fault(step, "JMESPath", f"{member}: {fault}{self.meant(text)}", path=member, value=text[:200])
            return None
        self.known(step, member, expression)
        return expression

    def meant(self, text: str) -> str:
        """Return what to write in place of another product's template, as the end of a message; "" where `text` is none."""
        plain = plain_reference(text, self.names)
        return f"; write '{plain}' without signs around it" if plain is not None else ""

    def known(self, step: str | None, member: str, expression: Expression) -> None:
        for root in sorted(expression.roots):
            if root == "@" and step is None:
                continue
            if root == "@":
                self.fault(step, "names its steps", f"{member}: '{expression.text}' reads all steps; name the ones it needs", path=member)
            elif root == step:
                self.fault(step, "no cycle", f"{member}: '{expression.text}' refers to its own step", path=member)
            elif root not in self.ids and root not in self.given:
                message = f"{member}: '{expression.text}' refers to step '{root}', which is not in the plan"
                self.fault(step, "known step", message, path=member, value=expression.text, did_you_mean=self.near(root))

    def near(self, name: str) -> tuple[str, ...]:
        """Return steps that were probably meant, for the first faults of a plan."""
        return near(name, (*self.ids, *self.given)) if len(self.faults) < MAX_SUGGESTED else ()


def parse_plan(source: Mapping[str, Json], given: frozenset[str] = frozenset()) -> tuple[Plan, list[PlanFault]]:
    """Return the plan of `source` (`steps`, `return`), as far as it can be read, and everything that is wrong with its form.

    `given`: what references may name beside its steps.
    """
    raw_steps: Sequence[Mapping[str, Json]] = source.get("steps") or ()
    ids = tuple(raw["id"] for raw in raw_steps)
    mapped = frozenset(raw["id"] for raw in raw_steps if raw.get("for_each") is not None)
    reading = _Reading(ids, TemplateNames(given.union(ids), mapped), given)
    if not raw_steps:
        reading.fault(None, "steps", "the plan has no steps; give steps, or resume an earlier plan")
    if len(raw_steps) > MAX_STEPS:
        reading.fault(None, f"at most {MAX_STEPS} steps", f"the plan has {len(raw_steps)} steps; {MAX_STEPS} are the limit")
    _check_ids(reading)
    steps = tuple(_step(raw, reading) for raw in raw_steps[:MAX_STEPS])
    result = reading.expression(None, "return", source["return"]) if source.get("return") else None
    _check_order(steps, reading)
    return Plan(steps, result, source), reading.faults


def _check_ids(reading: _Reading) -> None:
    seen: set[str] = set()
    for step_id in reading.ids:
        if not _STEP_ID.fullmatch(step_id) or step_id in (STEPS, *reading.given):
            shown = step_id[:80].encode(errors="replace").decode()
            not_to_be = "' or '".join((STEPS, *sorted(reading.given)))
            message = f"'{shown}' cannot be a step id; use up to 64 letters, digits, _ and -, but not '{not_to_be}'"
            reading.fault(shown, "step id", message, path="id")
        if step_id in seen:
            reading.fault(step_id, "step id", f"two steps have the id '{step_id}'; give each its own", path="id")
        seen.add(step_id)


def _step(raw: Mapping[str, Json], reading: _Reading) -> Step:
    step_id = raw["id"]
    most = MAX_REFERENCES + 1 - reading.references
    template, unread, parsed = parse_template(raw.get("args") or {}, most, reading.chars_left)
    reading.chars_left = max(0, reading.chars_left - parsed)
    reading.references += len(template.placeholders) + len(unread)
    if reading.references > MAX_REFERENCES:
        message = f"the plan has more than {MAX_REFERENCES} references; take a whole list or object with one"
        reading.fault(step_id, f"at most {MAX_REFERENCES} references", message, path="args")
        template, unread = Template({}, ()), []
    for at, why in unread:
        reading.fault(step_id, "reference", f"{why}{reading.meant(_reference_at(raw['args'], at))}", path=path_of(at))
    for_each = raw.get("for_each")
    # What is above the limit is not shown, so nobody has to find it.
    most = reading.template_chars_left if len(reading.faults) < MAX_FAULTS else 0
    foreigns, read = foreign_templates(template.value, _named_in(for_each, reading.names), most)
    reading.template_chars_left = max(0, reading.template_chars_left - read)
    for foreign in foreigns:
        reading.fault(step_id, "reference", _foreign(foreign), path=path_of(foreign.at), value=foreign.text[:200], example=foreign.way_out)
    for place in template.placeholders:
        if not place.of_item:
            reading.known(step_id, path_of(place.at), place.expression)
        elif for_each is None:
            reading.fault(
                step_id, "for_each", "$item stands for the current element of for_each; this step has none", path=path_of(place.at)
            )
    depends_on = tuple(dict.fromkeys(raw.get("depends_on") or ()))
    for other in depends_on[: MAX_STEPS + 1]:
        if other == step_id or other not in reading.ids:
            rule, what = ("no cycle", "its own step") if other == step_id else ("known step", f"'{other[:120]}', which is not in the plan")
            meant = reading.near(other) if other != step_id else ()
            reading.fault(step_id, rule, f"depends_on names {what}", path="depends_on", did_you_mean=meant)
    return Step(
        id=step_id,
        api=raw["api"],
        args=template,
        account=raw.get("account"),
        condition=reading.expression(step_id, "if", raw["if"]) if raw.get("if") else None,
        for_each=reading.expression(step_id, "for_each", for_each) if isinstance(for_each, str) else None,
        elements=for_each if isinstance(for_each, list) else None,
        depends_on=depends_on,
        on_error=raw.get("on_error", "stop"),
        select=raw.get("select"),
        idempotency_key=raw.get("idempotency_key"),
    )


def _named_in(for_each: Json, names: TemplateNames) -> TemplateNames:
    """Return what the texts of a step may name: with for_each also the element, and its members where the list is given."""
    if for_each is None:
        return names
    first = for_each[0] if isinstance(for_each, list) and for_each else None
    return replace(names, has_item=True, of_item=frozenset(first) if isinstance(first, Mapping) else frozenset())


def _reference_at(args: Json, at: Path) -> str:
    for part in at:
        args = args[part]
    text = args.get(REF)
    return text if isinstance(text, str) else ""


def _foreign(foreign: ForeignTemplate) -> str:
    instead = "take the values in a step before" if foreign.way_out is None else f"write {encode(foreign.way_out).decode()}"
    shown = foreign.text if len(foreign.text) <= 120 else f"{foreign.text[:120]}…"
    return (
        f"{path_of(foreign.at)}: '{shown}' names a value of the plan and would be sent as it stands; {instead} in its place,"
        f' or, where the text itself is meant, {{"{LITERAL}": "…"}}'
    )


def _check_order(steps: Sequence[Step], reading: _Reading) -> None:
    """Report each cycle once, by the path that closes it."""
    known = {step.id for step in steps}
    waits_for = {step.id: sorted((step.waits_for & known) - {step.id}) for step in steps}
    done: set[str] = set()
    for step in steps:
        cycle = _cycle_from(step.id, waits_for, done)
        if cycle:
            message = f"these steps wait for each other: {' → '.join(cycle)}; break the circle"
            reading.fault(cycle[0], "no cycle", message)
            done.update(cycle)


def _cycle_from(start: str, waits_for: Mapping[str, Iterable[str]], done: set[str]) -> list[str]:
    path, iterators = [start], [iter(waits_for[start])]
    if start in done:
        return []
    while path:
        following = next(iterators[-1], None)
        if following is None:
            done.add(path.pop())
            iterators.pop()
        elif following in path:
            return [*path[path.index(following) :], following]
        elif following not in done:
            path.append(following)
            iterators.append(iter(waits_for[following]))
    return []
