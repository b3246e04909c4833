"""Records without an empty field, each value another one: what a store loses, swaps or misspells does not come back equal."""

import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Record = TypeVar("Record")
START_S = 1_800_000_000.0


def filled(kind: Callable[..., Record], **given: object) -> Record:
    """Return a record of this dataclass with every field filled by its type, but for those that are given."""
    hints = get_type_hints(kind)
    values: dict[str, object] = {}
    for place, each in enumerate(each for each in fields(cast("Any", kind)) if each.init):
        values[each.name] = given[each.name] if each.name in given else _value(hints[each.name], each.name, place)
    return kind(**values)


def _value(hint: Any, name: str, place: int) -> object:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _value(next(each for each in inner if each is not type(None)), name, place)
    if origin is Literal:
        return inner[-1]
    if origin is frozenset:
        return frozenset({f"{name}:one", f"{name}:two"})
    if origin is tuple:
        return ((name, f"{name} value"),) if get_origin(inner[0]) is tuple else (f"{name}:one", f"{name}:two")
    if origin is not None and issubclass(origin, Mapping):
        return {name: f"{name} value"}
    if is_dataclass(hint):
        return filled(cast("Any", hint))
    simple: dict[object, object] = {
        str: name,
        bytes: name.encode(),
        bool: True,
        int: 100 + place,
        float: START_S + place + 0.25,
    }
    return simple[hint]
