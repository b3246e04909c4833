"""Where a plan takes values from: `{"$ref": "step.data.items[0].id"}`, `{"$item": "path"}`, and JMESPath over its steps."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from tools.json_text import encode
from tools.operation import Json
from tools.patience import Budget
from tools.selection import growth_of, is_explosive

REF, ITEM, LITERAL, DEFAULT = "$ref", "$item", "$literal", "default"
#: the name under which expressions may also find all steps: `steps.a.data` is `a.data`
STEPS = "steps"
MAX_EXPRESSION_CHARS = 2_000
#: what references may bring into the arguments of one call: as much as a client may send itself
MAX_FILLED_BYTES = 4 * 1024 * 1024
_LEADING_ID = re.compile(r"(?:steps\.)?([A-Za-z0-9_][A-Za-z0-9_-]*)(?=[.\[\s|]|\Z)")
#: what needs no parser: names and indexes, one after the other
_PLAIN = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_-]*)((?:\.[A-Za-z_][A-Za-z0-9_]*|\[(?:-[1-9]|[0-9])[0-9]{0,8}\])*)")
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(-?[0-9]+)\]")
#: nodes of a JMESPath tree whose later children read what the first one found
_CHAINS = frozenset({"subexpression", "index_expression", "projection", "value_projection", "filter_projection", "flatten", "pipe"})

Path = tuple[str | int, ...]


class ReferenceFault(Exception):
    """An expression cannot be read, or names something that is not there; the message says what and what to do."""


@dataclass(frozen=True, slots=True)
class Expression:
    """JMESPath, ready to run. `roots`: the names it reads first. `path`: names and indexes, where it is nothing but those.

    `compiled` None: it is nothing but its path.
    """

    text: str
    compiled: ParsedResult | None
    roots: frozenset[str]
    path: Path | None
    #: how many times over it may repeat what it reads
    growth: float = 1.0

    def search(self, value: Json, budget: Budget) -> Json:
        """Return what it finds in `value`; None for nothing. Raises ReferenceFault and OverBudget."""
        if self.compiled is None:
            return _down(value, self.path or ())
        if is_explosive(self.growth, value):
            raise ReferenceFault(f"'{self.text}' repeats the answers too many times over")
        try:
            return budget.search(self.compiled, value)
        except (JMESPathError, RecursionError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ReferenceFault(f"'{self.text}' cannot be worked out: {_first_line(error)}") from error


def parse_reference(text: str) -> Expression:
    """Return the expression of a `$ref` or a `for_each`: it begins with a step's id, which may have dashes. Raises ReferenceFault."""
    if len(text) <= MAX_EXPRESSION_CHARS and (plain := _plain(text)) is not None:
        return plain
    match = _LEADING_ID.match(text)
    if match is None:
        return parse_expression(text)
    return parse_expression(f'"{match[1]}"{text[match.end() :]}', text)


def _plain(text: str) -> Expression | None:
    """Return the expression of a reference as nearly all are written, a hundred times as fast as the parser."""
    match = _PLAIN.fullmatch(text)
    if match is None or match[1] == STEPS:
        return None
    path: Path = (match[1], *(each[1] if each[2] is None else int(each[2]) for each in _STEP.finditer(match[2])))
    return Expression(text, None, frozenset({match[1]}), path)


def _down(value: Json, path: Path) -> Json:
    """Return what stands at `path` as JMESPath has it: nothing where there is no such member."""
    for part in path:
        if isinstance(part, int):
            value = value[part] if isinstance(value, list) and -len(value) <= part < len(value) else None
        else:
            value = value.get(part) if isinstance(value, Mapping) else None
    return value


def parse_expression(source: str, shown: str | None = None) -> Expression:
    """Return an expression over steps. Raises ReferenceFault."""
    text = source if shown is None else shown
    if len(text) > MAX_EXPRESSION_CHARS:
        raise ReferenceFault(f"an expression of {len(text)} characters is too long; {MAX_EXPRESSION_CHARS} are the limit")
    try:
        compiled = jmespath.compile(source)
        growth = growth_of(compiled.parsed)
    except (JMESPathError, RecursionError) as error:
        raise ReferenceFault(f"'{text[:120]}' is not JMESPath: {_first_line(error)}") from error
    tree: Any = compiled.parsed
    if _misreads_not(tree):
        raise ReferenceFault(f"'{text[:120]}': JMESPath reads !a.b as (!a).b; write !(a.b)")
    path = _path_of(tree)
    if path and path[0] == STEPS and len(path) > 1:
        path = path[1:]
    return Expression(text, compiled, frozenset(_roots_of(tree, ())), path, growth)


def _roots_of(node: Mapping[str, Any], prefix: tuple[str, ...]) -> Iterator[str]:
    """Yield the first name of everything that is read from the whole; `@` stands for reading all of it."""
    kind, children = node["type"], node.get("children", [])
    if kind == "field":
        if node["value"] == STEPS and not prefix:
            yield "@"
        else:
            yield node["value"]
    elif kind in ("current", "identity"):
        yield "@"
    elif kind == "subexpression" and len(children) > 1 and _is_steps(children[0]) and children[1]["type"] != "literal":
        yield from _roots_of(children[1], (STEPS,))
    elif kind in _CHAINS:
        yield from _roots_of(children[0], prefix)
    elif kind not in ("literal", "index", "slice", "expref"):
        for child in children:
            yield from _roots_of(child, prefix)


def _is_steps(node: Mapping[str, Any]) -> bool:
    return bool(node["type"] == "field" and node["value"] == STEPS)


def _path_of(node: Mapping[str, Any]) -> Path | None:
    kind, children = node["type"], node.get("children", [])
    if kind == "field":
        return (node["value"],)
    if kind == "index":
        return (node["value"],)
    if kind in ("subexpression", "index_expression"):
        parts = [_path_of(child) for child in children]
        return None if any(part is None for part in parts) else tuple(step for part in parts for step in part or ())
    return () if kind in ("current", "identity") else None


def _misreads_not(node: Mapping[str, Any]) -> bool:
    children = [child for child in node.get("children", []) if isinstance(child, dict)]
    if node["type"] in _CHAINS and node["type"] != "pipe" and children and children[0]["type"] == "not_expression":
        return True
    return any(_misreads_not(child) for child in children)


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

    def filled(self, outputs: Mapping[str, Json], item: Json, budget: Budget) -> Json:
        """Return the arguments with every place filled, JSON types kept. Raises ReferenceFault and OverBudget."""
        if not self.placeholders:
            return self.as_it_is()
        found = {place.at: _found(place, outputs, item, budget) for place in self.placeholders}
        _weigh(found.values())
        return _fill(self.value, (), found)

    def as_it_is(self) -> Json:
        """Return arguments that have no place to fill."""
        return _fill(self.value, (), {})

    def with_stand_ins(self, stand_in: Json) -> Json:
        """Return the arguments with `stand_in` in every place, for checks before anything runs."""
        return _fill(self.value, (), {place.at: stand_in for place in self.placeholders})


def parse_template(value: Json, most: int, most_chars: int) -> tuple[Template, list[tuple[Path, str]], int]:
    """Return the template of `value`, (where, why) of each place that cannot be read, and the characters that had to be parsed.

    No more than `most` places are looked at, and no more is parsed than `most_chars`.
    """
    places: list[Placeholder] = []
    faults: list[tuple[Path, str]] = []
    parsed = 0
    for at, node in islice(_marked(value, ()), max(0, most)):
        try:
            parsed += to_parse(node.get(REF) or node.get(ITEM))
            if parsed > most_chars:
                raise ReferenceFault("the expressions of the plan are too long together; take values by name and index, like step.data.id")
            places.append(_placeholder(at, node))
        except ReferenceFault as fault:
            faults.append((at, str(fault)))
    return Template(value, tuple(places)), faults, parsed


def to_parse(text: Json) -> int:
    """Return how many characters of an expression are for the parser: none of names and indexes."""
    return len(text) if isinstance(text, str) and len(text) <= MAX_EXPRESSION_CHARS and _plain(text) is None else 0


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
    expression = parse_reference(text) if kind == REF else (_plain(of_item) if of_item == text else None) or parse_expression(of_item, text)
    return Placeholder(at, expression, kind == ITEM, DEFAULT in node, node.get(DEFAULT))


def _marked(value: Json, at: Path) -> Iterator[tuple[Path, Mapping[str, Json]]]:
    if isinstance(value, dict):
        if REF in value or ITEM in value:
            yield at, value
        elif set(value) != {LITERAL}:
            for name, member in value.items():
                yield from _marked(member, (*at, name))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _marked(member, (*at, index))


def _fill(value: Json, at: Path, found: Mapping[Path, Json]) -> Json:
    if at in found:
        return found[at]
    if isinstance(value, dict):
        if set(value) == {LITERAL}:
            return value[LITERAL]
        return {name: _fill(member, (*at, name), found) for name, member in value.items()}
    if isinstance(value, list):
        return [_fill(member, (*at, index), found) for index, member in enumerate(value)]
    return value


def _found(place: Placeholder, outputs: Mapping[str, Json], item: Json, budget: Budget) -> Json:
    expression = place.expression
    try:
        return look_up(expression, item, budget, "the element") if place.of_item else look_up(expression, outputs, budget)
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


def look_up(expression: Expression, value: Json, budget: Budget, start: str = "") -> Json:
    """Return what `expression` finds. Raises OverBudget, and ReferenceFault where it finds nothing, saying how far it came."""
    if expression.path is None:
        found = expression.search(value, budget)
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


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
