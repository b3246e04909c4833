"""What stored definitions must remember: every version, since a run ends with the one that it began with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tools.operation import Json

#: older ones are forgotten when a new one comes
MAX_VERSIONS = 100
MAX_DEFINITIONS = 200


@dataclass(frozen=True, slots=True)
class StoredDefinition:
    """One version. `agreed`, `listed`: what the check found (checking.py). `accepted_by`: the subject whose yes it has, "" for nobody's.

    `agreed`: step -> digest of what was agreed to (consent.py); "" in what older versions kept, which is a yes to nothing.
    """

    tenant_id: str
    name: str
    version: int
    source: Mapping[str, Json] = field(repr=False)
    content_hash: str
    agreed: Mapping[str, str]
    listed: tuple[tuple[str, str], ...]
    accepted_by: str
    created_at_us: int


class DefinitionStore(Protocol):
    async def put(self, definition: StoredDefinition) -> StoredDefinition:
        """Keep a definition as the next version of its name; one that says what the newest says is that one. Its version is not looked at.

        Raises WorkflowRefused (quota_exceeded).
        """
        ...

    async def get(self, tenant_id: str, name: str, version: int | None = None) -> StoredDefinition | None:
        """Return a version; None for the newest."""
        ...

    async def newest(self, tenant_id: str) -> Sequence[StoredDefinition]:
        """Return the newest version of each, by name."""
        ...

    async def remove(self, tenant_id: str, name: str) -> bool:
        """Remove every version; runs that have not ended fail. False: there is none."""
        ...
