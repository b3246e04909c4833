"""Members of a request's objects, taken one by one: what nobody took is refused by name and never dropped."""

from collections.abc import Iterator
from typing import TypeVar

from tools.ai_gateway.refusals import invalid_request, unsupported
from tools.operation import Json

T = TypeVar("T")
#: what says no more than leaving a member out
_NOTHING: tuple[Json, ...] = (None, False, "", [], {})


class Members:
    """One object of a request. `path` names it in refusals, `to` names who could not be told."""

    def __init__(self, value: Json, path: str, to: str) -> None:
        if not isinstance(value, dict):
            raise invalid_request(f"{path or 'the body'}: an object belongs here", path or None)
        self._value = value
        self._path = path
        self._to = to
        self._taken: set[str] = set()

    def path(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def any(self, name: str) -> Json:
        """Take a member, whatever it is; None where it is missing."""
        self._taken.add(name)
        return self._value.get(name)

    def text(self, name: str) -> str:
        """Take a text; "" where it is missing."""
        return self._of(name, str, "a text") or ""

    def needed_text(self, name: str) -> str:
        value = self._of(name, str, "a text")
        if value is None:
            raise invalid_request(f"{self.path(name)}: missing", self.path(name))
        return value

    def number(self, name: str) -> float | None:
        value = self.any(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise invalid_request(f"{self.path(name)}: a number belongs here", self.path(name))
        return value

    def whole_number(self, name: str) -> int | None:
        value = self.number(name)
        if value is not None and not isinstance(value, int):
            raise invalid_request(f"{self.path(name)}: a whole number belongs here", self.path(name))
        return value

    def flag(self, name: str) -> bool | None:
        return self._of(name, bool, "true or false")

    def object(self, name: str) -> "Members | None":
        """Take an object, to take its members in turn."""
        value = self.any(name)
        return None if value is None else Members(value, self.path(name), self._to)

    def plain_object(self, name: str) -> dict[str, Json] | None:
        """Take an object as it is: a schema, arguments."""
        return self._of(name, dict, "an object")

    def objects(self, name: str) -> Iterator["Members"]:
        """Take a list of objects."""
        for number, each in enumerate(self._of(name, list, "a list") or ()):
            yield Members(each, f"{self.path(name)}.{number}", self._to)

    def leave(self, *names: str) -> None:
        """Leave out what is only a hint, and harmless to lose."""
        self._taken.update(names)

    def leave_if(self, name: str, *values: Json) -> None:
        """Leave out a member that says what is so anyway."""
        if self._value.get(name) in values:
            self._taken.add(name)

    def refuse(self, name: str) -> Exception:
        return unsupported(self.path(name), self._to)

    def refuse_rest(self) -> None:
        """Refuse the first member that nobody took and that says something."""
        for name, value in self._value.items():
            if name not in self._taken and value not in _NOTHING:
                raise unsupported(self.path(name), self._to)

    def _of(self, name: str, kind: type[T], what: str) -> T | None:
        value = self.any(name)
        if value is not None and not isinstance(value, kind):
            raise invalid_request(f"{self.path(name)}: {what} belongs here", self.path(name))
        return value
