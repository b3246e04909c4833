"""Where a plan takes values from: `{"$ref": "step.data.items[0].id"}`, `{"$item": "path"}`, and JMESPath over its steps."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tools.expressions.budget import Budget
from tools.expressions.over_steps import Expression, Path, ReferenceFault, parse_expression, parse_reference, plain_expression, to_parse
from tools.expressions.reads import misses
from tools.json_text import encode
from tools.operation import Json

#: () at the beginning; else the trail before, and a name or an index
Trail = tuple[Any, ...]
REF, ITEM, LITERAL, DEFAULT = "$ref", "$item", "$literal", "default"
_HOLDERS = frozenset[type]({dict, list})
#: what references may bring into the arguments of one call: as much as a client may send itself
MAX_FILLED_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A place in the arguments that is filled when the step runs. `of_item`: from the current element of `for_each`."""

    at: Path
    expression: Expression
    of_item: bool
    has_default: bool
    default: Json = None


@dataclass(frozen=True, slots=True)
class Template:
    """Arguments with places to fill."""

    value: Json
    placeholders: tuple[Placeholder, ...]

    def filled(self, outputs: Mapping[str, Json], item: Json, budget: Budget, listed: frozenset[str] = frozenset()) -> Json:
        """Return the arguments with every place filled, JSON types kept. `listed`: expressions that may find nothing.

        Raises ReferenceFault and BudgetExceeded.
        """
        if not self.placeholders:
            return self.as_it_is()
        found = {place.at: _found(place, outputs, item, budget, listed) for place in self.placeholders}
        _weigh(found.values())
        return _fill(self.value, _places_of(found))

    def as_it_is(self) -> Json:
        """Return arguments that have no place to fill."""
        return _fill(self.value, _NOWHERE)

    def with_stand_ins(self, stand_in: Json) -> Json:
        """Return the arguments with `stand_in` in every place, for checks before anything runs."""
        return _fill(self.value, _places_of({place.at: stand_in for place in self.placeholders}))


def parse_template(value: Json, most: int, most_chars: int) -> tuple[Template, list[tuple[Path, str]], int]:
    """Return the template of `value`, (where, why) of each place that cannot be read, and the characters that had to be parsed.

    No more than `most` places are looked at, and no more is parsed than `most_chars`.
    """
    places: list[Placeholder] = []
    faults: list[tuple[Path, str]] = []
    parsed = 0
    for trail, node in islice(marked_in(value), max(0, most)):
        at = path_along(trail)
        try:
            parsed += to_parse(node.get(REF) or node.get(ITEM))
            if parsed > most_chars:
                raise ReferenceFault("the expressions of the plan are too long together; take values by name and index, like step.data.id")
            places.append(_placeholder(at, node))
        except ReferenceFault as fault:
            faults.append((at, str(fault)))
    return Template(value, tuple(places)), faults, parsed


def _placeholder(at: Path, node: Mapping[str, Json]) -> Placeholder:
    kind = REF if REF in node else ITEM
    if set(node) - {kind, DEFAULT} or not isinstance(node[kind], str):
        raise ReferenceFault(
            f'write {{"{kind}": "path"}} alone, or with a default; to send such an object as it is, put it in {{"{LITERAL}": …}}'
        )
    text = node[kind]
    if kind == REF and text.startswith("#"):
        raise ReferenceFault(
            f"'{text[:80]}' is a JSON Schema reference, not one to a step; to send it as it is, put it in {{\"{LITERAL}\": …}}"
        )
    of_item = "@" if text in ("", ".", "@") else text.removeprefix(".")
    if kind == REF:
        expression = parse_reference(text)
    else:
        expression = (plain_expression(of_item) if of_item == text else None) or parse_expression(of_item, text)
    return Placeholder(at, expression, kind == ITEM, DEFAULT in node, node.get(DEFAULT))


def marked_in(value: Json) -> Iterator[tuple[Trail, Mapping[str, Json]]]:
    """Yield the objects that stand for a place to fill, in order, each with its trail. What is in `$literal` is meant as it is."""
    return ((trail, node) for trail, node in _walked(value, _HOLDERS) if type(node) is dict)


def texts_in(value: Json) -> Iterator[tuple[Trail, str]]:
    """Yield the texts that are sent as they are, in order, each with its trail."""
    return ((trail, text) for trail, text in _walked(value, _HOLDERS | {str}) if type(text) is str)


def _walked(value: Json, kinds: frozenset[type]) -> Iterator[tuple[Trail, Json]]:
    # Without recursion, and paths are made of the trails that matter: clients nest deeply, and give tens of thousands of values.
    pending: list[tuple[Trail, Json]] = [((), value)]
    while pending:
        trail, here = pending.pop()
        if type(here) is dict:
            if REF in here or ITEM in here:
                yield trail, here
            elif len(here) != 1 or LITERAL not in here:
                pending += [((trail, name), member) for name, member in reversed(here.items()) if type(member) in kinds]
        elif type(here) is list:
            members = [((trail, index), member) for index, member in enumerate(here) if type(member) in kinds]
            members.reverse()
            pending += members
        else:
            yield trail, here


def path_along(trail: Trail) -> Path:
    """Return the path that leads along `trail`."""
    steps: list[str | int] = []
    while trail:
        trail, step = trail
        steps.append(step)
    return tuple(reversed(steps))


def _fill(value: Json, places: "_Places") -> Json:
    if places.is_end:
        return places.filling
    within = places.within
    if isinstance(value, dict):
        if set(value) == {LITERAL}:
            return value[LITERAL]
        return {name: _fill(member, within.get(name, _NOWHERE)) for name, member in value.items()}
    if isinstance(value, list):
        return [_fill(member, within.get(index, _NOWHERE)) for index, member in enumerate(value)]
    return value


class _Places:
    """What is filled in, by the way that leads there."""

    __slots__ = ("filling", "is_end", "within")

    def __init__(self) -> None:
        self.within: dict[str | int, _Places] = {}
        self.is_end = False
        self.filling: Json = None


_NOWHERE = _Places()


def _places_of(found: Mapping[Path, Json]) -> _Places:
    root = _Places()
    for path, filling in found.items():
        here = root
        for step in path:
            here = here.within.setdefault(step, _Places())
        here.is_end, here.filling = True, filling
    return root


def _found(place: Placeholder, outputs: Mapping[str, Json], item: Json, budget: Budget, listed: frozenset[str]) -> Json:
    expression = place.expression
    value, start = (item, "the element") if place.of_item else (outputs, "")
    try:
        return look_up(expression, value, budget, start, may_be_absent=expression.text in listed)
    except ReferenceFault:
        if place.has_default:
            return place.default
        if not place.of_item and any(_has_failed(outputs, root) for root in expression.roots):
            return None  # on_error continue: what failed is null to those that go on
        raise


def _weigh(values: Iterable[Json]) -> None:
    """Raise ReferenceFault where `values` are too much for one call. The same value in a thousand places is one here, but not when sent."""
    size_by_id: dict[int, int] = {}
    total = 0
    for value in values:
        if isinstance(value, dict | list | str):
            if (size := size_by_id.get(id(value))) is None:
                size = size_by_id[id(value)] = len(encode(value))
            total += size
    if total > MAX_FILLED_BYTES:
        limit = f"{MAX_FILLED_BYTES >> 20} MB"
        raise ReferenceFault(f"the references of this step bring {total >> 20} MB; {limit} are the limit, select less in the steps before")


def _has_failed(outputs: Mapping[str, Json], step_id: str) -> bool:
    output = outputs.get(step_id) or {}
    return output.get("ok") is False and "items" not in output


def look_up(expression: Expression, value: Json, budget: Budget, start: str = "", *, may_be_absent: bool = False) -> Json:
    """Return what `expression` finds. Raises BudgetExceeded, and ReferenceFault where it finds nothing, saying how far it came.

    `may_be_absent`: members that it names may be in no object, as the schema has it.
    """
    if expression.path is None:
        found = expression.search(value, budget)
        if not may_be_absent and expression.compiled is not None and (missed := misses(expression.compiled.parsed, value, found, budget)):
            raise ReferenceFault(missed[0].told(start or "the plan"))
        if found is None:
            raise ReferenceFault(f"'{expression.text}' found nothing; give a default, or skip the step with `if`")
        return found
    here, walked = value, start
    for part in expression.path:
        here = _descend(here, part, walked, expression.text)
        walked = f"{walked}[{part}]" if isinstance(part, int) else f"{walked}.{part}".lstrip(".")
    return here


def _descend(here: Json, part: str | int, walked: str, text: str) -> Json:
    if isinstance(part, int):
        if not isinstance(here, list):
            raise ReferenceFault(f"'{text}' found nothing: {walked} is {_kind(here)}, not a list")
        if not -len(here) <= part < len(here):
            raise ReferenceFault(f"'{text}' found nothing: {walked} has {len(here)} elements, so there is no [{part}]")
        return here[part]
    if isinstance(here, list):
        raise ReferenceFault(f"'{text}' found nothing: {walked} is a list; take one element with [0] or all with [*]")
    if not isinstance(here, dict):
        raise ReferenceFault(f"'{text}' found nothing: {walked} is {_kind(here)}, so there is no '{part}'")
    if part not in here:
        known = ", ".join(list(here)[:12]) or "no members"
        raise ReferenceFault(f"'{text}' found nothing: {walked or 'the plan'} has no '{part}'; it has {known}")
    return here[part]


def _kind(value: Json) -> str:
    if value is None:
        return "null"
    return {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list", dict: "an object"}[type(value)]
