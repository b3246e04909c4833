"""Texts in a plan that another product would fill (`${all.data[0].id}`, `{{item.name}}`), and how the same is said here."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from tools.expressions.over_steps import Path, ReferenceFault, parse_expression, parse_reference
from tools.operation import Json
from tools.plans.references import ITEM, REF, path_along, texts_in

#: a longer text is a document, which may show templates
MAX_TEXT_CHARS = 20_000
#: of one reference in another product's brackets; what is longer is an expression, and is told as one
MAX_REFERENCE_CHARS = 400
#: texts of one plan are looked through so far, and no further
MAX_PLAN_CHARS = 100_000
MAX_TEXTS = 20_000
#: so many are worded
MAX_HOLES, MAX_TEMPLATES = 10, 10
_INNER = r"[^{}<>\n]{1,300}"
#: forms that hardly anything else has, so that a step's id alone is enough
_STRONG = re.compile(
    rf"\$\{{\{{({_INNER})\}}\}}|\$\{{({_INNER})\}}|(?:\A=)?\{{\{{\{{?[-=]?({_INNER}?)-?\}}?\}}\}}|[#%@]\{{({_INNER})\}}|<%=?({_INNER})%>"
    r"|\[\[([^\[\]{}<>\n]{1,100}(?:\[\d{1,9}\][^\[\]{}<>\n]{0,100}){0,4})\]\]"
)
#: forms of many meanings: a step's id and a member of it are needed
_WEAK = re.compile(
    r"<<?([\w.\[\]'\"*$ -]{1,300})>>?|\{([\w.\[\]'\"*$ -]{1,300})\}|%([\w$-]{1,70}[.\[][\w.\[\]'\"*$-]{1,300})%"
    r"|\$\(([\w.\[\]'\"*$ -]{1,300})\)|\$(\[(?:'[\w-]{1,70}'|\"[\w-]{1,70}\")\](?:\.[A-Za-z_][\w-]*|\[\d+\])+)"
    r"|\$\.?((?:steps\.)?\w[\w-]*(?:\.[A-Za-z_][\w-]*|\.\d+|\[\d+\]|\[\*?\])+)",
    re.ASCII,
)
_ROOT = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_-]*)((?:[.\[].*)?)", re.DOTALL)
#: `a?.b`, `a!.b`
_CHAINING = re.compile(r"\?\.(?=\[)|[?!](?=[.\[])")
#: `$node["a"]`, `$('a').item`, `outputs('a')`
_CALLED = re.compile(
    r"(?:node|steps?|outputs|body|actions)?(?:\((['\"])([\w-]+)\1\)|\[(['\"])([\w-]+)\3\])(?:\.(?:item|first\(\)|last\(\)))?", re.ASCII
)
#: what others keep their steps in
_SPACES = re.compile(r"(?:steps?|tasks?|nodes?|outputs|results)\.")
#: where Conductor has the answer of a request
_OF_HTTP = re.compile(r"\.output\.response\.body(?=[.\[]|\Z)")
_SIGN = re.compile(r"[${<%#]|\[\[|\.\w")
#: what a step is to others (batch_result)
_MEMBERS = frozenset({"data", "ok", "skipped", "error", "page", "handle", "note", "http"})
#: what other products call a step's data
_DATA = frozenset({"output", "outputs", "result", "response", "body", "json"})


@dataclass(frozen=True, slots=True)
class TemplateNames:
    """What a text in one step may name: `steps`, those `mapped` over a list, and, with for_each, `item` and members of its elements."""

    steps: frozenset[str]
    mapped: frozenset[str]
    has_item: bool = False
    of_item: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ForeignTemplate:
    """A text that would go out as it stands. `way_out`: what to write instead; None where it takes two steps to say."""

    at: Path
    text: str
    way_out: Mapping[str, Json] | None


def foreign_templates(args: Json, names: TemplateNames, most_chars: int = MAX_PLAN_CHARS) -> tuple[list[ForeignTemplate], int]:
    """Return the texts of `args` that name a step or the element in another product's words, and how many characters were read.

    What is in `$literal` is meant as it is. No more than `most_chars` are read.
    """
    found: list[ForeignTemplate] = []
    scanned = read = 0
    for trail, text in islice(texts_in(args), MAX_TEXTS):
        scanned += len(text) if len(text) <= MAX_TEXT_CHARS else 0
        if scanned > 10 * most_chars:
            break
        if len(text) > MAX_TEXT_CHARS or _SIGN.search(text) is None:
            continue
        read += len(text)
        if read > most_chars or len(found) >= MAX_TEMPLATES:
            break
        if holes := list(islice(_holes(text, names), MAX_HOLES)):
            found.append(ForeignTemplate(path_along(trail), text, _way_out(text, holes)))
    return found, read


def plain_reference(text: str, names: TemplateNames) -> str | None:
    """Return the expression that stands in the brackets or behind the sign of another product, or None for anything else."""
    if len(text) > MAX_REFERENCE_CHARS:
        return None
    holes = list(_holes(text.strip(), names))
    if len(holes) == 1 and holes[0][:2] == (0, len(text.strip())) and holes[0][2] == REF:
        return holes[0][3]
    return None


def _holes(text: str, names: TemplateNames) -> Iterator[tuple[int, int, str, str]]:
    """Yield (start, end, $ref or $item, expression) of every part of `text` that names something of the plan."""
    if (found := _spelt_out(text, names)) is not None:
        yield (0, len(text), *found)
        return
    found = _said(text, names, is_bare=True)
    if found is not None:
        yield (0, len(text), *found)
        return
    taken = -1
    for match in sorted((*_STRONG.finditer(text), *_WEAK.finditer(text)), key=lambda match: (match.start(), -match.end())):
        if match.start() < taken:
            continue
        inner = next(group for group in match.groups() if group is not None)
        found = _said(inner, names, is_weak=match.re is _WEAK)
        if found is not None:
            taken = match.end()
            yield (match.start(), match.end(), *found)


def _spelt_out(text: str, names: TemplateNames) -> tuple[str, str] | None:
    """Return the reference that a text is the JSON of: some clients send what is nested as text."""
    if text[:1] != "{" or (f'"{REF}"' not in text and f'"{ITEM}"' not in text):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    ((kind, expression),) = value.items() if isinstance(value, dict) and len(value) == 1 else (("", ""),)
    match = _ROOT.fullmatch(expression) if isinstance(expression, str) else None
    is_known = kind == ITEM and names.has_item if match is None or kind == ITEM else kind == REF and match[1] in names.steps
    return (kind, expression) if is_known and isinstance(expression, str) else None


def _said(inner: str, names: TemplateNames, *, is_weak: bool = False, is_bare: bool = False) -> tuple[str, str] | None:
    """Return what `inner` names: ($ref, expression) or ($item, path); None where it names nothing of the plan."""
    text = inner if is_bare else inner.partition("|")[0].strip(" \t-").lstrip("$").lstrip(".")
    if not is_bare:
        text = _CHAINING.sub("", text)
        if called := _CALLED.match(text):
            text = (called[2] or called[4]) + text[called.end() :]
    text = re.sub(r"\[(['\"])([^'\"\]]+)\1\]", r".\2", text)
    space = _SPACES.match(text)
    if space and (space[0] in ("steps.", "step.") or not (is_bare or text.partition(".")[0] in names.steps)):
        text = text[space.end() :]
    match = _ROOT.fullmatch(text)
    if match is None:
        return None
    root, rest = match[1], re.sub(r"\.(\d+)(?=[.\[]|\Z)", r"[\1]", match[2])
    if is_bare:
        member = re.match(r"\.(\w+)(?=[.\[]|\Z)", rest)
        if root not in names.steps or member is None or member[1] not in _MEMBERS or re.search(r"\s", rest):
            return None
    if is_weak and not rest:
        return None
    if root in names.steps:
        return REF, _of_step(root, rest, names)
    if names.has_item and root == "item":
        return ITEM, _checked(rest.lstrip("."), "")
    if root in names.of_item and not is_weak:
        return ITEM, _checked(f"{root}{rest}", root)
    return None


def _of_step(step: str, rest: str, names: TemplateNames) -> str:
    """Return the reference to a part of a step's answer: other products leave `data` out or call it otherwise."""
    rest = _OF_HTTP.sub(".output", rest)
    first = re.match(r"\.([A-Za-z_]\w*)(?=[.\[]|\Z)", rest)
    if not rest:
        rest = ".data"
    elif first is not None and first[1] in _DATA:
        rest = f".data{rest[first.end() :]}"
    elif first is None or not (first[1] in _MEMBERS or (first[1] == "items" and step in names.mapped)):
        rest = f".data{rest}"
    try:
        parse_reference(f"{step}{rest}")
    except ReferenceFault:
        return f"{step}.data"
    return f"{step}{rest}"


def _checked(path: str, otherwise: str) -> str:
    try:
        parse_expression(path or "@")
    except ReferenceFault:
        return otherwise
    return path


def _way_out(text: str, holes: list[tuple[int, int, str, str]]) -> Mapping[str, Json] | None:
    """Return what stands in place of `text`: the reference itself, or one that joins its parts."""
    start, end, kind, expression = holes[0]
    if (start, end) == (0, len(text)):
        return {kind: expression}
    if any(hole[2] != kind for hole in holes):
        return None
    parts, position = [], 0
    for start, end, _, expression in holes:
        parts += [_quoted(text[position:start]), f"to_string({as_argument(expression) or '@'})"]
        position = end
    parts.append(_quoted(text[position:]))
    joined = f"join('', [{', '.join(part for part in parts if part)}])"
    try:
        (parse_reference if kind == REF else parse_expression)(joined)
    except ReferenceFault:
        return None
    return {kind: joined}


def as_argument(reference: str) -> str:
    """Return a reference as it stands within an expression: a step's id that is no plain name in double quotes."""
    match = _ROOT.fullmatch(reference)
    if match is None or re.fullmatch(r"[A-Za-z_]\w*", match[1], re.ASCII):
        return reference
    return f'"{match[1]}"{match[2]}'


def _quoted(text: str) -> str:
    """Return `text` as a JMESPath raw string; "" for nothing."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'" if text else ""
