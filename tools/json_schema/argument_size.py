"""Arguments of any size, looked at in bounded work: how many values they hold, and a small part of them that is as wrong as the whole."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tools.operation import Json

#: (names and indexes down to a list, how many elements were cut off before the first that is left)
Cut = tuple[tuple[str | int, ...], int]


def values_in(value: Json, most: int) -> int:
    """Return how many values there are within `value`, itself included; counting ends above `most`."""
    count, pending = 1, [value]
    while pending and count <= most:
        part = pending.pop()
        if type(part) is dict:
            count += len(part)
            pending += part.values() if len(part) <= most else ()
        elif type(part) is list:
            count += len(part)
            pending += part if len(part) <= most else ()
    return count


def narrowed(arguments: Mapping[str, Json], is_valid: Callable[[Json], bool], most: int) -> tuple[Json, list[Cut]] | None:
    """Return at most `most` values of `arguments` that are still invalid, and the cuts by which they were found; None: there are none.

    The longest list is halved, and again the half that holds a fault: each look is half of the one before it.
    """
    left: Any = arguments
    cuts: list[Cut] = []
    while values_in(left, most) > most:
        at = _longest_list(left, most)
        if at is None:
            return None
        elements = _at(left, at)
        first, second = elements[: len(elements) // 2], elements[len(elements) // 2 :]
        if not is_valid(_with(left, at, first)):
            left = _with(left, at, first)
        elif not is_valid(_with(left, at, second)):
            left = _with(left, at, second)
            cuts.append((at, len(first)))
        else:
            return None
    return left, cuts


def whole_path(path: Sequence[str | int], cuts: Sequence[Cut]) -> list[str | int]:
    """Return where in the whole arguments a place stands that was found in the narrowed ones."""
    whole = list(path)
    for at, before in cuts:
        if len(path) > len(at) and tuple(path[: len(at)]) == at:
            whole[len(at)] = int(whole[len(at)]) + before
    return whole


def _longest_list(value: Json, most: int) -> tuple[str | int, ...] | None:
    """Return where the longest list stands, as far as it is found among the first `most` values from the top."""
    longest, at = 1, None
    pending: list[tuple[tuple[str | int, ...], Json]] = [((), value)]
    for place, part in pending:
        if len(pending) > most:
            break
        if isinstance(part, list):
            if len(part) > longest:
                longest, at = len(part), place
            pending += [((*place, index), each) for index, each in enumerate(part[:most])]
        elif isinstance(part, Mapping):
            pending += [((*place, name), each) for name, each in list(part.items())[:most]]
    return at


def _at(value: Any, at: tuple[str | int, ...]) -> Any:
    for part in at:
        value = value[part]
    return value


def _with(value: Any, at: tuple[str | int, ...], new: Json) -> Any:
    """Return a copy of `value` with `new` at one place; everything beside the way there is shared."""
    if not at:
        return new
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    copy[at[0]] = _with(copy[at[0]], at[1:], new)
    return copy
