"""`select`: JMESPath over an answer, within limits that no expression can talk its way around."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jmespath
import orjson
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult, Parser

from tools.expressions.budget import Budget
from tools.expressions.reads import Miss, Read, misses, reads_of
from tools.expressions.spelling import with_dashes_quoted
from tools.json_text import encode
from tools.operation import Failure, Json
from tools.weighed_cache import WeighedCache

MAX_EXPRESSION_CHARS = 4_000
#: what a selection may make of an answer at most
MAX_SELECTED_BYTES = 128 * 1024 * 1024
_MAX_COMPILED_BYTES = 6 * 1024 * 1024
#: that a parsed expression takes for each of its characters, at most
_WEIGHT_PER_CHARACTER = 300
#: functions whose value is small whatever they are given
_SMALL = frozenset({"length", "sum", "avg", "abs", "ceil", "floor", "contains", "ends_with", "starts_with", "type", "to_number"})
#: expression -> (compiled, how many times over it may repeat its input)
_compiled = WeighedCache[str, tuple[ParsedResult, float]](_MAX_COMPILED_BYTES)


class SelectFault(Exception):
    """`select` is not JMESPath, or cannot be applied to this answer."""

    def __init__(self, expression: str, reason: str) -> None:
        super().__init__(reason)
        self.failure = Failure(
            code="invalid_select",
            message=f"select: '{expression[:120]}' is not usable JMESPath: {reason}",
            hint="select is JMESPath over data, like results[].{id: id, name: name}; quote keys with - or $ in double quotes",
        )


def compile_select(select: str | Sequence[str] | None) -> None:
    """Parse `select` before anything is sent. Raises SelectFault."""
    for expression in (select,) if isinstance(select, str) else select or ():
        _parse(expression)


class Selection(NamedTuple):
    """What was taken from an answer, and the names that none of its objects has."""

    value: Json
    misses: tuple[Miss, ...] = ()


def selection(select: str | Sequence[str], data: Json, budget: Budget) -> Selection:
    """Return what `select` takes from `data`, and what it looks for in vain. Raises SelectFault and BudgetExceeded."""
    value = selected(select, data, budget)
    found = [(select, value)] if isinstance(select, str) else value.items()
    missed = [miss for expression, part in found for miss in misses(_parse(expression)[0].parsed, data, part, budget)]
    return Selection(value, tuple({miss.read.text: miss for miss in missed}.values()))


def reads_in(select: str | Sequence[str]) -> list[Read]:
    """Return the names that `select` reads. Raises SelectFault."""
    return [read for expression in ((select,) if isinstance(select, str) else select) for read in reads_of(_parse(expression)[0].parsed)]


def selected(select: str | Sequence[str], data: Json, budget: Budget) -> Json:
    """Return what `select` takes from `data`. Raises SelectFault and BudgetExceeded."""
    if isinstance(select, str):
        return _search(select, data, budget)
    return {expression: _search(expression, data, budget) for expression in select}


def parsed_expression(expression: str) -> ParsedResult:
    """Parse JMESPath. The library keeps what it parsed, counted and not weighed: it is made to forget. Raises JMESPathError."""
    try:
        return jmespath.compile(with_dashes_quoted(expression))
    finally:
        Parser.purge()


def _parse(expression: str) -> tuple[ParsedResult, float]:
    known = _compiled.get(expression)
    if known is not None:
        return known
    if len(expression) > MAX_EXPRESSION_CHARS:
        raise SelectFault(expression, f"it is longer than {MAX_EXPRESSION_CHARS} characters")
    try:
        parsed = parsed_expression(expression)
        growth = growth_of(parsed.parsed)
    except (JMESPathError, RecursionError) as error:
        raise SelectFault(expression, _reason(error)) from error
    if 2 * growth > MAX_SELECTED_BYTES:
        raise SelectFault(expression, "it repeats the answer too many times over")
    _compiled.put(expression, (parsed, growth), _WEIGHT_PER_CHARACTER * len(expression))
    return parsed, growth


def _search(expression: str, data: Json, budget: Budget) -> Json:
    parsed, growth = _parse(expression)
    if is_explosive(growth, data):
        raise SelectFault(expression, "it repeats the answer too many times over")
    try:
        return budget.search(parsed, data)
    except (JMESPathError, RecursionError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise SelectFault(expression, _reason(error)) from error


def is_explosive(growth: float, data: Json) -> bool:
    """Say whether an expression of this growth could make too much of `data`."""
    return growth > 1 and growth * len(encode(data)) > MAX_SELECTED_BYTES


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else "it nests too deeply"


def growth_of(node: Mapping[str, Json]) -> float:
    """Return an upper bound for the size of a node's value as a multiple of the size of its input.

    `[@, @] | [@, @] | …` doubles at every bar: thirty of them make gigabytes of a few bytes. Members of a multi-select that begin with
    different names take disjoint parts of the input and do not add up.
    """
    kind, children = node["type"], node["children"]
    if kind == "literal":
        # At least two bytes of input stand for every place where a literal can appear.
        return len(orjson.dumps(node["value"], default=str)) / 2
    if kind in ("comparator", "not_expression"):
        return 0
    if kind in ("or_expression", "and_expression"):
        return max(growth_of(child) for child in children)
    if kind == "function_expression":
        if node["value"] in _SMALL:
            return 0
        # to_string escapes: every quote may become two characters, and so may every backslash of that the next time.
        return sum(growth_of(child) for child in children) * (2 if node["value"] in ("map", "to_string") else 1) or 1
    if kind in ("multi_select_list", "multi_select_dict"):
        by_lead: dict[str | None, float] = {}
        for child in children:
            lead = _lead(child)
            by_lead[lead] = by_lead.get(lead, 0) + growth_of(child)
        whole = by_lead.pop(None, 0)
        return max(whole + max(by_lead.values(), default=0), 1)
    if kind == "filter_projection":
        return growth_of(children[0]) * growth_of(children[1])
    growth = 1.0
    for child in children:
        if isinstance(child, Mapping):
            growth *= growth_of(child)
    return growth


def _lead(node: Mapping[str, Json]) -> str | None:
    """Return the member that an expression begins with, or None where it may take the whole input."""
    while node["children"] and isinstance(node["children"][0], Mapping) and node["type"] != "function_expression":
        node = node["children"][0]
    return str(node["value"]) if node["type"] == "field" else None
