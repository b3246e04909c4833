"""Which workflows there are: those that the gateway brings along, and those that a tenant defines."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

import anyio.to_thread

from tools.workflows.workflow import Workflow

#: (tenant, name, version or "" for the newest) -> the workflow
Resolver = Callable[[str, str, str], Awaitable[Workflow | None]]
#: tenant -> its workflows, newest versions alone
Lister = Callable[[str], Awaitable[Collection[Workflow]]]


async def _none(tenant_id: str) -> Collection[Workflow]:
    return ()


class WorkflowRegistry:
    """Finds a workflow by its name; a run asks for the version that it began with."""

    def __init__(self) -> None:
        #: name -> version -> workflow, the newest last
        self._builtin: dict[str, dict[str, Workflow]] = {}
        self._for_people: set[str] = set()
        #: name -> what brings it along once it is asked for
        self._late: dict[str, Callable[[], Iterable[Workflow]]] = {}
        self._resolvers: list[tuple[Resolver, Lister]] = []

    def add(self, *workflows: Workflow, for_people: bool = False) -> None:
        """Bring workflows along, of one name the newest version last.

        `for_people`: people may start them by workflow_start; else schedules and operators alone do.
        """
        for workflow in workflows:
            self._builtin.setdefault(workflow.name, {})[workflow.version] = workflow
            if for_people:
                self._for_people.add(workflow.name)

    def add_late(self, names: Iterable[str], load: Callable[[], Iterable[Workflow]]) -> None:
        """Bring workflows of these names along when one of them, or a list, is asked for: what few need is loaded then (decision 0059)."""
        self._late.update(dict.fromkeys(names, load))

    def ask(self, resolver: Resolver, lister: Lister = _none) -> None:
        """Have `resolver` asked for names that are not brought along, and `lister` for lists: a tenant's own, for its people."""
        self._resolvers.append((resolver, lister))

    async def find(self, tenant_id: str, name: str, version: str = "") -> Workflow | None:
        if name in self._late:
            await self._load(name)
        if (versions := self._builtin.get(name)) is not None:
            return versions.get(version) if version else next(reversed(versions.values()))
        for resolver, _lister in self._resolvers:
            if (found := await resolver(tenant_id, name, version)) is not None:
                return found
        return None

    async def of(self, tenant_id: str) -> Sequence[Workflow]:
        """Return the newest version of everything that there is for a tenant, by name."""
        for name in list(self._late):
            await self._load(name)
        return await self._listed(tenant_id, self._builtin)

    async def for_people(self, tenant_id: str) -> Sequence[Workflow]:
        """Return what people of the tenant may start."""
        return await self._listed(tenant_id, self._for_people)

    async def _load(self, name: str) -> None:
        if (load := self._late.get(name)) is not None:
            # In a thread: to import takes long enough to hold everybody up.
            self.add(*await anyio.to_thread.run_sync(lambda: tuple(load())))
            self._late = {other: late for other, late in self._late.items() if late is not load}

    async def _listed(self, tenant_id: str, names: Iterable[str]) -> Sequence[Workflow]:
        found = [next(reversed(self._builtin[name].values())) for name in names]
        for _resolver, lister in self._resolvers:
            found.extend(await lister(tenant_id))
        return sorted(found, key=lambda workflow: workflow.name)
