"""Expressions over the steps of a plan: JMESPath, and the plain paths of names and indexes that nearly all of them are."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from tools.expressions.budget import Budget
from tools.expressions.selection import growth_of, is_explosive, parsed_expression
from tools.operation import Json

#: the name under which expressions may also find all steps: `steps.a.data` is `a.data`
STEPS = "steps"
MAX_EXPRESSION_CHARS = 2_000
_LEADING_ID = re.compile(r"(?:steps\.)?([A-Za-z0-9_][A-Za-z0-9_-]*)(?=[.\[\s|]|\Z)")
#: what needs no parser: names and indexes, one after the other
_PLAIN = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_-]*)((?:\.[A-Za-z_][A-Za-z0-9_-]*|\[(?:-[1-9]|[0-9])[0-9]{0,8}\])*)")
#: of a path of names and indexes; a longer one is read by the parser, within its bounds
MAX_PLAIN_CHARS = 400
_PLAIN_CHARS_A_CHAR = 20
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\[(-?[0-9]+)\]")
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
        """Return what it finds in `value`; None for nothing. Raises ReferenceFault and BudgetExceeded."""
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
    if len(text) <= MAX_EXPRESSION_CHARS and (plain := plain_expression(text)) is not None:
        return plain
    match = _LEADING_ID.match(text)
    if match is None:
        return parse_expression(text)
    return parse_expression(f'"{match[1]}"{text[match.end() :]}', text)


def plain_expression(text: str) -> Expression | None:
    """Return the expression of a reference as nearly all are written, a hundred times as fast as the parser."""
    match = _PLAIN.fullmatch(text) if len(text) <= MAX_PLAIN_CHARS else None
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
        compiled = parsed_expression(source)
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


def to_parse(text: Json) -> int:
    """Return how many characters of an expression are for the parser: few of names and indexes."""
    if not isinstance(text, str) or len(text) > MAX_EXPRESSION_CHARS:
        return 0
    return len(text) if len(text) > MAX_PLAIN_CHARS or _PLAIN.fullmatch(text) is None else len(text) // _PLAIN_CHARS_A_CHAR


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
