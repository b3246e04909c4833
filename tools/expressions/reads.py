"""What an expression reads by name, and which of those names are nowhere: JMESPath answers null for a slip of the pen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.expressions.budget import Budget
from tools.near_names import near
from tools.operation import Json

#: in a `Read.path`: an element of a list, and, after it, of the list that this element may be (`[]` flattens)
ELEMENT, FLATTENED = 0, None
MAX_NAMED = 12
#: of the names that stand in an answer, those that are compared with what was read
_MAX_KNOWN = 200
#: functions that are written for what may not be there
_TOLERANT = frozenset({"not_null", "type"})
_CHAINS = frozenset({"subexpression", "index_expression"})

Node = Mapping[str, Any]
#: where something stands in a schema
Route = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A name that an expression takes from an object. `node`: id of its node.

    `of`: the object, as the expression calls it, "" for the whole.
    `path`: names, ELEMENT and FLATTENED that lead to it in a schema; None where only the values tell.
    """

    node: int
    name: str
    of: str
    path: Route | None

    @property
    def text(self) -> str:
        return f"{self.of}.{self.name}" if self.of else self.name


@dataclass(frozen=True, slots=True)
class Miss:
    """A name that none of the objects has. `has`: the names there are; `why`: what stands there in place of an object."""

    read: Read
    has: tuple[str, ...] = ()
    why: str = ""

    def as_json(self) -> Json:
        """Return what `of_json` reads."""
        read = self.read
        return [read.name, read.of, read.path, self.has[:_MAX_KNOWN], self.why]

    @classmethod
    def of_json(cls, kept: Json) -> "Miss":
        """Return the miss that another process wrote down."""
        name, of, path, has, why = kept
        return cls(Read(0, name, of, None if path is None else tuple(path)), tuple(has), why)

    def told(self, whole: str) -> str:
        """Return it in words; `whole` is what the expression is applied to."""
        there = self.read.of or whole
        what = self.why or f"{there} has {', '.join(self.has[:MAX_NAMED]) or 'no members'}{' …' if len(self.has) > MAX_NAMED else ''}"
        meant = self.did_you_mean
        return f"'{self.read.text}' found nothing; {what}" + (f"; did you mean '{meant[0]}'?" if meant else "")

    @property
    def did_you_mean(self) -> tuple[str, ...]:
        """The name that was probably meant."""
        return near(self.read.name, self.has[:_MAX_KNOWN], 1)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a part of an expression has come to. `is_list`: at a list that a projection made of what is at `path`."""

    text: str
    path: Route | None
    is_list: bool = False

    def element(self, mark: str, *, is_flat: bool = False) -> "_Place":
        inside = self.path if self.is_list or self.path is None else (*self.path, ELEMENT)
        return _Place(f"{self.text}{mark}", (*inside, FLATTENED) if is_flat and inside is not None else inside)


_UNKNOWN = _Place("", None)


def reads_of(tree: Node) -> list[Read]:
    """Return the names that an expression reads and that ought to be there.

    Left out is what is asked because it may not be there: either side of `||` and `&&`, what `!` or a comparison with null looks at, a
    filter that is nothing but a name, and what `not_null` is given.
    """
    found: list[Read] = []
    _walk(tree, _Place("", ()), found)
    return found


def _walk(node: Node, here: _Place, found: list[Read]) -> _Place:
    kind, children = node["type"], node.get("children", [])
    if kind == "field":
        name = str(node["value"])
        if not here.is_list:
            found.append(Read(id(node), name, here.text, here.path))
        return _Place(f"{here.text}.{name}" if here.text else name, None if here.path is None or here.is_list else (*here.path, name))
    if kind in _CHAINS:
        for child in children:
            here = _walk(child, here, found)
        return here
    if kind == "index":
        return _Place(f"{here.text}[{node['value']}]", here.element("").path)
    if kind == "slice":
        return here
    if kind == "flatten":
        inner = _walk(children[0], here, found)
        return _Place(f"{inner.text}[]", inner.element("", is_flat=True).path, is_list=True)
    if kind in ("projection", "filter_projection", "value_projection"):
        return _projected(kind, children, here, found)
    if kind == "pipe":
        left = _walk(children[0], here, found)
        # What is behind a bar was made by the expression: the document says nothing of it.
        return _walk(children[1], _Place(f"{left.text} |" if left.text else "", None), found)
    if kind in ("multi_select_dict", "multi_select_list", "key_val_pair"):
        for child in children:
            _walk(child, here, found)
    elif kind == "comparator":
        if not any(child["type"] == "literal" and child["value"] is None for child in children):
            for child in children:
                _walk(child, here, found)
    elif kind == "function_expression" and node["value"] not in _TOLERANT:
        for child in children:
            _walk(child, here, found)
    return here if kind in ("current", "identity") else _UNKNOWN


def _projected(kind: str, children: Sequence[Node], here: _Place, found: list[Read]) -> _Place:
    left = _walk(children[0], here, found)
    if kind == "value_projection":
        each = _Place(f"{left.text}.*", None)
    elif children[0]["type"] == "flatten":
        each = _Place(left.text, left.path)
    else:
        each = left.element("[]")
    if kind == "filter_projection" and children[2]["type"] != "field":
        _walk(children[2], each, found)
    right = _walk(children[1], each, found)
    return _Place(right.text, right.path, is_list=True)


class _Noted(Budget):
    """Works an expression out once more, and notes of each name where it was read and whether it was ever there."""

    def __init__(self, budget: Budget, watched: set[int]) -> None:
        super().__init__(budget.left_s)
        self._watched = watched
        self.found: set[int] = set()
        #: id of a node -> the first value that has no such member
        self.without: dict[int, Json] = {}

    def visit_field(self, node: Any, value: Json) -> Json:
        key = id(node)
        if key in self._watched and value is not None and key not in self.found:
            if isinstance(value, dict) and node["value"] in value:
                self.found.add(key)
            elif not (isinstance(value, dict) and self.without.get(key)):
                self.without[key] = value
        return super().visit_field(node, value)


def misses(tree: Node, value: Json, found: Json, budget: Budget) -> list[Miss]:
    """Return the names that `tree` reads and no object of `value` has, where what it `found` there is empty somewhere.

    A null that the answer itself holds is a value, and a list without elements says nothing of them. Raises BudgetExceeded.
    """
    if not _is_empty_somewhere(found):
        return []
    reads = {read.node: read for read in reads_of(tree)}
    noted = _Noted(budget, set(reads))
    noted.visit(tree, value)
    return [_miss(reads[key], without) for key, without in noted.without.items() if key not in noted.found]


def _miss(read: Read, without: Json) -> Miss:
    if isinstance(without, dict):
        return Miss(read, tuple(map(str, without)))
    if isinstance(without, list):
        return Miss(read, why=f"{read.of or 'the answer'} is a list; take one element with [0] or all with []")
    words = {bool: "a boolean", int: "a number", float: "a number", str: "a text"}
    return Miss(read, why=f"{read.of or 'the answer'} is {words.get(type(without), 'no object')}")


def _is_empty_somewhere(found: Json) -> bool:
    """Say whether nothing was found, or a row of what was found has a member of nothing: the first row speaks for all."""
    if not isinstance(found, dict | list):
        return not found
    return not found or any(map(_is_empty_somewhere, _first(found)))


def _first(found: dict[str, Json] | list[Json]) -> Iterator[Json]:
    if isinstance(found, dict):
        yield from found.values()
    else:
        # A short list may be a row whose members have no names.
        yield from found[:MAX_NAMED]
