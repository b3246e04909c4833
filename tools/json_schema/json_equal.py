"""Equality as JSON has it: true is not 1, and 1 is 1.0 (JSON Schema 2020-12 §4.2.2)."""

from collections.abc import Mapping, Sequence

from tools.operation import Json


def same(one: Json, other: Json) -> bool:
    """Say whether two values are the same JSON; Python takes true for 1 and false for 0, however deep they stand."""
    if one is other:
        return True
    if isinstance(one, bool) or isinstance(other, bool) or one != other:
        return False
    if isinstance(one, Mapping):
        return all(same(each, other[name]) for name, each in one.items())
    return all(map(same, one, other)) if isinstance(one, list | tuple) else True


def holds(options: Sequence[Json], value: Json) -> bool:
    """Say whether `value` is one of `options`."""
    return any(same(option, value) for option in options)
