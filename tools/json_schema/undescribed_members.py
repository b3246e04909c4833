"""Members that an operation's schema does not describe and does not refuse: a slip of the pen would otherwise go out without a word."""

from collections.abc import Iterator, Mapping

from tools.json_schema.argument_faults import path_of
from tools.json_schema.parts import holder_of, parts_of
from tools.near_names import near
from tools.operation import Json
from tools.plain_text import written_out

#: values of one call that are looked at, and members that are told
MAX_VALUES, MAX_TOLD = 2_000, 5
MAX_NAMED = 12
#: members of one operation that are remembered as described
MAX_REMEMBERED = 500
#: keywords by which a schema takes members that it does not name
_CONDITIONAL = ("patternProperties", "if", "dependentSchemas", "$dynamicRef")

Place = tuple[str, ...]


class DescribedMembers:
    """What one operation describes: remembers which members were found described, so that calls like the last one cost little."""

    __slots__ = ("_names",)

    def __init__(self) -> None:
        #: place -> names that may stand there
        self._names: dict[Place, set[str]] = {}

    def notes(self, arguments: Mapping[str, Json], schema: Mapping[str, Json], operation_id: str) -> tuple[str, ...]:
        """Return a word on each member that `schema` neither describes nor opens itself to.

        A schema opens itself by additionalProperties that are true or a schema, by patternProperties, and by naming no member at all;
        one that only keeps quiet of others (JSON Schema's default) describes those that it names.
        """
        if self._has_only_known(arguments, (), [MAX_VALUES]):
            return ()
        found = []
        for at, name, known in _Looking(schema, self._names).unknown(arguments):
            where = path_of([*at, name])
            meant = near(name, known, 1)
            there = path_of(at)
            more = " …" if len(known) > MAX_NAMED else ""
            holder = None if meant else holder_of(name, known, schema)
            way_out = (
                f"did you mean '{meant[0]}'?"
                if meant
                else f"it belongs in {there}.{holder}"
                if holder is not None
                else f"{there} takes {', '.join(list(known)[:MAX_NAMED])}{more}"
            )
            found.append(written_out(f"{where} is not in the description of {operation_id} and goes out as it is; {way_out}"))
            if len(found) == MAX_TOLD:
                break
        return tuple(found)

    def _has_only_known(self, value: Json, at: Place, left: list[int]) -> bool:
        """Say whether every object within was found described before."""
        kind = type(value)
        if kind is dict:
            known = self._names.get(at)
            left[0] -= len(value)
            if (known is None or not value.keys() <= known) and value:
                return False
            for name, member in value.items():
                if type(member) in _NESTED and not self._has_only_known(member, (*at, name), left):
                    return False
        elif kind is list:
            for member in value:
                if left[0] < 0:
                    break
                left[0] -= 1
                if type(member) in _NESTED and not self._has_only_known(member, (*at, "[]"), left):
                    return False
        return True


_NESTED = frozenset({dict, list})


class _Looking:
    """One look at one call's arguments."""

    def __init__(self, root: Mapping[str, Json], names: dict[Place, set[str]]) -> None:
        self._root, self._names = root, names
        self._left = MAX_VALUES

    def unknown(self, arguments: Mapping[str, Json]) -> Iterator[tuple[tuple[str | int, ...], str, Mapping[str, Json]]]:
        """Yield (where, name, what may stand there instead) of each member that is not described."""
        yield from self._within(arguments, [self._root], (), ())

    def _within(
        self, value: Json, schemas: list[Json], at: tuple[str | int, ...], place: Place
    ) -> Iterator[tuple[tuple[str | int, ...], str, Mapping[str, Json]]]:
        self._left -= 1
        if self._left < 0 or not isinstance(value, Mapping | list) or not value:
            return
        held = parts_of(schemas, self._root)
        if isinstance(value, list):
            items = [part["items"] for part in held if isinstance(part.get("items"), Mapping)]
            for index, member in enumerate(value):
                if type(member) in _NESTED:
                    yield from self._within(member, items, (*at, index), (*place, "[]"))
            return
        described: dict[str, list[Json]] = {}
        for part in held:
            if isinstance(properties := part.get("properties"), Mapping):
                for name, member in properties.items():
                    described.setdefault(name, []).append(member)
        more = [part["additionalProperties"] for part in held if part.get("additionalProperties") not in (None, False)]
        is_open = not described or bool(more) or any(keyword in part for part in held for keyword in _CONDITIONAL)
        for name, member in value.items():
            if name not in described and not is_open:
                yield at, name, described
                continue
            if name in described:
                self._remember(place, name)
            yield from self._within(member, described.get(name, more), (*at, name), (*place, name))

    def _remember(self, place: Place, name: str) -> None:
        if sum(map(len, self._names.values())) < MAX_REMEMBERED:
            self._names.setdefault(place, set()).add(name)
