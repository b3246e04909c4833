"""Which workflows there are: those that the gateway brings along, and those that a tenant defines."""

from collections.abc import Awaitable, Callable, Collection, Sequence

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
        self._resolvers: list[tuple[Resolver, Lister]] = []

    def add(self, *workflows: Workflow) -> None:
        """Bring workflows along, of one name the newest version last."""
        for workflow in workflows:
            self._builtin.setdefault(workflow.name, {})[workflow.version] = workflow

    def ask(self, resolver: Resolver, lister: Lister = _none) -> None:
        """Have `resolver` asked for names that are not brought along, and `lister` for lists."""
        self._resolvers.append((resolver, lister))

    async def find(self, tenant_id: str, name: str, version: str = "") -> Workflow | None:
        if (versions := self._builtin.get(name)) is not None:
            return versions.get(version) if version else next(reversed(versions.values()))
        for resolver, _lister in self._resolvers:
            if (found := await resolver(tenant_id, name, version)) is not None:
                return found
        return None

    async def of(self, tenant_id: str) -> Sequence[Workflow]:
        """Return the newest version of everything that the tenant may start, by name."""
        found = [next(reversed(versions.values())) for versions in self._builtin.values()]
        for _resolver, lister in self._resolvers:
            found.extend(await lister(tenant_id))
        return sorted(found, key=lambda workflow: workflow.name)
