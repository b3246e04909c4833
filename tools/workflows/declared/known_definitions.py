"""A tenant's definitions as workflows, for the registry: read from the store when a run or a list asks for them."""

from collections.abc import Collection
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from tools.json_text import encode
from tools.weighed_cache import WeighedCache
from tools.workflows.declared.stores import DefinitionStore, StoredDefinition
from tools.workflows.workflow import Workflow

if TYPE_CHECKING:
    from tools.workflows.declared.definition import Definition
    from tools.workflows.declared.plan_body import OperationOf, PlanBody
_MAX_BYTES = 16 * 1024 * 1024
#: that a parsed plan takes for each byte of its source, about
_WEIGHT_PER_BYTE = 12


@dataclass(frozen=True, slots=True)
class KnownDefinitions:
    """A version never changes, so what was read of one stays true; which one is the newest is asked each time."""

    store: DefinitionStore
    operation_of: "OperationOf"
    #: (tenant, name, version) -> workflow
    _parsed: WeighedCache[tuple[str, str, str], Workflow] = field(default_factory=lambda: WeighedCache(_MAX_BYTES))

    async def find(self, tenant_id: str, name: str, version: str) -> Workflow | None:
        """Return a tenant's workflow; version "": the newest. None: there is none, or another one was kept under that number since."""
        if version and (known := self._parsed.get((tenant_id, name, version))) is not None:
            return known
        number = version.partition(".")[0]
        if version and not number.isdecimal():
            return None
        stored = await self.store.get(tenant_id, name, int(number) if version else None)
        if stored is None or version not in ("", version_of(stored)):
            return None
        return self._workflow(stored)

    async def of(self, tenant_id: str) -> Collection[Workflow]:
        """Return the newest versions of a tenant's workflows."""
        return [self._workflow(stored) for stored in await self.store.newest(tenant_id)]

    def _workflow(self, stored: StoredDefinition) -> Workflow:
        place = (stored.tenant_id, stored.name, version_of(stored))
        if (known := self._parsed.get(place)) is not None:
            return known
        # decision 0059: most gateways have none.
        definition: Definition = import_module("tools.workflows.declared.definition").definition_of(stored.source)
        body: PlanBody = import_module("tools.workflows.declared.plan_body").PlanBody(
            definition, self.operation_of, stored.agreed, frozenset(stored.listed)
        )
        workflow = Workflow(
            name=stored.name,
            version=version_of(stored),
            body=body,
            retry=definition.retry,
            title=definition.title,
            input_schema=definition.input_schema,
        )
        self._parsed.put(place, workflow, _WEIGHT_PER_BYTE * len(encode(stored.source)))
        return workflow


def version_of(stored: StoredDefinition) -> str:
    """Return what runs are pinned to: the number and what it says, for a name that was removed may come again."""
    return f"{stored.version}.{stored.content_hash[:12]}"
