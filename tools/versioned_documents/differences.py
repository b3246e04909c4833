"""What changes between two documents, a line for each value, as a dry run shows it."""

from collections.abc import Iterator, Mapping

import orjson

from tools.operation import Json
from tools.versioned_documents.faults import place_of

Part = str | int


def differences(old: Mapping[str, Json], new: Mapping[str, Json]) -> tuple[str, ...]:
    """Return `+ place = value` for what comes, `- …` for what goes, `~ place: old → new` for what changes; by place."""
    before, after = dict(_values(old, ())), dict(_values(new, ()))
    lines = []
    for place in sorted(before.keys() | after.keys()):
        if place not in before:
            lines.append(f"+ {place} = {after[place]}")
        elif place not in after:
            lines.append(f"- {place} = {before[place]}")
        elif before[place] != after[place]:
            lines.append(f"~ {place}: {before[place]} → {after[place]}")
    return tuple(lines)


def _values(value: Json, parts: tuple[Part, ...]) -> Iterator[tuple[str, str]]:
    """Yield place and value of everything that holds nothing further; an empty table is a value too."""
    if isinstance(value, Mapping) and (value or not parts):
        for name, member in value.items():
            yield from _values(member, (*parts, name))
    elif isinstance(value, list) and any(isinstance(member, Mapping | list) for member in value):
        for index, member in enumerate(value):
            yield from _values(member, (*parts, index))
    else:
        yield place_of(parts), orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
