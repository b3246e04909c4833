"""What budgets, limits and reports call a person: the e-mail, whichever way the person came in."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection

from oauth.principal import Principal
from oauth.sign_in.stores import SubjectStore

#: of one process; as many as the access tokens that it remembers (decision 0002) could be for
MAX_REMEMBERED = 100_000

NameOf = Callable[[Principal], Awaitable[str]]


class PersonNames:
    """Names of those who call, from memory; somebody whom this process sees first costs one store read.

    The least recently seen are forgotten first. A listener of the change feed's topic "subjects".
    """

    def __init__(self, subjects: SubjectStore, max_remembered: int = MAX_REMEMBERED) -> None:
        self._subjects, self._max_remembered = subjects, max_remembered
        #: (tenant, subject) -> name
        self._names: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._changes = 0

    async def of(self, principal: Principal) -> str:
        """Return the person's e-mail; of who has none, such as a program with a grant of its own, the id of the subject."""
        person = principal.person
        name = self._names.get(person)
        if name is not None:
            self._names.move_to_end(person)
            return name
        changes = self._changes
        subject = await self._subjects.get(*person)
        name = subject.email if subject is not None else principal.subject
        # As with tokens (decision 0002): what was read before a change is not remembered after it.
        if changes == self._changes:
            self._names[person] = name
            if len(self._names) > self._max_remembered:
                self._names.popitem(last=False)
        return name

    def forget(self, people: Collection[tuple[str, str]]) -> None:
        """Drop each (tenant, subject) that was changed here or elsewhere."""
        self._changes += 1
        for person in people:
            self._names.pop(person, None)
