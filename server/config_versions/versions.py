"""What a store of the configuration's versions promises."""

from collections.abc import Mapping
from typing import Protocol

from tools.operation import Json
from tools.versioned_documents.versions import ConfigVersion

#: change feed topic of everything that `ConfigVersionStore` writes
TOPIC = "config"


class ConfigVersionStore(Protocol):
    """Every write is announced to all processes (`TOPIC`) in the transaction that makes it."""

    async def newest(self) -> ConfigVersion:
        """Return the version in force; version 0 is the empty document."""
        ...

    async def version(self, number: int) -> ConfigVersion | None:
        """Return one of the last hundred versions."""
        ...

    async def last(self, most: int) -> list[ConfigVersion]:
        """Return the newest versions, the newest first."""
        ...

    async def put(
        self, document: Mapping[str, Json], by: str, expected: int | None = None, told: Mapping[str, str] | None = None
    ) -> ConfigVersion:
        """Keep `document` as the next version: of concurrent calls each gets a number of its own.

        told: what the audit trail keeps of the change, in the same transaction. Raises VersionConflict where the newest is not
        `expected` (None: whichever it is), and then keeps nothing.
        """
        ...
